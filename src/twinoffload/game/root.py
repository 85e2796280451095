"""Roots of many falling functions of one variable at once, by Newton's method within brackets."""

from collections.abc import Callable

import torch
from torch import Tensor

PRECISION = 1e-15  # of a root, where halvings end
SQUARED = 1e-9  # of a root: a Newton step of at most this leaves about its square
STEPS = 200  # halvings alone take a bracket from 1e9 to 1e-50

Curve = Callable[[Tensor], Tensor]


def with_slope(curve: Curve, x: Tensor) -> tuple[Tensor, Tensor]:
    """(value, derivative) of an elementwise function at x, by automatic differentiation."""
    x = x.contiguous()  # of an expanded tensor no derivative is taken
    found = torch.func.jvp(curve, (x,), (torch.ones_like(x),))
    return found[0], found[1]


def falling_root(curve: Curve, target: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """The x in [low, high] at which a curve falls through a target, elementwise; the end that is nearer if none does.

    A Newton step is taken where it stays within the bracket and is at most half the step before the last, else the
    bracket is halved (Press et al., `rtsafe`).

    Args:
        curve: made of elementwise torch operations; above the target left of the root, at or below it right of it.
        target: of a shape that broadcasts with the bracket's.
        low: finite.
        high: finite, at least `low`.
    """
    target, low, high = torch.broadcast_tensors(target, low, high)
    low, high = torch.where(curve(high) > target, high, low), torch.where(curve(low) > target, high, low)
    x = 0.5 * (low + high)
    last = before = high - low
    done = torch.zeros_like(x, dtype=torch.bool)
    for _ in range(STEPS):
        value, slope = with_slope(curve, x)
        above = value > target
        low, high = torch.where(above, x, low), torch.where(above, high, x)
        step = (target - value) / slope
        newton = x + step
        good = (newton >= low) & (newton <= high) & (step.abs() <= 0.5 * before.abs())
        following = torch.where(good, newton, 0.5 * (low + high))
        following = torch.where(done, x, following)
        before, last = last, following - x
        x = following
        done |= last.abs() <= torch.where(good, SQUARED, PRECISION) * x.abs()
        if done.all():
            break
    return x
