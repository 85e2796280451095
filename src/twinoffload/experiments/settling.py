"""When a learning curve has settled, and what it is like afterwards."""

from collections.abc import Sequence

import numpy as np

WINDOW = 10  # episodes of a running mean
TOLERANCE = 0.05  # of its final value


def settled(curve: Sequence[float] | np.ndarray, window: int = WINDOW, tolerance: float = TOLERANCE) -> int | None:
    """First episode, from 1, after which the mean of the last `window` episodes stays within 5 % of its final value.

    None for a curve that may drift still: one that came within 5 % of where it ends only in its last `window` means,
    as every curve that moves does at its end; one shorter than two windows; one with values that are not finite.
    """
    values = np.asarray(curve, float)
    if len(values) < 2 * window or not np.isfinite(values).all():
        return None
    means = np.convolve(values, np.full(window, 1.0 / window), mode="valid")
    outside = np.flatnonzero(np.abs(means - means[-1]) > tolerance * abs(means[-1]))
    first = int(outside[-1]) + 1 if len(outside) else 0  # of the means that are near the last
    return first + window if first <= len(means) - 1 - window else None


def roughness(values: Sequence[float] | np.ndarray) -> float:
    """How far an episode lies from the middle of its two neighbours, mean over the second half of a curve.

    A steady rise has none. NaN where there are fewer than three episodes, or some are not finite.
    """
    late = np.asarray(values, float)[len(values) // 2 :]
    return float(np.abs(np.diff(late, 2)).mean()) / 2 if len(late) > 2 else float("nan")
