"""What every scheme earns in the base scenario, under each reading, as shares of `admission` on the same channels."""

from typing import Any, NamedTuple

import polars as pl

from twinoffload.experiments.interval import Interval, median_interval
from twinoffload.experiments.paper_figures import BASE
from twinoffload.experiments.paper_groups import HELD_OUT, describe
from twinoffload.report.study.claims import MAIN, readings_in_order

SCHEMES = ("sac", "td3", "ddpg", "amortised", "pairwise", "posted", "reactive", "committed")
_SHARES = (  # measure, what it is divided by
    ("operator_utility_money", "operator_utility_money"),
    ("map_utility_money", "map_utility_money"),
    ("regret_money", "map_utility_money"),
)


class Earned(NamedTuple):
    """A scheme under a reading: medians and intervals over seeds.

    Attributes:
        reading, scheme: which.
        operator, maps, regret: shares of `admission`'s operator, mean mAP and again mean mAP utility.
        seeds: that have both.
        stopped: of their trainings, how many diverged.
    """

    reading: str
    scheme: str
    operator: Interval
    maps: Interval
    regret: Interval
    seeds: int
    stopped: int


def earned(table: pl.DataFrame) -> list[Earned]:
    """Readings in order, under each its schemes; a reading without `admission` of its own shares the main one's."""
    here = [pl.col(column) == value for column, value in describe(BASE).items()]
    rows = table.filter(pl.col("phase") == HELD_OUT, pl.col("learning_rate").is_null(), *here)
    found = []
    for reading in readings_in_order(rows["reading"].drop_nulls().unique().to_list()):
        mine = rows.filter(pl.col("reading") == reading)
        best = mine.filter(pl.col("scheme") == "admission")
        if best.is_empty():
            best = rows.filter(pl.col("reading") == MAIN, pl.col("scheme") == "admission")
        found += [one for scheme in SCHEMES if (one := _earned(mine, best, reading, scheme)) is not None]
    return found


def _earned(rows: pl.DataFrame, best: pl.DataFrame, reading: str, scheme: str) -> Earned | None:
    pairs = rows.filter(pl.col("scheme") == scheme).join(best, on="seed", suffix="_best").sort("seed")
    shares: list[Any] = [pairs[measure] / pairs[f"{whole}_best"] for measure, whole in _SHARES]
    if pairs.is_empty() or any(share.is_null().any() or share.is_nan().any() for share in shares):
        return None
    stopped = int(pairs["stopped"].fill_null(False).sum())
    operator, maps, regret = (median_interval(share.to_list()) for share in shares)
    return Earned(reading, scheme, operator, maps, regret, len(pairs), stopped)
