"""The loop with trained twins: what a wrong accuracy law costs the operator and the mAPs (twin_loop.csv).

A row for each task, belief, law by which mAPs buy, seed, slot and mAP:

    task                       that the twins of all mAPs learn
    belief                     by which the operator prices: `printed`, Eq. 7 with the scenario's own quality and
                               weight; `eq7`, Eq. 7 fitted to learning curves; `law`, the law that predicts them best
    bought_by                  the law by which the mAPs buy at these prices: `belief`, the operator's own; `law`
    seed, slot, map            which; a seed has a world, channels, streams and training of its own
    station, structure         chosen BS, from 0; -1: none. The model that it deploys
    price_money_per_mb         on the chosen BS
    data_mb, sampling_rate     Z = l o, and l
    accuracy_promised          phi by the law by which the mAPs buy
    accuracy_realised          phi of Eq. 8 of the twin that was trained on this data
    map_utility_promised_money, map_utility_realised_money   Eq. 11 with either
    regret_money               what the best reply to the same prices would add, both by `law`
    profit_money               what the mAP earns the operator (Eq. 9); the sum over mAPs is its utility in the slot

Numbers are NaN in a slot without a solution; such a slot is left out for all beliefs where they are compared. Laws are
fitted to curves of seeds that the loop does not play (`twin.loop.FIRST_WORLD`).
"""

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import polars as pl

from twinoffload.equilibrium.solve import solve
from twinoffload.experiments import execution
from twinoffload.experiments.interval import Interval, median_interval
from twinoffload.experiments.measure_settings import FULL, MeasureSettings
from twinoffload.experiments.study import Group, Result
from twinoffload.scenario import Scenario
from twinoffload.twin.beliefs import LAW, Belief, beliefs
from twinoffload.twin.curve import Curve
from twinoffload.twin.curve_file import read_curves
from twinoffload.twin.curve_table import measured
from twinoffload.twin.curves import learning_curves, log_sizes
from twinoffload.twin.descent import USUAL, Training
from twinoffload.twin.loop import FIRST_WORLD, OWN, Loop, deployed, play_seed, scenario_of
from twinoffload.twin.models import STRUCTURES
from twinoffload.twin.tasks.registry import SIMULATED, task_named

FILE = "twin_loop.csv"
DEPLOYED = ("small", "large")  # repeats over the BSs where nobody says what they deploy
REALISED = "map_utility_realised_money"
MEANS = (
    "data_mb", "accuracy_promised", "accuracy_realised", "map_utility_promised_money", REALISED, "regret_money",
)  # fmt: skip
OPERATOR = "operator_utility_money"
Each = Callable[[str], None]


class Row(NamedTuple):
    """A belief in a summary: medians and intervals over seeds of means over slots (and mAPs).

    Attributes:
        task, belief, bought_by: as in the table.
        seeds: how many.
        values: of `MEANS` and `OPERATOR`.
        operator_loss: of the operator against prices by the measured law, seed by seed, money a slot.
        map_loss: of an mAP against the same, as realised, money a slot.
    """

    task: str
    belief: str
    bought_by: str
    seeds: int
    values: dict[str, Interval]
    operator_loss: Interval
    map_loss: Interval


def steps(settings: MeasureSettings = FULL) -> int:
    """How often `measure` calls `each`."""
    return len(SIMULATED) * (len(DEPLOYED) + settings.loop_seeds)


def measure(settings: MeasureSettings = FULL, each: Each = lambda label: None) -> pl.DataFrame:
    """The table for the three tasks on `paper`, whose BSs deploy the small and the large structure.

    Args:
        settings: sizes, seeds and slots.
        each: called with a label after each step.
    """
    found = []
    for task in SIMULATED:
        loop = prepare(Scenario.load("paper"), task, slots=settings.loop_slots)
        curves = measure_curves(loop, settings.curve_sizes, settings.curve_seeds, each)
        found.append(run(loop, beliefs(loop.scenario, curves, loop.structures), settings.loop_seeds, each))
    return pl.concat(found)


def prepare(
    scenario: Scenario,
    task: str,
    structures: Sequence[str] = (),
    *,
    concept: str = "posted",
    slots: int = 4,
    training: Training = USUAL,
) -> Loop:
    """A loop, checked before any work.

    Args:
        scenario: the network and the game.
        task: that all mAPs' twins learn.
        structures: one for all BSs, or one for each; small and large in turn where there are none.
        concept: by which the operator sets its prices.
        slots: for each seed.
        training: how BSs train.

    Raises:
        ValueError: an unknown name, a wrong number of structures, a city, or a market beyond the concept.
    """
    if not structures:
        structures = [DEPLOYED[m % len(DEPLOYED)] for m in range(scenario.stations)]
    names = deployed(structures, scenario.stations)
    played = scenario_of(scenario, task)
    solve(played.market(), played.sample_gain(1), concept)
    return Loop(played, task, names, concept, slots, training)


def curves_of(path: str | os.PathLike[str], loop: Loop) -> dict[str, Curve]:
    """Curves of a loop's task and structures from a file, by structure; accuracies below 0 count as 0.

    Raises:
        ValueError: the file is unfit, or lacks one of them; the message is one line.
    """
    read = read_curves(path, clip=True)
    found = {one.structure: one for one in read if one.task in ("", loop.task)}
    for name in dict.fromkeys(loop.structures):
        if name not in found:
            told = "; ".join(one.label for one in read)
            raise ValueError(f"{os.fspath(path)}: has no curve of {loop.task}, {name}, only {told}; measure it")
    return {name: found[name] for name in dict.fromkeys(loop.structures)}


def measure_curves(loop: Loop, sizes: int, seeds: int, each: Each = lambda label: None) -> dict[str, Curve]:
    """Learning curves of a loop's task and structures, by structure, on the cores of this machine.

    Args:
        loop: whose task, scenario and training.
        sizes: how many.
        seeds: of worlds that the loop does not play.
        each: called with a label after each curve.

    Raises:
        ValueError: more seeds than there are before the loop's own.
    """
    if seeds > FIRST_WORLD:
        raise ValueError(f"seeds of curves = {seeds}: must be at most {FIRST_WORLD}; the loop plays those beyond")
    names = list(dict.fromkeys(loop.structures))
    groups = [
        _group(f"curve of {loop.task}, {name}", loop=loop, structure=name, sizes=sizes, seeds=seeds) for name in names
    ]
    return {one.structure: one for one in measured(_table(_curve, groups, each))}


def run(loop: Loop, believed: Sequence[Belief], seeds: int, each: Each = lambda label: None) -> pl.DataFrame:
    """Play a loop's seeds on the cores of this machine; the numbers do not depend on how many there are.

    Args:
        loop: what is played.
        believed: see `beliefs`.
        seeds: how many.
        each: called with a label after each seed.

    Returns:
        The table above, by seed.
    """
    groups = [_group(f"{loop.task}, seed {seed}", loop=loop, believed=believed, seed=seed) for seed in range(seeds)]
    return _table(_play, groups, each)


def summary(table: pl.DataFrame) -> list[Row]:
    """Each belief and way of buying, in order; slots that one of them leaves unsolved are left out for all."""
    keys = ["task", "belief", "bought_by"]
    slot = ["task", "seed", "slot"]
    solved = table.filter(pl.col("accuracy_realised").is_not_nan().all().over(slot))
    earned = solved.group_by(*keys, "seed", "slot", maintain_order=True).agg(
        pl.col(MEANS).mean(), pl.col("profit_money").sum().alias(OPERATOR)
    )
    by_seed = earned.group_by(*keys, "seed", maintain_order=True).agg(pl.col(*MEANS, OPERATOR).mean())
    return [_row(by_seed, rows) for rows in by_seed.partition_by(keys, maintain_order=True)]


def _row(by_seed: pl.DataFrame, rows: pl.DataFrame) -> Row:
    best = by_seed.filter(pl.col("task") == rows["task"][0], pl.col("belief") == LAW, pl.col("bought_by") == OWN)
    pairs = rows.join(best, on="seed", suffix="_best").sort("seed")
    losses = (median_interval((pairs[f"{name}_best"] - pairs[name]).to_list()) for name in (OPERATOR, REALISED))
    values = {name: median_interval(rows[name].to_list()) for name in (*MEANS, OPERATOR)}
    return Row(rows["task"][0], rows["belief"][0], rows["bought_by"][0], len(rows), values, *losses)


def _group(label: str, **work: Any) -> Group:
    return Group(label, work, [], 2.0 if work.get("structure") == "large" else 1.0)


def _table(compute: Callable[[dict[str, Any]], Result], groups: Sequence[Group], each: Each) -> pl.DataFrame:
    found: dict[str, pl.DataFrame] = {}
    for group, result in execution.on_cores(compute, execution.cores())(groups):
        found[group.label] = result.table
        each(group.label)
    return pl.concat([found[group.label] for group in groups])


def _curve(work: Mapping[str, Any]) -> Result:
    """A structure's curve, in a worker."""
    loop: Loop = work["loop"]
    task = task_named(loop.task, loop.scenario)
    structures, sizes = [STRUCTURES[work["structure"]]], log_sizes(task, work["sizes"])
    return Result(learning_curves(task, structures, sizes, range(work["seeds"]), loop.training))


def _play(work: Mapping[str, Any]) -> Result:
    """A seed, in a worker."""
    return Result(play_seed(work["loop"], work["believed"], work["seed"]))
