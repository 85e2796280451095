"""`pairwise`, and rest at posted prices, for a list of pairs: best responses in turn, no work done twice.

An mAP's reply depends on the loads of its own candidate BSs alone. Every BS carries the time of its last change and
every mAP that of its last reply: a pair whose BS has not changed since keeps its utility, and an mAP without a changed
BS stays. So the profiles are those of plain sweeps, one after the other.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from twinoffload.compiling import lean
from twinoffload.equilibrium.city import loads
from twinoffload.equilibrium.city.kernel import (
    TOLERANCE,
    Parameters,
    best_offer,
    costs,
    demand,
    utility_at,
    utility_at_best,
)
from twinoffload.equilibrium.city.links import Links
from twinoffload.equilibrium.dynamics import SWEEP_LIMIT

WALK_LIMIT = 100_000_000  # most pairs looked at in search of the least regret among every move of a cycle


@dataclass(frozen=True)
class Rest:
    """Where the sweeps ended.

    Attributes:
        association: BS of each mAP, int64 `[N]`; -1: off.
        status: "converged", "cycle" or "sweep_limit".
        sweeps: sweeps over all mAPs, the last without a move.
        moves: changes of a single mAP's BS.
        evaluations: pairs whose utility was computed.
    """

    association: np.ndarray
    status: str
    sweeps: int
    moves: int
    evaluations: int


class State(NamedTuple):
    """A profile and what is remembered of it.

    Attributes:
        association: BS of each mAP, int64 `[N]`; -1: off.
        choice: its pair, int64 `[N]`; -1: off, or on a BS out of reach (only at the start).
        hi, lo: running loads of BSs, `[M]`.
        changed: time of each BS's last change, int64 `[M]`.
        replied: time of each mAP's last reply, int64 `[N]`.
        utility: of each pair at that time, money, `[P]`.
    """

    association: np.ndarray
    choice: np.ndarray
    hi: np.ndarray
    lo: np.ndarray
    changed: np.ndarray
    replied: np.ndarray
    utility: np.ndarray


def sweeps(
    q: Parameters,
    links: Links,
    start: np.ndarray | None = None,
    order: np.ndarray | None = None,
    price: np.ndarray | None = None,
    *,
    plain: bool = False,
) -> Rest:
    """Sequential best response until nobody moves; the rules of `dynamics.best_responses`.

    An mAP moves only for a gain above 1e-12 gamma^A, then to the BS of highest utility, of lowest y / K among equals
    (to 1e-12, below which rounding would choose), of lowest index among those.

    A profile seen before at the end of a sweep will come again for ever. Then the visited profile whose largest regret
    is least is returned, with status "cycle": of all profiles after a move where looking at them is cheap, else of
    those at the ends of sweeps. Profiles are recognised by 64-bit fingerprints.

    Args:
        q: the market's parameters on the links.
        links: the pairs.
        start: association from which they start, `[N]`; each mAP's strongest BS where it is None.
        order: in which they move, a permutation of 0..N-1, the default.
        price: posted prices of the pairs in money/MB, `[P]`, inf: not offered; each pair's best price where it is None.
        plain: whether every pair is computed in every sweep, for comparison.
    """
    choice = links.strongest_pair() if start is None else links.pair_at(start)
    begin = links.station[choice].astype(np.int64) if start is None else np.array(start, np.int64)
    order = np.arange(links.maps) if order is None else np.asarray(order, np.int64)
    posted = np.empty(0) if price is None else np.ascontiguousarray(price, np.float64)
    state = state_at(q, begin, choice)
    seen, fingerprint, clock, evaluations, status = {0}, 0, 0, 0, "sweep_limit"
    sweep = 0
    while status == "sweep_limit" and sweep < SWEEP_LIMIT:
        sweep += 1
        moved, changed, evaluated = sweep_once(q, order, posted, state, clock, plain)
        clock, fingerprint, evaluations = clock + moved, fingerprint ^ int(changed), evaluations + evaluated
        if moved == 0:
            status = "converged"
        elif fingerprint in seen:
            status = "cycle"
        seen.add(fingerprint)
    association = state.association
    if status == "cycle":
        association = _least_regret(q, posted, state_at(q, begin, choice), order, sweep)
    return Rest(association, status, sweep, clock, evaluations)


def state_at(q: Parameters, association: np.ndarray, choice: np.ndarray) -> State:
    """A profile of which nothing is known yet: BSs `association` and pairs `choice`, int64 `[N]` each."""
    hi, lo = loads.fresh(q, choice)
    return State(
        association.copy(),
        choice.copy(),
        hi,
        lo,
        changed=np.zeros(len(hi), np.int64),
        replied=np.full(len(choice), -1),
        utility=np.zeros(len(q.station)),
    )


def _least_regret(q: Parameters, posted: np.ndarray, state: State, order: np.ndarray, count: int) -> np.ndarray:
    """Walk some sweeps again and keep the association whose largest regret is least."""
    best, least = state.association.copy(), largest_regret(q, posted, state)
    clock = 0
    for part in _steps(order, len(q.station), count):
        moved, _, _ = sweep_once(q, part, posted, state, clock, False)
        clock += moved
        if moved and (regret := largest_regret(q, posted, state)) < least:
            best, least = state.association.copy(), regret
    return best


def _steps(order: np.ndarray, pairs: int, count: int) -> Iterator[np.ndarray]:
    """The mAPs one by one, sweep after sweep, where that is cheap; else whole sweeps."""
    size = 1 if count * len(order) * pairs <= WALK_LIMIT else len(order)
    for _ in range(count):
        yield from (order[i : i + size] for i in range(0, len(order), size))


@lean
def sweep_once(q, order, posted, state, clock, plain):
    """Let some mAPs reply in turn; (moves, change of the profile's fingerprint, pairs computed)."""
    began, fingerprint, evaluated = clock, 0, 0
    for n in order:
        first, last, own = q.offset[n], q.offset[n + 1], state.choice[n]
        before = evaluated
        for p in range(first, last):
            if plain or state.changed[q.station[p]] > state.replied[n]:
                state.utility[p] = _utility(q, posted, state, n, p, own)
                evaluated += 1
        if evaluated == before:
            continue
        target = _target(q, posted, state, n)
        old, new = state.association[n], state.association[n]
        if target >= 0:
            new = np.int64(q.station[target])
        elif not q.idle_interferes:
            new = np.int64(-1)
        if new != old:
            clock += 1
            fingerprint ^= _mix(n, old) ^ _mix(n, new)
            state.association[n], state.choice[n] = new, target
            if own >= 0:
                loads.add(state.hi, state.lo, old, -q.received[own])
                state.changed[old] = clock
            if target >= 0:
                loads.add(state.hi, state.lo, new, q.received[target])
                state.changed[new] = clock
        state.replied[n] = clock
    return clock - began, fingerprint, evaluated


@lean
def _utility(q, posted, state, n, p, own):
    """What pair p would give mAP n, whose own pair is `own`, beside all others as they are."""
    interference = _interference(q, state, p, own)
    if len(posted) > 0:
        return utility_at(q, n, p, interference, posted[p])
    return utility_at_best(q, n, p, interference)


@lean
def _interference(q, state, p, own):
    if p == own:
        return loads.without(state.hi, state.lo, q.station[p], q.received[p])
    return loads.total(state.hi, state.lo, q.station[p])


@lean
def _target(q, posted, state, n):
    """The pair on which mAP n ought to be, from its utilities; -1: on none."""
    first, last, own = q.offset[n], q.offset[n + 1], state.choice[n]
    tolerance = TOLERANCE * q.accuracy_value[n]
    best = state.utility[first]
    for p in range(first + 1, last):
        best = max(best, state.utility[p])
    target = own
    if best - tolerance > (state.utility[own] if own >= 0 else 0.0):
        target = _cheapest(q, posted, state, n, best - tolerance)
    if target >= 0 and not q.idle_interferes and state.utility[target] <= tolerance:
        _, v = _offer(q, posted, state, n, target)
        if v == 0.0:
            return -1
    return target


@lean
def _cheapest(q, posted, state, n, enough):
    """Of mAP n's pairs with enough utility the first of lowest y / K, to 1e-12."""
    first, last = q.offset[n], q.offset[n + 1]
    target, rivals = -1, 0
    for p in range(first, last):
        if state.utility[p] >= enough:
            rivals += 1
            if target < 0:
                target = p
    if rivals > 1:
        lowest = np.inf
        for p in range(first, last):
            if state.utility[p] >= enough:
                share, _ = _offer(q, posted, state, n, p)
                if share < lowest * (1.0 - TOLERANCE):
                    target, lowest = p, share
    return target


@lean
def _offer(q, posted, state, n, p):
    """(y / K, v) of a pair."""
    k, e, d, limit = costs(q, n, p, _interference(q, state, p, state.choice[n]))
    if len(posted) > 0:
        return (d + posted[p]) / k, demand(k, d, posted[p], limit)
    price, v = best_offer(k, e, d, limit, q.price_cap)
    return (d + price) / k, v


@lean
def largest_regret(q, posted, state):
    """The most that any mAP would gain by its best reply to the others, in money."""
    largest = 0.0
    for n in range(len(state.choice)):
        own, best, here = state.choice[n], 0.0, 0.0
        for p in range(q.offset[n], q.offset[n + 1]):
            utility = _utility(q, posted, state, n, p, own)
            best = max(best, utility)
            if p == own:
                here = utility
        largest = max(largest, best - here)
    return largest


@lean
def _mix(n, m):
    """A 64-bit fingerprint of mAP n being on BS m (the finaliser of SplitMix64)."""
    x = np.uint64(n + 1) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(m + 2) * np.uint64(0xD1B54A32D192ED03)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.int64(x ^ (x >> np.uint64(31)))
