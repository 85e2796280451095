"""A slot as a picture: BSs as triangles, mAPs as dots, links as wide as the data on them, prices, utilities.

Drawn with Pillow at three times the size and scaled down, which takes milliseconds where a plot takes a quarter of a
second. Sizes are in pixels of the finished picture.
"""

import math
from functools import cache
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from twinoffload.colors import INK, LINE, MUTED, PAPER, STATION_COLORS
from twinoffload.env.scene import Scene

SIZE = 640  # of the whole picture: width; it is as high, and the caption higher
_CAPTION, _MARGIN, _SCALE = 40, 22, 3
_TYPE, _SMALL = 13, 11
_CROWDED = 12  # mAPs beyond which the words beside them are left out
_LARGEST_DOT = 11.0  # radius at the largest task


class _Sheet:
    """A drawing surface in pixels of the finished picture."""

    def __init__(self, scene: Scene):
        self.scene, self.metre = scene, (SIZE - 2 * _MARGIN) / scene.side
        self.image = Image.new("RGB", (SIZE * _SCALE, (SIZE + _CAPTION) * _SCALE), PAPER)
        self.pen = ImageDraw.Draw(self.image)
        self.taken: list[tuple[float, float, float, float]] = []

    def at(self, position) -> tuple[float, float]:
        """Metres to pixels; north is up."""
        x, y = (float(c) for c in position)
        return _MARGIN + x * self.metre, _CAPTION + SIZE - _MARGIN - y * self.metre

    def line(self, start, end, color: str, width: float, dash: float = 0.0) -> None:
        length = math.dist(start, end)
        steps = max(1, int(length / (2 * dash))) if dash else 1
        for i in range(steps):
            share = (i / steps, (i + (0.5 if dash else 1.0)) / steps)
            points = [tuple(_SCALE * (a + s * (b - a)) for a, b in zip(start, end, strict=True)) for s in share]
            self.pen.line(points, fill=color, width=max(1, round(width * _SCALE)))

    def keep_clear(self, start, end) -> None:
        """Let labels go elsewhere than onto a line if they can."""
        for i in range(1, 40):
            x, y = (a + i / 40 * (b - a) for a, b in zip(start, end, strict=True))
            self.taken.append((x - 3, y - 3, x + 3, y + 3))

    def disc(self, centre, radius: float, fill: str, edge: str) -> None:
        box = [_SCALE * (c + sign * radius) for sign in (-1, 1) for c in centre]
        self.pen.ellipse(box, fill=fill, outline=edge, width=round(1.6 * _SCALE))
        self.taken.append((centre[0] - radius, centre[1] - radius, centre[0] + radius, centre[1] + radius))

    def triangle(self, centre, radius: float, fill: str) -> None:
        x, y = centre
        corners = [(x, y - radius), (x - radius, y + 0.8 * radius), (x + radius, y + 0.8 * radius)]
        self.pen.polygon([(_SCALE * a, _SCALE * b) for a, b in corners], fill=fill, outline=PAPER, width=_SCALE)
        self.taken.append((x - radius, y - radius, x + radius, y + radius))

    def text(self, at, words: str, size: int, color: str = INK, bold: bool = False) -> None:
        self.pen.text((at[0] * _SCALE, at[1] * _SCALE), words, fill=color, font=_font(size, bold))

    def label(self, centre, radius: float, lines: list[tuple[str, bool]], color: str = INK) -> None:
        """Words beside a mark, on the first side where nothing stands."""
        widths = [_font(_SMALL, bold).getlength(words) / _SCALE for words, bold in lines]
        width, height = max(widths) + 4, len(lines) * (_SMALL + 3) + 2
        x, y = centre
        places = [
            (x + side * (radius + 4 + width / 2), y + drop)
            for drop in (0.0, -0.7 * height, 0.7 * height)
            for side in (1, -1)
        ] + [(x, y - radius - height / 2 - 3), (x, y + radius + height / 2 + 3)]
        best = min(places, key=lambda place: self._cost(place, width, height))
        box = _box(best, width, height)
        self.taken.append(box)
        self.pen.rectangle([_SCALE * c for c in box], fill=PAPER)
        for i, (words, bold) in enumerate(lines):
            self.text((box[0] + 2, box[1] + 1 + i * (_SMALL + 3)), words, _SMALL, color, bold)

    def _cost(self, centre, width: float, height: float) -> float:
        """Area on other marks, and far more for what leaves the picture."""
        left, top, right, bottom = _box(centre, width, height)
        outside = (
            max(0, 2 - left) + max(0, right - SIZE + 2) + max(0, _CAPTION - top) + max(0, bottom - SIZE - _CAPTION)
        )
        overlap = sum(
            max(0.0, min(right, r) - max(left, x)) * max(0.0, min(bottom, b) - max(top, y)) for x, y, r, b in self.taken
        )
        return 1e4 * outside + overlap


def picture(scene: Scene) -> np.ndarray:
    """The slot's map, uint8 `[height, width, 3]`."""
    sheet = _Sheet(scene)
    sheet.pen.rectangle(
        [_SCALE * c for c in (_MARGIN, _CAPTION + _MARGIN, SIZE - _MARGIN, _CAPTION + SIZE - _MARGIN)],
        outline=LINE,
        width=_SCALE,
    )
    _caption(sheet)
    if scene.price is not None:
        _links(sheet)
    for m, position in enumerate(scene.stations):
        sheet.triangle(sheet.at(position), 10, _color(m))
    for n, position in enumerate(scene.maps):
        color, sent = _of_map(scene, n)
        sheet.disc(sheet.at(position), _radius(scene, n), color if sent else PAPER, PAPER if sent else color)
    for m, position in enumerate(scene.stations):
        sheet.label(sheet.at(position), 10, [(f"BS {m + 1}", True)], _color(m))
    if len(scene.maps) <= _CROWDED:
        for n, position in enumerate(scene.maps):
            sheet.label(sheet.at(position), _radius(scene, n), [(f"mAP {n + 1}", True), *_words(scene, n)])
        _prices(sheet)
    _scale_bar(sheet)
    shape = (SIZE, SIZE + _CAPTION)
    return np.asarray(sheet.image.resize(shape, Image.Resampling.LANCZOS))


def _caption(sheet: _Sheet) -> None:
    scene = sheet.scene
    sheet.text((_MARGIN, 11), f"slot {scene.slot + 1} of {scene.slots}", _TYPE, INK, bold=True)
    if scene.price is None or scene.map_utility is None or scene.regret is None or scene.data is None:
        sheet.text((_MARGIN + 120, 11), "not played yet", _TYPE, MUTED)
        return
    told = (
        f"operator earns {scene.operator_utility:.2f} · mAPs {float(scene.map_utility.mean()):.2f} each, "
        f"regret {float(scene.regret.mean()):.2f} · {float(scene.data.sum()):.2f} MB sent"
    )
    sheet.text((_MARGIN + 120, 11), told, _TYPE, MUTED)
    key = "triangle: BS · dot: mAP, larger with more data, empty without · line: link · dashed: other offer, money/MB"
    sheet.text((_MARGIN, 34), key, _SMALL, MUTED)


def _links(sheet: _Sheet) -> None:
    scene = sheet.scene
    assert scene.price is not None
    assert scene.association is not None
    assert scene.data is not None
    for n, position in enumerate(scene.maps):
        for m, station in enumerate(scene.stations):
            ends = sheet.at(position), sheet.at(station)
            if m == int(scene.association[n]) and scene.data[n] > 0:
                sheet.line(*ends, _color(m), 1.5 + 6.0 * min(1.0, float(scene.data[n]) / scene.task))
                sheet.keep_clear(*ends)
            elif len(scene.maps) <= _CROWDED and math.isfinite(float(scene.price[n, m])):
                sheet.line(*ends, MUTED, 0.7, dash=3.0)


def _prices(sheet: _Sheet) -> None:
    """Prices of the offers that were not taken, near their mAP."""
    scene = sheet.scene
    if scene.price is None or scene.association is None or scene.data is None:
        return
    for n, position in enumerate(scene.maps):
        for m, station in enumerate(scene.stations):
            taken = m == int(scene.association[n]) and scene.data[n] > 0
            if taken or not math.isfinite(float(scene.price[n, m])):
                continue
            words = f"{float(scene.price[n, m]):.2f}"
            width, height = _font(_SMALL, False).getlength(words) / _SCALE + 2, _SMALL + 4
            start, end = sheet.at(position), sheet.at(station)
            places = [
                tuple(a + s * (b - a) for a, b in zip(start, end, strict=True)) for s in (0.35, 0.5, 0.65, 0.25, 0.75)
            ]
            best = min(places, key=lambda place: sheet._cost(place, width, height))
            if sheet._cost(best, width, height) > 0.3 * width * height:
                continue  # no room: the number stays in `info`
            box = _box(best, width, height)
            sheet.taken.append(box)
            sheet.pen.rectangle([_SCALE * c for c in box], fill=PAPER)
            sheet.text((box[0] + 1, box[1] + 1), words, _SMALL, MUTED)


def _scale_bar(sheet: _Sheet) -> None:
    """A length that reads well, some fifth of the side."""
    power = 10.0 ** math.floor(math.log10(sheet.scene.side / 5))
    length = max(step * power for step in (1, 2, 5) if step * power <= sheet.scene.side / 4)
    left, y = _MARGIN + 8, _CAPTION + SIZE - _MARGIN - 8
    sheet.line((left, y), (left + length * sheet.metre, y), INK, 1.2)
    sheet.text((left, y - _SMALL - 5), f"{length:g} m", _SMALL, INK)


def _of_map(scene: Scene, n: int) -> tuple[str, bool]:
    """An mAP's colour, and whether it sends."""
    if scene.association is None or scene.data is None or int(scene.association[n]) < 0:
        return MUTED, False
    return _color(int(scene.association[n])), bool(scene.data[n] > 0)


def _words(scene: Scene, n: int) -> list[tuple[str, bool]]:
    if scene.price is None or scene.association is None or scene.data is None:
        return []
    sent, station = float(scene.data[n]), int(scene.association[n])
    return [(f"{sent:.2f} MB at {float(scene.price[n, station]):.2f}" if sent > 0 else "nothing sent", False)]


def _radius(scene: Scene, n: int) -> float:
    """Area proportional to data; a smallest dot remains visible."""
    sent = 0.0 if scene.data is None else max(float(scene.data[n]), 0.0)
    return max(4.5, _LARGEST_DOT * math.sqrt(min(1.0, sent / scene.task)))


def _color(station: int) -> str:
    return STATION_COLORS[station % len(STATION_COLORS)]


def _box(centre, width: float, height: float) -> tuple[float, float, float, float]:
    x, y = centre
    return x - width / 2, y - height / 2, x + width / 2, y + height / 2


@cache
def _font(size: int, bold: bool) -> ImageFont.FreeTypeFont:
    """The font that ships with Matplotlib."""
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name), size * _SCALE)
