"""The map of a synthetic city under two concepts, from the tables of `experiments.city_study` alone."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from twinoffload.files import write_text
from twinoffload.report.style import INK, MUTED, new_figure, standalone, style, to_svg

Tables = Mapping[str, pl.DataFrame]
NAMES = ("city-stations", "city-maps")
PICTURE = "city-map.svg"
_SENDING, _IDLE = "#0072b2", "#d55e00"
_TITLES = {"pairwise": "pairwise: nobody wants to move", "admission": "admission: the operator declines some"}


def write_tables(tables: Tables, folder: Path) -> list[Path]:
    """The tables as CSV files under `folder/tables`."""
    (folder / "tables").mkdir(parents=True, exist_ok=True)
    return [
        write_text(folder / "tables" / f"{name}.csv", table.write_csv(float_precision=4))
        for name, table in tables.items()
    ]


def draw(folder: Path) -> Path:
    """The picture under `folder/images` from the tables under `folder/tables`.

    Raises:
        ValueError: a table is missing; the message names it and the command that makes it.
    """
    tables = {}
    for name in NAMES:
        path = folder / "tables" / f"{name}.csv"
        if not path.is_file():
            raise ValueError(f"{path}: no such table; measure with `twinoffload figures --out {folder}`")
        tables[name] = pl.read_csv(path)
    (folder / "images").mkdir(parents=True, exist_ok=True)
    return write_text(folder / "images" / PICTURE, standalone(draw_city(tables)))


def draw_city(tables: Tables) -> str:
    """BSs, mAPs and links, a panel a concept, as an `<svg>` element."""
    stations, maps = (tables[name] for name in NAMES)
    with style():
        figure: Figure = new_figure(5.2)
        panels: Any = figure.subplots(1, 2, sharex=True, sharey=True)
        for axes, (concept, rows) in zip(panels, _by_concept(maps), strict=True):
            _panel(axes, concept, rows, stations)
        panels[0].set_ylabel("km")
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=3)
        return to_svg(figure, "city", _alt(maps))


def _by_concept(maps: pl.DataFrame) -> list[tuple[str, pl.DataFrame]]:
    names = maps["concept"].unique(maintain_order=True)
    return [(name, maps.filter(pl.col("concept") == name)) for name in names]


def _panel(axes: Axes, concept: str, rows: pl.DataFrame, stations: pl.DataFrame) -> None:
    linked = rows.filter(pl.col("station") >= 0).join(stations, on="station")
    sending, idle = linked.filter(pl.col("data_mb") > 0), rows.filter(pl.col("data_mb") <= 0)
    ends = sending.select(pl.col("map_x_m", "map_y_m", "station_x_m", "station_y_m") / 1000).to_numpy()
    axes.add_collection(LineCollection(list(ends.reshape(-1, 2, 2)), colors=MUTED, linewidths=0.7, zorder=1))
    x, y = (stations[f"station_{c}_m"].to_numpy() / 1000 for c in "xy")
    axes.scatter(x, y, marker="^", s=16, color=INK, linewidths=0, zorder=2, label="BS")
    x, y = (sending[f"map_{c}_m"].to_numpy() / 1000 for c in "xy")
    area = 6 + 14 * sending["data_mb"].to_numpy()
    axes.scatter(x, y, s=area, color=_SENDING, linewidths=0, zorder=3, label="mAP that sends (area: data)")
    x, y = (idle[f"map_{c}_m"].to_numpy() / 1000 for c in "xy")
    axes.scatter(
        x, y, s=14, facecolors="none", edgecolors=_IDLE, linewidths=1.0, zorder=3, label="mAP that sends nothing"
    )
    axes.set_title(_TITLES.get(concept, concept))
    axes.set_xlabel(f"km; operator {rows['operator_utility_money'][0]:.0f} money, {len(idle)} mAPs send nothing")
    axes.set_aspect("equal")
    axes.grid(False)


def _alt(maps: pl.DataFrame) -> str:
    told = [
        f"{name}: {int((rows['data_mb'] > 0).sum())} of {len(rows)} mAPs send data" for name, rows in _by_concept(maps)
    ]
    return f"Maps of a synthetic city. {'; '.join(told)}."
