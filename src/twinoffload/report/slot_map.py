"""A map of one slot: where everybody stood, who was offered what, and what they chose."""

import math
from dataclasses import dataclass

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.patches import Polygon
from matplotlib.textpath import text_to_path

from twinoffload.colors import STATION_COLORS
from twinoffload.report.placement import Label, place_labels
from twinoffload.report.results import Results
from twinoffload.report.style import MUTED, PAPER, RC, WIDTH, new_figure, style, to_svg

_PANEL, _LEFT, _GAP, _TOP, _BOTTOM, _LEGEND = 3.9, 0.55, 0.5, 0.55, 0.5, 0.4  # inches
_SMALL = 8.0  # points
_CROWDED = 24  # offers beyond which those not chosen are left to the table
_LEADER = 14.0  # points from a dot's centre beyond which a label gets a line to it
_LARGEST_DOT = 20.0  # points, diameter for the largest task


def draw_slot_map(results: Results) -> str:
    """One panel a scheme: BSs as triangles, mAPs as dots, links as wide as the data on them; an SVG element."""
    names = results.slot["scheme"].unique(maintain_order=True).to_list()
    scenes = {name: _scene(results.slot.filter(pl.col("scheme") == name)) for name in names}
    depth = math.ceil(len(names) / 2)
    tall = _TOP + _PANEL + _BOTTOM
    with style():
        figure = new_figure(depth * tall + _LEGEND)
        figure.set_layout_engine("none")
        width, height = figure.get_size_inches()
        for i, name in enumerate(names):
            left = _LEFT + (i % 2) * (_PANEL + _GAP) if len(names) > 1 else (WIDTH - _PANEL) / 2
            bottom = _LEGEND + _BOTTOM + (depth - 1 - i // 2) * tall
            axes = figure.add_axes((left / width, bottom / height, _PANEL / width, _PANEL / height))
            _Panel(axes, scenes[name], results.scenario.side, _task(results)).draw(name)
            axes.set_xlabel("x in m", color=MUTED)
            if i % 2 == 0:
                axes.set_ylabel("y in m", color=MUTED)
        _legend(figure, _task(results), not all(scene.crowded for scene in scenes.values()))
        return to_svg(figure, "slot", _alt(results.scenario.side, scenes))


@dataclass(frozen=True)
class Player:
    """One mAP in the slot.

    Attributes:
        number: from 0.
        at: position in m.
        station: chosen BS, from 0; None if none.
        data: MB sent there.
        offers: BS and price of every offer, in money/MB.
    """

    number: int
    at: tuple[float, float]
    station: int | None
    data: float
    offers: tuple[tuple[int, float], ...]

    @property
    def words(self) -> str:
        """What it does, in a few words."""
        if self.station is None:
            return "off"
        price = dict(self.offers)[self.station]
        return f"{self.data:.2f} MB at {price:.2f}" if self.data > 0 else "nothing sent"


@dataclass(frozen=True)
class Scene:
    """What stood where in the slot of one scheme."""

    stations: dict[int, tuple[float, float]]
    players: list[Player]
    caption: str

    @property
    def crowded(self) -> bool:
        """Whether there are too many offers to draw those not chosen."""
        return sum(len(player.offers) for player in self.players) > _CROWDED


def _scene(table: pl.DataFrame) -> Scene:
    stations = {r["station"]: (r["station_x_m"], r["station_y_m"]) for r in table.sort("station").to_dicts()}
    players = []
    for _, part in sorted(table.group_by("map"), key=lambda group: group[0]):
        rows = part.sort("station").to_dicts()
        taken = next((row for row in rows if row["chosen"]), None)
        offers = tuple((row["station"], row["price_money_per_mb"]) for row in rows)
        players.append(
            Player(
                rows[0]["map"],
                (rows[0]["map_x_m"], rows[0]["map_y_m"]),
                None if taken is None else taken["station"],
                0.0 if taken is None else taken["data_mb"],
                offers,
            )
        )
    each = table.unique("map")
    utility, regret = (each[name].fill_nan(None).mean() for name in ("map_utility_money", "regret_money"))
    parts = [f"{sum(p.data for p in players):.2f} MB in all"]
    parts += [f"mean mAP utility {utility:.2f}"] if utility is not None else []
    parts += [f"mean regret {regret:.2f}"] if regret is not None else []
    return Scene(stations, players, " · ".join(parts))


class _Panel:
    """The map of one scheme; lengths in m, type in points."""

    def __init__(self, axes: Axes, scene: Scene, side: float, task: float):
        self.axes, self.scene, self.task = axes, scene, task
        points = [*scene.stations.values(), *(player.at for player in scene.players)]
        self.side = max(side, *(c for point in points for c in point))
        self.metre = self.side / (_PANEL * 72)  # metres a point

    def draw(self, name: str) -> None:
        axes, scene = self.axes, self.scene
        axes.set(xlim=(0, self.side), ylim=(0, self.side), aspect="equal")
        axes.grid(True, linewidth=0.4)
        axes.tick_params(length=0)
        for spine in axes.spines.values():
            spine.set_visible(True)
        axes.text(0, 1.065, name, transform=axes.transAxes, fontweight="bold", fontsize=11)
        axes.text(0, 1.02, scene.caption, transform=axes.transAxes, color=MUTED, fontsize=8.5)
        self._links()
        for number, (x, y) in scene.stations.items():
            axes.plot(
                [x],
                [y],
                marker="^",
                markersize=11,
                color=_color(number),
                markeredgecolor=PAPER,
                clip_on=False,
                zorder=5,
            )
        for player in scene.players:
            color = MUTED if player.station is None else _color(player.station)
            axes.plot(
                [player.at[0]],
                [player.at[1]],
                marker="o",
                linestyle="none",
                markersize=_diameter(player.data, self.task),
                markerfacecolor=color if player.data > 0 else PAPER,
                markeredgecolor=PAPER if player.data > 0 else color,
                markeredgewidth=1.0 if player.data > 0 else 1.4,
                clip_on=False,
                zorder=6,
            )
        self._labels()

    def _links(self) -> None:
        for player in self.scene.players:
            for station, price in player.offers:
                ends = list(zip(player.at, self.scene.stations[station], strict=True))
                if station == player.station:
                    width = 0.8 + 5.0 * player.data / self.task
                    self.axes.plot(*ends, color=_color(station), linewidth=width, alpha=0.75, zorder=3)
                elif not self.scene.crowded and math.isfinite(price):
                    self.axes.plot(*ends, color=MUTED, linewidth=0.7, linestyle=(0, (2, 3)), alpha=0.8, zorder=2)

    def _labels(self) -> None:
        scene, labels, drawers = self.scene, [], []
        for number, at in scene.stations.items():
            label = f"BS {number + 1}"
            labels.append(Label(self._size([label], bold=True), self._around(at, 6.5, self._size([label], bold=True))))
            drawers.append((self._draw_name, (label, "", at)))
        for player in scene.players:
            texts = (f"mAP {player.number + 1}", player.words)
            size = self._size(texts, bold=True)
            labels.append(Label(size, self._around(player.at, _diameter(player.data, self.task) / 2, size)))
            drawers.append((self._draw_name, (*texts, player.at)))
        for player in () if scene.crowded else scene.players:
            for station, price in player.offers:
                if station != player.station and math.isfinite(price):
                    (x, y), (u, v) = player.at, scene.stations[station]
                    shares = (0.4, 0.5, 0.3, 0.6, 0.45, 0.35, 0.55, 0.65, 0.7, 0.25)
                    places = [(x + s * (u - x), y + s * (v - y)) for s in shares]
                    labels.append(Label(self._size([f"{price:.2f}"]), places, optional=True))
                    drawers.append((self._draw_price, (f"{price:.2f}",)))
        dots = [(*at, 6.5 * self.metre) for at in scene.stations.values()]
        dots += [(*p.at, _diameter(p.data, self.task) / 2 * self.metre) for p in scene.players]
        links = [(p.at, scene.stations[p.station]) for p in scene.players if p.station is not None]
        for centre, (draw, arguments), label in zip(
            place_labels(labels, dots, links, self.side), drawers, labels, strict=True
        ):
            if centre is not None:
                draw(centre, label, *arguments)

    def _size(self, texts, bold: bool = False) -> tuple[float, float]:
        """Width and height in m of lines of text, with a little air."""
        weights = ["bold" if bold else "normal"] + ["normal"] * (len(texts) - 1)
        widths = [_width(text, weight) for text, weight in zip(texts, weights, strict=True)]
        lines = sum(1 for text in texts if text)
        return (max(widths) + 3.0) * self.metre, (1.18 * _SMALL * lines + 2.0) * self.metre

    def _around(self, at: tuple[float, float], radius: float, size: tuple[float, float]) -> list[tuple[float, float]]:
        """Centres of a box inside the square beside a dot, ever farther away."""
        places = []
        for distance in (1.5, 6.0, 14.0, 26.0, 40.0):
            reach = (radius + distance) * self.metre
            for turn in (0, 8, 4, 12, 2, 14, 6, 10, 1, 15, 7, 9, 3, 5, 11, 13):
                c, s = math.cos(turn * math.pi / 8), math.sin(turn * math.pi / 8)
                # the box touches the circle of that reach at this angle
                stretch = min(1.0, 1.3 * abs(c)), min(1.0, 1.3 * abs(s))
                x = at[0] + c * reach + math.copysign(stretch[0], c) * size[0] / 2
                y = at[1] + s * reach + math.copysign(stretch[1], s) * size[1] / 2
                inside = (min(max(c, e / 2), self.side - e / 2) for c, e in zip((x, y), size, strict=True))
                places.append(tuple(inside))
        return places

    def _draw_name(self, centre, label: Label, name: str, words: str, at: tuple[float, float]) -> None:
        x, y = centre
        gap = [max(0.0, abs(c - p) - extent / 2) for c, p, extent in zip(centre, at, label.size, strict=True)]
        if math.hypot(*gap) > _LEADER * self.metre:
            self.axes.plot([x, at[0]], [y, at[1]], color=MUTED, linewidth=0.6, zorder=4)
        lift = 0.59 * _SMALL * self.metre if words else 0.0
        text = {"ha": "center", "va": "center_baseline", "fontsize": _SMALL, "zorder": 8}
        self._patch(centre, label.size)
        self.axes.text(x, y + lift, name, fontweight="bold", **text)
        if words:
            self.axes.text(x, y - lift, words, **text)

    def _draw_price(self, centre, label: Label, price: str) -> None:
        self._patch(centre, label.size)
        self.axes.text(
            centre[0], centre[1], price, color=MUTED, ha="center", va="center_baseline", fontsize=_SMALL, zorder=8
        )

    def _patch(self, centre: tuple[float, float], size: tuple[float, float]) -> None:
        """Paper behind a label."""
        (x, y), (w, h) = centre, size
        corners = [(x - w / 2, y - h / 2), (x + w / 2, y - h / 2), (x + w / 2, y + h / 2), (x - w / 2, y + h / 2)]
        self.axes.add_patch(Polygon(corners, facecolor=PAPER, alpha=0.82, linewidth=0, zorder=7))


def _legend(figure: Figure, task: float, with_offers: bool) -> None:
    sizes = [task * share for share in (0.2, 0.6, 1.0)]
    handles = [
        Line2D([], [], color=MUTED, marker="^", markersize=9, linestyle="none", label="BS"),
        *(
            Line2D(
                [], [], color=MUTED, marker="o", markersize=_diameter(s, task), linestyle="none", label=f"mAP, {s:g} MB"
            )
            for s in sizes
        ),
        Line2D([], [], color=MUTED, linewidth=4, label="chosen (width: data)"),
    ]
    if with_offers:
        label = "not chosen, with its price"
        handles.append(Line2D([], [], color=MUTED, linewidth=0.9, linestyle=(0, (2, 3)), label=label))
    figure.legend(handles=handles, loc="lower center", ncols=len(handles), handletextpad=0.5, columnspacing=1.4)


def _task(results: Results) -> float:
    """The largest amount that could be sent, MB."""
    size = results.scenario.task_size
    largest = max(size) if isinstance(size, tuple) else size
    return max([largest, 1e-9, *results.slot["data_mb"].fill_nan(0.0).drop_nulls().to_list()])


def _diameter(data: float, task: float) -> float:
    """Of a dot whose area is proportional to data, in points; a smallest one remains visible."""
    return max(5.0, _LARGEST_DOT * math.sqrt(max(data, 0.0) / task))


def _color(station: int) -> str:
    return STATION_COLORS[station % len(STATION_COLORS)]


def _width(text: str, weight: str) -> float:
    font = FontProperties(family=RC["font.family"], size=_SMALL, weight=weight)
    width, _, _ = text_to_path.get_text_width_height_descent(text, font, False)  # pyright: ignore[reportArgumentType]
    return float(width)


def _alt(side: float, scenes: dict[str, Scene]) -> str:
    parts = []
    for name, scene in scenes.items():
        moves = [
            f"mAP {p.number + 1} {p.words}" + ("" if p.station is None else f" on BS {p.station + 1}")
            for p in scene.players
        ]
        parts.append(f"{name}: {', '.join(moves)}")
    return f"Map of a square of {side:g} m. " + "; ".join(parts) + "."
