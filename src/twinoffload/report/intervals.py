"""What the intervals in a report cover, and what a difference of two schemes says."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

from twinoffload.experiments.interval import Interval, median_interval


def coverage(count: int) -> float:
    """Probability that `median_interval` of `count` values covers the true median."""
    below = int(median_interval(list(range(count))).low)  # values outside on each side
    return 1.0 - 2.0 * sum(math.comb(count, i) for i in range(below + 1)) * 0.5**count


class Difference(NamedTuple):
    """A scheme's measure less another's on the same channels, over seeds.

    Attributes:
        value: median and interval.
        verdict: `above` or `below` where the interval excludes 0 and covers 90 % or more, `equal` where all values are
            0 to 12 digits, else `undecided`.
    """

    value: Interval
    verdict: str


def difference(comparison: pl.DataFrame, scheme: str, other: str, column: str) -> Difference | None:
    """Seed by seed, since both played the same held-out channels; None where no seed has both."""
    sides = [comparison.filter(pl.col("scheme") == name).select("seed", column) for name in (scheme, other)]
    pairs = sides[0].join(sides[1], on="seed", suffix="_other").sort("seed")
    values = (pairs[column] - pairs[f"{column}_other"]).to_list()
    if not values:
        return None
    return Difference(median_interval(values), verdict(values))


def verdict(values: Sequence[float]) -> str:
    """What the interval of the median says about its sign."""
    interval = median_interval(values)
    if all(abs(value) < 1e-12 for value in values):
        return "equal"
    if coverage(len(values)) < 0.9:
        return "undecided"
    return "above" if interval.low > 0 else "below" if interval.high < 0 else "undecided"
