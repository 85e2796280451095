"""Exact tests and intervals of a share: how many of so many did something."""

import math
from collections.abc import Callable, Sequence


def share_with_interval(found: int, count: int) -> tuple[float, float, float]:
    """The share and its exact 95 % interval."""
    return found / count, *share_interval(found, count)


def share_interval(found: int, count: int) -> tuple[float, float]:
    """Exact (Clopper and Pearson), 95 %; one-sided where nothing or everything was found."""
    tail = 0.05 if found in (0, count) else 0.025
    low = 0.0 if found == 0 else _solve(lambda p: at_least(found, count, p), tail)
    high = 1.0 if found == count else _solve(lambda p: at_least(found + 1, count, p), 1.0 - tail)
    return low, high


def _solve(tail: Callable[[float], float], target: float) -> float:
    """The probability at which a rising tail reaches a value, by halving."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if tail(middle) < target else (low, middle)
    return (low + high) / 2


def at_least(found: int, count: int, p: float) -> float:
    """Probability of at least `found` of `count`."""
    if p in (0.0, 1.0):
        return p
    logs = (
        math.lgamma(count + 1) - math.lgamma(k + 1) - math.lgamma(count - k + 1)
        + k * math.log(p) + (count - k) * math.log1p(-p)
        for k in range(found, count + 1)
    )  # fmt: skip
    return min(math.fsum(math.exp(log) for log in logs), 1.0)


def at_least_of(chances: Sequence[float], found: int) -> float:
    """Probability that at least `found` of some independent events happen, each with its own chance."""
    counts = [1.0]
    for chance in chances:
        counts = [
            (counts[k] if k < len(counts) else 0.0) * (1.0 - chance) + (counts[k - 1] * chance if k else 0.0)
            for k in range(len(counts) + 1)
        ]
    return min(math.fsum(counts[found:]), 1.0)
