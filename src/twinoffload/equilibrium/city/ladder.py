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
from twinoffload.equilibrium.city.branching import SHARES, cell_of
from twinoffload.equilibrium.city.configurations import NOISE, earned

RUNGS = 1024
FRESH = -2  # the next turn of a climb that has not begun
_PENDING = 32  # ranges of rungs that wait, at most one for each halving and one more


class Pack(NamedTuple):
    """Work space for one BS of at most L candidates."""

    rung: np.ndarray  # [RUNGS + 2] lower ends of the ranges of x in W; the first range is 0 alone
    parked: np.ndarray  # [L] candidates of negative multiplier, best paid per W first
    price: np.ndarray  # [L] their multiplier per W; then that of all, negative where they are worth packing
    earner: np.ndarray  # [L] candidates that earn more than their multiplier, best reward per W first
    reward: np.ndarray  # [L] profit less multiplier, money
    earns: np.ndarray  # [L] whether a candidate is among them
    pending: np.ndarray  # [_PENDING, 2] ranges of rungs
    stand: np.ndarray  # [6] of a climb that goes on: turn, likely leader, best leader, its rung, parked, pending
    bound: np.ndarray  # [1] its bound so far, money


def pack_for(most: int) -> Pack:
    """Work space for at most so many candidates."""
    return Pack(
        rung=np.zeros(RUNGS + 2),
        parked=np.empty(most, np.int64),
        price=np.empty(most),
        earner=np.empty(most, np.int64),
        reward=np.empty(most),
        earns=np.zeros(most, np.bool_),
        pending=np.empty((_PENDING, 2), np.int64),
        stand=np.full(6, FRESH, np.int64),
        bound=np.zeros(1),
    )


@compiled
def climb(terms, ranked, first, size, power, cost, index, profit, least, share, room, looks):
    """An upper bound of the best set's value less its multipliers; the fractional set behind it goes to `share`.

    Where it runs out of looks it stops between two ranges of rungs, and goes on from there when it is called again.

    Args:
        terms: parameters of the pairs.
        ranked: pairs of the BS from `first` on, `size` of them, by falling power.
        first: see `ranked`.
        size: see `ranked`.
        power: received power in W, `[size]`.
        cost: multipliers, money, `[size]`.
        index: curve of each ranked pair.
        profit: the curves of `branching`.
        least: the share below which nobody earns.
        share: `[size]`: how much of each candidate is in the set; the leader of last time is tried first.
        room: work space, which remembers how far it is.
        looks: about how many candidates it may look at.

    Returns:
        (bound, looks that are left), the latter below 0 where it is not done.
    """
    rung, parked, price, earner, reward, earns, pending, stand, bound = room
    noise = terms[ranked[first], NOISE]
    if stand[0] == FRESH:
        looks -= size
        _place(rung, size, power)
        stand[0], stand[1], stand[2], stand[3], stand[5] = -1, -1, -1, 0, 0
        stand[4] = _park(size, power, cost, parked, price)
        for i in range(size - 1, -1, -1):
            if share[i] == 1.0:
                stand[1] = i
        share[:size] = 0.0
        bound[0] = 0.0
        for i in range(size):  # nobody earns
            bound[0] -= min(cost[i], 0.0)
    likely, parks, best = stand[1], stand[4], bound[0]
    for turn in range(stand[0], size):
        i, waiting = turn if turn >= 0 else likely, stand[5]
        if waiting == 0:
            if i < 0 or not earned(terms, ranked[first + i], 0.0) > 0.0 or (turn >= 0 and i == likely):
                continue
            pending[0, 0], pending[0, 1], pending[1, 0], pending[1, 1] = 1, RUNGS + 1, 0, 1
            waiting = 2
        stand[5] = 0
        while waiting > 0:
            if looks <= 0:
                stand[0], stand[5], bound[0] = turn, waiting, best
                return best, -1
            looks -= 1
            waiting -= 1
            begin, end = pending[waiting]
            low, high = rung[begin], rung[end] if begin > 0 else 0.0
            alone = earned(terms, ranked[first + i], low)
            if not alone > 0.0:
                continue
            count = _earners(first, size, i, low, high, noise, least, power, cost, index, profit, earner, reward, earns)
            looks -= size + count * count // 4  # to sort them
            net = alone - cost[i] + _fill(i, count, earner, reward, earns, parks, parked, cost, high, power, share[:0])
            if net <= best:
                continue
            if end == begin + 1:
                stand[2], stand[3], best = i, begin, net
            else:
                middle = (begin + end) // 2
                pending[waiting, 0], pending[waiting, 1] = middle, end
                pending[waiting + 1, 0], pending[waiting + 1, 1] = begin, middle
                waiting += 2
    stand[0] = FRESH
    leader, at = stand[2], stand[3]
    if leader < 0:
        for i in range(size):
            share[i] = cost[i] < 0.0
        return best, max(looks, 0)
    low, high = rung[at], rung[at + 1] if at > 0 else 0.0
    count = _earners(first, size, leader, low, high, noise, least, power, cost, index, profit, earner, reward, earns)
    _fill(leader, count, earner, reward, earns, parks, parked, cost, high, power, share[:size])
    share[leader] = 1.0
    return best, max(looks, 0)


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


@compiled
def _park(size, power, cost, parked, price):
    """Candidates of negative multiplier by falling pay per W; how many there are."""
    for i in range(size):
        price[i] = cost[i] / power[i] if cost[i] < 0.0 else math.inf
    parks = 0
    for i in np.argsort(price[:size]):
        if cost[i] < 0.0:
            parked[parks] = i
            parks += 1
    return parks


@lean
def _earners(first, size, leader, low, high, noise, least, power, cost, index, profit, earner, reward, earns):
    """Candidates weaker than the leader, of at most `high`, that may earn beside it and `low` in all; their number.

    They are sorted by reward per W. What a candidate earns is read off its curve of profit against share, from above.
    """
    count = 0
    for j in range(size):
        earns[j] = False
    for j in range(leader + 1, size):
        if power[j] > high:
            continue
        part = power[j] / (power[leader] + max(low, power[j]) + noise)
        if part < least:
            break
        most = _from_curve(part, profit[index[first + j]])
        if most <= max(cost[j], 0.0):
            continue
        earns[j] = True
        reward[j] = most - cost[j]
        at = count
        while at > 0 and reward[j] * power[earner[at - 1]] > reward[earner[at - 1]] * power[j]:
            earner[at] = earner[at - 1]
            at -= 1
        earner[at] = j
        count += 1
    return count


@lean
def _from_curve(share, profit):
    """At least the profit at a share of all power and noise: its cell's chord and what rises above it, money."""
    cell = cell_of(share)
    if cell == 0 or profit[0, cell] == 0.0:
        return profit[0, cell]
    low = profit[0, cell - 1]
    part = (share - SHARES[cell - 1]) / (SHARES[cell] - SHARES[cell - 1])
    return low + (profit[0, cell] - low) * min(max(part, 0.0), 1.0) + profit[1, cell]


@lean
def _fill(leader, count, earner, reward, earns, parks, parked, cost, size, power, share):
    """The largest reward of others of a total power in W, one of them in part; `share`, if any, says which."""
    total, room, a, b = 0.0, size, 0, 0
    while a < count or b < parks:
        if b < parks and (parked[b] == leader or earns[parked[b]]):
            b += 1
            continue
        if b == parks:
            j, worth, a = earner[a], reward[earner[a]], a + 1
        elif a == count or -cost[parked[b]] * power[earner[a]] >= reward[earner[a]] * power[parked[b]]:
            j, worth, b = parked[b], -cost[parked[b]], b + 1
        else:
            j, worth, a = earner[a], reward[earner[a]], a + 1
        if power[j] > size:  # too strong to be one of them at all
            continue
        part = 1.0 if power[j] <= room else room / power[j]
        total += part * worth
        room -= part * power[j]
        if len(share) > 0:
            share[j] = part
        if part < 1.0:
            break
    return total
