"""The best set of a BS whose candidates all cost something: branch and bound over those that earn, strongest first.

No set is looked at in which a member earns less than its multiplier, nor any larger one: without it the set is worth
more. Two bounds hold what may still come: what each candidate would earn beside those already there; and a share
argument. Of all power and noise at a BS a member receives a share phi, its profit is a function pi(phi) of that share
alone, and shares sum to less than 1, so that for every lambda >= 0

    sum pi_n(phi_n)  <=  lambda + sum of max over phi of [pi_n(phi) - lambda phi].

Profit curves are tabulated on cells of the share, each with how far it rises above the chord of a cell.
"""

import math
from typing import NamedTuple

import numpy as np

from twinoffload.compiling import compiled, lean
from twinoffload.equilibrium.city.clock import Clock
from twinoffload.equilibrium.city.configurations import NOISE, REACH, RECEIVED, Candidates, earned

DEPTH = 32  # most members of a branch
BRANCHES = 300  # after which bounds stand for what is left
VISITS = 1_200_000  # looks at candidates, after which they do too
EVEN = 64  # shares up to 1 are cut into even cells, the last of them more finely towards 1
SHARES = np.concatenate([np.arange(EVEN) / EVEN, 1.0 - 2.0 ** (-np.arange(1, 25) / 2) / EVEN, [1.0]])  # upper ends
CELLS = len(SHARES)
PARTS = 16  # of a cell


class Curves(NamedTuple):
    """Profit against share.

    Attributes:
        index: which curve each ranked pair has, int64 `[P]`.
        profit: at each of `SHARES`, and how far it rises above the chord before that, money, `[curves, 2, CELLS]`.
        least: a share below which nobody earns.
    """

    index: np.ndarray
    profit: np.ndarray
    least: float


class Branch(NamedTuple):
    """Work space for one BS of at most L candidates."""

    open: np.ndarray  # [DEPTH + 1, L] candidates that could still join at each depth
    worth: np.ndarray  # [DEPTH + 1, L] what each would add at most by its profit, money
    share: np.ndarray  # [DEPTH + 1, L] what each would add at most by its share, money
    table: np.ndarray  # [L, CELLS] what each would add at most by its share, up to each share, money
    order: np.ndarray  # [L] profit per share, negative
    part: np.ndarray  # [L] the share at which that is
    member: np.ndarray  # [DEPTH + 1] the branch
    total: np.ndarray  # [5, DEPTH + 1] power, value, rest of the values, share bound, rest of that
    cursor: np.ndarray  # [2, DEPTH + 1] how many are open, and how far they are


def branch_for(most: int) -> Branch:
    """Work space for at most so many candidates."""
    wide = (DEPTH + 1, most)
    return Branch(
        open=np.empty(wide, np.int64),
        worth=np.empty(wide),
        share=np.empty(wide),
        table=np.empty((most, CELLS)),
        order=np.empty(most),
        part=np.empty(most),
        member=np.empty(DEPTH + 1, np.int64),
        total=np.zeros((5, DEPTH + 1)),
        cursor=np.zeros((2, DEPTH + 1), np.int64),
    )


def profit_curves(c: Candidates, ranked: np.ndarray, needed: np.ndarray, clock: Clock) -> Curves | None:
    """The curves of those ranked pairs that need one, booleans `[P]`, equal ones kept once; None where time ends."""
    rows = c.terms[ranked[needed]]
    rows[:, RECEIVED], rows[:, NOISE], rows[:, REACH] = 0.0, 1.0, math.inf
    rows, which = _distinct(rows)
    index = np.zeros(len(ranked), np.int64)
    index[needed] = which
    profit, done = np.zeros((max(len(rows), 1), 2, CELLS)), 0
    for begin, end in clock.steps(len(rows)):
        _fill_curves(rows[begin:end], profit[begin:end])
        done = end
    if done < len(rows):
        return None
    earning = (profit[:, 0] > 0.0).any(0)
    return Curves(index, profit, float(SHARES[earning.argmax() - 1]) if earning.any() else 1.0)


def _distinct(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(different rows, which of them each row is); by fingerprints, as to sort whole rows takes long."""
    odd = np.arange(1, 2 * rows.shape[1], 2, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    mixed = rows.view(np.uint64) * odd
    mixed ^= mixed >> np.uint64(29)
    _, first, which = np.unique((mixed * odd[::-1]).sum(1), return_index=True, return_inverse=True)
    which = which.reshape(-1)
    if (rows[first[which]] == rows).all():
        return rows[first], which
    rows, which = np.unique(rows, axis=0, return_inverse=True)
    return rows, which.reshape(-1)


@compiled
def _fill_curves(rows, profit):
    """Each cell is cut in parts; the profit rises with the share, so in each it is at most that at its upper end."""
    for i in range(len(rows)):
        for cell in range(1, CELLS):
            profit[i, 0, cell] = _profit_at_share(rows, i, SHARES[cell])
        for cell in range(1, CELLS):
            low, width = profit[i, 0, cell - 1], SHARES[cell] - SHARES[cell - 1]
            slope = (profit[i, 0, cell] - low) / PARTS
            for part in range(PARTS):
                most = _profit_at_share(rows, i, SHARES[cell - 1] + width * (part + 1) / PARTS)
                profit[i, 1, cell] = max(profit[i, 1, cell], most - (low + slope * part))


@lean
def _profit_at_share(rows, i, share):
    """What a pair earns that receives a share of all power and noise, money."""
    rows[i, RECEIVED] = share / (1.0 - share) if share < 1.0 else math.inf
    return earned(rows, i, 0.0)


@compiled
def branch(terms, ranked, first, size, power, cost, index, profit, taken, room):
    """An upper bound of the best set's value less its costs; the set that was found goes to `taken`, 1 or 0 each.

    Args:
        terms: parameters of the pairs.
        ranked: pairs of the BS from `first` on, `size` of them, by falling power.
        first: see `ranked`.
        size: see `ranked`.
        power: received power in W, `[size]`.
        cost: at least 0, money, `[size]`.
        index: curve of each ranked pair.
        profit: the curves.
        taken: `[size]`: the set found last time, which is tried first.
        room: work space.
    """
    candidate, worth, share, table, order, part, member, totals, counts = room
    total, value, rest, shared, share_rest = totals
    length, cursor = counts
    noise = terms[ranked[first], NOISE]
    lower = _old_value(terms, ranked, first, size, power, cost, taken)
    total[0] = value[0] = rest[0] = share_rest[0] = 0.0
    length[0] = cursor[0] = 0
    for i in range(size):
        net = earned(terms, ranked[first + i], 0.0) - cost[i]
        if net > 0.0:
            candidate[0, length[0]], worth[0, length[0]] = i, net
            rest[0] += net
            total[0] += power[i]
            length[0] += 1
    price = _share_price(first, length[0], candidate[0], cost, index, profit, order, part)
    shared[0] = price * (total[0] / (total[0] + noise))
    total[0] = 0.0
    for k in range(length[0]):
        i = candidate[0, k]
        _fill_table(table[i], profit[index[first + i]], price, cost[i])
        share[0, k] = max(table[i, cell_of(power[i] / (power[i] + noise))], 0.0)
        share_rest[0] += share[0, k]
    depth, branches, visits, upper = 0, 0, 0, 0.0
    while depth >= 0:
        more = min(value[depth] + rest[depth], shared[depth] + share_rest[depth])
        if cursor[depth] == length[depth] or more <= max(upper, lower):
            depth -= 1
            continue
        if visits > VISITS:
            upper = max(upper, more)
            depth -= 1
            continue
        k = cursor[depth]
        i = candidate[depth, k]
        rest[depth] -= worth[depth, k]
        share_rest[depth] -= share[depth, k]
        cursor[depth] += 1
        member[depth] = i
        branches += 1
        earns = _value(terms, ranked, first, depth + 1, member, power, cost)
        if earns < 0.0:
            continue
        upper = max(upper, earns)
        if earns > lower:
            lower = earns
            taken[:size] = 0.0
            for j in range(depth + 1):
                taken[member[j]] = 1.0
        load = total[depth] + power[i]
        open_above, depth = length[depth], depth + 1
        total[depth], value[depth], rest[depth], share_rest[depth] = load, earns, 0.0, 0.0
        shared[depth] = shared[0]
        for j in range(depth):
            shared[depth] += table[member[j], cell_of(power[member[j]] / (load + noise))]
        length[depth] = cursor[depth] = 0
        visits += open_above - k
        for above in range(k + 1, open_above):
            j = candidate[depth - 1, above]
            net = earned(terms, ranked[first + j], load) - cost[j]
            if net > 0.0:
                at = length[depth]
                candidate[depth, at], worth[depth, at] = j, net
                share[depth, at] = max(table[j, cell_of(power[j] / (power[j] + load + noise))], 0.0)
                rest[depth] += net
                share_rest[depth] += share[depth, at]
                length[depth] += 1
        if depth == DEPTH or branches > BRANCHES:
            upper = max(upper, min(earns + rest[depth], shared[depth] + share_rest[depth]))
            length[depth] = 0
    return max(upper, lower)


@lean
def _old_value(terms, ranked, first, size, power, cost, taken):
    """Value less costs of the set of last time, which is dropped if it is below 0."""
    value = 0.0
    for i in range(size):
        if taken[i] > 0.0:
            others = 0.0
            for j in range(size):
                if taken[j] > 0.0 and j != i:
                    others += power[j]
            value += earned(terms, ranked[first + i], others) - cost[i]
    if value < 0.0:
        taken[:size] = 0.0
        return 0.0
    return value


@lean
def _value(terms, ranked, first, count, member, power, cost):
    """What the members of a branch earn less their costs, money; -1 if one of them earns no more than it costs."""
    value = 0.0
    for j in range(count):
        others = 0.0
        for k in range(count):
            if k != j:
                others += power[member[k]]
        net = earned(terms, ranked[first + member[j]], others) - cost[member[j]]
        if net <= 0.0:
            return -1.0
        value += net
    return value


@compiled
def _share_price(first, count, candidate, cost, index, profit, order, part):
    """A lambda near the best: the candidates of most profit per share fill the whole."""
    for k in range(count):
        i = candidate[k]
        order[k], part[k] = 0.0, 0.0
        for cell in range(1, CELLS):
            ratio = (profit[index[first + i], 0, cell] - cost[i]) / SHARES[cell]
            if ratio > -order[k]:
                order[k], part[k] = -ratio, SHARES[cell]
    filled = 0.0
    for k in np.argsort(order[:count]):
        filled += part[k]
        if filled >= 1.0:
            return -order[k]
    return 0.0


@lean
def _fill_table(row, profit, price, cost):
    """Largest pi(phi) - lambda phi less the cost, over shares up to each cell at which a candidate earns."""
    best = -math.inf
    row[0] = best
    for cell in range(1, CELLS):
        if profit[0, cell] > 0.0:
            ends = max(profit[0, cell - 1] - price * SHARES[cell - 1], profit[0, cell] - price * SHARES[cell])
            best = max(best, ends + profit[1, cell])
        row[cell] = best - cost


@lean
def cell_of(share):
    """The first cell whose upper end is not below a share."""
    if share * EVEN <= EVEN - 1:
        return math.ceil(share * EVEN)
    if share >= 1.0:
        return CELLS - 1
    return min(EVEN + int(2.0 * math.log2(1.0 / (EVEN * (1.0 - share)))), CELLS - 1)
