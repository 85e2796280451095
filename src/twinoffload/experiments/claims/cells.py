"""What verdicts look up in a study's table: a scheme's measure, seed by seed, at the base or along an axis.

A seed's held-out channels are the same for all schemes, under all readings, and for all values of a scenario of equal
shape (common random numbers): differences between them leave the channels out. Along N and M they are others for each
value, since their arrays have another shape, so a seed's change there holds the channels' luck, too: it is as honest,
only wider.
"""

import math
from collections.abc import Mapping
from typing import TypeVar

import numpy as np
import polars as pl

from twinoffload.experiments.claims.study_folder import MAIN
from twinoffload.experiments.paper_figures import AXES, BASE, REFERENCES
from twinoffload.experiments.paper_groups import HELD_OUT, TRAINING, describe

OPERATOR, MAPS, REGRET, BIAS = "operator_utility_money", "map_utility_money", "regret_money", "data_bias_mb"
OWN_REFERENCES = ("uncapped", "silent")  # readings that change the market, so that its equilibria are others
WHOSE = {OPERATOR: "the operator's utility", MAPS: "the mAPs' utility"}
V = TypeVar("V", float, np.ndarray)
NAMES = {"sac": "SAC", "td3": "TD3", "ddpg": "DDPG"}


def name_of(scheme: str) -> str:
    """As people write it."""
    return NAMES.get(scheme, scheme)


def at_base(cells: pl.DataFrame | None, reading: str, scheme: str, measure: str) -> dict[int, float]:
    """A measure on held-out channels of the base scenario, by seed; seeds without a number are left out."""
    if cells is None:
        return {}
    held = [pl.col(column) == value for column, value in describe(BASE).items()]
    rows = _held_out(cells, reading, scheme).filter(*held).sort("seed")
    return {seed: value for seed, value in rows.select("seed", measure).iter_rows() if _is_number(value)}


def along(cells: pl.DataFrame | None, reading: str, scheme: str, axis: str, measure: str) -> dict[int, np.ndarray]:
    """A measure on held-out channels at each value of an axis `[values]`, by seed; seeds that lack one are left out."""
    if cells is None:
        return {}
    values, column = AXES[axis].values, AXES[axis].column
    held = [pl.col(other) == value for other, value in describe(BASE).items() if other != column]
    rows = _held_out(cells, reading, scheme).filter(*held).select("seed", column, measure)
    found: dict[int, dict[float, float]] = {}
    for seed, at, value in rows.sort("seed").iter_rows():
        if _is_number(value):
            found.setdefault(seed, {})[float(at)] = value
    whole = {seed: row for seed, row in found.items() if all(value in row for value in values)}
    return {seed: np.array([row[value] for value in values]) for seed, row in whole.items()}


def diverged(cells: pl.DataFrame | None, reading: str, scheme: str, axis: str | None) -> tuple[int, int]:
    """How many trainings of a scheme diverged, of how many, along an axis or at the base."""
    if cells is None:
        return 0, 0
    varied = None if axis is None else AXES[axis].column
    held = [pl.col(column) == value for column, value in describe(BASE).items() if column != varied]
    stopped = _held_out(cells, reading, scheme).filter(*held)["stopped"].fill_null(False)
    return int(stopped.sum()), len(stopped)


def training(cells: pl.DataFrame | None, reading: str, rate: float, measure: str) -> dict[int, np.ndarray]:
    """What SAC's exploring policies earned in each training episode `[E]`, by seed; NaN where nothing was measured.

    NaN, too, from where a training diverged: frozen weights make a level curve, which is not one that has settled.
    """
    if cells is None:
        return {}
    rows = cells.filter(
        pl.col("reading") == reading,
        pl.col("phase") == TRAINING,
        pl.col("scheme") == "sac",
        pl.col("learning_rate") == rate,
    ).sort("seed", "episode")
    learning = pl.when(pl.col("stopped").fill_null(False)).then(None).otherwise(pl.col(measure))
    parts = rows.group_by("seed", maintain_order=True).agg(learning.fill_null(float("nan")))
    return {seed: np.array(values) for seed, values in parts.iter_rows()}


def after_training(cells: pl.DataFrame | None, reading: str, rate: float, measure: str) -> dict[int, float]:
    """What SAC trained at a learning rate of Figs. 2 and 3 earns on held-out channels, by seed."""
    if cells is None:
        return {}
    rows = cells.filter(
        pl.col("reading") == reading,
        pl.col("phase") == HELD_OUT,
        pl.col("scheme") == "sac",
        pl.col("learning_rate") == rate,
    ).sort("seed")
    return {seed: value for seed, value in rows.select("seed", measure).iter_rows() if _is_number(value)}


def differences(one: Mapping[int, V], other: Mapping[int, V]) -> dict[int, V]:
    """`one` less `other`, by the seeds that have both."""
    return {seed: one[seed] - other[seed] for seed in sorted(one) if seed in other}


def level(cells: pl.DataFrame | None, reading: str, measure: str) -> float:
    """How large a measure is where everything goes well: `admission`'s in the base scenario, median over seeds, money.

    Margins are shares of it. Where it is missing, of the main reading's, or of the largest median of any scheme.
    """
    for which in (reading, MAIN):
        found = at_base(cells, which, "admission", measure)
        if found:
            return abs(float(np.median(list(found.values()))))
    if cells is None:
        return 0.0
    medians = cells.filter(pl.col("phase") == HELD_OUT).group_by("scheme").agg(pl.col(measure).median().abs())
    return max((value for value in medians[measure].to_list() if _is_number(value)), default=0.0)


def _held_out(cells: pl.DataFrame, reading: str, scheme: str) -> pl.DataFrame:
    """Rows of a scheme; reference schemes are the main reading's where a reading leaves the market as it is."""
    shared = scheme in REFERENCES and reading not in OWN_REFERENCES
    return cells.filter(
        pl.col("reading") == (MAIN if shared else reading),
        pl.col("phase") == HELD_OUT,
        pl.col("scheme") == scheme,
        pl.col("learning_rate").is_null(),
    )


def _is_number(value: float | None) -> bool:
    return value is not None and math.isfinite(value)
