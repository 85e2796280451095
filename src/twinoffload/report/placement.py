"""Where labels go on a map, so that none covers another, a dot or (if it can be helped) a line."""

import math
from collections.abc import Sequence
from typing import NamedTuple

Point = tuple[float, float]
Box = tuple[float, float, float, float]  # left, bottom, right, top


class Label(NamedTuple):
    """A text to place.

    Attributes:
        size: width and height, in the map's unit.
        places: possible centres, the most wanted first.
        optional: left out where it would cover a label or a dot.
    """

    size: Point
    places: Sequence[Point]
    optional: bool = False


def place_labels(
    labels: Sequence[Label],
    dots: Sequence[tuple[float, float, float]],
    lines: Sequence[tuple[Point, Point]],
    side: float,
) -> list[Point | None]:
    """A centre for each label, or None for an optional one without room.

    Labels are placed in the order given, each where it covers least, then moved in turn while that helps.

    Args:
        labels: what to place.
        dots: x, y and radius of what must stay visible.
        lines: ends of what should.
        side: labels stay inside [0, side] in both directions.
    """
    around = [(x - radius, y - radius, x + radius, y + radius) for x, y, radius in dots]
    boxes: list[Box | None] = [None] * len(labels)
    for _ in range(3):
        before = boxes.copy()
        for i, label in enumerate(labels):
            others = [box for j, box in enumerate(boxes) if j != i and box is not None]
            boxes[i] = _best(label, others + around, lines, side)
        if boxes == before:
            break
    return [None if box is None else ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2) for box in boxes]


def _best(label: Label, taken: list[Box], lines: Sequence[tuple[Point, Point]], side: float) -> Box | None:
    """Where a label covers least."""
    width, height = label.size
    best, least = None, math.inf
    for rank, (x, y) in enumerate(label.places):
        box = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
        outside = max(0.0, -box[0], -box[1], box[2] - side, box[3] - side)
        covered = sum(_overlap(box, other) for other in taken) + outside * height
        if label.optional and covered > 0.0:
            continue
        cost = 1e3 * covered / (width * height) + 0.01 * rank
        if cost < least:
            cost += sum(_crossed(box, *line) for line in lines) / width
        if cost < least:
            best, least = box, cost
    return best


def _overlap(a: Box, b: Box) -> float:
    """Common area of two boxes."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    return width * height if width > 1e-9 and height > 1e-9 else 0.0


def _crossed(box: Box, start: Point, end: Point) -> float:
    """Length of a line inside a box (Liang and Barsky's clipping)."""
    enter, leave = 0.0, 1.0
    for axis in range(2):
        step = end[axis] - start[axis]
        if step == 0.0:
            if not box[axis] <= start[axis] <= box[axis + 2]:
                return 0.0
            continue
        first, last = sorted(((box[axis] - start[axis]) / step, (box[axis + 2] - start[axis]) / step))
        enter, leave = max(enter, first), min(leave, last)
    return max(0.0, leave - enter) * math.dist(start, end)
