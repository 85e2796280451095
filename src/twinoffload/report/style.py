"""How figures look, and how one becomes SVG inside a page.

Ink, muted text, lines and paper are written as the page's CSS variables, so that figures follow its light or dark
scheme; text stays text, in the page's fonts, so that it can be searched and read aloud.
"""

import io
import re
from html import escape
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from twinoffload.colors import INK, LINE, MUTED, PAPER

_VARIABLES = {INK: "var(--ink)", MUTED: "var(--muted)", LINE: "var(--line)", PAPER: "var(--paper)"}

WIDTH = 9.0  # inches; at 96 px an inch, the width of the page's text

RC: dict[Any, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": MUTED,
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.7,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "font.family": ["DejaVu Sans"],  # ships with Matplotlib and is wide: what fits in it fits in the reader's font
    "font.size": 9,
    "grid.color": LINE,
    "grid.linewidth": 0.6,
    "legend.edgecolor": "none",
    "legend.facecolor": PAPER,
    "legend.fontsize": 9,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
    "svg.fonttype": "none",
    "svg.hashsalt": "twinoffload",
    "text.color": INK,
    "text.parse_math": False,
    "xtick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.color": MUTED,
    "ytick.labelcolor": INK,
}


def style():
    """A context in which figures get these looks; leaves Matplotlib's settings as they were."""
    return matplotlib.rc_context(RC)


def new_figure(height: float) -> Figure:
    """An empty figure of the page's width, drawn as SVG; height in inches."""
    return Figure(figsize=(WIDTH, height), layout="constrained")


def plain_axes(axes: Axes, grid: str = "both") -> None:
    """Tick labels without tick marks, a grid along `grid` only."""
    axes.tick_params(length=0)
    axes.grid(False)
    axes.grid(True, axis=grid)  # pyright: ignore[reportArgumentType]


_COORDINATES = re.compile(r'\b(?:d|x|y)="[^"]*"')
_DECIMALS = re.compile(r"-?\d+\.\d{3,}")  # of a point: a hundredth is seen by nobody


def to_svg(figure: Figure, name: str, alt: str) -> str:
    """The figure as an `<svg>` element for a page.

    Args:
        figure: drawn with `new_figure` inside `style()`.
        name: prefix of every id, so that several figures share a page.
        alt: what it shows, for those who cannot see it.
    """
    buffer = io.StringIO()
    FigureCanvasSVG(figure).print_svg(buffer, metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    box = re.search(r'viewBox="([^"]+)"', text)
    assert box is not None
    body = text[text.index(">") + 1 :]
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = re.sub(r"<defs>\s*<style[^>]*>.*?</style>\s*</defs>", "", body, flags=re.DOTALL)
    body = re.sub(r'\bid="', f'id="{name}-', body)
    body = body.replace("url(#", f"url(#{name}-").replace('xlink:href="#', f'href="#{name}-')
    for color, variable in _VARIABLES.items():
        body = body.replace(color, variable)
    body = re.sub(r"\n\s*", "\n", body)
    body = _COORDINATES.sub(lambda found: _DECIMALS.sub(lambda number: f"{float(number[0]):.2f}", found[0]), body)
    return f'<svg viewBox="{box[1]}" role="img" aria-label="{escape(alt)}">\n{body.strip()}'


def standalone(svg: str) -> str:
    """An `<svg>` element of the page as a file of its own, in the light colours."""
    for color, variable in _VARIABLES.items():
        svg = svg.replace(variable, color)
    start = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
    return svg.replace("<svg ", f'{start}font-family="system-ui, sans-serif" ', 1) + "\n"
