"""C9: what a decision of the learned scheme takes, beside the procedures that it stands for (decision_time.csv).

By processor time where it is recorded: each decides on one thread, and on a machine that others share the wall time of
a long decision holds their turns, that of a short one does not, so that ratios of wall times favour the short.
"""

from dataclasses import replace

import numpy as np
import polars as pl

from twinoffload.experiments.claims import commands
from twinoffload.experiments.claims.cells import name_of
from twinoffload.experiments.claims.part import Part, joined, shifted, verdicts
from twinoffload.experiments.claims.study_folder import Tables
from twinoffload.experiments.interval import Interval
from twinoffload.experiments.verdict import Verdict

LEARNED = "sac"
AGAINST = {"gradient": "Algorithm 1", "pairwise": "pairwise, which goes to Algorithm 1's fixed point directly"}
PROCESSOR, WALL = "processor_ms", "decision_ms"
FASTER = 1.05  # times: what is less counts as no faster


def decisions(tables: Tables, reading: str) -> list[Verdict]:
    """C9: at every N the learned scheme decides faster than Algorithm 1, and than its fixed point's direct solver."""
    times = tables.decision_time
    if times is None or times.is_empty():
        words = "SAC decides faster than Algorithm 1"
        return verdicts("C9", reading, [_part(words, f"not measured: `{commands.TIMING}` measures it")])
    sizes = sorted(set(times.filter(pl.col("scheme") == LEARNED).select("maps", "stations").iter_rows()))
    parts = [_faster(times, maps, stations, scheme) for scheme in AGAINST for maps, stations in sizes]
    return verdicts(
        "C9", reading, parts or [_part("SAC decides faster than Algorithm 1", "no times of SAC in the table")]
    )


def _faster(times: pl.DataFrame, maps: int, stations: int, scheme: str) -> Part:
    """By the ratio of times, repeat by repeat: those of a repeat decide the same slots, close in time."""
    words = f"{name_of(LEARNED)} decides faster than {AGAINST[scheme]}, N = {maps}, M = {stations}"
    taken = PROCESSOR if PROCESSOR in times.columns else WALL
    here = times.filter(pl.col("maps") == maps, pl.col("stations") == stations, pl.col(taken) > 0.0)
    sides = [
        here.filter(pl.col("scheme") == name).group_by("repeat").agg(pl.col(taken).median())
        for name in (scheme, LEARNED)
    ]
    pairs = sides[0].join(sides[1], on="repeat", suffix="_learned").sort("repeat")
    if pairs.is_empty():
        return _part(words, f"no times of {scheme} at this size; `{commands.TIMING}` measures them")
    other, own = pairs[taken].to_numpy(), pairs[f"{taken}_learned"].to_numpy()
    found = shifted(_part(words, ""), np.log(other / own), above=0.0, margin=float(np.log(FASTER)))
    assert found.effect is not None
    clock = " of processor time" if taken == PROCESSOR else ""
    reason = joined(f"{_ms(np.median(own))} against {_ms(np.median(other))}{clock}", _how(here, scheme))
    return replace(found, effect=Interval(*(float(np.exp(end)) for end in found.effect)), reason=reason)


def _how(times: pl.DataFrame, scheme: str) -> str:
    """How the other decides, where the table says: Algorithm 1's W, of which its time is the square, is our choice."""
    if scheme != "gradient" or "method" not in times.columns:
        return ""
    return ", ".join(times.filter(pl.col("scheme") == scheme)["method"].drop_nulls().unique().sort())


def _ms(value: float) -> str:
    return f"{value:,.0f} ms" if value >= 100 else f"{value:.3g} ms"


def _part(words: str, reason: str) -> Part:
    return Part(words, "times as fast", commands.TIMING, counted="repeats", reason=reason)
