"""An evaluation as the JSON that marl-eval reads, for its aggregate scores, profiles and sample-efficiency curves.

    {environment: {task: {algorithm: {run: {step: {"step_count": n, metric: [x]}, "absolute_metrics": {metric: [x]}}}}}}

The environment is `twinoffload`, the task the scenario, an algorithm a scheme, a run a seed. Steps are training
episodes, whose utilities the exploring policies earned; absolute metrics are those of the held-out evaluation. Schemes
that do not learn have the same values at every step. Source: Gorsane et al., "Towards a Standardised Performance
Evaluation Protocol for Cooperative MARL" (2022), arXiv 2209.10485.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from twinoffload.files import json_text, write_text
from twinoffload.learning.amortised.settings import AmortisedSettings
from twinoffload.learning.run_folder import RunFolder

ENVIRONMENT = "twinoffload"
METRICS = ("operator_utility", "map_utility", "regret", "operator_share_of_admission")
_COLUMNS = {
    "operator_utility": "operator_utility_money",
    "map_utility": "map_utility_money",
    "regret": "map_regret_money",
}


def check_lengths(runs: Mapping[str, RunFolder]) -> int:
    """The episodes that every run has.

    Raises:
        ValueError: there is no run, or they differ: marl-eval compares step by step.
    """
    if not runs:
        raise ValueError(
            "--marl-eval: there is no trained run among the schemes; its curves are what marl-eval compares"
        )
    lengths = {name: run.episodes_done() for name, run in runs.items()}
    first, *others = lengths
    for other in others:
        if lengths[other] != lengths[first]:
            raise ValueError(
                f"--marl-eval: {first} was trained for {lengths[first]} episodes, {other} for {lengths[other]}: "
                "marl-eval compares step by step; train them as long"
            )
    return lengths[first]


def records(table: pl.DataFrame, runs: Mapping[str, RunFolder], task: str) -> dict[str, Any]:
    """What marl-eval reads.

    Args:
        table: of `comparison.compare`, with `admission`, a row a scheme and seed.
        runs: the trained ones among the schemes, by name, of equal length.
        task: the scenario's name.

    Raises:
        ValueError: what `check_lengths` refuses.
    """
    episodes = check_lengths(runs)
    best = dict(table.filter(scheme="admission").select("seed", "operator_utility_money").iter_rows())
    slots = _slots_of_episode(next(iter(runs.values())))
    algorithms: dict[str, Any] = {}
    for row in table.iter_rows(named=True):
        name, seed = row["scheme"], row["seed"]
        final = {
            "operator_utility": [row["operator_utility_money"]],
            "map_utility": [row["map_utility_money"]],
            "regret": [row["regret_money"]],
            "operator_share_of_admission": [row["operator_share_of_admission"]],
        }
        if name in runs:
            steps = _curve(runs[name], seed, best[seed])
        else:
            steps = {f"step_{k}": {"step_count": (k + 1) * slots} | final for k in range(episodes)}
        algorithms.setdefault(name, {})[f"seed_{seed}"] = steps | {"absolute_metrics": final}
    return {ENVIRONMENT: {task: algorithms}}


def write(path: str | Path, table: pl.DataFrame, runs: Mapping[str, RunFolder], task: str) -> Path:
    """Write `records` to a file, whole or not at all."""
    return write_text(path, json_text(records(table, runs, task)) + "\n")


def _curve(run: RunFolder, seed: int, best: float) -> dict[str, Any]:
    """A seed's training, an entry an episode."""
    slots = _slots_of_episode(run)
    rows = pl.read_parquet(run.path / "metrics.parquet").filter(seed=seed).sort("episode")
    steps = {}
    for row in rows.head(run.episodes_done()).iter_rows(named=True):
        told = {metric: [row[column]] for metric, column in _COLUMNS.items()}
        told["operator_share_of_admission"] = [row["operator_utility_money"] / best]
        steps[f"step_{row['episode']}"] = {"step_count": (row["episode"] + 1) * slots} | told
    return steps


def _slots_of_episode(run: RunFolder) -> int:
    """Slots that a seed plays in a training episode."""
    settings = run.settings
    if isinstance(settings, AmortisedSettings):
        return settings.updates * settings.batch
    return settings.environments * run.scenario.slots
