"""Learning curves as in the paper's Figs. 2 and 3, and the regret that they leave out."""

from typing import Any

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from twinoffload.report.results import Results
from twinoffload.report.schemes import scheme_named
from twinoffload.report.style import MUTED, new_figure, plain_axes, style, to_svg
from twinoffload.report.wording import number

_PANELS = (
    ("map_utility_money", "Mean mAP utility", "(Fig. 2)"),
    ("operator_utility_money", "Operator's utility", "(Fig. 3)"),
    ("map_regret_money", "Mean regret of mAPs", ""),
)
_MARKS = (("admission", (0, (1, 1.5))), ("pairwise", (0, (5, 2))), ("reactive", (0, (6, 2, 1, 2))))
_HELD_OUT = {"map_regret_money": "regret_money"}  # the comparison's name where it differs


def draw_convergence(results: Results) -> str:
    """Median over seeds with the range from worst to best, and a thin line each seed; an SVG element."""
    with style():
        figure = new_figure(3.35)
        panels = figure.subplots(1, len(_PANELS))
        for axes, (column, title, note) in zip(panels, _PANELS, strict=True):
            _panel(axes, results, column)
            axes.set_title(title + (f" {note}" if note else ""))
            axes.set_xlabel("training episode", color=MUTED)
        panels[0].set_ylabel("money a slot", color=MUTED)
        shown = dict(zip(*reversed(panels[0].get_legend_handles_labels()), strict=True))
        labels = sorted(shown, key=lambda label: label in dict(_MARKS))  # the learned scheme first
        figure.legend([shown[label] for label in labels], labels, loc="outside lower center", ncols=len(labels))
        return to_svg(figure, "convergence", _alt(results))


def curves(metrics: pl.DataFrame, column: str) -> tuple[np.ndarray, np.ndarray]:
    """Episodes `[E]`, from 1, and a metric `[E, seeds]`; NaN where it was not measured."""
    table = metrics.pivot(on="seed", index="episode", values=column).sort("episode")
    values = table.drop("episode").cast(pl.Float64).fill_null(float("nan")).to_numpy()
    return table["episode"].to_numpy() + 1, values


def _panel(axes: Axes, results: Results, column: str) -> None:
    plain_axes(axes, "y")
    color = scheme_named(results.learned).color
    episodes, values = curves(results.metrics, column)
    finite = np.isfinite(values).all(-1)
    episodes, values = episodes[finite], values[finite]
    marks = []
    for name, dash in _MARKS:
        mark = results.comparison.filter(pl.col("scheme") == name)[_HELD_OUT.get(column, column)].median()
        if isinstance(mark, float) and np.isfinite(mark):
            looks: dict[str, Any] = {"color": scheme_named(name).color, "linestyle": dash, "linewidth": 1.5}
            axes.axhline(mark, label=name, zorder=1.5, **looks)
            marks.append(mark)
    if not len(episodes):
        return
    median = np.median(values, axis=-1)
    marker = "o" if len(episodes) == 1 else None
    axes.plot(episodes, median, color=color, linewidth=2.2, marker=marker, label=f"{results.learned}, median")
    if values.shape[1] > 1:
        axes.plot(episodes, values, color=color, linewidth=0.5, alpha=0.5)
        axes.fill_between(
            episodes, values.min(-1), values.max(-1), color=color, alpha=0.16, linewidth=0, label="worst to best seed"
        )
    axes.set_xlim(0, episodes[-1] + 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    low, high = _limits(values, marks)
    if column == "map_regret_money":
        low = min(low, 0.0)
    margin = 0.04 * (high - low)
    axes.set_ylim(low - (margin if low < 0.0 or column != "map_regret_money" else 0.0), high + margin)
    for worst, end, sign, align in ((median.min(), 0.03, "↓", "bottom"), (median.max(), 0.97, "↑", "top")):
        if not low <= worst <= high:
            when = episodes[int(np.flatnonzero(median == worst)[0])]
            text = f"{sign} {number(worst, 2)} in episode {when}"
            axes.text(0.09, end, text, transform=axes.transAxes, color=MUTED, fontsize=8, va=align)


def _limits(values: np.ndarray, marks: list[float]) -> tuple[float, float]:
    """The axis: everything, unless the first fifth of training would squeeze the rest to a line."""
    late = [*values[len(values) // 5 :].flat, *marks]
    low, high = min(late), max(late)
    room = 1.5 * max(high - low, 0.05 * abs(high))
    everything = min(low, values.min()), max(high, values.max())
    low, high = max(everything[0], low - room), min(everything[1], high + room)
    if everything[1] - everything[0] < 2.2 * (high - low):
        low, high = everything
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _alt(results: Results) -> str:
    parts = []
    for column, title, _ in _PANELS:
        _, values = curves(results.metrics, column)
        first, last = (number(float(np.median(values[at]))) for at in (0, -1))
        parts.append(f"{title}: median {first} in the first episode, {last} in the last")
    return f"Curves of {len(values)} training episodes. " + "; ".join(parts) + "."
