"""Learning curves with the laws through them: small multiples, tasks down and structures across."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from twinoffload.experiments.interval import median_interval
from twinoffload.files import write_text, write_whole
from twinoffload.report.style import INK, MUTED, new_figure, plain_axes, standalone, style, to_svg
from twinoffload.report.wording import listed, number
from twinoffload.twin.calibration import Calibration
from twinoffload.twin.fit_intervals import Uncertain
from twinoffload.twin.law_fit import EQ_7

_EQ_7, _CHOSEN = "#d55e00", "#0072b2"
_POINTS = 48  # of a line
_DPI = 200


def draw(found: Sequence[Calibration]) -> Figure:
    """A panel for each curve; call it within `style()`."""
    tasks = list(dict.fromkeys(one.curve.task for one in found))
    structures = list(dict.fromkeys(one.curve.structure for one in found))
    figure = new_figure(0.9 + 2.15 * len(tasks) if len(found) > 1 else 3.4)
    panels = figure.subplots(len(tasks), len(structures), squeeze=False, sharex="row", sharey=True)
    for panel in panels.flat:
        panel.set_axis_off()
    for one in found:
        panel = panels[tasks.index(one.curve.task)][structures.index(one.curve.structure)]
        panel.set_axis_on()
        _panel(panel, one)
    lowest = min(0.0, *(float(_intervals(one)[1].min()) for one in found))
    panels[0][0].set_ylim(lowest - 0.03, 1.03)
    for row in panels:
        row[0].set_ylabel("accuracy φ", color=MUTED)
    for panel in panels[-1]:
        panel.set_xlabel("data Z (MB)", color=MUTED)
    handles, labels = panels.flat[0].get_legend_handles_labels()
    for panel in panels.flat[1:]:
        more = zip(*panel.get_legend_handles_labels(), strict=True)
        for handle, label in more:
            if label not in labels:
                handles, labels = [*handles, handle], [*labels, label]
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels))
    return figure


def svg(found: Sequence[Calibration], name: str = "learning_curves") -> str:
    """The figure as an `<svg>` element for a page."""
    with style():
        told = [
            f"{one.curve.label} reaches {number(float(one.curve.means[-1]), 2)} at {one.curve.sizes[-1]:g} MB, "
            f"law {one.choice.chosen.title}"
            for one in found
        ]
        return to_svg(draw(found), name, f"Accuracy against data, with fitted laws: {listed(told)}.")


def save(found: Sequence[Calibration], path: str | os.PathLike[str]) -> Path:
    """The figure as SVG, PDF or PNG, by the suffix; the same curves make the same bytes."""
    target = Path(path)
    if target.suffix.lower() == ".svg":
        return write_text(target, standalone(svg(found)))
    is_pdf = target.suffix.lower() == ".pdf"

    def write(draft: Path) -> None:
        (FigureCanvasPdf if is_pdf else FigureCanvasAgg)(figure)
        options: dict[str, Any] = {"format": "pdf", "metadata": {"CreationDate": None}}
        if not is_pdf:
            options = {"format": "png", "dpi": _DPI, "metadata": {"Software": None}}
        figure.savefig(draft, facecolor="white", **options)

    with style():
        figure = draw(found)
        return write_whole(target, write)


def _panel(axes: Axes, found: Calibration) -> None:
    curve = found.curve
    sizes = np.geomspace(curve.sizes[0], curve.sizes[-1], _POINTS)
    axes.set_xscale("log")
    plain_axes(axes)
    _law(axes, found.eq_7, sizes, _EQ_7, (0, (5, 2)), "Eq. 7")
    if found.choice.chosen != EQ_7:
        _law(axes, found.law, sizes, _CHOSEN, "-", "law chosen", band=True)
    else:
        _band(axes, found.eq_7, sizes, _EQ_7)
    middle, low, high = _intervals(found)
    label = "measured: median, interval" if (curve.counts > 1).any() else "measured"
    axes.errorbar(
        curve.sizes, middle, np.abs([middle - low, high - middle]), color=INK, marker="o", markersize=3.2,
        linewidth=0.9, linestyle="none", label=label, zorder=3,
    )  # fmt: skip
    axes.set_title(f"{curve.label}: {found.choice.chosen.title}", fontsize=9)
    low_mb, high_mb = curve.sizes[0], curve.sizes[-1]
    ticks = [m * 10.0**e for e in range(-9, 10) for m in (1, 2, 5)]
    shown = [tick for tick in ticks if low_mb * 0.99 <= tick <= high_mb * 1.01]
    axes.xaxis.set_major_locator(FixedLocator(shown if len(shown) <= 8 else shown[:: -(-len(shown) // 8)]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_locator(NullLocator())


def _law(
    axes: Axes, law: Uncertain, sizes: np.ndarray, color: str, dash: Any, label: str, *, band: bool = False
) -> None:
    axes.plot(sizes, law.fit.predict(sizes), color=color, linestyle=dash, linewidth=1.5, label=label, zorder=2)
    if band:
        _band(axes, law, sizes, color)


def _band(axes: Axes, law: Uncertain, sizes: np.ndarray, color: str) -> None:
    low, high = law.predict(sizes)
    axes.fill_between(
        sizes, low, high, color=color, alpha=0.15, linewidth=0, label="where single measurements lie", zorder=1
    )


def _intervals(found: Calibration) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Median of what was measured at each size, and the ends of its interval, `[S]` each."""
    curve = found.curve
    values = [median_interval(curve.accuracy[curve.place == i].tolist()) for i in range(len(curve.sizes))]
    middle, low, high = np.array(values).T
    return middle, low, high
