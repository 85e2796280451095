"""Time of a decision against the number of mAPs, and how costs grow: log-log pictures and tables."""

from typing import NamedTuple

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from twinoffload.experiments.claims.growth import fitted
from twinoffload.experiments.claims.speed import PROCESSOR, WALL
from twinoffload.experiments.interval import Interval, median_interval
from twinoffload.report.schemes import scheme_named
from twinoffload.report.style import MUTED, new_figure, plain_axes, style, to_svg
from twinoffload.report.wording import listed, number

_COLUMNS = 4  # panels side by side
_FIT = "#7a5fd0"


class Time(NamedTuple):
    """A scheme's time of a decision, ms, at each number of mAPs; None where it was not measured."""

    scheme: str
    times: list[Interval | None]


class Growth(NamedTuple):
    """How the seconds of an algorithm grow with one count, the others held.

    Attributes:
        algorithm, varied: which.
        values: of the count.
        seconds: at each, median and interval over repeats.
        exponent: of the line through the logarithms, fitted to each repeat; median and interval over repeats.
        counted: of the line through counted operations; None where they were not counted.
    """

    algorithm: str
    varied: str
    values: list[float]
    seconds: list[Interval]
    exponent: Interval
    counted: float | None


def times(table: pl.DataFrame) -> tuple[list[int], list[Time]]:
    """Numbers of mAPs, and a row for each scheme in the order of the table: of processor time where it is recorded."""
    taken_ms = PROCESSOR if PROCESSOR in table.columns else WALL
    sizes = table["maps"].unique().sort().to_list()
    rows = []
    for scheme in table["scheme"].unique(maintain_order=True):
        mine = table.filter(pl.col("scheme") == scheme)
        taken = [mine.filter(pl.col("maps") == size)[taken_ms].drop_nulls().to_list() for size in sizes]
        rows.append(Time(scheme, [median_interval(values) if values else None for values in taken]))
    return sizes, rows


def growths(table: pl.DataFrame) -> list[Growth]:
    """A row for each algorithm and count in the order of the table; one with a single value has no exponent."""
    usable = table.filter(pl.col("value") > 0, pl.col("seconds") > 0)
    found = []
    for part in usable.partition_by("algorithm", "varied", maintain_order=True):
        values = part["value"].unique().sort().to_list()
        slopes = [
            fitted(repeat["value"].to_list(), repeat["seconds"].to_list())
            for repeat in part.partition_by("repeat", maintain_order=True)
            if repeat["value"].n_unique() > 1
        ]
        if slopes:
            seconds = [median_interval(part.filter(pl.col("value") == one)["seconds"].to_list()) for one in values]
            exponent = median_interval(slopes)
            found.append(Growth(part["algorithm"][0], part["varied"][0], values, seconds, exponent, _counted(part)))
    return found


def _counted(rows: pl.DataFrame) -> float | None:
    if "operations" not in rows.columns:
        return None
    counts = rows.filter(pl.col("operations") > 0).group_by("value").agg(pl.col("operations").max()).sort("value")
    return fitted(counts["value"].to_list(), counts["operations"].to_list()) if len(counts) > 1 else None


def methods(table: pl.DataFrame) -> list[tuple[str, str]]:
    """How each scheme decides, where the table says; with the numbers of mAPs if that depends on them."""
    if "method" not in table.columns:
        return []
    found = []
    for scheme in table["scheme"].unique(maintain_order=True):
        mine = table.filter(pl.col("scheme") == scheme)
        said = []
        for method in mine["method"].drop_nulls().unique(maintain_order=True):
            sizes = mine.filter(pl.col("method") == method)["maps"].unique().sort().to_list()
            said.append(f"{method} (N = {', '.join(map(str, sizes))})")
        if len(said) == 1:
            said = [said[0].rpartition(" (N = ")[0]]
        if said:
            found.append((scheme, "; ".join(said)))
    return found


def draw_times(table: pl.DataFrame) -> str:
    """An SVG element: medians and intervals over repeats, a line for each scheme."""
    sizes, rows = times(table)
    with style():
        figure = new_figure(3.6)
        axes = figure.subplots()
        for row in rows:
            look = scheme_named(row.scheme)
            known = [(size, one) for size, one in zip(sizes, row.times, strict=True) if one is not None]
            _line(axes, known, look.color, look.marker, row.scheme)
        _logarithmic(axes, sizes)
        axes.set_xlabel("number of mAPs, N", color=MUTED)
        axes.set_ylabel("time of a decision (ms)", color=MUTED)
        figure.legend(loc="outside right center")
        said = [
            f"{row.scheme} {number(known[0].median)} to {number(known[-1].median)} ms"
            for row in rows
            if (known := [one for one in row.times if one is not None])
        ]
        alt = f"Time of a decision for N = {sizes[0]} to {sizes[-1]}: {listed(said)}."
        return to_svg(figure, "decision_time", alt)


def draw_growth(found: list[Growth]) -> str:
    """An SVG element: a panel for each algorithm and count, with the fitted line."""
    lines = -(-len(found) // _COLUMNS)
    with style():
        figure = new_figure(0.35 + 2.35 * lines)
        panels = figure.subplots(lines, min(_COLUMNS, len(found)), squeeze=False)
        for panel in panels.flat[len(found) :]:
            panel.set_axis_off()
        for panel, row in zip(panels.flat, found, strict=False):
            _line(panel, list(zip(row.values, row.seconds, strict=True)), "#0072b2", "o", "")
            x, y = (np.log(np.asarray(part)) for part in (row.values, [one.median for one in row.seconds]))
            fitted = np.exp(y.mean() + row.exponent.median * (x - x.mean()))
            panel.plot(row.values, fitted, color=_FIT, linestyle=(0, (5, 2)), linewidth=1.2, zorder=1.5)
            _logarithmic(panel, row.values)
            panel.set_title(f"{row.algorithm}\nslope {number(row.exponent.median, 2)}", fontsize=9)
            panel.set_xlabel(row.varied, color=MUTED)
        for line in panels:
            line[0].set_ylabel("seconds", color=MUTED)
        said = [f"{row.algorithm} with {row.varied} to the power {number(row.exponent.median, 2)}" for row in found]
        return to_svg(figure, "growth", f"Seconds against counts, both logarithmic. They grow: {listed(said)}.")


def _line(axes: Axes, points: list, color: str, marker: str, label: str) -> None:
    x = [size for size, _ in points]
    middle = np.array([one.median for _, one in points])
    ends = np.abs(np.array([[one.low for _, one in points], [one.high for _, one in points]]) - middle)
    axes.errorbar(x, middle, ends, color=color, marker=marker, markersize=4, linewidth=1.4, label=label, zorder=2)


def _logarithmic(axes: Axes, values: list) -> None:
    """Both axes; ticks at, at most six of, the values, and at powers of ten, between them where these are few."""
    axes.set_xscale("log")
    axes.set_yscale("log")
    plain_axes(axes)
    shown = values if len(values) <= 6 else values[:: -(-len(values) // 6)]
    axes.set_xticks(shown, [f"{value:g}" for value in shown])
    low, high = axes.get_ylim()
    between = (1.0,) if high / low > 100 else (1.0, 2.0, 5.0) if high / low > 4 else tuple(np.arange(1.0, 10.0))
    axes.yaxis.set_major_locator(LogLocator(subs=between))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_minor_locator(NullLocator())
    axes.tick_params(labelsize=8)
