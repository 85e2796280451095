"""The best set of mAPs for one BS, each at the cost of a multiplier: the inner problem of `bound`.

For BS m and multipliers nu it is max over S of V_m(S) - sum of nu over S. Where a BS has few candidates all V_m(S) are
tabulated once and the answer is exact; elsewhere it is bounded, by `branching` or `ladder`.
"""

import math
from typing import NamedTuple

import numpy as np

from twinoffload.compiling import compiled, lean
from twinoffload.equilibrium.city.branching import BRANCHES, Branch, Curves, branch, branch_for, profit_curves
from twinoffload.equilibrium.city.clock import Clock
from twinoffload.equilibrium.city.configurations import RECEIVED, Candidates, earned
from twinoffload.equilibrium.city.ladder import Pack, climb, pack_for

TABULATED = 12  # most candidates of a BS whose sets are tabulated, 2^12 of them
TABLE_SHARE = 0.1  # of the time given, for tables
EARNED_S = 6e-8  # about what one profit takes in a table


class Sets(NamedTuple):
    """Candidates of each BS, strongest first.

    Attributes:
        ranked: pairs by BS as `Candidates.pair`, by falling received power, int64 `[P]`.
        begin: where the values of BS m begin, int64 `[M]`; -1: it has too many candidates.
        value: V_m of the set whose binary digits, lowest first, are the ranked candidates, money.
        share: how much of each ranked pair is in the set found last, `[P]`.
        curves: profit against share, for pairs of BSs without values.
        power: received power of the candidates of one BS, W.
        cost: their multipliers, money.
        weight: sums of them over sets.
        branch: work space.
        pack: work space.
    """

    ranked: np.ndarray
    begin: np.ndarray
    value: np.ndarray
    share: np.ndarray
    curves: Curves
    power: np.ndarray
    cost: np.ndarray
    weight: np.ndarray
    branch: Branch
    pack: Pack

    @property
    def complete(self) -> bool:
        """Whether all BSs are tabulated, so that every answer is exact."""
        return bool((self.begin >= 0).all())


def all_sets(c: Candidates, tabulated: int = TABULATED, clock: Clock | None = None) -> Sets | None:
    """The sets of a market, for BSs with up to `tabulated` candidates in tables of at most 32 KB each.

    None where the time ends before. If it is short, tables that would take more than a share of it are not made.
    """
    clock = clock or Clock()
    degree = np.diff(c.offset)
    most = int(degree.max())
    station = np.repeat(np.arange(len(degree)), degree)
    ranked = c.pair[np.lexsort((-c.terms[c.pair, RECEIVED], station))]
    few = degree <= _affordable(degree, tabulated, clock.left if clock.limited else math.inf)
    sizes = np.where(few, 1 << np.minimum(degree, tabulated), 0)
    curves = profit_curves(c, ranked, np.repeat(~few, degree), clock)
    if curves is None:
        return None
    sets = Sets(
        ranked=ranked,
        begin=np.where(few, np.cumsum(sizes) - sizes, -1),
        value=np.zeros(int(sizes.sum())),
        share=np.zeros(len(ranked)),
        curves=curves,
        power=np.empty(most),
        cost=np.empty(most),
        weight=np.zeros(1 << TABULATED),
        branch=branch_for(most),
        pack=pack_for(most),
    )
    done = 0
    for begin, end in clock.steps(len(degree)):
        _tabulate(c.terms, c.offset, ranked, sets.begin, sets.value, begin, end)
        done = end
    return sets if done == len(degree) else None


def _affordable(degree: np.ndarray, tabulated: int, seconds: float) -> int:
    """Most candidates of a BS for which tables of all BSs with as many take no more than `TABLE_SHARE` of a time."""
    work = np.bincount(degree, minlength=tabulated + 1)[: tabulated + 1] * 2.0 ** np.arange(tabulated + 1)
    spent = np.cumsum(work * np.arange(tabulated + 1)) / 2.0 * EARNED_S
    return int(np.searchsorted(spent, TABLE_SHARE * seconds, side="right")) - 1


@compiled
def _tabulate(terms, offset, ranked, begin, value, start, stop):
    """V_m of every set of every BS from `start` to `stop` - 1 that has few candidates."""
    load = np.zeros(1 << TABULATED)
    for m in range(start, stop):
        if begin[m] < 0:
            continue
        degree = offset[m + 1] - offset[m]
        for i in range(degree):
            for s in range(1 << i):
                load[s | 1 << i] = load[s] + terms[ranked[offset[m] + i], RECEIVED]
        for i in range(degree):
            pair, bit = ranked[offset[m] + i], 1 << i
            for s in range(1 << degree):
                if s & bit:
                    value[begin[m] + s] += earned(terms, pair, load[s ^ bit])


@compiled
def best_sets(c, sets, multiplier, surplus, gradient, start, looks):
    """Bounds of the BSs from `start` on into `surplus` `[M]`; the first BS that is not done after so many looks.

    Looks are about what a BS takes: at candidates, or at sets of them in tables. How much each mAP is wanted there is
    subtracted from `gradient` `[N]`.
    """
    map_of, offset, terms = c.map_of, c.offset, c.terms
    ranked, begin, value, shares, curves, power, cost, weight, branching, packing = sets
    index, profit, least = curves
    for m in range(start, len(surplus)):
        if looks <= 0:
            return m
        first, size = offset[m], offset[m + 1] - offset[m]
        share = shares[first : first + size]
        cheapest = 0.0
        for i in range(size):
            power[i], cost[i] = terms[ranked[first + i], RECEIVED], multiplier[map_of[ranked[first + i]]]
            cheapest = min(cheapest, cost[i])
        if begin[m] >= 0:
            surplus[m] = _best_tabulated(size, cost, begin[m], value, share, weight)
            looks -= 1 << size
        elif cheapest == 0.0:
            surplus[m] = branch(terms, ranked, first, size, power, cost, index, profit, share, branching)
            looks -= BRANCHES * size
        else:
            bound, looks = climb(terms, ranked, first, size, power, cost, index, profit, least, share, packing, looks)
            if looks < 0:
                return m
            surplus[m] = bound
        for i in range(size):
            gradient[map_of[ranked[first + i]]] -= share[i]
    return len(surplus)


@lean
def _best_tabulated(size, cost, begin, value, share, weight):
    """The largest value less multipliers of all sets."""
    for i in range(size):
        for s in range(1 << i):
            weight[s | 1 << i] = weight[s] + cost[i]
    best, found = 0.0, 0
    for s in range(1 << size):
        net = value[begin + s] - weight[s]
        if net > best:
            best, found = net, s
    for i in range(size):
        share[i] = (found >> i) & 1
    return best
