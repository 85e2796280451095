"""Where words go: results to standard output, progress to standard error; plain text where nobody looks on."""

import math

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

NOTHING = "-"
NAME_WIDTH = 12
NUMBER_WIDTH = 9


def output() -> Console:
    """The console of standard output: 80 columns and no colour when piped."""
    return Console(highlight=False, markup=False, emoji=False)


_TALK = {"quiet": False, "verbose": False}  # of the command that runs


def talk(quiet: bool, verbose: bool) -> None:
    """How much is said on standard error, until it is said otherwise."""
    _TALK.update(quiet=quiet, verbose=verbose)


def is_verbose() -> bool:
    """Whether faults are shown with where they arose."""
    return _TALK["verbose"]


def asides() -> Console:
    """The console of standard error, where progress goes."""
    return Console(stderr=True, quiet=_TALK["quiet"])


def spinner(text: str) -> Progress:
    """A sign of life and the time on standard error, which show on a terminal alone."""
    console = asides()
    columns = SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn()
    progress = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
    progress.add_task(text, total=None)
    return progress


def table(*columns: str, names: int = 1, name_width: int = NAME_WIDTH) -> Table:
    """A table without a frame; the first `names` columns hold words, the others numbers; long words are cut."""
    made = Table(header_style="dim", box=None, pad_edge=False, collapse_padding=True, padding=(0, 1, 0, 0))
    for i, column in enumerate(columns):
        if i < names:
            made.add_column(Text(column), overflow="ellipsis", no_wrap=True, vertical="bottom", max_width=name_width)
        else:
            head = "\n".join(cut(line, NUMBER_WIDTH) for line in column.split("\n"))
            width = max(map(len, head.split("\n")))  # numbers in full: they go to a second line before they are cut
            made.add_column(Text(head, justify="right"), justify="right", overflow="fold", min_width=width)
    return made


def cut(word: str, width: int) -> str:
    """A word, or its beginning with an ellipsis."""
    return word if len(word) <= width else word[: width - 1] + "…"


def number(value: float, digits: int = 3) -> str:
    """A number for people: fixed digits where they tell it, powers of ten where they do not, `-` for none."""
    if not math.isfinite(value):
        return NOTHING
    if abs(value) < 1e-9:
        return f"{0:.{digits}f}"
    if abs(value) < 0.5 * 10**-digits or abs(value) >= 1e6:
        return f"{value:.1e}"
    if abs(value) >= 1000:
        return f"{value:.1f}"
    return f"{value:.{digits}f}"
