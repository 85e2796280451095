"""Whether something rises or falls along an axis of values, from curves of several seeds."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from twinoffload.experiments.claims.holm import LEVEL
from twinoffload.experiments.claims.part import Part, joined, shifted
from twinoffload.experiments.claims.rank_tests import hodges_lehmann, p_less


def trend(
    part: Part,
    curves: Mapping[int, np.ndarray],
    values: Sequence[float],
    sign: int,
    margin: float,
    *,
    may_stay: bool = False,
) -> Part:
    """That something rises (`sign` 1) or falls (-1): over the whole axis, and nowhere the other way.

    A seed's change is the slope of its least-squares line times the length of the axis. The part fails if the change is
    less than the margin, or if a step between neighbouring values goes the other way by more than the margin; these two
    tests share its p-value (the lesser times 2), and so do the steps (times their number).

    With `may_stay` it says only that nothing goes the other way by more than the margin.

    Args:
        part: its words, unit and source.
        curves: a measure at each value `[values]`, by seed.
        values: of the axis, ascending.
        sign: 1 or -1.
        margin: smallest change worth the name, as measured.
        may_stay: whether staying is enough.

    Returns:
        The part with the signed change as effect.
    """
    if not curves:
        return part
    table = np.stack(list(curves.values()))
    changes = sign * table @ _weights(values)
    above, size = (-margin, 0.0) if may_stay else (0.0, margin)
    measured = shifted(part, changes, above=above, margin=size)
    steps = sign * np.diff(table, axis=1)
    p_steps = [p_less(step, -margin) for step in steps.T]
    back = int(np.argmin(p_steps))
    p_back = min(len(p_steps) * p_steps[back], 1.0)
    effect = hodges_lehmann(sign * changes)
    said = [_told(table, values), f"{int((changes > 0).sum())} of {len(changes)} seeds {_verb(sign)}"]
    if not may_stay and max(abs(effect.low), abs(effect.high)) < margin:
        said.append(f"a change below {margin:.2g} counts as none")
    if 2 * p_back <= LEVEL:
        said.append(f"{_verb(-sign)} from {values[back]:g} to {values[back + 1]:g}")
    return replace(
        measured,
        effect=effect,
        fails=min(2 * min(measured.fails, p_back), 1.0),
        reason=joined(*said, part.reason),
    )


def _weights(values: Sequence[float]) -> np.ndarray:
    """Of a curve's values in slope times length of the axis."""
    centred = np.asarray(values, float) - np.mean(values)
    return centred / (centred @ centred) * (values[-1] - values[0])


def _told(table: np.ndarray, values: Sequence[float]) -> str:
    """Medians at both ends."""
    first, last = np.median(table[:, 0]), np.median(table[:, -1])
    return f"{first:.2f} at {values[0]:g}, {last:.2f} at {values[-1]:g}"


def _verb(sign: int) -> str:
    return "rise" if sign > 0 else "fall"
