"""Learning curves: accuracy against the size of the data."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from twinoffload.twin.descent import USUAL, Training
from twinoffload.twin.models import Structure
from twinoffload.twin.tasks.task import Task
from twinoffload.twin.training import Order, fulfil

LOWEST_RATE = 0.01


def log_sizes(task: Task, count: int) -> list[float]:
    """Sizes in MB, evenly in their logarithm: sampling rates from 1 % to 1 of the task's raw stream."""
    return (task.raw_mb * np.geomspace(LOWEST_RATE, 1.0, count)).tolist()


def learning_curves(
    task: Task,
    structures: Sequence[Structure],
    sizes: Sequence[float],
    seeds: Sequence[int],
    settings: Training = USUAL,
) -> pl.DataFrame:
    """Accuracy of each structure at each size for each seed, which fixes world, stream and training.

    Args:
        task: what is learned.
        structures: each trained by itself, all sizes and seeds stacked.
        sizes: in MB; the nearest number of records is taken, at least 1.
        seeds: of the worlds.
        settings: how models are trained.

    Returns:
        A row for each structure, seed and size: task, structure, seed, records, data_mb (of these records), accuracy
        (phi of Eq. 8, as measured: below 0 where the model is worse than none), diverged.

    Raises:
        ValueError: a size that is not above 0 and at most `task.raw_mb`.
    """
    largest = task.raw_mb * (1.0 + 1e-9)  # the raw stream's own size may be rounded
    for size in sizes:
        if not 0.0 < size <= largest:
            raise ValueError(f"size {size:g} MB: must be above 0 and at most {task.raw_mb:.4g} MB, all of {task.name}")
    records = sorted({max(task.layout.records(size), 1) for size in sizes})
    orders = [Order(seed, 0, count) for seed in seeds for count in records]
    return pl.concat([_curve(task, structure, orders, settings) for structure in structures])


def _curve(task: Task, structure: Structure, orders: Sequence[Order], settings: Training) -> pl.DataFrame:
    results = fulfil(task, structure, orders, settings)
    return pl.DataFrame(
        {
            "task": [task.name] * len(orders),
            "structure": [structure.name] * len(orders),
            "seed": [order.seed for order in orders],
            "records": [order.records for order in orders],
            "data_mb": [task.layout.data_mb(order.records) for order in orders],
            "accuracy": results.accuracy.tolist(),
            "diverged": results.diverged.tolist(),
        }
    )
