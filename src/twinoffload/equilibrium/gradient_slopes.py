"""Algorithm 1's slopes and step limits under an accuracy law other than the exponential.

With v = a Z(mu), y = mu + D = gamma^A a phi'(v) and MR(v) = d (v phi'(v)) / d v:

    dU_l / dmu = (v + (mu - e) / (gamma^A a phi''(v))) / a                     (Eq. 21 for any law)
    kappa < 2 gamma^A a^2 phi''(v)^2 / |MR'(v)|,  nu < 2 / (gamma^A a^2 |phi''(v)|)    near a fixed point

Under Eq. 7 these are the limits that `equilibrium.gradient` states. The smallest of them over all rates are those over
the v at which a pair may come to rest, from 0 (nothing to share) to where MR is 0 (costs nothing).
"""

import torch
from torch import Tensor

from twinoffload.game.accuracy_law import AccuracyLaw, first_slope, name_of
from twinoffload.game.other_law import best_demand, marginal_revenue
from twinoffload.game.root import falling_root, with_slope
from twinoffload.game.terms import Terms

POINTS = 257  # of the range of v over which a smallest limit is sought; both of its ends are among them


def check_steppable(law: AccuracyLaw) -> None:
    """Refuse a law whose demand is known only between 0 and Zmax: prices far from rest could not be stepped.

    Raises:
        ValueError: naming the law and the remedy.
    """
    if not hasattr(law, "inverse_slope"):
        raise ValueError(
            f"law {name_of(law)}: Algorithm 1 needs its `inverse_slope`; add that method, or use the concept 'pairwise'"
        )


def price_slope(terms: Terms, delay_cost: Tensor, price: Tensor) -> Tensor:
    """dU_l / dmu of every pair, MB, not clipped at Zmax; above y = K demand goes on below 0 in a straight line."""
    law, share = terms.law, (price + delay_cost) / terms.unit_value
    first = torch.full_like(share, first_slope(law))
    zero = torch.zeros_like(share)
    below = (share - first) / with_slope(law.slope, zero)[1]
    v = torch.where(share < first, law.inverse_slope(torch.minimum(share, first)), below)  # pyright: ignore[reportAttributeAccessIssue]
    _, curvature = with_slope(law.slope, v.clamp(min=0.0))
    return (v + (price - terms.energy_cost) / (terms.unit_value * curvature)) / terms.steepness


def smallest_limits(terms: Terms) -> tuple[Tensor, Tensor]:
    """(kappa, nu) below which every pair converges locally, whatever its rate, `[B or 1]`."""
    law, scale = terms.law, terms.steepness * terms.unit_value
    zero = torch.zeros(1, dtype=scale.dtype, device=scale.device)
    last = falling_root(marginal_revenue(law), zero, zero, terms.demand_limit.amax().reshape(1))
    kappa, nu = _limits(law, last * torch.linspace(0.0, 1.0, POINTS, dtype=scale.dtype, device=scale.device))
    return kappa.amin() * scale.amin((-2, -1)), nu.amin() / scale.amax((-2, -1))


def pair_limits(terms: Terms, delay_cost: Tensor) -> tuple[Tensor, Tensor]:
    """(kappa, nu) below which each pair converges locally at its present delay cost, `[B, N, M]`."""
    scale = terms.steepness * terms.unit_value
    kappa, nu = _limits(terms.law, best_demand(terms, delay_cost))
    return kappa * scale, nu / scale


def _limits(law: AccuracyLaw, v: Tensor) -> tuple[Tensor, Tensor]:
    """Limits of kappa and nu at v, in units of gamma^A a^2 and of its inverse."""
    _, curvature = with_slope(law.slope, v)
    _, bend = with_slope(marginal_revenue(law), v)
    return 2.0 * curvature**2 / bend.abs(), 2.0 / curvature.abs()
