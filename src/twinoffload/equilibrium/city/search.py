"""`admission` in a large market: annealing over associations, then descent to a local optimum.

Annealing (Kirkpatrick et al. 1983) makes moves and swaps at random, those that lose money with a probability that falls
as it cools; where it has cooled, a descent tries every single move until none gains. Where idle mAPs interfere a first
round begins with all mAPs gathered on few BSs. Each step looks at two or three BSs only, so a sweep of N steps costs
as much per mAP in a city as in a village. A declined mAP stays where the search puts it if idle mAPs interfere, and is
off otherwise.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from twinoffload.compiling import compiled
from twinoffload.equilibrium.city.clock import Clock
from twinoffload.equilibrium.city.configurations import (
    RECEIVED,
    Candidates,
    earned,
    join,
    leave,
    roster,
    scratch,
    value_with,
)
from twinoffload.equilibrium.city.cooling import MILD, cool, heats
from twinoffload.equilibrium.city.gathering import gathered

MOST_LOOKS = 1 << 62  # at mAPs in a descent, which ends by itself


@dataclass(frozen=True)
class SearchProgress:
    """How a search in a large market stands.

    Attributes:
        phase: "search" or "bound".
        share: of the steps or the time of this phase, whichever is ahead, in [0, 1].
        value: the operator's utility in money at the best association that is known; NaN before there is one.
        bound: of its best utility, money; NaN before there is one.
    """

    phase: str
    share: float
    value: float = math.nan
    bound: float = math.nan


Watch = Callable[[SearchProgress], None]


def unwatched(progress: SearchProgress) -> None:
    """Nobody looks on."""


@dataclass(frozen=True)
class Found:
    """An association and what it earns.

    Attributes:
        choice: pair of each mAP, -1 where it is off, int64 `[N]`.
        value: the operator's utility in money.
        sweeps: proposals per mAP that led there.
    """

    choice: np.ndarray
    value: float
    sweeps: int = 0


def anneal(
    c: Candidates,
    start: np.ndarray,
    *,
    sweeps: int,
    clock: Clock | None = None,
    seed: int = 0,
    rounds: int | None = None,
    watch: Watch = unwatched,
) -> Found:
    """Cool once or several times, each time from the best so far; a local optimum, never worth less than the start.

    Args:
        c: the market's pairs.
        start: pair of each mAP, int64 `[N]`; -1 (off) only where idle mAPs are silent.
        sweeps: proposals per mAP in each round. The temperature follows the sweeps or the clock, whichever is ahead.
        clock: time for all rounds; None: by the sweeps alone, and then the result is reproducible. Where it ends in a
            descent, what was reached need not be a local optimum.
        seed: of the random proposals.
        rounds: how often it begins hot; by default once in large markets, in which one part repeats another's trials,
            and up to `ROUNDS` times in small ones. Every second such round starts hotter.
        watch: called now and then with how it stands.
    """
    clock, turns = clock or Clock(), heats(len(start), c.idle_interferes, rounds)
    rng, scale = np.random.default_rng(seed), float(undisturbed(c.first, c.terms).mean())
    best, done = descend(c, start, clock), 0
    for i, heat in enumerate(turns if scale > 0.0 else []):
        part = clock.part(1.0 / (len(turns) - i))
        begin = descend(c, gathered(c), part) if heat == MILD else best
        lists, room = roster(c, begin.choice), scratch(c)
        look, propose = partial(tell_round, watch, i, len(turns), best.value), partial(_propose, c, lists, room, rng)
        done += cool(part, len(start), sweeps, scale, heat, look, propose)
        best = max(best, begin, descend(c, lists.choice, part), key=lambda found: found.value)
    return Found(best.choice, best.value, done)


def tell_round(watch: Watch, round_: int, rounds: int, value: float, progress: float) -> None:
    """Tell how far one of several rounds is."""
    watch(SearchProgress("search", (round_ + progress) / rounds, value))


def descend(c: Candidates, start: np.ndarray, clock: Clock | None = None) -> Found:
    """The local optimum that single moves reach from a start, each mAP in turn taking its best move.

    Where the clock, if there is one, ends before, it is what they have reached by then.
    """
    lists, room = roster(c, start), scratch(c)
    changed, seen, at = np.ones(len(lists.count), np.int64), np.zeros(len(start), np.int64), np.array([0, 0, 1])
    for begin, end in (clock or Clock()).steps(MOST_LOOKS):
        if _descend(c, lists, room, changed, seen, at, end - begin):
            break
    if not c.idle_interferes:
        _silence(c, lists)
    return Found(lists.choice, value_of(c, lists.choice))


def value_of(c: Candidates, choice: np.ndarray) -> float:
    """The operator's utility in money at an association given as pairs."""
    return math.fsum(roster(c, choice).value)


@compiled
def undisturbed(first, terms):
    """The most that one of each mAP's pairs earns undisturbed, `[N]` in money."""
    most = np.zeros(len(first) - 1)
    for n in range(len(most)):
        for pair in range(first[n], first[n + 1]):
            most[n] = max(most[n], earned(terms, pair, 0.0))
    return most


@compiled
def _propose(c, lists, room, rng, steps, temperature):
    """Random moves and displacements at one temperature.

    A displacement sends a random member of the new BS to the mover's old one if it can go there (a swap); else it is
    off, or where idle mAPs interfere on another of its BSs.
    """
    map_of, station, first, offset, terms = c.map_of, c.station, c.first, c.offset, c.terms
    choice, member, count, place, value = lists
    pairs, sums = room
    off = 0 if c.idle_interferes else 1
    for _ in range(steps):
        n = int(rng.random() * len(choice))
        old = choice[n]
        degree = first[n + 1] - first[n]
        drawn = int(rng.random() * (degree + off))
        new = first[n] + drawn if drawn < degree else -1
        if new == old:
            continue
        m_old = station[old] if old >= 0 else -1
        m_new = station[new] if new >= 0 else -1
        mate, out, to, m_to = -1, -1, -1, -1
        if m_new >= 0 and count[m_new] > 0 and rng.random() < 0.5:
            out = member[offset[m_new] + int(rng.random() * count[m_new])]
            mate = map_of[out]
            to = pair_on(first, station, mate, m_old)
            if to < 0 and not off:
                to = first[mate] + int(rng.random() * (first[mate + 1] - first[mate]))
                if to == out:
                    continue
            m_to = station[to] if to >= 0 else -1
        gain = v_old = v_new = v_to = 0.0
        if m_old >= 0:
            extra = to if m_to == m_old else -1
            v_old = value_with(terms, member, offset[m_old], count[m_old], old, extra, pairs, sums)
            gain += v_old - value[m_old]
        if m_new >= 0:
            v_new = value_with(terms, member, offset[m_new], count[m_new], out, new, pairs, sums)
            gain += v_new - value[m_new]
        if m_to >= 0 and m_to != m_old:
            v_to = value_with(terms, member, offset[m_to], count[m_to], -1, to, pairs, sums)
            gain += v_to - value[m_to]
        if gain < 0.0 and rng.random() >= math.exp(gain / temperature):
            continue
        leave(station, offset, map_of, choice, member, count, place, n)
        if mate >= 0:
            leave(station, offset, map_of, choice, member, count, place, mate)
            join(station, offset, choice, member, count, place, mate, to)
        join(station, offset, choice, member, count, place, n, new)
        if m_to >= 0:
            value[m_to] = v_to
        if m_old >= 0:
            value[m_old] = v_old
        if m_new >= 0:
            value[m_new] = v_new


@compiled
def pair_on(first, station, n, m):
    """The pair of mAP n on BS m, -1 if it has none."""
    for pair in range(first[n], first[n + 1]):
        if station[pair] == m:
            return pair
    return -1


@compiled
def _descend(c, lists, room, changed, seen, at, looks):
    """Best single move of each mAP in turn whose BSs changed since it was last looked at; whether none gains any more.

    It looks at some mAPs only, and goes on where it stopped: `at` holds the mAP that is next, the mAPs since the last
    move, and the time in moves; `changed` and `seen` when each BS changed and each mAP was looked at.
    """
    map_of, station, first, offset, terms = c.map_of, c.station, c.first, c.offset, c.terms
    choice, member, count, place, value = lists
    pairs, sums = room
    n, quiet, clock = at
    while quiet < len(choice) and looks > 0:
        looks, quiet = looks - 1, quiet + 1
        fresh = False
        for pair in range(first[n], first[n + 1]):
            fresh |= changed[station[pair]] > seen[n]
        if fresh:
            seen[n] = clock
            old = choice[n]
            freed = v_old = v_new = 0.0
            best, target = c.tolerance[n], old
            if old >= 0:
                m = station[old]
                v_old = value_with(terms, member, offset[m], count[m], old, -1, pairs, sums)
                freed = v_old - value[m]
                if freed > best and not c.idle_interferes:
                    best, target = freed, -1
            for pair in range(first[n], first[n + 1]):
                if pair != old:
                    m = station[pair]
                    v = value_with(terms, member, offset[m], count[m], -1, pair, pairs, sums)
                    if freed + v - value[m] > best:
                        best, target, v_new = freed + v - value[m], pair, v
            if target != old:
                quiet = 0
                clock += 1
                leave(station, offset, map_of, choice, member, count, place, n)
                join(station, offset, choice, member, count, place, n, target)
                if old >= 0:
                    value[station[old]] = v_old
                    changed[station[old]] = clock
                if target >= 0:
                    value[station[target]] = v_new
                    changed[station[target]] = clock
        n = n + 1 if n + 1 < len(choice) else 0
    at[0], at[1], at[2] = n, quiet, clock
    return quiet >= len(choice)


@compiled
def _silence(c, lists):
    """Switch off the mAPs that earn nothing where they are, which the others can only gain from."""
    map_of, station, offset, terms = c.map_of, c.station, c.offset, c.terms
    choice, member, count, place, _ = lists
    again = True
    while again:
        again = False
        for n in range(len(choice)):
            pair = choice[n]
            if pair < 0:
                continue
            m = station[pair]
            others = 0.0
            for i in range(offset[m], offset[m] + count[m]):
                if member[i] != pair:
                    others += terms[member[i], RECEIVED]
            if not earned(terms, pair, others) > 0.0:
                leave(station, offset, map_of, choice, member, count, place, n)
                again = True
