"""Scalar formulas of one pair, compiled: the equations of `game` and `network.link` for loops over mAPs.

Beside the letters of `game.terms` two appear throughout: v = a Z, the demand (so accuracy is 1 - exp(-v)), and its
limit a Zmax. In the interior exp(-v) = y / K, and at the best price y = s / w with w = W0(E s / K), so that most
exponentials of the elementwise formulas drop out. Results agree with them to rounding, absolute in gamma^A.
"""

import math
from typing import NamedTuple

import numpy as np

from twinoffload.compiling import lean

_ROUNDING = 1e-15  # as in `game.response`: a demand below it counts as 0
TOLERANCE = 1e-12  # as in `Terms.tolerance`, in units of gamma^A


class Parameters(NamedTuple):
    """What compiled loops know of a market and its links: contiguous NumPy arrays, N mAPs, M BSs, P pairs.

    Attributes:
        offset: pairs offset[n] to offset[n + 1] are mAP n's, int64 `[N + 1]`.
        station: BS of each pair, int32 `[P]`.
        received: p h in W, `[P]`.
        cycles: c in Gcycle/MB, `[P]`.
        accuracy_value: gamma^A in money, `[N]`.
        delay_cost: gamma^D in money/s, `[N]`.
        raw_data: Zmax in MB, `[N]`.
        rate_scale: W / (8 ln 2) in MB/s, `[M]`.
        noise: sigma^2 in W, `[M]`.
        cycle_time: 1 / f in s/Gcycle, `[M]`.
        cycle_energy: epsilon f^2 in money/Gcycle, `[M]`.
        steepness: a in 1/MB, `[M]`.
        price_cap: money/MB; inf: none.
        idle_interferes: whether an mAP without data still interferes.
    """

    offset: np.ndarray
    station: np.ndarray
    received: np.ndarray
    cycles: np.ndarray
    accuracy_value: np.ndarray
    delay_cost: np.ndarray
    raw_data: np.ndarray
    rate_scale: np.ndarray
    noise: np.ndarray
    cycle_time: np.ndarray
    cycle_energy: np.ndarray
    steepness: np.ndarray
    price_cap: float
    idle_interferes: bool


@lean
def log1p(x):
    """ln(1 + x) for x >= 0 from one logarithm (Kahan's correction), half the time of the library's function."""
    u = 1.0 + x
    if u == 1.0:
        return x
    if u == math.inf:
        return u
    return math.log(u) * (x / (u - 1.0))


@lean
def rate(received, interference, noise, scale):
    """R of Eq. 1 in MB/s, from watts; `scale` is W / (8 ln 2)."""
    return scale * log1p(received / (interference + noise))


@lean
def unit_delay_cost(delay_cost, rate, compute_time):
    """D = gamma^D (1/R + c/f) in money/MB; inf where the rate is 0."""
    if rate > 0.0:
        return delay_cost / rate + delay_cost * compute_time
    return math.inf


@lean
def lambert_w0(x):
    """Lambert's W0 on [0, e], all that prices need: a rational start, then one step of Fritsch, Shafer and Crowley.

    The start is W0(x) to a relative 1.4e-5 (fitted, W0(x) ~ x at 0), and the step's error is of fourth order.
    """
    if x == 0.0:
        return 0.0
    top = 1.0 + x * (1.6595771 + x * 0.34721484)
    w = x * top / (1.0 + x * (2.6588582 + x * (1.51761304 + x * 0.1251661)))
    excess = math.log(x / w) - w
    slope = 1.0 + w
    q = 2.0 * slope * (slope + excess * (2.0 / 3.0))
    return w * (1.0 + excess / slope * (q - excess) / (q - 2.0 * excess))


@lean
def demand(first_value, delay_cost, price, limit):
    """Best response as v = a Z* = clip(ln(K / y), 0, a Zmax) with y = D + mu (Eq. 15); 0 where y is infinite."""
    wish = math.log(first_value / (delay_cost + price))
    if wish > _ROUNDING:
        return min(wish, limit)
    return 0.0


@lean
def best_offer(first_value, energy_cost, delay_cost, limit, cap):
    """(mu*, v): the operator's best price, at most the cap, and the demand that meets it.

    The profit is unimodal in the price, so the cap binds exactly where the profit still rises there: for y = D + cap
    up to the kink, ln(K / y) >= a Zmax, or up to y*, ln(K / y) >= 1 - s / y. Then no W0 is needed.
    """
    cost = energy_cost + delay_cost
    if not cost < first_value:
        price = max(first_value - delay_cost, 0.0)  # where the mAP stops buying
        return (price, 0.0) if price <= cap else (cap, demand(first_value, delay_cost, cap, limit))
    total = delay_cost + cap
    if total < first_value:
        wish = math.log(first_value / total)
        if wish >= limit or wish >= 1.0 - cost / total:
            return cap, min(wish, limit)
    w = lambert_w0(math.e * (cost / first_value))
    v = 1.0 - w
    if v > limit:  # the kink: all raw data are sold
        v = limit
        total = first_value * math.exp(-limit)
    elif w > 0.0:
        total = cost / w
    else:
        total = first_value / math.e
    return min(max(total - delay_cost, 0.0), cap), v


@lean
def surplus(accuracy_value, first_value, total, v, limit):
    """Utility of the mAP in money (Eq. 11) at its best response v to y = `total`."""
    if v == 0.0:
        return 0.0
    ratio = total / first_value
    if v < limit:  # exp(-v) is the ratio itself
        return accuracy_value * (1.0 - ratio - ratio * v)
    return accuracy_value * (-math.expm1(-v) - ratio * v)


@lean
def profit(energy_cost, steepness, price, v):
    """What a pair earns the operator, (mu - e) Z in money (Eq. 9)."""
    if v == 0.0:
        return 0.0
    return (price - energy_cost) * (v / steepness)


@lean
def inverse_gamma2(p):
    """The v >= 0 with 1 - (1 + v) exp(-v) = p for 0 <= p < 1; inf at 1. As `game.special.inverse_gamma2`."""
    if p == 0.0:
        return 0.0
    if p == 1.0:
        return math.inf
    if p < 0.4:
        root = math.sqrt(2.0) * math.sqrt(p)
        v = root * (1.0 + root * (1.0 / 3.0 + root * (11.0 / 72.0 + root * 43.0 / 540.0)))
    else:
        tail = -math.log1p(-min(p, 1.0 - 2.0**-53))
        v = tail + math.log1p(tail + math.log1p(tail + math.log1p(tail)))
    for _ in range(4):
        if p < 0.5:
            value = _gamma2(v)
            v -= value * math.log(value / p) / (v * math.exp(-v))
        else:
            v -= (v - math.log1p(v) + math.log1p(-p)) * (1.0 + v) / v
    return v


@lean
def _gamma2(v):
    """P(2, v) = 1 - (1 + v) exp(-v), without cancellation at 0."""
    if v >= 1.0:
        return 1.0 - (1.0 + v) * math.exp(-v)
    series, factorial = 0.0, 355687428096000.0  # 17!
    for power in range(17, 1, -1):
        series = series * v + 1.0 / factorial
        factorial /= power
    return v * v * series * math.exp(-v)


@lean
def price_leaving(accuracy_value, first_value, delay_cost, limit, utility):
    """The highest price that leaves the mAP a utility V >= 0, in money/MB; -inf where no price does.

    As `game.pricing.price_leaving`, with Zmax = limit / a in the linear part.
    """
    v = inverse_gamma2(min(max(utility / accuracy_value, 0.0), 1.0))
    if v <= limit:
        return first_value * math.exp(-v) - delay_cost
    if limit > 0.0:
        return first_value * (-math.expm1(-limit) - utility / accuracy_value) / limit - delay_cost
    return -math.inf


@lean
def costs(q, n, pair, interference):
    """(K, e, D, a Zmax) of a pair of mAP n at an interference in W: what every price and demand follows from."""
    m = q.station[pair]
    a = q.steepness[m]
    r = rate(q.received[pair], interference, q.noise[m], q.rate_scale[m])
    cycles = q.cycles[pair]
    return (
        q.accuracy_value[n] * a,
        q.cycle_energy[m] * cycles,
        unit_delay_cost(q.delay_cost[n], r, cycles * q.cycle_time[m]),
        a * q.raw_data[n],
    )


@lean
def utility_at_best(q, n, pair, interference):
    """Utility of mAP n in money at the pair's own best price."""
    k, e, d, limit = costs(q, n, pair, interference)
    price, v = best_offer(k, e, d, limit, q.price_cap)
    return surplus(q.accuracy_value[n], k, d + price, v, limit)


@lean
def utility_at(q, n, pair, interference, price):
    """Utility of mAP n in money at a posted price."""
    k, _, d, limit = costs(q, n, pair, interference)
    return surplus(q.accuracy_value[n], k, d + price, demand(k, d, price, limit), limit)
