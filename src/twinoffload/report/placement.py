"""Where labels go on a map, so that none covers another, a dot or (if it can be helped) a line."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Label(NamedTuple):
    """A text to place.

    Attributes:
        size: width and height, in the map's unit.
        places: possible centres, the most wanted first.
        optional: left out where it would cover a label or a dot.
    """

    size: tuple[float, float]
    places: Sequence[tuple[float, float]]
    optional: bool = False


def place_labels(
    labels: Sequence[Label],
    dots: Sequence[tuple[float, float, float]],
    lines: Sequence[tuple[tuple[float, float], tuple[float, float]]],
    side: float,
) -> list[tuple[float, float] | None]:
    """A centre for each label, or None for an optional one without room.

    Labels are placed in the order given, each where it covers least, then moved in turn while that helps.

    Args:
        labels: what to place.
        dots: x, y and radius of what must stay visible.
        lines: ends of what should.
        side: labels stay inside [0, side] in both directions.
    """
    boxes: list[np.ndarray | None] = [None] * len(labels)
    for _ in range(3):
        before = [None if box is None else box.copy() for box in boxes]
        for i, label in enumerate(labels):
            others = [box for j, box in enumerate(boxes) if j != i and box is not None]
            boxes[i] = _best(label, others, dots, lines, side)
        if all(a is b or (a is not None and b is not None and (a == b).all()) for a, b in zip(before, boxes, strict=True)):
            break
    return [None if box is None else (float(box[0] + box[2]) / 2, float(box[1] + box[3]) / 2) for box in boxes]


def _best(label: Label, others: list[np.ndarray], dots, lines, side: float) -> np.ndarray | None:
    width, height = label.size
    best, least = None, np.inf
    for rank, (x, y) in enumerate(label.places):
        box = np.array([x - width / 2, y - height / 2, x + width / 2, y + height / 2])
        outside = max(0.0, -box[:2].min(), box[2:].max() - side)
        hard = sum(_overlap(box, other) for other in others) + sum(_covers(box, dot) for dot in dots)
        hard += outside * height
        if label.optional and hard > 0.0:
            continue
        cost = 1e3 * hard / (width * height) + sum(_crossed(box, line) for line in lines) / width + 0.01 * rank
        if cost < least:
            best, least = box, cost
    return best


def _overlap(a: np.ndarray, b: np.ndarray) -> float:
    """Common area of two boxes."""
    return float(np.prod(np.clip(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0.0, None)))


def _covers(box: np.ndarray, dot: tuple[float, float, float]) -> float:
    """Area that a box takes from the square around a dot."""
    x, y, radius = dot
    return _overlap(box, np.array([x - radius, y - radius, x + radius, y + radius]))


def _crossed(box: np.ndarray, line: tuple[tuple[float, float], tuple[float, float]]) -> float:
    """Length of a line inside a box (Liang and Barsky's clipping)."""
    start, end = np.array(line[0]), np.array(line[1])
    step = end - start
    enter, leave = 0.0, 1.0
    for axis in range(2):
        if step[axis] == 0.0:
            if not box[axis] <= start[axis] <= box[axis + 2]:
                return 0.0
            continue
        bounds = sorted(((box[axis] - start[axis]) / step[axis], (box[axis + 2] - start[axis]) / step[axis]))
        enter, leave = max(enter, bounds[0]), min(leave, bounds[1])
    return float(max(0.0, leave - enter) * np.hypot(*step))
