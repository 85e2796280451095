"""C11: how cost grows with what it is said to grow with (growth.csv), fitted as a power of it.

The exponent is the slope of a least-squares line through the logarithms. Of processor time each repeat has one, and
O(...) bounds it from above: time holds if it grows no faster than stated. It may grow more slowly, since a kernel
call costs the same however few numbers it writes. Counted operations are the same in every repeat and on every machine:
their exponent is known, and must be the one that is stated.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from twinoffload.experiments.claims import commands
from twinoffload.experiments.claims.holm import seeds_needed
from twinoffload.experiments.claims.part import Part, shifted, verdicts
from twinoffload.experiments.claims.study_folder import Tables
from twinoffload.experiments.interval import Interval
from twinoffload.experiments.verdict import Verdict

WITHIN = 0.1  # of the exponent that is stated
SIZES = 3  # that a fit needs


@dataclass(frozen=True)
class Stated:
    """An exponent that the paper states.

    Attributes:
        algorithm: of the table.
        varied: in the table, and its symbol.
        exponent: of cost.
    """

    algorithm: str
    varied: str
    exponent: float


PAPER = (
    Stated("Algorithm 1", "W", 2.0),
    Stated("Algorithm 1", "N", 1.0),
    Stated("learning", "N", 1.0),
    Stated("learning", "E", 1.0),
    Stated("learning", "T", 1.0),
)
WITH_STATIONS = Stated("Algorithm 1", "M", 1.0)


def exponents(tables: Tables, reading: str) -> list[Verdict]:
    """C11: Algorithm 1 costs W^2 N (4.5), learning N E T (5.2)."""
    parts = [make(tables.growth, stated) for stated in PAPER for make in (_counted, _timed)]
    return verdicts("C11", reading, parts)


def stations(tables: Tables, reading: str) -> list[Verdict]:
    """D4: Algorithm 1's cost grows with M, too, which O(W^2 N) leaves out."""
    part = _counted(tables.growth, WITH_STATIONS)
    return verdicts("D4", reading, [replace(part, words="Algorithm 1's operations grow with M, as M^1: W²NM, not W²N")])


def fitted(sizes: Sequence[float], costs: Sequence[float]) -> float:
    """The exponent of a power law through some costs, all positive, by least squares of logarithms."""
    return float(np.polyfit(np.log(sizes), np.log(costs), 1)[0])


def _counted(growth: pl.DataFrame | None, stated: Stated) -> Part:
    words = f"{stated.algorithm}: operations grow as {stated.varied}^{stated.exponent:g}"
    part = Part(words, "(exponent)", commands.TIMING, counted="repeats", test="counted, no test needed")
    rows = _rows(growth, stated, "operations")
    counts = rows.group_by("value").agg(pl.col("operations").max()).sort("value") if rows is not None else None
    if rows is None or counts is None or len(counts) < SIZES:
        return replace(part, reason=_too_few(counts, stated))
    found, repeats = fitted(counts["value"].to_list(), counts["operations"].to_list()), rows["repeat"].n_unique()
    if repeats < seeds_needed(1):  # such as of --quick, whose sizes are small, too: constant parts bend the line
        return replace(part, effect=Interval(found, found, found), seeds=repeats)
    word = "holds" if abs(found - stated.exponent) <= WITHIN else "fails"
    ends = f"{stated.varied} from {counts['value'][0]:g} to {counts['value'][-1]:g}"
    return replace(part, effect=Interval(found, found, found), word=word, reason=ends, seeds=repeats)


def _timed(growth: pl.DataFrame | None, stated: Stated) -> Part:
    words = f"{stated.algorithm}: processor time grows no faster than {stated.varied}^{stated.exponent:g}"
    part = Part(words, "(exponent)", commands.TIMING, counted="repeats")
    rows = _rows(growth, stated, "seconds")
    slopes = []
    for _, repeat in rows.group_by("repeat", maintain_order=True) if rows is not None else ():
        if repeat["value"].n_unique() >= SIZES:
            slopes.append(fitted(repeat["value"].to_list(), repeat["seconds"].to_list()))
    if not slopes:
        return replace(part, reason=_too_few(rows, stated))
    bound = stated.exponent + WITHIN
    found = shifted(part, [bound - slope for slope in slopes], above=0.0, margin=0.0)
    assert found.effect is not None
    middle, low, high = found.effect
    effect = Interval(bound - middle, bound - high, bound - low)
    slower = (
        "more slowly than stated: calls of kernels cost the same at every size"
        if effect.high < stated.exponent - WITHIN
        else ""
    )
    return replace(found, effect=effect, reason=slower)


def _rows(growth: pl.DataFrame | None, stated: Stated, cost: str) -> pl.DataFrame | None:
    """Measured costs, positive, or None."""
    if growth is None or cost not in growth.columns:
        return None
    held = pl.col("algorithm") == stated.algorithm, pl.col("varied") == stated.varied
    rows = growth.filter(*held, pl.col(cost) > 0, pl.col("value") > 0).sort("repeat", "value")
    return None if rows.is_empty() else rows


def _too_few(rows: pl.DataFrame | None, stated: Stated) -> str:
    if rows is None:
        return f"not measured: `{commands.TIMING}` measures it"
    return f"fewer than {SIZES} sizes of {stated.varied}, which are no line"
