"""The comparison as a picture: every scheme's median and interval over seeds, in three panels."""

import math

import polars as pl
from matplotlib.axes import Axes

from twinoffload.report.results import Results
from twinoffload.report.schemes import Scheme, scheme_named
from twinoffload.report.style import INK, LINE, MUTED, PAPER, new_figure, plain_axes, style, to_svg
from twinoffload.report.wording import number

_PANELS = (
    ("operator_share_of_admission", "Operator's utility", "share of admission's"),
    ("map_share_of_admission", "Mean mAP utility", "share of admission's"),
    ("regret_share", "Mean regret of mAPs", "share of admission's mean mAP utility"),
)
_FAR = 2.5  # a value this many times farther out than all others together is drawn as an arrow


def draw_comparison(results: Results) -> str:
    """Dots are medians, bars intervals over seeds, small ticks the seeds themselves; an SVG element."""
    rows = results.rows
    with style():
        figure = new_figure(0.95 + 0.31 * len(rows))
        panels = figure.subplots(1, len(_PANELS), sharey=True)
        for axes, (measure, title, unit) in zip(panels, _PANELS, strict=True):
            _panel(axes, results, measure)
            axes.set_title(title)
            axes.set_xlabel(unit, color=MUTED)
        panels[0].set_yticks(range(len(rows)), [row["scheme"] for row in rows])
        panels[0].set_ylim(len(rows) - 0.5, -0.5)
        for label, row in zip(panels[0].get_yticklabels(), rows, strict=True):
            label.set_fontweight("bold" if scheme_named(row["scheme"]).kind == "learned" else "normal")
        return to_svg(figure, "comparison", _alt(results))


def _panel(axes: Axes, results: Results, measure: str) -> None:
    plain_axes(axes, "x")
    axes.spines["left"].set_visible(False)
    low, high = _limits(results, measure)
    axes.set_xlim(low, high)
    if measure != "regret_share" and low <= 1.0 <= high:
        axes.axvline(1.0, color=MUTED, linewidth=0.8, linestyle=(0, (4, 3)), zorder=1)
    for y, row in enumerate(results.rows):
        scheme, value = scheme_named(row["scheme"]), row[measure]
        if scheme.kind == "learned":
            axes.axhspan(y - 0.5, y + 0.5, color=LINE, alpha=0.35, linewidth=0, zorder=0)
        if not math.isfinite(value["median"]):
            axes.text(low + 0.02 * (high - low), y, "no value", color=MUTED, va="center", fontsize=8)
        elif low <= value["median"] <= high:
            _dot(axes, y, scheme, value, _seeds(results.comparison, row["scheme"], measure))
        else:
            _arrow(axes, y, scheme, value["median"], right=value["median"] > high)


def _dot(axes: Axes, y: int, scheme: Scheme, value: dict[str, float], seeds: list[float]) -> None:
    axes.plot(
        seeds, [y + 0.27] * len(seeds), linestyle="none", marker="|", markersize=4, markeredgewidth=0.8, color=MUTED
    )
    axes.plot([value["low"], value["high"]], [y, y], color=scheme.color, linewidth=2.6, solid_capstyle="butt")
    axes.plot(
        [value["median"]],
        [y],
        marker=scheme.marker,
        markersize=10 if scheme.marker == "*" else 7,
        color=scheme.color,
        markeredgecolor=PAPER,
        markeredgewidth=0.8,
        clip_on=False,
        zorder=4,
    )


def _arrow(axes: Axes, y: int, scheme: Scheme, value: float, *, right: bool) -> None:
    """A value beyond the axis, named at its edge."""
    end, side, align = (0.995, -1, "right") if right else (0.005, 1, "left")
    axes.annotate(
        "",
        (end, y),
        (end + side * 0.09, y),
        xycoords=("axes fraction", "data"),
        textcoords=("axes fraction", "data"),
        arrowprops={"arrowstyle": "-|>", "color": scheme.color, "linewidth": 1.4, "shrinkA": 0, "shrinkB": 0},
    )
    axes.text(
        end + side * 0.11, y, f"{value:.2f}", transform=axes.get_yaxis_transform(), ha=align, va="center", color=INK
    )


def _limits(results: Results, measure: str) -> tuple[float, float]:
    """The axis: all intervals, less a scheme that alone would squeeze the others."""
    ends = {
        row["scheme"]: [row[measure]["low"], row[measure]["high"], *_seeds(results.comparison, row["scheme"], measure)]
        for row in results.rows
        if math.isfinite(row[measure]["median"])
    }
    if not ends:
        return 0.0, 1.0
    values = [value for group in ends.values() for value in group if math.isfinite(value)]
    for name in ends:
        rest = [value for other, group in ends.items() if other != name for value in group if math.isfinite(value)]
        if rest and scheme_named(name).kind != "learned" and _spread(values) > _FAR * max(_spread(rest), 0.01):
            values = rest
            break
    low, high = min(values), max(values)
    margin = 0.08 * max(high - low, 0.02)
    return low - margin, high + margin


def _spread(values: list[float]) -> float:
    return max(values) - min(values)


def _seeds(comparison: pl.DataFrame, scheme: str, measure: str) -> list[float]:
    return comparison.filter(pl.col("scheme") == scheme)[measure].drop_nulls().to_list()


def _alt(results: Results) -> str:
    parts = [
        f"{row['scheme']} {', '.join(number(row[measure]['median']) for measure, _, _ in _PANELS)}"
        for row in results.rows
    ]
    return "Medians of operator's share, mAPs' share and regret share. " + "; ".join(parts) + "."
