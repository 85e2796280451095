"""The operator's best price for one pair at a given rate, in closed form.

The paper's Proposition 2 proves that it exists and gives no formula. With y = mu + D and s = e + D, the first-order
condition ln(K / y) = 1 - s / y has the solution y = K exp(W0(E s / K) - 1), E = exp(1). Below K exp(-a Zmax) the mAP
sends all it has and the profit rises with the price, so the best price is never below that kink. An exponential law
with a ceiling c is Eq. 7 with c gamma^A in place of gamma^A; other laws are solved for (`game.other_law`).
"""

import math

import torch
from torch import Tensor

from twinoffload.game.accuracy_law import Exponential
from twinoffload.game.other_law import best_demand, total_leaving
from twinoffload.game.special import inverse_gamma2, lambert_w0
from twinoffload.game.terms import Terms


def trades(terms: Terms, delay_cost: Tensor) -> Tensor:
    """Whether the pair has anything to share, s = e + D < K, whatever the cap; `[..., N, M]` booleans."""
    return terms.energy_cost + delay_cost < terms.first_value


def lambert_term(terms: Terms, delay_cost: Tensor) -> Tensor:
    """W0(E s / K) =: w, `[..., N, M]`: 1 where there is nothing to share; 1 - w is a Z at the uncapped optimum."""
    share = torch.clamp((terms.energy_cost + delay_cost) / terms.first_value, max=1.0)
    return lambert_w0(math.e * share)


def interior_total(terms: Terms, delay_cost: Tensor) -> Tensor:
    """y* = K exp(W0(E s / K) - 1) in money/MB, what a MB costs the mAP in all where the profit's slope is 0."""
    return terms.first_value * torch.exp(lambert_term(terms, delay_cost) - 1.0)


def kink_total(terms: Terms) -> Tensor:
    """K exp(-a Zmax) in money/MB, by Eq. 7, up to which the mAP sends all it has."""
    return terms.marginal_value(terms.demand_limit)


def best_price(terms: Terms, delay_cost: Tensor) -> Tensor:
    """mu* in money/MB, lowered to the cap, `[..., N, M]`.

    Where nothing can be gained it is the price at which the mAP stops buying, max(K - D, 0), lowered to the cap.
    """
    if isinstance(terms.law, Exponential):
        selling = torch.maximum(interior_total(terms, delay_cost), kink_total(terms))
    else:
        selling = terms.marginal_value(best_demand(terms, delay_cost))
    total = torch.where(trades(terms, delay_cost), selling, terms.first_value)
    return torch.minimum(torch.clamp(total - delay_cost, min=0.0), terms.price_cap)


def price_leaving(terms: Terms, delay_cost: Tensor, utility: Tensor) -> Tensor:
    """The highest price that leaves the mAP a given utility V >= 0, in money/MB; -inf where no price does.

    With v = a Z the utility at the best response is gamma^A P(2, v), so v = inverse_gamma2(V / gamma^A) and
    mu = K exp(-v) - D; where v exceeds a Zmax the mAP sends Zmax and its utility is linear in the price.
    """
    law = terms.law
    if not isinstance(law, Exponential):
        return total_leaving(terms, utility) - delay_cost
    worth = terms.accuracy_value if law.ceiling == 1.0 else law.ceiling * terms.accuracy_value
    share = torch.clamp(utility / worth, min=0.0, max=1.0)
    v = inverse_gamma2(share)
    limit = terms.demand_limit
    interior = terms.first_value * torch.exp(-v)
    most = worth * -torch.expm1(-limit)
    linear = torch.where(terms.raw_data > 0.0, (most - utility) / terms.raw_data, -torch.inf)
    return torch.where(v <= limit, interior, linear) - delay_cost
