"""When a learning curve has settled, and what it is like afterwards."""

from collections.abc import Sequence

import numpy as np

WINDOW = 10  # episodes that are averaged
TOLERANCE = 0.05  # share of the final value within which the average stays


def settled_episode(curve: Sequence[float] | np.ndarray) -> int | None:
    """First episode, from 1, after which the mean of the last ten episodes stays within 5 % of its final value.

    None where a curve never settles: it has a value that is not finite, or its mean came to stay so late that fewer
    than ten episodes follow. Means of ten episodes that overlap with the last ten are close to its mean on any curve,
    also on one that still climbs.

    (`report.convergence.settled` looks for the same in the median curve that a picture shows.)
    """
    values = np.asarray(curve, float)
    if len(values) < 2 * WINDOW or not np.isfinite(values).all():
        return None
    means = np.convolve(values, np.full(WINDOW, 1.0 / WINDOW), mode="valid")
    outside = np.flatnonzero(np.abs(means - means[-1]) > TOLERANCE * abs(means[-1]))
    episode = int(outside[-1]) + 1 + WINDOW if len(outside) else WINDOW
    return episode if episode <= len(values) - WINDOW else None


def roughness(curve: Sequence[float] | np.ndarray) -> float:
    """Mean absolute step from episode to episode in the second half of a curve; NaN if that is not finite."""
    values = np.asarray(curve, float)
    late = values[len(values) // 2 :]
    return float(np.abs(np.diff(late)).mean()) if len(late) > 1 else float("nan")
