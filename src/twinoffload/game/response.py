"""The mAP's best response to a price (Eq. 15, clipped to what it can send)."""

import torch
from torch import Tensor

from twinoffload.game.accuracy_law import Exponential
from twinoffload.game.other_law import demand
from twinoffload.game.terms import Terms

_ROUNDING = 1e-15  # of y = D + (K - D), which should be K


def best_data(terms: Terms, delay_cost: Tensor, price: Tensor) -> Tensor:
    """Z* = clip(ln(K / y) / a, 0, Zmax) with y = D + mu, in MB, `[..., N, M]`; 0 where y is infinite.

    At the price that ends demand, y is K but for rounding: a logarithm below 1e-15 counts as 0. Under another accuracy
    law than the exponential, see `game.other_law`.
    """
    if isinstance(terms.law, Exponential):
        wish = torch.log(terms.first_value / (delay_cost + price))
        wish = torch.where(wish > _ROUNDING, wish, 0.0)
    else:
        wish = demand(terms, delay_cost + price)
    return torch.minimum(wish / terms.steepness, terms.raw_data)
