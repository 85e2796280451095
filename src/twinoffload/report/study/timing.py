"""Time of a decision against the number of mAPs, and how costs grow: log-log pictures and tables."""

from typing import NamedTuple

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.ticker import NullFormatter, ScalarFormatter

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
    """

    algorithm: str
    varied: str
    values: list[float]
    seconds: list[Interval]
    exponent: Interval


def times(table: pl.DataFrame) -> tuple[list[int], list[Time]]:
    """Numbers of mAPs, and a row for each scheme in the order of the table."""
    sizes = table["maps"].unique().sort().to_list()
    rows = []
    for scheme in table["scheme"].unique(maintain_order=True):
        mine = table.filter(pl.col("scheme") == scheme)
        taken = [mine.filter(pl.col("maps") == size)["decision_ms"].drop_nulls().to_list() for size in sizes]
        rows.append(Time(scheme, [median_interval(values) if values else None for values in taken]))
    return sizes, rows


def growths(table: pl.DataFrame) -> list[Growth]:
    """A row for each algorithm and count in the order of the table; one with a single value has no exponent."""
    usable = table.filter(pl.col("value") > 0, pl.col("seconds") > 0)
    found = []
    for part in usable.partition_by("algorithm", "varied", maintain_order=True):
        values = part["value"].unique().sort().to_list()
        slopes = [
            float(np.polyfit(np.log(repeat["value"].to_numpy()), np.log(repeat["seconds"].to_numpy()), 1)[0])
            for repeat in part.partition_by("repeat", maintain_order=True)
            if repeat["value"].n_unique() > 1
        ]
        if slopes:
            seconds = [median_interval(part.filter(pl.col("value") == one)["seconds"].to_list()) for one in values]
            found.append(Growth(part["algorithm"][0], part["varied"][0], values, seconds, median_interval(slopes)))
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
    """Both axes, with ticks at (at most six of) the values."""
    axes.set_xscale("log")
    axes.set_yscale("log")
    plain_axes(axes)
    shown = values if len(values) <= 6 else values[:: -(-len(values) // 6)]
    axes.set_xticks(shown, [f"{value:g}" for value in shown])
    axes.xaxis.set_minor_formatter(NullFormatter())
    low, high = axes.get_ylim()
    if high / low < 30:  # too little for powers of ten alone
        formatter = ScalarFormatter()
        formatter.set_scientific(False)
        axes.yaxis.set_minor_formatter(formatter)
        axes.yaxis.set_major_formatter(formatter)
    axes.tick_params(which="both", length=0, labelsize=8)
