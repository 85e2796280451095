"""C9: what a decision of the learned scheme takes, beside the procedures that it stands for (decision_time.csv)."""

from dataclasses import replace

import numpy as np
import polars as pl

from twinoffload.experiments.claims import commands
from twinoffload.experiments.claims.cells import name_of
from twinoffload.experiments.claims.part import Part, shifted, verdicts
from twinoffload.experiments.claims.study_folder import Tables
from twinoffload.experiments.interval import Interval
from twinoffload.experiments.verdict import Verdict

LEARNED = "sac"
AGAINST = {"gradient": "Algorithm 1", "pairwise": "pairwise, which goes to Algorithm 1's fixed point directly"}
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
    here = times.filter(pl.col("maps") == maps, pl.col("stations") == stations, pl.col("decision_ms") > 0.0)
    sides = [
        here.filter(pl.col("scheme") == name).group_by("repeat").agg(pl.col("decision_ms").median())
        for name in (scheme, LEARNED)
    ]
    pairs = sides[0].join(sides[1], on="repeat", suffix="_learned").sort("repeat")
    if pairs.is_empty():
        return _part(words, f"no times of {scheme} at this size; `{commands.TIMING}` measures them")
    other, own = pairs["decision_ms"].to_numpy(), pairs["decision_ms_learned"].to_numpy()
    found = shifted(_part(words, ""), np.log(other / own), above=0.0, margin=float(np.log(FASTER)))
    assert found.effect is not None
    reason = f"{_ms(np.median(own))} against {_ms(np.median(other))}"
    return replace(found, effect=Interval(*(float(np.exp(end)) for end in found.effect)), reason=reason)


def _ms(value: float) -> str:
    return f"{value:,.0f} ms" if value >= 100 else f"{value:.3g} ms"


def _part(words: str, reason: str) -> Part:
    return Part(words, "times as fast", commands.TIMING, counted="repeats", reason=reason)
