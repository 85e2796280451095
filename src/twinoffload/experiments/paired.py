"""Two schemes on the same channels: the difference seed by seed, and what it says."""

from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

from twinoffload.experiments.interval import Interval, coverage, median_interval


class Difference(NamedTuple):
    """A scheme's measure less another's on the same channels, over seeds.

    Attributes:
        value: median and interval.
        verdict: `above` or `below` where the interval excludes 0 and covers 90 % or more, `equal` where all values are
            0 to 12 digits, else `undecided`.
    """

    value: Interval
    verdict: str


def paired(table: pl.DataFrame, scheme: str, other: str, measure: str) -> Difference | None:
    """A column of a comparison, `scheme` less `other`, seed by seed: what both channels share drops out.

    None where no seed has both.
    """
    values = differences(table, scheme, other, measure)
    return Difference(median_interval(values), verdict(values)) if values else None


def differences(table: pl.DataFrame, scheme: str, other: str, measure: str) -> list[float]:
    """`scheme` less `other`, a value for each seed that has both, in the order of seeds."""
    sides = [table.filter(pl.col("scheme") == name).select("seed", measure) for name in (scheme, other)]
    pairs = sides[0].join(sides[1], on="seed", suffix="_other").sort("seed")
    return (pairs[measure] - pairs[f"{measure}_other"]).to_list()


def by_seed(table: pl.DataFrame, scheme: str, measure: str) -> list[float]:
    """A scheme's column of a comparison, in the order of seeds."""
    return table.filter(pl.col("scheme") == scheme).sort("seed")[measure].to_list()


def verdict(values: Sequence[float]) -> str:
    """What the interval of the median says about its sign."""
    interval = median_interval(values)
    if all(abs(value) < 1e-12 for value in values):
        return "equal"
    if coverage(len(values)) < 0.9:
        return "undecided"
    return "above" if interval.low > 0 else "below" if interval.high < 0 else "undecided"
