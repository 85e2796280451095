"""What a BS earns with a set of mAPs on it, the unit in which searches and bounds of `admission` think.

V_m(S), the value of set S on BS m in money, sums over its members what each pair earns at its best price beside the
others, 0 where it is declined. Interference only lowers a pair's profit, so each pair has a reach: the interference
from which it earns nothing, which saves most evaluations on crowded BSs.

Compiled functions take arrays, not tuples of them: to pass a tuple costs more than the formulas inside.
"""

import math
from typing import NamedTuple

import numpy as np

from twinoffload.compiling import lean
from twinoffload.equilibrium.city.kernel import TOLERANCE, Parameters, best_offer, profit, rate, unit_delay_cost
from twinoffload.equilibrium.city.links import Links

(
    RECEIVED,
    NOISE,
    SCALE,
    DELAY_COST,
    COMPUTE_TIME,
    FIRST_VALUE,
    ENERGY_COST,
    LIMIT,
    STEEPNESS,
    CAP,
    REACH,
    ACCURACY_VALUE,
) = range(12)


class Candidates(NamedTuple):
    """Pairs as BSs see them.

    Attributes:
        map_of: mAP of each pair, int32 `[P]`.
        station: BS of each pair, int32 `[P]`.
        first: pairs first[n] to first[n + 1] are mAP n's, int64 `[N + 1]`.
        offset: entries offset[m] to offset[m + 1] of `pair` are BS m's, int64 `[M + 1]`.
        pair: pairs grouped by BS, int64 `[P]`.
        terms: a row of parameters for each pair, side by side in memory, `[P, 12]`: p h in W, sigma^2 in W, W / (8 ln
            2) in MB/s, gamma^D, c / f in s/MB, K and e in money/MB, a Zmax, a in 1/MB, the cap, and the reach, the
            interference in W from which it earns nothing (rounded up by at most 4 %), and gamma^A in money.
        tolerance: the least gain for which an mAP is moved, 1e-12 gamma^A in money, `[N]`.
        idle_interferes: whether an mAP without data still interferes; if not it may be off.
    """

    map_of: np.ndarray
    station: np.ndarray
    first: np.ndarray
    offset: np.ndarray
    pair: np.ndarray
    terms: np.ndarray
    tolerance: np.ndarray
    idle_interferes: bool


class Roster(NamedTuple):
    """Which pairs are in use on each BS.

    Attributes:
        choice: pair of each mAP, -1 where it is off, int64 `[N]`.
        member: pairs on BS m from `Candidates.offset[m]` on, in no order, int64 `[P]`.
        count: how many there are, int64 `[M]`.
        place: where in its BS's list each mAP stands, int64 `[N]`.
        value: V_m of what is on each BS in money, `[M]`.
    """

    choice: np.ndarray
    member: np.ndarray
    count: np.ndarray
    place: np.ndarray
    value: np.ndarray


def candidates(q: Parameters, links: Links) -> Candidates:
    """The pairs of each BS and their parameters."""
    offset, pair = links.by_station
    n, m = links.map_of, links.station
    terms = np.empty((links.pairs, 12))
    steepness = q.steepness[m]
    for column, value in (
        (RECEIVED, q.received),
        (NOISE, q.noise[m]),
        (SCALE, q.rate_scale[m]),
        (DELAY_COST, q.delay_cost[n]),
        (COMPUTE_TIME, q.cycles * q.cycle_time[m]),
        (FIRST_VALUE, q.accuracy_value[n] * steepness),
        (ENERGY_COST, q.cycle_energy[m] * q.cycles),
        (LIMIT, steepness * q.raw_data[n]),
        (STEEPNESS, steepness),
        (CAP, q.price_cap),
        (REACH, math.inf),
        (ACCURACY_VALUE, q.accuracy_value[n]),
    ):
        terms[:, column] = value
    _fill_reach(terms)
    tolerance = TOLERANCE * q.accuracy_value
    return Candidates(n, m, links.offset, offset, pair, terms, tolerance, q.idle_interferes)


def roster(c: Candidates, choice: np.ndarray) -> Roster:
    """The lists of an association given as pairs, int64 `[N]`; -1: off."""
    stations = len(c.offset) - 1
    lists = Roster(
        choice=np.array(choice, np.int64),
        member=np.empty_like(c.pair),
        count=np.zeros(stations, np.int64),
        place=np.zeros(len(choice), np.int64),
        value=np.zeros(stations),
    )
    _fill(c.terms, c.station, c.offset, *lists, *scratch(c))
    return lists


def scratch(c: Candidates) -> tuple[np.ndarray, np.ndarray]:
    """Room for the largest set that a BS can have: pairs int64 and sums float64, `[most + 2]` each."""
    most = int(np.diff(c.offset).max()) + 2
    return np.empty(most, np.int64), np.empty(most)


@lean
def costs(terms, pair, interference):
    """(K, e, D, a Zmax) of a pair at an interference in W, as `kernel.costs`."""
    r = rate(terms[pair, RECEIVED], interference, terms[pair, NOISE], terms[pair, SCALE])
    d = unit_delay_cost(terms[pair, DELAY_COST], r, terms[pair, COMPUTE_TIME])
    return terms[pair, FIRST_VALUE], terms[pair, ENERGY_COST], d, terms[pair, LIMIT]


@lean
def earned(terms, pair, interference):
    """What a pair earns the operator in money at its best price, 0 where it is declined."""
    if interference >= terms[pair, REACH]:
        return 0.0
    k, e, d, limit = costs(terms, pair, interference)
    price, v = best_offer(k, e, d, limit, terms[pair, CAP])
    return max(profit(e, terms[pair, STEEPNESS], price, v), 0.0)


@lean
def _fill_reach(terms):
    """A geometric search for where each pair's profit ends; inf where interference cannot end it."""
    for pair in range(len(terms)):
        if not earned(terms, pair, 0.0) > 0.0:
            terms[pair, REACH] = 0.0
            continue
        high = terms[pair, RECEIVED]
        steps = 0
        while earned(terms, pair, high) > 0.0 and steps < 100:
            high *= 8.0
            steps += 1
        if steps == 100:
            continue
        low = high / 8.0
        while not earned(terms, pair, low) > 0.0 and steps > -100:
            high, low = low, low / 8.0
            steps -= 1
        for _ in range(6):  # 8^(1/64) is 1.033
            middle = math.sqrt(low * high)
            if earned(terms, pair, middle) > 0.0:
                low = middle
            else:
                high = middle
        terms[pair, REACH] = high


@lean
def join(station, offset, choice, member, count, place, n, pair):
    """Put mAP n, which is off, on a pair; a pair below 0 leaves it off. The BS's value is the caller's concern."""
    choice[n] = pair
    if pair >= 0:
        m = station[pair]
        member[offset[m] + count[m]] = pair
        place[n] = count[m]
        count[m] += 1


@lean
def leave(station, offset, map_of, choice, member, count, place, n):
    """Take mAP n off its pair, if it has one."""
    pair = choice[n]
    choice[n] = -1
    if pair >= 0:
        m = station[pair]
        count[m] -= 1
        last = member[offset[m] + count[m]]
        member[offset[m] + place[n]] = last
        place[map_of[last]] = place[n]


@lean
def value_with(terms, member, begin, count, without, extra, pairs, sums):
    """V_m in money of the `count` members from `begin` on, less one pair and plus another; below 0: no such pair."""
    size = 0
    for i in range(begin, begin + count):
        if member[i] != without:
            pairs[size] = member[i]
            size += 1
    if extra >= 0:
        pairs[size] = extra
        size += 1
    return set_value(terms, pairs, size, sums)


@lean
def set_value(terms, pairs, size, sums):
    """V_m of some pairs, all on one BS; each sees the sum of what stands before and after it."""
    after = 0.0
    for i in range(size - 1, -1, -1):
        sums[i] = after
        after += terms[pairs[i], RECEIVED]
    value, before = 0.0, 0.0
    for i in range(size):
        value += earned(terms, pairs[i], before + sums[i])
        before += terms[pairs[i], RECEIVED]
    return value


@lean
def _fill(terms, station, offset, choice, member, count, place, value, pairs, sums):
    for n in range(len(choice)):
        join(station, offset, choice, member, count, place, n, choice[n])
    for m in range(len(count)):
        value[m] = value_with(terms, member, offset[m], count[m], -1, -1, pairs, sums)
