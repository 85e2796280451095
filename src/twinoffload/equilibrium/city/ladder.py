"""A bound of the best set of a BS where some candidates pay to be there, which park without earning.

Let i be the strongest member that earns, the leader, and x the power of all others. For x between `low` and `high` the
leader earns at most what it does beside `low`, and the others at most the fractional knapsack of size `high` of their
profits less multipliers, each beside the leader and the rest of `low`, since interference only lowers profits. The
bound is the largest over leaders and over the rungs of a geometric ladder of x; several rungs are passed at once where
the same bound over all of them is low enough.
"""

import math
from typing import NamedTuple

import numpy as np

from twinoffload.compiling import compiled, lean
from twinoffload.equilibrium.city.configurations import earned

RUNGS = 64
_PENDING = 32  # ranges of rungs that wait, at most one for each halving and one more


class Pack(NamedTuple):
    """Work space for one BS of at most L candidates."""

    rung: np.ndarray  # [RUNGS + 2] lower ends of the ranges of x in W; the first range is 0 alone
    reward: np.ndarray  # [L] profit less multiplier, money
    order: np.ndarray  # [L] reward per W, negative
    item: np.ndarray  # [L] candidates worth packing
    pending: np.ndarray  # [_PENDING, 2] ranges of rungs


def pack_for(most: int) -> Pack:
    """Work space for at most so many candidates."""
    return Pack(
        np.zeros(RUNGS + 2), np.empty(most), np.empty(most), np.empty(most, np.int64), np.empty((_PENDING, 2), np.int64)
    )


@compiled
def climb(terms, ranked, first, size, power, cost, share, room):
    """An upper bound of the best set's value less its multipliers; the fractional set behind it goes to `share`.

    Args:
        terms: parameters of the pairs.
        ranked: pairs of the BS from `first` on, `size` of them, by falling power.
        first: see `ranked`.
        size: see `ranked`.
        power: received power in W, `[size]`.
        cost: multipliers, money, `[size]`.
        share: `[size]`: how much of each candidate is in the set; the leader of last time is tried first.
        room: work space.
    """
    rung, reward, order, item, pending = room
    _place(rung, size, power)
    likely = -1
    for i in range(size - 1, -1, -1):
        if share[i] == 1.0:
            likely = i
    share[:size] = 0.0
    leader, at, best = -1, 0, 0.0
    for i in range(size):  # nobody earns
        best -= min(cost[i], 0.0)
    for turn in range(-1, size):
        i = turn if turn >= 0 else likely
        if i < 0 or not earned(terms, ranked[first + i], 0.0) > 0.0 or (turn >= 0 and i == likely):
            continue
        pending[0, 0], pending[0, 1], pending[1, 0], pending[1, 1] = 1, RUNGS + 1, 0, 1
        waiting = 2
        while waiting > 0:
            waiting -= 1
            begin, end = pending[waiting]
            low, high = rung[begin], rung[end] if begin > 0 else 0.0
            alone = earned(terms, ranked[first + i], low)
            if not alone > 0.0:
                continue
            _rewards(terms, ranked, first, size, i, low, power, cost, reward)
            net = alone - cost[i] + _knapsack(size, i, high, power, reward, order, item, share[:0])
            if net <= best:
                continue
            if end == begin + 1:
                leader, at, best = i, begin, net
            else:
                middle = (begin + end) // 2
                pending[waiting, 0], pending[waiting, 1] = middle, end
                pending[waiting + 1, 0], pending[waiting + 1, 1] = begin, middle
                waiting += 2
    if leader < 0:
        for i in range(size):
            share[i] = cost[i] < 0.0
        return best
    _rewards(terms, ranked, first, size, leader, rung[at], power, cost, reward)
    _knapsack(size, leader, rung[at + 1] if at > 0 else 0.0, power, reward, order, item, share[:size])
    share[leader] = 1.0
    return best


@lean
def _place(rung, size, power):
    """Rungs from just below the least power to above the sum of all."""
    least, total = math.inf, 0.0
    for i in range(size):
        total += power[i]
        if power[i] > 0.0:
            least = min(least, power[i])
    rung[0] = 0.0
    for k in range(RUNGS + 1):
        rung[k + 1] = (1.0 - 1e-9) * least * (total / least * (1.0 + 1e-8)) ** (k / RUNGS) if total > 0.0 else 0.0


@lean
def _rewards(terms, ranked, first, size, leader, low, power, cost, reward):
    """What each candidate adds at most beside a leader and `low` in all; stronger ones do not earn."""
    for j in range(size):
        reward[j] = -cost[j]
        if j > leader:
            reward[j] += earned(terms, ranked[first + j], power[leader] + max(low - power[j], 0.0))


@compiled
def _knapsack(size, without, room, power, reward, order, item, share):
    """The largest reward of candidates of a total power in W, one of them in part; `share`, if any, says which."""
    count = 0
    for j in range(size):
        if reward[j] > 0.0 and power[j] <= room and j != without:
            item[count], order[count] = j, -reward[j] / power[j]
            count += 1
    total = 0.0
    for k in np.argsort(order[:count]):
        j = item[k]
        part = 1.0 if power[j] <= room else room / power[j]
        total += part * reward[j]
        room -= part * power[j]
        if len(share) > 0:
            share[j] = part
        if part < 1.0:
            break
    return total
