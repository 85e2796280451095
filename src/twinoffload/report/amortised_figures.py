"""The pictures of `docs/amortised.md`, from the tables of `experiments.amortised_study` alone.

Tables lie in `tables/amortised-NAME.csv`, pictures in `images/amortised-NAME.svg`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from twinoffload.colors import STATION_COLORS
from twinoffload.files import write_text
from twinoffload.report import figure_tables
from twinoffload.report.schemes import scheme_named
from twinoffload.report.style import (
    INK,
    LINE,
    MUTED,
    PAPER,
    new_figure,
    plain_axes,
    standalone,
    style,
    to_svg,
)
from twinoffload.report.wording import number

Tables = Mapping[str, pl.DataFrame]

PREFIX = "amortised-"
NAMES = ("slot-stations", "slot-maps", "expectations", "depths", "sizes")
_TICKS = (0.0, 0.5, 1.0, 2.0, 4.0, 10.0)  # s, on a step of the code
_TIMES = {"told": "told", "expects": "expected", "true": "true"}
_RIVAL = "trained for the size"


def write_tables(tables: Tables, folder: Path) -> list[Path]:
    """The tables as CSV files under `folder/tables`."""
    return figure_tables.write_tables(tables, folder, PREFIX)


def draw(folder: Path) -> list[Path]:
    """Every picture under `folder/images` from the tables under `folder/tables`.

    Raises:
        ValueError: a table is missing or not what it should be; the message names the command that makes it.
    """
    remedy = f"measure with `twinoffload figures --only amortised --out {folder}`"
    tables = figure_tables.read_tables(NAMES, folder, PREFIX, remedy)
    try:
        pictures = {name: standalone(picture(tables)) for name, picture in PICTURES.items()}
    except (pl.exceptions.PolarsError, KeyError, IndexError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ValueError(f"{folder / 'tables'}: a table is not what it should be ({reason}); {remedy}") from None
    (folder / "images").mkdir(parents=True, exist_ok=True)
    return [write_text(folder / "images" / f"{PREFIX}{name}.svg", picture) for name, picture in pictures.items()]


# one slot


def draw_slot(tables: Tables) -> str:
    """Where everybody is, and what each mAP's own price tells it; an SVG element."""
    stations, maps = tables["slot-stations"], tables["slot-maps"].sort("map")
    with style():
        figure = _figure(max(4.4, 0.6 + 0.95 * len(maps)))
        grid = figure.add_gridspec(len(maps), 3, width_ratios=(1.15, 0.55, 1.35))
        _map_panel(figure.add_subplot(grid[:, 0]), stations, maps)
        rows = maps.to_dicts()
        whole = [figure.add_subplot(grid[at, 1]) for at in range(len(rows))]
        steps = [figure.add_subplot(grid[at, 2]) for at in range(len(rows))]
        for at, row in enumerate(rows):
            _range_strip(whole[at], row)
            _step_strip(steps[at], row)
        whole[0].set_title("Its prices, money/MB", fontsize=9)
        steps[0].set_title("One step of its lower price, magnified", fontsize=9)
        steps[-1].set_xlabel("completion time of a MB that this place tells, s", color=MUTED)
        return to_svg(figure, "slot", _slot_alt(maps))


def _map_panel(axes: Axes, stations: pl.DataFrame, maps: pl.DataFrame) -> None:
    at = {row["station"]: (row["station_x_m"], row["station_y_m"]) for row in stations.to_dicts()}
    for row in maps.to_dicts():
        x, y = row["map_x_m"], row["map_y_m"]
        color, end = _color(row["station"]), at[row["station"]]
        axes.plot([x, end[0]], [y, end[1]], color=color, linewidth=0.8 + 2.0 * row["data_mb"], alpha=0.7, zorder=2)
        axes.plot([x], [y], marker="o", markersize=8, color=color, markeredgecolor=PAPER, zorder=4)
        name = f"mAP {row['map'] + 1}"
        axes.annotate(name, (x, y), xytext=(0, -13), textcoords="offset points", ha="center", fontsize=8, zorder=5)
    for station, (x, y) in at.items():
        axes.plot([x], [y], marker="^", markersize=12, color=_color(station), markeredgecolor=PAPER, zorder=5)
        axes.annotate(f"BS {station + 1}", (x, y), xytext=(0, 9), textcoords="offset points", ha="center", fontsize=8)
    axes.set(aspect="equal", xlabel="x in m", ylabel="y in m")
    axes.margins(0.16)
    plain_axes(axes)
    axes.set_title("Links, as wide as the data", fontsize=9)


def _range_strip(axes: Axes, row: dict[str, Any]) -> None:
    """All of an mAP's prices: its own BS's, and all others at the end of the range."""
    own, highest = row["price_money_per_mb"], row["highest_money_per_mb"]
    _bare(axes)
    axes.set(xlim=(0.0, highest * 1.02), ylim=(0.0, 1.0))
    axes.set_xticks([0.0, highest], ["0", number(highest, 2)], fontsize=8)
    axes.plot([own], [0.16], marker="D", markersize=7, color=_color(row["station"]), markeredgecolor=PAPER, zorder=4)
    axes.plot([highest], [0.16], marker="|", markersize=11, markeredgewidth=2, color=MUTED, clip_on=False, zorder=3)
    axes.text(0.0, 0.74, f"mAP {row['map'] + 1}", fontsize=8, fontweight="bold")
    axes.text(0.0, 0.44, f"BS {row['station'] + 1}: {number(own, 2)}", fontsize=8)
    axes.text(1.0, 0.44, "other", transform=axes.transAxes, ha="right", fontsize=8, color=MUTED)


def _step_strip(axes: Axes, row: dict[str, Any]) -> None:
    """One step of the code: its share q = 1 / (2 + time) from 0, an endless time, to 1/2, none."""
    share, step = row["remainder"], row["step_money_per_mb"]
    _bare(axes)
    axes.set(xlim=(0.0, 0.52), ylim=(0.0, 1.0))
    axes.plot([share], [0.16], marker="D", markersize=7, color=_color(row["station"]), markeredgecolor=PAPER, zorder=4)
    axes.set_xticks(
        [0.0, *(1.0 / (2.0 + time) for time in _TICKS)], ["∞", *(f"{time:g}" for time in _TICKS)], fontsize=8
    )
    count = round(row["price_money_per_mb"] / step - share)
    written = f"{number(row['price_money_per_mb'], 5)} = ({count} + {number(share, 3)}) × {number(step, 5)}"
    times = ", ".join(f"{word} {number(row[f'{name}_s'], 2)} s" for word, name in _TIMES.items())
    axes.text(0.0, 0.74, written, fontsize=8)
    axes.text(0.0, 0.44, times, fontsize=8)


def _bare(axes: Axes) -> None:
    """A band with ticks below and nothing else."""
    axes.axhspan(0.0, 0.32, color=LINE, alpha=0.6, linewidth=0)
    axes.set_yticks([])
    axes.tick_params(length=2)
    axes.grid(False)
    for side in ("left", "top", "right"):
        axes.spines[side].set_visible(False)


def _slot_alt(maps: pl.DataFrame) -> str:
    parts = [
        f"mAP {row['map'] + 1} is told {number(row['told_s'], 2)} s and waits {number(row['true_s'], 2)} s a MB"
        for row in maps.to_dicts()
    ]
    return "One slot: who sends where, and what each price tells. " + "; ".join(parts) + "."


# what mAPs expect


def draw_expectations(tables: Tables) -> str:
    """Expected against true completion times, before and after prices are read; an SVG element."""
    table = tables["expectations"]
    panels = (
        ("guess_s", "From its own gains alone", MUTED),
        ("expected_s", "Its price read", "#0072b2"),
    )
    times = table["true_s"].to_numpy()
    ends = float(times.min()) * 0.8, float(times.max()) * 1.25
    told = []
    with style():
        figure = _figure(3.5)
        grid = figure.subplots(1, 2, sharex=True, sharey=True)
        grid[0].set_ylabel("expected, s", color=MUTED)
        for axes, (column, title, color) in zip(grid, panels, strict=True):
            true, expected = times, table[column].to_numpy()
            plain_axes(axes)
            axes.plot(ends, ends, color=INK, linewidth=0.8, zorder=3)
            axes.scatter(true, expected, s=7, color=color, linewidths=0, alpha=0.55)
            axes.set(xscale="log", yscale="log", xlim=ends, ylim=ends, aspect="equal")
            ticks = [time for time in (0.1, 0.3, 1, 3, 10, 30, 100) if ends[0] < time < ends[1]]
            axes.set_xticks(ticks, [f"{time:g}" for time in ticks])
            axes.set_yticks(ticks, [f"{time:g}" for time in ticks])
            axes.minorticks_off()
            missed = float(np.median(np.abs(expected / true - 1.0)))
            told.append(f"{title}: {missed:.1%}")
            axes.set_title(title, fontsize=9)
            axes.text(0.04, 0.95, f"median error {missed:.1%}", transform=axes.transAxes, va="top")
            axes.set_xlabel("true completion time of a MB, s", color=MUTED)
        return to_svg(figure, "expectations", "Median errors of expected times. " + "; ".join(told) + ".")


# how deep


def draw_depths(tables: Tables) -> str:
    """Operator's and mAPs' share of `admission` against the depth of the code; an SVG element."""
    table = tables["depths"]
    looks = {"all": ("-", "exact prices"), "three": ((0, (3, 2)), "prices rounded to 0.001")}
    ticks = [10.0**power for power in range(-5, 0)]
    with style():
        figure = _figure(3.4)
        panels = figure.subplots(1, 2, sharex=True)
        for axes, (who, title) in zip(panels, (("operator", "Operator"), ("map", "mAPs")), strict=True):
            plain_axes(axes)
            for scheme in table["scheme"].unique(maintain_order=True):
                look = scheme_named(scheme)
                for digits, (line, words) in looks.items():
                    rows = table.filter((pl.col("scheme") == scheme) & (pl.col("digits") == digits)).sort("depth")
                    axes.plot(
                        rows["depth"],
                        rows[f"{who}_share"],
                        color=look.color,
                        linestyle=line,
                        marker=look.marker,
                        markersize=5,
                        label=f"{scheme}, {words}",
                    )
            axes.set(xscale="log", ylim=(0.6, 1.25))
            axes.set_xticks(ticks, [f"{tick:.10f}".rstrip("0") for tick in ticks])
            axes.minorticks_off()
            axes.set_title(title)
            axes.set_xlabel("step of the code, share of the price range", color=MUTED)
        panels[0].set_ylabel("share of admission", color=MUTED)
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=2)
        return to_svg(figure, "depths", _depths_alt(table))


def _depths_alt(table: pl.DataFrame) -> str:
    exact = table.filter((pl.col("scheme") == "committed") & (pl.col("digits") == "all")).sort("depth")
    parts = [f"{row['depth']:g}: {number(row['operator_share'])}" for row in exact.to_dicts()]
    return "Operator's share of admission under committed against the step. " + "; ".join(parts) + "."


# networks of many sizes


def draw_sizes(tables: Tables) -> str:
    """Operator's and mAPs' utility over `reactive`'s against N, a column of panels for each M; an SVG element."""
    table = tables["sizes"]
    sizes = table["stations"].unique().sort().to_list()
    with style():
        figure = _figure(5.2)
        grid = figure.subplots(2, len(sizes), sharex=True, sharey="row", squeeze=False)
        for column, stations in enumerate(sizes):
            for axes, who in zip(grid[:, column], ("operator", "map"), strict=True):
                plain_axes(axes, "y")
                axes.axhline(1.0, color=scheme_named("reactive").color, linewidth=1.2, label="reactive")
                here = table.filter(pl.col("stations") == stations)
                names = here["scheme"].unique(maintain_order=True).to_list()
                for i, scheme in enumerate(names):
                    _ratios(axes, here.filter(pl.col("scheme") == scheme), scheme, who, 0.12 * (i - len(names) / 2))
            grid[0][column].set_title(f"M = {stations} BSs")
            grid[1][column].set_xlabel("mAPs, N", color=MUTED)
        grid[0][0].set_ylabel("operator's utility\nover reactive's", color=MUTED)
        grid[1][0].set_ylabel("mAPs' utility\nover reactive's", color=MUTED)
        handles, labels = grid[0][0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
        return to_svg(figure, "sizes", _sizes_alt(table))


def _ratios(axes: Axes, rows: pl.DataFrame, scheme: str, who: str, shift: float) -> None:
    look, rows = scheme_named(scheme), rows.sort("maps")
    x = rows["maps"] + shift
    color = INK if scheme == _RIVAL else look.color
    axes.vlines(x, rows[f"{who}_low"], rows[f"{who}_high"], color=color, linewidth=1.4)
    axes.plot(x, rows[f"{who}_median"], color=color, marker=look.marker, markersize=5, linewidth=0.9, label=scheme)


def _sizes_alt(table: pl.DataFrame) -> str:
    own = table.filter(pl.col("scheme") == "amortised").sort("operator_median")
    low, high = own.row(0, named=True), own.row(-1, named=True)
    return (
        f"Operator's utility under amortised over reactive's: from {number(low['operator_median'])} at "
        f"N = {low['maps']}, M = {low['stations']} to {number(high['operator_median'])} at N = {high['maps']}, "
        f"M = {high['stations']}."
    )


def _figure(height: float) -> Figure:
    """On paper, not transparent: the file is also read on dark pages."""
    figure = new_figure(height)
    figure.set_facecolor(PAPER)
    return figure


def _color(station: int) -> str:
    return STATION_COLORS[station % len(STATION_COLORS)]


PICTURES = {
    "slot": draw_slot,
    "expectations": draw_expectations,
    "depths": draw_depths,
    "sizes": draw_sizes,
}
