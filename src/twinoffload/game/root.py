"""Roots of many falling functions of one variable at once, within brackets; and derivatives of such functions."""

from collections.abc import Callable

import torch
from torch import Tensor

PRECISION = 4.0 * torch.finfo(torch.float64).eps  # of a root
STEPS = 200  # halvings alone take a bracket from 1e9 to 1e-50

Curve = Callable[[Tensor], Tensor]


def with_slope(curve: Curve, x: Tensor) -> tuple[Tensor, Tensor]:
    """(value, derivative) of an elementwise function at x, by automatic differentiation, also of a derivative."""
    nested = x.requires_grad
    with torch.enable_grad():
        at = x if nested else x.detach().requires_grad_()
        value = curve(at)
        (slope,) = torch.autograd.grad(value.sum(), at, create_graph=nested)
    return (value, slope) if nested else (value.detach(), slope)


def falling_root(curve: Curve, target: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """The x in [low, high] at which a curve falls through a target, elementwise; the end that is nearer if none does.

    Chandrupatla's method (1997): inverse quadratic interpolation through the last three points where they allow it,
    else the bracket is halved. It takes no derivatives.

    Args:
        curve: made of elementwise operations; above the target left of the root, at or below it right of it.
        target: of a shape that broadcasts with the bracket's.
        low: finite.
        high: finite, at least `low`.
    """
    target, b, a = torch.broadcast_tensors(target, low, high)
    at_a, at_b = curve(a) - target, curve(b) - target
    a, b = torch.where(at_b > 0.0, a, b), torch.where(at_a > 0.0, a, b)  # no root between: nearer end twice
    share = torch.full_like(a, 0.5)
    for _ in range(STEPS):
        x = a + share * (b - a)
        at_x = curve(x) - target
        same = (at_x > 0.0) == (at_a > 0.0)
        c, at_c = torch.where(same, a, b), torch.where(same, at_a, at_b)
        b, at_b = torch.where(same, b, a), torch.where(same, at_b, at_a)
        a, at_a = x, at_x
        best = torch.where(at_a.abs() < at_b.abs(), a, b)
        least = PRECISION * best.abs() / (b - a).abs()
        if ((least > 0.5) | (a == b)).all():
            break
        xi, phi = (a - b) / (c - b), (at_a - at_b) / (at_c - at_b)
        share = at_a / (at_b - at_a) * at_c / (at_b - at_c)
        share = share + (c - a) / (b - a) * at_a / (at_c - at_a) * at_b / (at_c - at_b)
        smooth = (phi.square() < xi) & ((1.0 - phi).square() < 1.0 - xi)
        share = torch.where(smooth & torch.isfinite(share), share, 0.5)
        share = torch.minimum(torch.maximum(share, least), 1.0 - least).clamp(0.0, 1.0)
        share = torch.where(a == b, 0.0, share)
    return best
