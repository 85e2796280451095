"""The price of one offer that earns most on average, where the mAP's values are known up to their ranges.

gamma^A and gamma^D are independent and uniform, so K and y = mu + D are. With (v)^+ = max(v, 0), the best response
(Eq. 15) is a Z* = (ln(K / y))^+ - (ln(K exp(-a Zmax) / y))^+, and for uniform U in [u0, u1], V in [v0, v1]

    E[(ln(U / V))^+] = [T(u1, v1) - T(u0, v1) - T(u1, v0) + T(u0, v0)] / ((u1 - u0) (v1 - v0)),
    T(u, v) = v^2 / 2 + u v ln(u / v) for v < u, else u^2 / 2,

because d^2 T / du dv = (ln(u / v))^+. No quadrature is needed, and no kink troubles it. It is written for the
exponential accuracy law, whose ceiling scales gamma^A; others are refused.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from twinoffload.game.accuracy_law import need_eq_7
from twinoffload.game.terms import Terms

NARROWEST = 1e-4  # of its middle: a narrower range, or a known value, is widened to that beside a wider one: 1e-8 off
GRID = 32  # prices tried first, as the average profit may have several peaks
NARROWINGS = 24  # golden sections afterwards: the price to 6e-7 of its range, the profit, flat there, much closer
_GOLDEN = (math.sqrt(5.0) - 1.0) / 2.0


class Range(NamedTuple):
    """A value that is uniform in [low, high], tensors of one shape; known where they are equal."""

    low: Tensor
    high: Tensor


class Belief(NamedTuple):
    """What the operator knows of what accuracy and delay are worth to an mAP.

    Attributes:
        accuracy_value: gamma^A, money, broadcastable to `[..., N, M]`.
        delay_cost: gamma^D, money/s, likewise.
    """

    accuracy_value: Range
    delay_cost: Range


class ExpectedOffer(NamedTuple):
    """`price` in money/MB and the average `profit` in money that it earns, `[..., N, M]`; 0 where nothing sells."""

    price: Tensor
    profit: Tensor


def mean_log_excess(u: Range, v: Range) -> Tensor:
    """E[max(ln(U / V), 0)] of independent positive values; two ranges below `NARROWEST` count as their middles."""
    (u, middle_u, narrow_u), (v, middle_v, narrow_v) = _widened(u), _widened(v)
    total = _twice_integrated(u.high, v.high) - _twice_integrated(u.low, v.high)
    total = total - _twice_integrated(u.high, v.low) + _twice_integrated(u.low, v.low)
    mean = total / ((u.high - u.low) * (v.high - v.low))
    known = torch.log(middle_u / middle_v).clamp(min=0.0)
    return torch.where(u.high > v.low, torch.where(narrow_u & narrow_v, known, mean), 0.0)


def expected_data(terms: Terms, belief: Belief, time: Tensor, price: Tensor) -> Tensor:
    """E[Z*] in MB at a price, `[..., N, M]`.

    Args:
        terms: the parameters; its own gamma^A and gamma^D are not looked at.
        belief: their ranges.
        time: completion time of one MB in s, finite, that the mAP is told.
        price: money/MB, above 0.

    Raises:
        ValueError: the accuracy law is not the exponential.
    """
    need_eq_7(terms.law, "the average over private worth", any_ceiling=True)
    worth = Range(*(end * terms.first_slope for end in belief.accuracy_value))
    total = Range(*(price + end * time for end in belief.delay_cost))
    last = torch.exp(-terms.steepness * terms.raw_data)
    sated = Range(worth.low * last, worth.high * last)
    data = (mean_log_excess(worth, total) - mean_log_excess(sated, total)) / terms.steepness
    return torch.minimum(data.clamp(min=0.0), terms.raw_data)


def expected_best_price(terms: Terms, belief: Belief, time: Tensor) -> ExpectedOffer:
    """The largest E[(mu - e) Z*(mu)] over mu in [e, cap]: a grid of prices, then golden sections around the best.

    Args:
        terms: the parameters; its own gamma^A and gamma^D are not looked at.
        belief: their ranges.
        time: completion time of one MB in s that the mAP is told, `[..., N, M]`; inf where there is no rate.
    """
    reachable = torch.isfinite(time)
    told = torch.where(reachable, time, 0.0)
    # beyond `ends` nobody buys, however eager
    ends = belief.accuracy_value.high * terms.first_slope - belief.delay_cost.low * told
    low, high = torch.broadcast_tensors(terms.energy_cost, torch.minimum(ends, terms.price_cap))
    sellable = reachable & (high > low)
    width = torch.where(sellable, high - low, 1.0)

    def earned(share: Tensor | float) -> Tensor:
        margin = share * width
        return margin * expected_data(terms, belief, told, low + margin)

    best, peak = torch.full_like(width, -torch.inf), torch.zeros_like(width)
    for k in range(1, GRID + 1):
        value = earned(k / GRID)
        better = value > best
        best, peak = torch.where(better, value, best), torch.where(better, k / GRID, peak)
    left, right = peak - 1.0 / GRID, (peak + 1.0 / GRID).clamp(max=1.0)
    first, second = right - _GOLDEN * (right - left), left + _GOLDEN * (right - left)
    at_first, at_second = earned(first), earned(second)
    for _ in range(NARROWINGS):
        lower = at_first > at_second  # the peak is left of the second
        left, right = torch.where(lower, left, first), torch.where(lower, second, right)
        point = torch.where(lower, right - _GOLDEN * (right - left), left + _GOLDEN * (right - left))
        value = earned(point)
        first, second = torch.where(lower, point, second), torch.where(lower, first, point)
        at_first, at_second = torch.where(lower, value, at_second), torch.where(lower, at_first, value)
    refined, share = torch.maximum(at_first, at_second), torch.where(at_first > at_second, first, second)
    share = torch.where(refined > best, share, peak)
    price = torch.where(sellable, low + share * width, 0.0)
    return ExpectedOffer(price, torch.where(sellable, torch.maximum(refined, best), 0.0))


def _twice_integrated(u: Tensor, v: Tensor) -> Tensor:
    """T(u, v)."""
    v = torch.minimum(u, v)
    return v * (0.5 * v + u * torch.log(u / v))


def _widened(value: Range) -> tuple[Range, Tensor, Tensor]:
    """A range at least `NARROWEST` of its middle wide, the middle, and whether the range was narrower."""
    middle, half = 0.5 * (value.low + value.high), 0.5 * (value.high - value.low)
    least = 0.5 * NARROWEST * middle
    wide = torch.maximum(half, least)
    return Range(middle - wide, middle + wide), middle, half < least
