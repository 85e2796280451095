"""How figures for a journal look: column widths, embedded fonts, and lines that stay apart in grey.

Colours are those of Okabe and Ito, which most colour-blind readers tell apart; dashes and markers tell the lines apart
for everybody else.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.figure import Figure

from twinoffload.experiments.own_schemes import TAKEN
from twinoffload.files import write_whole
from twinoffload.report.style import RC

TWO_COLUMNS = 7.16  # inches: both columns of a page
DPI = 300

_RC: dict[Any, Any] = RC | {
    "axes.edgecolor": "black",
    "axes.grid": False,
    "axes.labelcolor": "black",
    "axes.labelsize": 7.5,
    "axes.linewidth": 0.6,
    "axes.spines.right": True,
    "axes.spines.top": True,
    "axes.titlecolor": "black",
    "axes.titlesize": 8,
    "axes.titleweight": "normal",
    "figure.facecolor": "white",
    "axes.facecolor": "white",
    "font.size": 8,
    "legend.fontsize": 7.5,
    "legend.handlelength": 2.6,
    "lines.linewidth": 1.2,
    "lines.markersize": 4,
    "pdf.fonttype": 42,  # TrueType, which publishers ask for
    "text.color": "black",
    "text.parse_math": True,
    "xtick.color": "black",
    "xtick.direction": "in",
    "xtick.labelcolor": "black",
    "xtick.labelsize": 7.5,
    "ytick.color": "black",
    "ytick.direction": "in",
    "ytick.labelcolor": "black",
    "ytick.labelsize": 7.5,
}


class Look(NamedTuple):
    """How a line is drawn.

    Attributes:
        color: hexadecimal.
        dash: Matplotlib's line style.
        marker: Matplotlib's letter; None: none.
        filled: whether the marker is.
    """

    color: str
    dash: Any
    marker: str | None = None
    filled: bool = True

    def line(self) -> dict[str, Any]:
        """Keywords of a line."""
        face = self.color if self.filled else "white"
        return {"color": self.color, "linestyle": self.dash, "marker": self.marker, "markerfacecolor": face}


SCHEMES = {  # in the order of legends: what is learned, then what is known
    "sac": Look("#0072b2", "-", "o"),
    "td3": Look("#d55e00", "-", "s", filled=False),
    "ddpg": Look("#cc79a7", "-", "^", filled=False),
    "amortised": Look("#000000", "-", "D"),
    "pairwise": Look("#a06000", (0, (5, 1.5))),
    "posted": Look("#009e73", (0, (5, 1.5, 1, 1.5))),
    "admission": Look("#555555", (0, (1, 1.2))),
}
_OWN = (  # schemes of somebody's own, in turn
    Look("#e69f00", "-", "v"),
    Look("#56b4e9", "-", "P"),
    Look("#7f3c8d", "-", "X"),
    Look("#5b8c3a", "-", "<", filled=False),
)
RATES = (Look("#7cc4ee", "-"), Look("#0072b2", (0, (6, 1.5))), Look("#05294a", (0, (3, 1, 1, 1))))  # all are SAC


def looks(names: Iterable[str]) -> dict[str, Look]:
    """The look of every scheme that figures show: ours, then those of somebody's own among some names."""
    brought = [name for name in dict.fromkeys(names) if name not in TAKEN]
    return SCHEMES | {name: _OWN[at % len(_OWN)] for at, name in enumerate(brought)}


def print_style():
    """A context in which figures get these looks; leaves Matplotlib's settings as they were."""
    return matplotlib.rc_context(_RC)


def save(figure: Figure, folder: Path, name: str) -> list[Path]:
    """The figure as PDF and as PNG of 300 dots an inch; the same figure makes the same bytes."""

    def pdf(draft: Path) -> None:
        FigureCanvasPdf(figure)
        figure.savefig(draft, format="pdf", metadata={"CreationDate": None})

    def png(draft: Path) -> None:
        FigureCanvasAgg(figure)
        figure.savefig(draft, format="png", dpi=DPI, metadata={"Software": None})

    return [write_whole(folder / f"{name}.pdf", pdf), write_whole(folder / f"{name}.png", png)]
