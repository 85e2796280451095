"""One mAP and one BS by brute force: plain NumPy, the paper's formulas as they stand, nothing of the game's code.

A batch of B pairs; amounts and prices are `[B, G]`, G to a pair. The mAP's answer to a price is found by halving, the
best amount and the best price on a grid and by golden-section search around its best point.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Array = np.ndarray
Value = Callable[[Array], Array]

GOLDEN = (math.sqrt(5.0) - 1.0) / 2.0
HALVINGS = 60  # of an interval, down to rounding
SHRINKS = 50  # of golden-section search: by 3e-11
COARSE = 4  # points of the fine grid to a step of second differences, which would drown in rounding on the fine one
ROUNDING = 1e-14  # of the largest magnitude, below which a difference says nothing
LEVEL = 1e-11  # of a curve's span, below which two of its values are equal


@dataclass(frozen=True)
class Pairs:
    """Parameters of B pairs of an mAP and its BS, `[B, 1]` each.

    Attributes:
        accuracy_value: gamma^A, money.
        delay_cost: gamma^D, money/s.
        steepness: rho x, 1/MB.
        rate: R, MB/s.
        cycles: c, Gcycle/MB.
        compute: f, Gcycle/s.
        energy_coefficient: epsilon, money s^2/Gcycle^3.
        raw_data: Zmax, MB.
        highest_price: end of the operator's range, money/MB.
    """

    accuracy_value: Array
    delay_cost: Array
    steepness: Array
    rate: Array
    cycles: Array
    compute: Array
    energy_coefficient: Array
    raw_data: Array
    highest_price: Array

    @property
    def unit_cost(self) -> Array:
        """What the delay of a MB costs the mAP, money/MB."""
        return self.delay_cost * (1.0 / self.rate + self.cycles / self.compute)

    def utility(self, price: Array, data: Array) -> Array:
        """Eq. 11 of an mAP that sends `data` at a price, money."""
        worth = self.accuracy_value * -np.expm1(-self.steepness * data)
        return worth - self.delay_cost * (data / self.rate + data * self.cycles / self.compute) - price * data

    def answer(self, price: Array) -> Array:
        """The amount in MB from which on one more would cost more than it is worth, by halving [0, Zmax]."""

        def worthwhile(data: Array) -> Array:
            return self.accuracy_value * self.steepness * np.exp(-self.steepness * data) > self.unit_cost + price

        low, high = np.zeros_like(price), np.broadcast_to(self.raw_data, price.shape)
        for _ in range(HALVINGS):
            middle = 0.5 * (low + high)
            more = worthwhile(middle)
            low, high = np.where(more, middle, low), np.where(more, high, middle)
        least = np.where(worthwhile(np.zeros_like(price)), 0.5 * (low + high), 0.0)
        return np.where(worthwhile(np.broadcast_to(self.raw_data, price.shape)), self.raw_data, least)

    def earned(self, price: Array, data: Array) -> Array:
        """Eq. 9 of one pair, (mu - epsilon f^2 c) Z in money."""
        return (price - self.energy_coefficient * self.compute**2 * self.cycles) * data

    def earnings(self, price: Array) -> Array:
        """The same where the mAP answers, money."""
        return self.earned(price, self.answer(price))


@dataclass(frozen=True)
class Curve:
    """A value over [0, limit], as a search sees it, `[B]` each.

    Attributes:
        place: where it is largest.
        best: how large.
        maxima: of local maxima on the grid, a plateau counting once.
        flat_share: share of the range, from the first to the last, that has the largest value; 0: there is one place.
        concave_share: share of points whose second difference is below 0 beyond rounding.
        convex_share: likewise above 0.
        concave_inside_share: of the points inside, the same as `concave_share`; NaN where there are none.
    """

    place: Array
    best: Array
    maxima: Array
    flat_share: Array
    concave_share: Array
    convex_share: Array
    concave_inside_share: Array


def search(value: Value, limit: Array, points: int, inside: Callable[[Array], Array] | None = None) -> Curve:
    """The best place in [0, limit] and the curve's shape.

    Args:
        value: of places `[B, G]`.
        limit: end of each pair's range, `[B, 1]`, above 0.
        points: of the grid, 1 more than a multiple of `COARSE`.
        inside: whether a place is one where the shape is asked for separately, booleans `[B, G]`; all where None.
    """
    place = limit * np.linspace(0.0, 1.0, points)
    values = value(place)
    top = values.argmax(1)[:, None]
    low, high = (np.take_along_axis(place, np.clip(top + side, 0, points - 1), 1) for side in (-1, 1))
    found = np.concatenate([np.take_along_axis(place, top, 1), _golden(value, low, high)], 1)
    worth = value(found)
    best = worth.max(1, keepdims=True)
    noise = ROUNDING * np.abs(values).max(1, keepdims=True)
    level = LEVEL * np.ptp(values, 1)[:, None] + noise
    at_top = values >= best - level
    second = np.diff(values[:, ::COARSE], n=2)
    allowed = np.ones_like(values, dtype=bool) if inside is None else inside(place)
    allowed = allowed[:, ::COARSE]
    within = allowed[:, :-2] & allowed[:, 1:-1] & allowed[:, 2:]
    concave = second < -noise
    many = within.sum(1)
    return Curve(
        place=np.take_along_axis(found, worth.argmax(1)[:, None], 1)[:, 0],
        best=best[:, 0],
        maxima=_maxima(values, level),
        flat_share=np.maximum(at_top.sum(1) - 1, 0) / (points - 1),
        concave_share=concave.mean(1),
        convex_share=(second > noise).mean(1),
        concave_inside_share=np.where(many > 0, (concave & within).sum(1) / np.maximum(many, 1), np.nan),
    )


def _golden(value: Value, low: Array, high: Array) -> Array:
    """Golden-section search for the maximum in [low, high], `[B, 1]`."""
    for _ in range(SHRINKS):
        left, right = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
        rising = value(left) < value(right)
        low, high = np.where(rising, left, low), np.where(rising, high, right)
    return 0.5 * (low + high)


def _maxima(values: Array, level: Array) -> Array:
    """How often each row rises to a peak or plateau from which it falls or at which it ends, `[B]`.

    A change is one by more than `level` from the last peak or trough, so that rounding makes no peaks.
    """
    count = np.ones(len(values), dtype=np.int64)
    rising = np.ones(len(values), dtype=bool)
    turn = values[:, 0].copy()  # the highest value since the last trough, or the lowest since the last peak
    for column, bound in zip(values.T[1:], np.broadcast_to(level, values.shape).T[1:], strict=True):
        falls, rises = rising & (column < turn - bound), ~rising & (column > turn + bound)
        count += rises
        rising = np.where(falls, False, np.where(rises, True, rising))
        turn = np.where(falls | rises, column, np.where(rising, np.maximum(turn, column), np.minimum(turn, column)))
    return count
