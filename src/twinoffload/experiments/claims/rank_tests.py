"""Exact tests that assume no distribution: signed ranks with the Hodges-Lehmann estimate, and signs.

The signed-rank test asks of a sample of differences, one a seed, where their centre lies. It needs them independent and
symmetric about it, no more: that holds if two schemes are exchangeable on a seed's channels, and about any other centre
for a shift. From n values no p-value is below 2^-n, so ten seeds reach 1/1024 and four decide nothing at 5 %.
The sign test needs no symmetry and takes values that are only known to be large; it has less power.
"""

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from twinoffload.experiments.interval import Interval

Values = Sequence[float] | np.ndarray
DIGITS = 12  # after the point: what differs by less is a tie
_EXACT = 100  # values; from more on the normal approximation is as good


def p_greater(values: Values, null: float = 0.0) -> float:
    """P-value of "the centre is at most `null`" against "it is above": signed ranks, one-sided.

    Exact given the absolute differences from `null`: ties get their mean rank, differences of 0 are dropped. The
    p-value is the share of all patterns of signs whose positive ranks sum to at least what was found.
    """
    differences = np.round(np.asarray(values, float) - null, DIGITS)
    differences = differences[differences != 0.0]
    if not len(differences):
        return 1.0
    ranks = _doubled_ranks(np.abs(differences))
    found = int(ranks[differences > 0.0].sum())
    if len(ranks) > _EXACT:
        mean, deviation = ranks.sum() / 2, math.sqrt((ranks.astype(float) ** 2).sum() / 4)
        return 0.5 * math.erfc((found - 1 - mean) / (deviation * math.sqrt(2)))
    return float(min(_sums(ranks)[found:].sum(), 1.0))


def p_less(values: Values, null: float = 0.0) -> float:
    """P-value of "the centre is at least `null`" against "it is below"; see `p_greater`."""
    return p_greater(-np.asarray(values, float), -null)


def hodges_lehmann(values: Values, level: float = 0.95) -> Interval:
    """The centre, median of all means of two values, and its interval: all centres that signed ranks do not reject.

    The interval's ends are the k-th smallest and largest mean of two (a value with itself, too), for the largest k at
    which it covers with `level`. Fewer than six values cannot reach 95 %: the whole range is given (five: 94 %).

    Raises:
        ValueError: no values, or one that is not finite.
    """
    sample = np.asarray(values, float)
    if not len(sample) or not np.isfinite(sample).all():
        raise ValueError(f"centre of {len(sample)} values: needs at least one, and finite ones only")
    first, second = np.triu_indices(len(sample))
    means = np.sort((sample[first] + sample[second]) / 2)
    k = _interval_rank(len(sample), level)
    return Interval(float(np.median(means)), float(means[k - 1]), float(means[-k]))


def p_sign(count: int, of: int) -> float:
    """P-value of a sign test: at least `count` of `of` fair coins show heads."""
    return sum(math.comb(of, heads) for heads in range(count, of + 1)) / 2**of if of else 1.0


def _doubled_ranks(sizes: np.ndarray) -> np.ndarray:
    """Twice the ranks, from 1, ties with their mean rank, as integers."""
    ordered = np.sort(sizes)
    return np.searchsorted(ordered, sizes, "left") + np.searchsorted(ordered, sizes, "right") + 1


def _sums(ranks: np.ndarray) -> np.ndarray:
    """Probability of each sum of positive (doubled) ranks if all patterns of signs are equally likely."""
    found = np.zeros(int(ranks.sum()) + 1)
    found[0] = 1.0
    for rank in ranks:
        moved = found * 0.5
        moved[rank:] += found[:-rank] * 0.5
        found = moved
    return found


@lru_cache(maxsize=256)
def _interval_rank(n: int, level: float) -> int:
    """Which smallest and largest mean bound the interval."""
    pairs = n * (n + 1) // 2
    if n > _EXACT:
        deviation = math.sqrt(n * (n + 1) * (2 * n + 1) / 24)
        return max(int(pairs / 2 - _normal_quantile(0.5 + level / 2) * deviation), 1)
    below = np.cumsum(_sums(np.arange(1, n + 1)))  # P(sum <= k)
    return max(int(np.searchsorted(below, (1.0 - level) / 2, "right")), 1)


def _normal_quantile(p: float) -> float:
    from statistics import NormalDist

    return NormalDist().inv_cdf(p)
