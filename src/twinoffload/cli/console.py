"""Where words go: results to standard output, progress to standard error; plain text where nobody looks on."""

import math

from rich.console import Console
from rich.status import Status
from rich.table import Table
from rich.text import Text

NOTHING = "-"


def output() -> Console:
    """The console of standard output: 80 columns and no colour when piped."""
    return Console(highlight=False, markup=False, emoji=False)


def spinner(text: str) -> Status:
    """A sign of life on standard error, which shows on a terminal alone."""
    return Console(stderr=True, highlight=False, markup=False, emoji=False).status(text)


def table(*columns: str, names: int = 1) -> Table:
    """A table without a frame; the first `names` columns hold words, the others numbers."""
    made = Table(header_style="dim", box=None, pad_edge=False)
    for i, column in enumerate(columns):
        if i < names:
            made.add_column(Text(column), overflow="ellipsis", no_wrap=True, vertical="bottom")
        else:
            made.add_column(Text(column, justify="right"), justify="right", no_wrap=True)
    return made


def number(value: float, digits: int = 3) -> str:
    """A number for people: fixed digits where they tell it, powers of ten where they do not, `-` for none."""
    if not math.isfinite(value):
        return NOTHING
    if abs(value) < 1e-9:
        return f"{0:.{digits}f}"
    if abs(value) < 0.5 * 10**-digits or abs(value) >= 1e6:
        return f"{value:.1e}"
    return f"{value:.{digits}f}"
