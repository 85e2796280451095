"""A slow, obvious second opinion on the game: plain loops, 30-digit arithmetic, nothing of the package.

Written from the model alone: exclusive interference, the three payoffs, the clipped best response, the best
price of a pair, followers who move one after another, and the operator's two problems by enumeration of every
profile. An association is a tuple of station indices; -1 means off and occurs only where idle mAPs are silent.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, fields, replace

import mpmath
import numpy as np
import scipy.special
from mpmath import mpf

mpmath.mp.dps = 30
TIE = 1e-12  # a move needs a gain above TIE * accuracy_value
BLUR = 1e-10  # gains between TIE / 100 and BLUR are too close to call in double precision
NO_DATA = mpf("1e-20")  # an exponent below this is rounding of the 30-digit arithmetic, not data

Profile = tuple[int, ...]


@dataclass(frozen=True)
class Phi:
    """An accuracy law other than Eq. 7, of v = a Z, in 30-digit arithmetic."""

    value: Callable[[mpf], mpf]
    inverse_slope: Callable[[mpf], mpf]
    first_slope: mpf


@dataclass(frozen=True)
class Instance:
    """One market and one matrix of gains, as plain numbers; mAPs first, stations second."""

    gain: tuple[tuple[float, ...], ...]
    power: tuple[float, ...]
    bandwidth: tuple[float, ...]
    noise: tuple[float, ...]
    compute: tuple[float, ...]
    cycles: tuple[float, ...] | tuple[tuple[float, ...], ...]
    quality: tuple[float, ...]
    accuracy_weight: tuple[float, ...]
    accuracy_value: tuple[float, ...]
    delay_cost: tuple[float, ...]
    energy_coefficient: float
    price_cap: float | None
    raw_data: tuple[float, ...]
    idle_interferes: bool = True
    phi: Phi | None = None  # None: Eq. 7

    @property
    def maps(self) -> int:
        """N."""
        return len(self.power)

    @property
    def stations(self) -> int:
        """M."""
        return len(self.bandwidth)

    def with_(self, **changes: object) -> Instance:
        """The same instance with other values."""
        return replace(self, **changes)

    def cycles_of(self, n: int, m: int) -> float:
        """c[n, m], whether given per mAP or per pair."""
        value = self.cycles[n]
        return value[m] if isinstance(value, tuple) else value

    def market_fields(self) -> dict[str, object]:
        """The keyword arguments that describe this market to the package."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name not in ("gain", "phi")}


@dataclass(frozen=True)
class Reply:
    """What an mAP does with one offer, and what it is worth to both sides."""

    data: mpf
    utility: mpf
    profit: mpf
    accuracy: mpf
    delay: mpf
    ratio: mpf  # y / K, the tie breaker: small is attractive


@dataclass(frozen=True)
class Pair:
    """One mAP and one station at a given rate."""

    accuracy_value: mpf
    a: mpf  # rho x
    unit_delay: mpf  # 1/R + c/f, seconds per MB
    delay: mpf  # D, money per MB
    cost: mpf  # e, money per MB
    raw_data: mpf
    cap: mpf | None
    phi: Phi | None = None

    @property
    def k(self) -> mpf:
        """K = gA a phi'(0)."""
        first = mpf(1) if self.phi is None else self.phi.first_slope
        return self.accuracy_value * self.a * first

    @property
    def s(self) -> mpf:
        """s = e + D."""
        return self.cost + self.delay

    @property
    def trade(self) -> bool:
        """Whether somebody gains from a sale: s < K."""
        return bool(self.s < self.k)

    def reply(self, price: float | mpf) -> Reply:
        """The best response to a price and the payoffs that follow (Eqs. 4, 7, 9, 15)."""
        y = self.delay + mpf(price)
        ratio = y / self.k
        exponent = mpf(0)
        if 0 < ratio < 1:
            exponent = -mpmath.log(ratio) if self.phi is None else self.phi.inverse_slope(ratio * self.phi.first_slope)
        if ratio == 0:
            exponent = mpf("inf")
        if exponent < NO_DATA:
            exponent = mpf(0)
        data = min(exponent / self.a, self.raw_data)
        if data == 0:
            zero = mpf(0)
            return Reply(zero, zero, zero, zero, zero, ratio)
        accuracy = -mpmath.expm1(-self.a * data) if self.phi is None else self.phi.value(self.a * data)
        return Reply(
            data=data,
            utility=self.accuracy_value * accuracy - y * data,
            profit=(mpf(price) - self.cost) * data,
            accuracy=accuracy,
            delay=self.unit_delay * data,
            ratio=ratio,
        )

    def uncapped_price(self) -> mpf:
        """Where the profit is largest, by Lambert's function; without trade the least price that sells nothing."""
        if not self.trade:
            return max(self.k - self.delay, mpf(0))
        if self.phi is not None:
            return self.searched_price()
        y = self.k * mpmath.exp(mpmath.lambertw(mpmath.e * self.s / self.k).real - 1)
        kink = self.k * mpmath.exp(-self.a * self.raw_data)
        return max(y, kink) - self.delay

    def searched_price(self) -> mpf:
        """The same by golden sections of the profit, which rises to one peak between cost and no sale."""
        low, high, golden = self.cost, self.k - self.delay, (mpmath.sqrt(5) - 1) / 2
        for _ in range(70):
            first, second = high - golden * (high - low), low + golden * (high - low)
            low, high = (low, second) if self.reply(first).profit > self.reply(second).profit else (first, high)
        return (low + high) / 2

    def best_price(self) -> mpf:
        """The uncapped price, lowered to the cap."""
        price = self.uncapped_price()
        return price if self.cap is None else min(price, self.cap)

    def price_leaving(self, utility: mpf) -> mpf:
        """The highest price that leaves the mAP `utility` > 0: bisection, then Newton with dU/dprice = -data."""
        low, high = mpf(0), self.k - self.delay
        for _ in range(25):
            middle = (low + high) / 2
            low, high = (middle, high) if self.reply(middle).utility >= utility else (low, middle)
        price = low  # the utility is convex in the price: Newton from the left never overshoots
        for _ in range(7):
            reply = self.reply(price)
            if reply.data > 0:
                price += (reply.utility - utility) / reply.data
        return price

    def price_leaving_by_formula(self, utility: mpf) -> mpf:
        """The same in closed form, by the other branch of Lambert's function."""
        share = mpf(utility) / self.accuracy_value
        limit = self.a * self.raw_data
        if share <= 1 - (1 + limit) * mpmath.exp(-limit):
            v = -1 - mpmath.lambertw(-(1 - share) / mpmath.e, -1).real
            return self.k * mpmath.exp(-v) - self.delay
        return (-self.accuracy_value * mpmath.expm1(-limit) - utility) / self.raw_data - self.delay


def profit_curve(pair: Pair, prices: np.ndarray) -> np.ndarray:
    """Profit at many prices in double precision, for brute force."""
    k, a, delay, cost, most = (float(v) for v in (pair.k, pair.a, pair.delay, pair.cost, pair.raw_data))
    if math.isinf(delay):
        return np.zeros_like(prices)
    with np.errstate(divide="ignore"):
        data = np.clip(np.log(k / (prices + delay)) / a, 0.0, most)
    return (prices - cost) * data


def pair_at(instance: Instance, n: int, m: int, rate: float | mpf) -> Pair:
    """Everything that concerns mAP n and station m at a rate in MB/s; a rate of 0 means out of reach."""
    compute, cycles = mpf(instance.compute[m]), mpf(instance.cycles_of(n, m))
    unit_delay = mpf("inf") if rate == 0 else 1 / mpf(rate) + cycles / compute
    return Pair(
        accuracy_value=mpf(instance.accuracy_value[n]),
        a=mpf(instance.accuracy_weight[m]) * mpf(instance.quality[m]),
        unit_delay=unit_delay,
        delay=mpf("inf") if rate == 0 else mpf(instance.delay_cost[n]) * unit_delay,
        cost=mpf(instance.energy_coefficient) * compute**2 * cycles,
        raw_data=mpf(instance.raw_data[n]),
        cap=None if instance.price_cap is None else mpf(instance.price_cap),
        phi=instance.phi,
    )


Offer = Callable[[int, int, Pair], Reply]


@dataclass
class Path:
    """Where one-at-a-time best responses lead."""

    profile: Profile
    converged: bool
    after_moves: list[Profile]
    after_sweeps: list[Profile]
    clear: bool  # no comparison was too close for double precision


@dataclass
class Optimum:
    """The operator's best profile, and the value of every profile that is possible."""

    value: float
    profile: Profile | None
    values: dict[Profile, float] = field(default_factory=dict)


class Game:
    """One instance, with what a pair sees remembered per set of mAPs that share the station."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self._pairs: dict[tuple[int, int, frozenset[int]], Pair] = {}
        self._rates: dict[tuple[int, int, frozenset[int]], mpf] = {}
        self._best: dict[tuple[int, int, frozenset[int]], tuple[mpf, Reply]] = {}

    # rates and pairs
    def crowd(self, n: int, m: int, profile: Sequence[int]) -> frozenset[int]:
        """The other mAPs on station m."""
        return frozenset(k for k, station in enumerate(profile) if station == m and k != n)

    def rate(self, n: int, m: int, profile: Sequence[int]) -> mpf:
        """Eq. 1 in MB/s, and for another station the rate after moving there alone."""
        i, key = self.instance, (n, m, self.crowd(n, m, profile))
        if key not in self._rates:
            interference = mpf(0)
            for k in sorted(key[2]):
                interference += mpf(i.power[k]) * mpf(i.gain[k][m])
            ratio = mpf(i.power[n]) * mpf(i.gain[n][m]) / (interference + mpf(i.noise[m]))
            self._rates[key] = mpf(i.bandwidth[m]) / 8 * mpmath.log1p(ratio) / mpmath.log(2)
        return self._rates[key]

    def pair(self, n: int, m: int, profile: Sequence[int]) -> Pair:
        """The pair at the rate that the others leave it."""
        key = (n, m, self.crowd(n, m, profile))
        if key not in self._pairs:
            self._pairs[key] = pair_at(self.instance, n, m, self.rate(n, m, profile))
        return self._pairs[key]

    def best_offer(self, n: int, m: int, profile: Sequence[int]) -> tuple[mpf, Reply]:
        """The operator's best price for the pair, and the answer to it."""
        key = (n, m, self.crowd(n, m, profile))
        if key not in self._best:
            pair = self.pair(n, m, profile)
            price = pair.best_price()
            self._best[key] = price, pair.reply(price)
        return self._best[key]

    def largest_k(self) -> mpf:
        """max K over all pairs."""
        i = self.instance
        return max(self.pair(n, m, self.strongest()).k for n in range(i.maps) for m in range(i.stations))

    def cap(self) -> mpf:
        """The highest price that may be posted: max K where there is no cap."""
        return self.largest_k() if self.instance.price_cap is None else mpf(self.instance.price_cap)

    def profiles(self) -> Iterator[Profile]:
        """M^N profiles, or (M+1)^N where idle mAPs are silent."""
        first = 0 if self.instance.idle_interferes else -1
        return itertools.product(range(first, self.instance.stations), repeat=self.instance.maps)

    # followers
    def replies(self, n: int, profile: Sequence[int], price: Sequence[Sequence[float]] | None) -> list[Reply]:
        """mAP n's reply to each station: at posted prices, or at each pair's own best price (None)."""
        stations = range(self.instance.stations)
        if price is None:
            return [self.best_offer(n, m, profile)[1] for m in stations]
        return [self.pair(n, m, profile).reply(price[n][m]) for m in stations]

    def regret(self, profile: Sequence[int], price: Sequence[Sequence[float]] | None) -> list[mpf]:
        """What each mAP would gain by moving alone."""
        result = []
        for n, m in enumerate(profile):
            utilities = [reply.utility for reply in self.replies(n, profile, price)]
            result.append(max(utilities) - (utilities[m] if m >= 0 else 0))
        return result

    def consistent(self, profile: Sequence[int], price: Sequence[Sequence[float]] | None) -> bool:
        """With silent idle mAPs: connected exactly if the best data is positive. Always true otherwise."""
        if self.instance.idle_interferes:
            return True
        for n, m in enumerate(profile):
            replies = self.replies(n, profile, price)
            if m >= 0 and replies[m].data == 0:
                return False
            if m < 0 and any(reply.data > 0 for reply in replies):
                return False
        return True

    def clear(self, price: Sequence[Sequence[float]] | None) -> bool:
        """Whether double precision must find the same equilibria: no near ties, no data next to 0."""
        for profile in self.profiles():
            for n in range(self.instance.maps):
                if not self._clear(n, profile, self.replies(n, profile, price)):
                    return False
        return True

    def _clear(self, n: int, profile: Sequence[int], replies: list[Reply]) -> bool:
        value = self.instance.accuracy_value[n]
        own = replies[profile[n]].utility if profile[n] >= 0 else mpf(0)
        if any(TIE / 100 < abs(reply.utility - own) / value < BLUR for reply in replies):
            return False
        return not any(0 < reply.accuracy < 1e-9 for reply in replies)

    def best_reply(self, n: int, profile: Sequence[int], price: Sequence[Sequence[float]] | None) -> int:
        """Stay, else go to the largest utility; ties to the lowest y/K, then to the lowest index."""
        replies, tie = self.replies(n, profile, price), TIE * self.instance.accuracy_value[n]
        own, best = profile[n], max(reply.utility for reply in replies)
        if not self.instance.idle_interferes and all(reply.data == 0 for reply in replies):
            return -1
        if own >= 0 and best - replies[own].utility <= tie:
            return own
        tied = [m for m, reply in enumerate(replies) if best - reply.utility <= tie]
        return min(tied, key=lambda m: (replies[m].ratio, m))

    def strongest(self) -> Profile:
        """The default start."""
        return tuple(max(range(self.instance.stations), key=lambda m: row[m]) for row in self.instance.gain)

    def settle(
        self,
        price: Sequence[Sequence[float]] | None,
        start: Sequence[int] | None = None,
        order: Sequence[int] | None = None,
        most_sweeps: int = 1000,
    ) -> Path:
        """One mAP after the other moves to its best reply until nobody moves or a state comes back."""
        profile = list(self.strongest() if start is None else start)
        moves, sweeps, clear = [tuple(profile)], [tuple(profile)], True
        for _ in range(most_sweeps):
            for n in range(self.instance.maps) if order is None else order:
                clear = clear and self._clear(n, profile, self.replies(n, profile, price))
                profile[n] = self.best_reply(n, profile, price)
                if tuple(profile) != moves[-1]:
                    moves.append(tuple(profile))
            if tuple(profile) == sweeps[-1]:
                return Path(tuple(profile), True, moves, sweeps, clear)
            if tuple(profile) in sweeps:
                return Path(tuple(profile), False, moves, sweeps, clear)
            sweeps.append(tuple(profile))
        raise AssertionError("neither settled nor repeated")

    def nash_equilibria(self, price: Sequence[Sequence[float]]) -> list[Profile]:
        """Every pure equilibrium at posted prices, ties counted, in lexicographic order."""
        values = self.instance.accuracy_value
        return [
            profile
            for profile in self.profiles()
            if self.consistent(profile, price)
            and all(r <= TIE * values[n] for n, r in enumerate(self.regret(profile, price)))
        ]

    # the operator
    def pairwise_prices(self, profile: Sequence[int]) -> list[list[float]]:
        """Each pair's own best price at an association."""
        i = self.instance
        return [[float(self.best_offer(n, m, profile)[0]) for m in range(i.stations)] for n in range(i.maps)]

    def outside(self, n: int, profile: Sequence[int]) -> mpf:
        """The best that mAP n gets elsewhere when every other offer is at the cap."""
        stations = [m for m in range(self.instance.stations) if m != profile[n]]
        return max((self.pair(n, m, profile).reply(self.cap()).utility for m in stations), default=mpf(0))

    def posted_price(self, n: int, profile: Sequence[int]) -> mpf | None:
        """mAP n's own price on its station, or None where no price in [0, cap] keeps it there."""
        pair, outside = self.pair(n, profile[n], profile), self.outside(n, profile)
        price, reply = self.best_offer(n, profile[n], profile)
        if reply.utility >= outside:
            return price
        if pair.reply(0).utility < outside:
            return None
        return max(min(price, pair.price_leaving(outside)), mpf(0))

    def posted_prices(self, profile: Sequence[int]) -> list[list[float]] | None:
        """The whole price matrix that makes a profile an equilibrium at the highest profit, or None."""
        prices = []
        for n, m in enumerate(profile):
            row = [float(self.cap())] * self.instance.stations
            if m < 0:
                if self.outside(n, profile) > 0:
                    return None
            else:
                own = self.posted_price(n, profile)
                if own is None:
                    return None
                if not self.instance.idle_interferes and self.pair(n, m, profile).reply(own).data == 0:
                    return None
                row[m] = float(own)
            prices.append(row)
        return prices

    def posted_value(self, profile: Sequence[int]) -> float | None:
        """The operator's best utility with this profile as an equilibrium, or None."""
        total = mpf(0)
        for n, m in enumerate(profile):
            if m < 0:
                if self.outside(n, profile) > 0:
                    return None
                continue
            own = self.posted_price(n, profile)
            if own is None:
                return None
            reply = self.pair(n, m, profile).reply(own)
            if not self.instance.idle_interferes and reply.data == 0:
                return None
            total += reply.profit
        return float(total)

    def admission_value(self, profile: Sequence[int]) -> float | None:
        """The operator's best utility when it may decline; None where an idle mAP ought to be silent."""
        total = mpf(0)
        for n, m in enumerate(profile):
            if m < 0:
                continue
            reply = self.best_offer(n, m, profile)[1]
            if not self.instance.idle_interferes and reply.data == 0:
                return None
            total += max(reply.profit, mpf(0)) if self.instance.idle_interferes else reply.profit
        return float(total)

    def _enumerate(self, value: Callable[[Profile], float | None]) -> Optimum:
        values = {}
        for profile in self.profiles():
            worth = value(profile)
            if worth is not None:
                values[profile] = worth
        if not values:
            return Optimum(math.nan, None, values)
        best = max(values, key=lambda profile: values[profile])
        return Optimum(values[best], best, values)

    def posted(self) -> Optimum:
        """The operator's best profile among those that some prices in [0, cap] make an equilibrium."""
        return self._enumerate(self.posted_value)

    def admission(self) -> Optimum:
        """The operator's best profile when it chooses who is served where."""
        return self._enumerate(self.admission_value)


def u_of(sigma: float) -> float:
    """u = 1 - W0(e sigma), the amount a Z at an uncapped optimum."""
    return 1.0 - float(scipy.special.lambertw(math.e * sigma).real)
