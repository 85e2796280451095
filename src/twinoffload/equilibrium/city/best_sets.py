"""The best set of mAPs for one BS, each at the cost of a multiplier: the inner problem of `bound`.

For BS m and multipliers nu it is max over S of V_m(S) - sum of nu over S. Where a BS has few candidates all V_m(S) are
tabulated once and the answer is exact; elsewhere it is bounded, by `branching` or `ladder`.
"""

from typing import NamedTuple

import numpy as np

from twinoffload.compiling import compiled, lean
from twinoffload.equilibrium.city.branching import Branch, Curves, branch, branch_for, profit_curves
from twinoffload.equilibrium.city.configurations import RECEIVED, Candidates, earned
from twinoffload.equilibrium.city.ladder import Pack, climb, pack_for

TABULATED = 12  # most candidates of a BS whose sets are tabulated, 2^12 of them


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


def all_sets(c: Candidates, tabulated: int = TABULATED) -> Sets:
    """The sets of a market; BSs with up to `tabulated` candidates get tables, of at most 32 KB each."""
    degree = np.diff(c.offset)
    most = int(degree.max())
    station = np.repeat(np.arange(len(degree)), degree)
    ranked = c.pair[np.lexsort((-c.terms[c.pair, RECEIVED], station))]
    few = degree <= tabulated
    sizes = np.where(few, 1 << np.minimum(degree, tabulated), 0)
    sets = Sets(
        ranked=ranked,
        begin=np.where(few, np.cumsum(sizes) - sizes, -1),
        value=np.zeros(int(sizes.sum())),
        share=np.zeros(len(ranked)),
        curves=profit_curves(c, ranked, np.repeat(~few, degree)),
        power=np.empty(most),
        cost=np.empty(most),
        weight=np.zeros(1 << TABULATED),
        branch=branch_for(most),
        pack=pack_for(most),
    )
    _tabulate(c.terms, c.offset, ranked, sets.begin, sets.value)
    return sets


@compiled
def _tabulate(terms, offset, ranked, begin, value):
    """V_m of every set of every BS that has few candidates."""
    load = np.zeros(1 << TABULATED)
    for m in range(len(begin)):
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
def best_sets(c, sets, multiplier, surplus, gradient):
    """Bounds of all BSs into `surplus` `[M]`; how much each mAP is wanted is subtracted from `gradient` `[N]`."""
    map_of, offset, terms = c.map_of, c.offset, c.terms
    ranked, begin, value, shares, curves, power, cost, weight, branching, packing = sets
    index, profit, least = curves
    for m in range(len(begin)):
        first, size = offset[m], offset[m + 1] - offset[m]
        share = shares[first : first + size]
        cheapest = 0.0
        for i in range(size):
            power[i], cost[i] = terms[ranked[first + i], RECEIVED], multiplier[map_of[ranked[first + i]]]
            cheapest = min(cheapest, cost[i])
        if begin[m] >= 0:
            surplus[m] = _best_tabulated(size, cost, begin[m], value, share, weight)
        elif cheapest == 0.0:
            surplus[m] = branch(terms, ranked, first, size, power, cost, index, profit, share, branching)
        else:
            surplus[m] = climb(terms, ranked, first, size, power, cost, index, profit, least, share, packing)
        for i in range(size):
            gradient[map_of[ranked[first + i]]] -= share[i]


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
