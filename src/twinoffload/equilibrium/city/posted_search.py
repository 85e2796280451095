"""`posted` in a large market: annealing over the associations that prices within the cap can bring about.

At an association every other offer stands at the end of the range, the cap or the largest K, and an mAP's own price is
the best that leaves it what it could have elsewhere (see `equilibrium.posted`). The association can be brought about
if each mAP is then content. Where `pairwise` rests it always can: there each mAP prefers its own pair at prices that do
not exceed the end of the range, the others only get dearer, and its own price need not rise. So the search starts
there, and where idle mAPs interfere once more with all gathered on few BSs (see `gathering`). On the way an mAP that
would leave counts as a loss, PENALTY times what an undisturbed one earns on average and the most that one loses: a
bridge between associations that can be brought about, too dear to stay on once it is cold.
"""

import math
from functools import partial

import numpy as np

from twinoffload.compiling import compiled, lean
from twinoffload.equilibrium.city.clock import Clock
from twinoffload.equilibrium.city.configurations import (
    ACCURACY_VALUE,
    CAP,
    FIRST_VALUE,
    RECEIVED,
    STEEPNESS,
    Candidates,
    costs,
    join,
    leave,
    roster,
)
from twinoffload.equilibrium.city.cooling import COLD, HOT, MILD, cool, heats
from twinoffload.equilibrium.city.gathering import gathered
from twinoffload.equilibrium.city.kernel import best_offer, demand, price_leaving, profit, surplus
from twinoffload.equilibrium.city.search import MOST_LOOKS, Found, Watch, pair_on, tell_round, unwatched

NEVER = -math.inf  # what an mAP earns that would leave
PENALTY = 1.0


def anneal_posted(
    c: Candidates,
    start: np.ndarray,
    *,
    sweeps: int,
    clock: Clock | None = None,
    seed: int = 0,
    rounds: int | None = None,
    watch: Watch = unwatched,
) -> Found:
    """Cool once or several times, from where `pairwise` rests; never worth less than that at posted prices.

    Args:
        c: the market's pairs.
        start: pair of each mAP, int64 `[N]`; -1 (off) only where idle mAPs are silent.
        sweeps: as in `search.anneal`.
        clock: as in `search.anneal`.
        seed: of the random proposals.
        rounds: as in `search.anneal`.
        watch: called now and then with how it stands.

    Returns:
        The best association at the end of a round; value -inf where none of them, nor the start, can be brought about.
    """
    clock, turns = clock or Clock(), heats(len(start), c.idle_interferes, rounds)
    rng, c = np.random.default_rng(seed), _at_range_end(c)
    scale, loss = _turnover(c.first, c.terms)
    start, never = np.array(start, np.int64), -PENALTY * scale - loss
    best, done = Found(start, _value(c, start)), 0
    for i, heat in enumerate(turns if scale > 0.0 else []):
        state = _state(c, gathered(c) if heat == MILD else best.choice, never)
        part, loud = clock.part(1.0 / (len(turns) - i)), scale + (loss if heat > HOT / COLD else 0.0)
        look, propose = partial(tell_round, watch, i, len(turns), best.value), partial(_propose, c, state, rng, never)
        done += cool(part, len(start), sweeps, loud, heat, look, propose)
        _settle(c, state, never, part)
        best = max(best, Found(state[0], _value(c, state[0])), key=lambda found: found.value)
    return Found(best.choice, best.value, done)


def _settle(c: Candidates, state: tuple[np.ndarray, ...], never: float, clock: Clock) -> None:
    """Every move that gains, until none does or the time is over; mAPs that would leave come first."""
    order = np.argsort(state[5] != never, kind="stable")
    at = np.zeros(2, np.int64)
    for begin, end in clock.steps(MOST_LOOKS):
        if _descend(c, state, order, at, end - begin, never):
            return


def _value(c: Candidates, choice: np.ndarray) -> float:
    """The operator's utility in money, -inf where no prices bring the association about."""
    return math.fsum(_state(c, choice, NEVER)[5])


def posted_prices(c: Candidates, choice: np.ndarray) -> np.ndarray:
    """Prices in money/MB that bring an association about at the highest profit, `[P]`."""
    c = _at_range_end(c)
    price = c.terms[:, CAP].copy()
    _own_prices(c, _state(c, choice, NEVER), price)
    return price


def _at_range_end(c: Candidates) -> Candidates:
    """The same pairs with the end of the price range for a cap: where there is none, the largest K."""
    terms = c.terms.copy()
    terms[:, CAP] = np.where(np.isinf(terms[:, CAP]), terms[:, FIRST_VALUE].max(), terms[:, CAP])
    return c._replace(terms=terms)


def _state(c: Candidates, choice: np.ndarray, never: float) -> tuple[np.ndarray, ...]:
    """(choice, member, count, place, utility elsewhere `[P]`, profit `[N]`, work space) of an association."""
    lists = roster(c, choice)
    most = int(np.diff(c.offset).max())
    state = (
        lists.choice, lists.member, lists.count, lists.place, np.zeros(len(c.station)), np.zeros(len(choice)),
        np.empty(2 * most), np.empty(2 * most), np.empty(2 * most, np.int64), np.full(len(choice), -1),
    )  # fmt: skip
    _appraise(c, state, never)
    return state


@compiled
def _turnover(first, terms):
    """What undisturbed pairs earn at their best prices, money.

    The mean over the mAPs of the most that one of their pairs earns or loses, and the most that any pair loses, which
    it does where the cap is below its cost.
    """
    total, loss = 0.0, 0.0
    for n in range(len(first) - 1):
        most = 0.0
        for pair in range(first[n], first[n + 1]):
            k, e, d, limit = costs(terms, pair, 0.0)
            price, v = best_offer(k, e, d, limit, terms[pair, CAP])
            earns = profit(e, terms[pair, STEEPNESS], price, v)
            most, loss = max(most, abs(earns)), max(loss, -earns)
        total += most
    return total / (len(first) - 1), loss


@compiled
def _appraise(c, state, never):
    """Utilities and profits of a fresh association."""
    choice, member, count, _, utility, earns = state[:6]
    for pair in range(len(utility)):
        load = _load(c.terms, member, c.offset[c.station[pair]], count[c.station[pair]], pair)
        utility[pair] = _utility(c.terms, pair, load)
    for n in range(len(choice)):
        earns[n] = _earns(c.terms, c.station, c.first, c.offset, c.tolerance, c.idle_interferes, state, n, never)[0]


@compiled
def _own_prices(c, state, price):
    for n in range(len(state[0])):
        if state[0][n] >= 0:
            price[state[0][n]] = _earns(
                c.terms, c.station, c.first, c.offset, c.tolerance, c.idle_interferes, state, n, NEVER
            )[1]


@lean
def _load(terms, member, begin, count, without):
    """Received power in W of all on a BS but one pair."""
    load = 0.0
    for i in range(begin, begin + count):
        if member[i] != without:
            load += terms[member[i], RECEIVED]
    return load


@lean
def _utility(terms, pair, interference):
    """What an mAP gets from a pair at the end of the price range, money."""
    k, _, d, limit = costs(terms, pair, interference)
    price = terms[pair, CAP]
    return surplus(terms[pair, ACCURACY_VALUE], k, d + price, demand(k, d, price, limit), limit)


@lean
def _earns(terms, station, first, offset, tolerance, idle_interferes, state, n, never):
    """(profit in money, price in money/MB) of an mAP on its pair; profit `never` if no price keeps it there."""
    choice, member, count, utility = state[0], state[1], state[2], state[4]
    own = choice[n]
    outside = NEVER
    for pair in range(first[n], first[n + 1]):
        if pair != own:
            outside = max(outside, utility[pair])
    if own < 0:
        return (0.0 if outside <= tolerance[n] else never), math.inf
    m = station[own]
    k, e, d, limit = costs(terms, own, _load(terms, member, offset[m], count[m], own))
    value = terms[own, ACCURACY_VALUE]
    price, v = best_offer(k, e, d, limit, terms[own, CAP])
    content = surplus(value, k, d + price, v, limit)
    if content < outside:
        price = max(min(price, price_leaving(value, k, d, limit, outside)), 0.0)
        v = demand(k, d, price, limit)
        content = surplus(value, k, d + price, v, limit)
    if content < outside - tolerance[n] or (v <= 0.0 and not idle_interferes):
        return never, price
    return profit(e, terms[own, STEEPNESS], price, v), price


@lean
def _attempt(c, state, n, new, mate, to, least, never):
    """Move mAP n to a pair, and a mate off its BS if there is one (else -1); keep that if it gains `least` in money."""
    map_of, station, first, offset, pairs, terms = c.map_of, c.station, c.first, c.offset, c.pair, c.terms
    choice, member, count, place, utility, earns, old_utility, old_earns, touched, mark = state
    old, out = choice[n], choice[mate] if mate >= 0 else -1
    leave(station, offset, map_of, choice, member, count, place, n)
    if mate >= 0:
        leave(station, offset, map_of, choice, member, count, place, mate)
        join(station, offset, choice, member, count, place, mate, to)
    join(station, offset, choice, member, count, place, n, new)
    seen, changed = 0, 0
    for side in range(2):
        at = old if side == 0 else new
        if at < 0:
            continue
        m = station[at]
        total = _load(terms, member, offset[m], count[m], -1)
        for i in range(offset[m], offset[m + 1]):
            pair = pairs[i]
            owner = map_of[pair]
            old_utility[changed] = utility[pair]
            changed += 1
            if choice[owner] != pair:
                utility[pair] = _utility(terms, pair, total)
            if mark[owner] < 0:
                mark[owner] = seen
                touched[seen] = owner
                seen += 1
    gain, looked = 0.0, 0
    while looked < seen:
        owner = touched[looked]
        old_earns[looked] = earns[owner]
        earns[owner] = _earns(terms, station, first, offset, c.tolerance, c.idle_interferes, state, owner, never)[0]
        gain += earns[owner] - old_earns[looked]
        looked += 1
    for i in range(seen):
        mark[touched[i]] = -1
    if gain >= least:
        return True
    for i in range(looked):
        earns[touched[i]] = old_earns[i]
    changed = 0
    for side in range(2):
        at = old if side == 0 else new
        if at >= 0:
            for i in range(offset[station[at]], offset[station[at] + 1]):
                utility[pairs[i]] = old_utility[changed]
                changed += 1
    leave(station, offset, map_of, choice, member, count, place, n)
    if mate >= 0:
        leave(station, offset, map_of, choice, member, count, place, mate)
        join(station, offset, choice, member, count, place, mate, out)
    join(station, offset, choice, member, count, place, n, old)
    return False


@compiled
def _propose(c, state, rng, never, steps, temperature):
    """Random moves, and swaps where a member of the new BS can go to the old one, at one temperature."""
    choice, member, count = state[:3]
    off = 0 if c.idle_interferes else 1
    for _ in range(steps):
        n = int(rng.random() * len(choice))
        degree = c.first[n + 1] - c.first[n]
        drawn = int(rng.random() * (degree + off))
        new = c.first[n] + drawn if drawn < degree else -1
        if new == choice[n]:
            continue
        mate, to = -1, -1
        if new >= 0 and choice[n] >= 0 and rng.random() < 0.5:
            m = c.station[new]
            if count[m] > 0:
                mate = c.map_of[member[c.offset[m] + int(rng.random() * count[m])]]
                to = pair_on(c.first, c.station, mate, c.station[choice[n]])
                if to < 0:
                    mate = -1
        _attempt(c, state, n, new, mate, to, temperature * math.log(rng.random() + 1e-300), never)


@compiled
def _descend(c, state, order, at, looks, never):
    """Every move that gains of each mAP in turn; whether none does any more.

    It looks at some mAPs only, and goes on where it stopped: `at` holds the place in the order that is next, and the
    mAPs since the last move.
    """
    choice = state[0]
    i, quiet = at
    while quiet < len(choice) and looks > 0:
        looks, quiet = looks - 1, quiet + 1
        n = order[i]
        least = 10.0 * c.tolerance[n]
        for pair in range(c.first[n], c.first[n + 1]):
            if pair != choice[n] and _attempt(c, state, n, pair, -1, -1, least, never):
                quiet = 0
        if not c.idle_interferes and choice[n] >= 0 and _attempt(c, state, n, -1, -1, -1, least, never):
            quiet = 0
        i = i + 1 if i + 1 < len(choice) else 0
    at[0], at[1] = i, quiet
    return quiet >= len(choice)
