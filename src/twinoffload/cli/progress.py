"""Progress on standard error: bars in a terminal, a line now and then where the output goes to a file."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from twinoffload.cli.console import asides

QUIET_S = 15.0  # between lines where there is no terminal


class Bar:
    """Counts steps of a known number."""

    def __init__(self, progress: Progress, label: str, total: int, start: int = 0):
        self._progress, self._label, self._total, self._done = progress, label, total, start
        self._task = progress.add_task(label, total=total, completed=start, note="")
        self._told = time.monotonic()

    def advance(self, note: str = "") -> None:
        """One step is done; `note` says how things stand."""
        self._done += 1
        self._progress.update(self._task, completed=self._done, note=note)
        quiet = not self._progress.console.is_terminal
        due = time.monotonic() - self._told > QUIET_S or self._done == self._total
        if quiet and due:
            self._told = time.monotonic()
            self._progress.console.print(f"{self._label} {self._done}/{self._total}  {note}", highlight=False)


class Shares:
    """Groups of unlike size: the bar advances by what each is expected to cost, so that the time left is told.

    Groups that were found finished do not count.
    """

    def __init__(self, progress: Progress, label: str):
        self._progress, self._label = progress, label

    def begin(self, costs: Sequence[float]) -> None:
        """What all groups are expected to cost."""
        self._count, self._done, self._found = len(costs), 0, 0
        self._cost, self._spent = sum(costs), 0.0
        self._task = self._progress.add_task(self._label, total=self._count, note="")
        self._began = time.monotonic()

    def advance(self, cost: float, note: str, found: bool) -> None:
        """A group is finished, or was."""
        self._done += 1
        if found:
            self._found += 1
            self._cost -= cost
        else:
            self._spent += cost
        share = self._spent / self._cost if self._cost > 0 else 1.0
        told = f"{self._label} {self._done}/{self._count}  {note}"
        self._progress.update(self._task, completed=share * self._count, note=note)
        if found or self._progress.console.is_terminal:
            return
        taken = time.monotonic() - self._began
        left = taken * (1.0 / share - 1.0) if share > 0 else math.inf
        self._progress.console.print(f"{told}  {share:.0%}, {taken:.0f} s, {left:.0f} s left", highlight=False)


@contextmanager
def progress() -> Iterator[Progress]:
    """Bars that leave standard output to results."""
    console = asides()
    columns = (
        TextColumn("{task.description:<18}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as bars:
        yield bars


@contextmanager
def reading(path: Any) -> Iterator[Callable[[int, int], None]]:
    """How much of a file is read, shown in a terminal alone and only where it takes a while."""
    console = asides()
    columns = TextColumn("{task.description}", markup=False), BarColumn(bar_width=24), TimeElapsedColumn()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        task = bars.add_task(f"Reading {path}", total=None)
        yield lambda done, total: bars.update(task, completed=done, total=total or None)


@contextmanager
def searching(concept: str) -> Iterator[Callable[[Any], None]]:
    """How a search in a large market stands: its phase, the best value and the bound; shown in a terminal alone."""
    console = asides()
    columns = (
        TextColumn("{task.description:<20}", markup=False),
        BarColumn(bar_width=24),
        TimeElapsedColumn(),
        TextColumn("{task.fields[note]}", markup=False),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        task = bars.add_task(f"Solving {concept}", total=None, note="")

        def show(stands: Any) -> None:
            known = {"value": stands.value, "bound": stands.bound}
            note = "  ".join(f"{name} {value:.2f}" for name, value in known.items() if math.isfinite(value))
            bars.update(task, description=f"{concept}: {stands.phase}", total=1.0, completed=stands.share, note=note)

        yield show


def training_note(rows: list[dict[str, Any]]) -> str:
    """How training stands: medians over seeds of the last episode, exploration included."""
    import statistics

    operator, maps = (
        statistics.median(r[name] for r in rows) for name in ("operator_utility_money", "map_utility_money")
    )
    return f"operator {operator:.2f}  mAP {maps:.2f}"
