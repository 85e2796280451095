"""The mAP's best response to a price (Eq. 15, clipped to what it can send)."""

import torch
from torch import Tensor

from twinoffload.game.terms import Terms


def best_data(terms: Terms, delay_cost: Tensor, price: Tensor) -> Tensor:
    """Z* = clip(ln(K / y) / a, 0, Zmax) with y = D + mu, in MB, `[..., N, M]`; 0 where y is infinite."""
    wish = torch.log(terms.first_value / (delay_cost + price)) / terms.steepness
    return torch.minimum(torch.clamp(wish, min=0.0), terms.raw_data)
