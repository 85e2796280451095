"""`twinoffload bench study`: what the study engine costs where the cells themselves cost nothing."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl

from twinoffload.experiments.execution import cores, here, on_cores
from twinoffload.experiments.study import Execute, Group, Result, Study

CELLS = 10_000
TOGETHER = (1, 20)  # cells of a group


def nothing(work: dict[str, Any]) -> Result:
    """A row for each cell, without any computing."""
    count = work["cells"]
    return Result(
        pl.DataFrame({"group": [work["group"]] * count, "cell": range(count), "utility_money": [0.0] * count})
    )


def empty_groups(cells: int, together: int) -> list[Group]:
    """Groups of cells that cost nothing."""
    return [
        Group(f"group {k}", {"group": k, "cells": together}, [{"group": k, "cell": at} for at in range(together)])
        for k in range(cells // together)
    ]


def overhead(cells: int = CELLS, each: Callable[[str], None] = lambda name: None) -> pl.DataFrame:
    """Wall time of a study of empty cells, from the first file to the table; a row a way to compute them."""
    rows = []
    ways: dict[str, Execute] = {"this process": here(nothing), f"{cores()} workers": on_cores(nothing, cores())}
    for together in TOGETHER:
        for name, execute in ways.items():
            with tempfile.TemporaryDirectory() as folder:
                began = time.perf_counter()
                table = Study(Path(folder) / "study", empty_groups(cells, together)).run(execute)
                taken = time.perf_counter() - began
            rows.append(
                {
                    "where": name,
                    "cells_of_a_group": together,
                    "cells": len(table),
                    "s": taken,
                    "ms_per_cell": 1e3 * taken / len(table),
                }
            )
            each(f"{together} a group, {name}")
    return pl.DataFrame(rows)
