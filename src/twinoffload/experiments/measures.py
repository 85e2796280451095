"""The tables of a study that are measured beside its figures: costs, propositions and twins."""

import os
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Protocol

import polars as pl

from twinoffload.experiments import growth_study, propositions, timing_study, twin_loop, twin_study
from twinoffload.experiments.measure_settings import FULL, MeasureSettings
from twinoffload.files import write_text


class Measure(Protocol):
    """A module that measures a table."""

    @property
    def FILE(self) -> str:  # noqa: N802
        """The table's name in a study."""
        ...

    def steps(self, settings: MeasureSettings = ...) -> int:
        """How often `measure` calls `each`."""
        ...

    def measure(self, settings: MeasureSettings = ..., each: Callable[[str], None] = ...) -> pl.DataFrame:
        """The table; `each` is called with a label after each step."""
        ...


TIMING: tuple[Measure, ...] = (timing_study, growth_study)
PROPOSITIONS: tuple[Measure, ...] = (propositions,)
TWIN: tuple[Measure, ...] = (twin_study, twin_loop)
BY_NAME = {"timing": TIMING, "propositions": PROPOSITIONS, "twin": TWIN}
MEASURED_ON = "measured_on"  # column: the day
FILES = tuple(one.FILE for measures in BY_NAME.values() for one in measures)


def steps(measures: Sequence[Measure], settings: MeasureSettings = FULL) -> int:
    """How often `write_tables` calls `each`."""
    return sum(each.steps(settings) for each in measures)


def write_tables(
    folder: str | os.PathLike[str],
    measures: Sequence[Measure],
    settings: MeasureSettings = FULL,
    each: Callable[[str], None] = lambda label: None,
) -> list[Path]:
    """Measure tables and write each as CSV, whole, as soon as it is measured.

    Args:
        folder: made where it is missing; tables that are there are replaced.
        measures: `TIMING`, `PROPOSITIONS` or `TWIN`.
        settings: sizes and repeats.
        each: called with a label after each step.

    Raises:
        ValueError: the folder cannot be made, before any work; a size that cannot be solved.
    """
    place = Path(folder)
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(f"{place}: cannot be a folder: {error.strerror}; choose another place") from None
    written = []
    for one in measures:
        table = one.measure(settings, each).with_columns(pl.lit(date.today().isoformat()).alias(MEASURED_ON))
        written.append(write_text(place / one.FILE, table.write_csv()))
    return written
