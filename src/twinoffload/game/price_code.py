"""A code in the prices: the operator commits to a rule, so that a price tells the mAP its delay.

A price is lowered, by less than one small step, to the form (k + q) step with a whole k and a share q = 1 / (2 + tau)
that carries the completion time tau of one MB in seconds. Whoever knows the rule reads tau off the remainder.
"""

import torch
from torch import Tensor


def encode(price: Tensor, time: Tensor, step: float) -> Tensor:
    """The highest price up to `price` whose remainder tells the completion time of one MB.

    Below q step, at most half a step, no price tells it: there it is q step, a little more than `price`.

    Args:
        price: money/MB, any shape.
        time: completion time of one MB, s, of a shape that broadcasts with it.
        step: money/MB.
    """
    share, exact = 1.0 / (2.0 + time), _exact(step, price)
    return (torch.clamp(torch.floor(price / exact - share), min=0.0) + share) * exact


def remainder(price: Tensor, step: float) -> Tensor:
    """The share q of a step by which a price exceeds a whole number of steps; 0 where it tells nothing."""
    share = (
        torch.remainder(price / _exact(step, price) + 0.25, 1.0) - 0.25
    )  # rounding may leave a hair below a whole step
    return torch.where(share > 1e-9, share, 0.0)


def decode(price: Tensor, step: float) -> Tensor:
    """The completion time of one MB in s that the remainder of a price tells; inf where it tells none."""
    return (1.0 / remainder(price, step) - 2.0).clamp(min=0.0)


def _exact(step: float, price: Tensor) -> Tensor:
    """The step in the prices' precision; exporters of graphs round a plain number to float32."""
    return torch.tensor(step, dtype=price.dtype, device=price.device)
