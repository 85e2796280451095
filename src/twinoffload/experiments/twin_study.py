"""Learning curves of the twin tasks: accuracy phi of Eq. 8 against the size Z of the data (learning_curves.csv).

A row for each task, structure of the model, seed and size:

    task         traffic, antenna, fault; digits: the control, data that nobody here made
    structure    small, large
    seed         of the world, the mAP's drive, its sampling and the training
    records      on which the model was trained, those kept aside to find the best iteration among them
    data_mb      their size Z
    accuracy     phi = 1 - Loss(w*) / Loss(0) on held-out records as measured: below 0 for a model worse than none
    diverged     whether training diverged; the accuracy is then that of the last good model

`docs/twin.md` explains tasks, records and training. Each task and structure is a stack of models trained at once, in a
process of one thread; the numbers do not depend on how many processes there are.
"""

from collections.abc import Callable
from typing import Any

import polars as pl

from twinoffload.experiments import execution
from twinoffload.experiments.measure_settings import FULL, MeasureSettings
from twinoffload.experiments.study import Group, Result
from twinoffload.twin.curves import learning_curves, log_sizes
from twinoffload.twin.models import STRUCTURES
from twinoffload.twin.tasks.registry import NAMES, task_named

FILE = "learning_curves.csv"


def steps(settings: MeasureSettings = FULL) -> int:
    """How often `measure` calls `each`."""
    return len(_groups(settings))


def measure(settings: MeasureSettings = FULL, each: Callable[[str], None] = lambda label: None) -> pl.DataFrame:
    """The table.

    Args:
        settings: sizes and seeds.
        each: called with a label such as "traffic, small" after the curves of a task and structure.

    Raises:
        ValueError: scikit-learn, which has the control's data, is missing; before any work.
    """
    for name in NAMES:
        task_named(name)
    groups, found = _groups(settings), {}
    for group, result in execution.on_cores(_compute, execution.cores())(groups):
        found[group.label] = result.table
        each(group.label)
    return pl.concat([found[group.label] for group in groups])


def _groups(settings: MeasureSettings) -> list[Group]:
    return [
        Group(
            f"{name}, {structure}",
            {"task": name, "structure": structure, "sizes": settings.curve_sizes, "seeds": settings.curve_seeds},
            [],
            2.0 if structure == "large" else 1.0,
        )
        for name in NAMES
        for structure in STRUCTURES
    ]


def _compute(work: dict[str, Any]) -> Result:
    """One task and structure, in a worker."""
    task, structure = task_named(work["task"]), STRUCTURES[work["structure"]]
    return Result(learning_curves(task, [structure], log_sizes(task, work["sizes"]), range(work["seeds"])))
