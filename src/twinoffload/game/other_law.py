"""Best response and best price under an accuracy law that has no closed forms, by one-dimensional solves.

With u = a Z the mAP answers a total y = D + mu so that gamma^A a phi'(u) = y. So a sale of u earns the operator
gamma^A u phi'(u) - s u / a, s = e + D, whose slope is 0 where the marginal revenue d (u phi'(u)) / d u is s / (gamma^A
a). A law's marginal revenue falls while it is positive: there is one such u, and where it exceeds a Zmax the best sale
is a Zmax. The utility left to the mAP is gamma^A (phi(u) - u phi'(u)), which rises with u.
"""

import torch
from torch import Tensor

from twinoffload.game.accuracy_law import AccuracyLaw
from twinoffload.game.root import Curve, falling_root, with_slope
from twinoffload.game.terms import Terms

_ROUNDING = 1e-15  # of y = D + (K - D), which should be K


def marginal_revenue(law: AccuracyLaw) -> Curve:
    """Derivative of v phi'(v) as a function of v."""
    own = getattr(law, "marginal_revenue", None)
    return own if own is not None else lambda v: with_slope(lambda u: u * law.slope(u), v)[1]


def demand(terms: Terms, total: Tensor) -> Tensor:
    """The u >= 0 with gamma^A a phi'(u) = y at a total y = D + mu in money/MB, `[..., N, M]`; 0 where y is at least K.

    At most a Zmax where the law cannot tell more; inf, as much as there is, at y = 0.
    """
    share, inverse = total / terms.unit_value, getattr(terms.law, "inverse_slope", None)
    if inverse is None:
        limit = terms.demand_limit
        u = falling_root(terms.law.slope, share, torch.zeros_like(limit), limit)
        u = torch.where(u < limit, u, torch.inf)
    else:
        u = inverse(share)
    return torch.where(total < (1.0 - _ROUNDING) * terms.first_value, u, 0.0)


def best_demand(terms: Terms, delay_cost: Tensor) -> Tensor:
    """The u in [0, a Zmax] that earns most at a delay cost D in money/MB, `[..., N, M]`; 0 without trade."""
    limit = terms.demand_limit
    cost = (terms.energy_cost + delay_cost) / terms.unit_value
    return falling_root(marginal_revenue(terms.law), cost, torch.zeros_like(limit), limit)


def total_leaving(terms: Terms, utility: Tensor) -> Tensor:
    """The total y = D + mu in money/MB that leaves the mAP a utility V >= 0; -inf where it has no data to send."""
    law, limit = terms.law, terms.demand_limit

    def given_up(u: Tensor) -> Tensor:  # falls from 0, nearly in a line
        return -(law.value(u) - u * law.slope(u)).clamp(min=0.0).sqrt()

    share = (utility / terms.accuracy_value).clamp(min=0.0).sqrt()
    u = falling_root(given_up, -share, torch.zeros_like(limit), limit)
    linear = (terms.accuracy_value * law.value(limit) - utility) / terms.raw_data
    linear = torch.where(terms.raw_data > 0.0, linear, -torch.inf)
    return torch.where(share <= -given_up(limit), terms.marginal_value(u), linear)
