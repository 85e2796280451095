"""Intervals over seeds that assume no distribution."""

import math
import statistics
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple


class Interval(NamedTuple):
    """A median and the interval around it."""

    median: float
    low: float
    high: float


def median_interval(values: Sequence[float], level: float = 0.95) -> Interval:
    """The median with its sign-test interval, the narrowest pair of order statistics that covers it with `level`.

    From n values the k-th smallest and k-th largest cover the true median with probability
    1 - 2 P(Binomial(n, 1/2) < k). Fewer than six seeds cannot reach 95 %: the whole range is given, which covers
    with 1 - 2^(1 - n) (five seeds: 94 %).

    A value that is not a number has no place in an order: then all three are NaN.

    Raises:
        ValueError: no values.
    """
    if not len(values):
        raise ValueError("median of no values: needs at least one")
    if any(math.isnan(value) for value in values):
        return Interval(math.nan, math.nan, math.nan)
    ordered = sorted(values)
    k = _rank(len(ordered), level)
    return Interval(statistics.median(ordered), ordered[k - 1], ordered[-k])


@lru_cache(maxsize=1024)
def _rank(n: int, level: float) -> int:
    """k: which smallest and largest of n values bound the interval."""
    k, tail = 1, 2.0**-n
    while k < n / 2:
        tail += math.comb(n, k) * 2.0**-n
        if 1.0 - 2.0 * tail < level:
            break
        k += 1
    return k


def coverage(count: int) -> float:
    """Probability that `median_interval` of `count` values covers the true median."""
    below = int(median_interval(list(range(count))).low)  # values outside on each side
    return 1.0 - 2.0 * sum(math.comb(count, i) for i in range(below + 1)) * 0.5**count
