"""Whether a user's accuracy law is one that the game can be solved under, tested on a grid of v."""

from typing import Any

import torch
from torch import Tensor

from twinoffload.game.accuracy_law import AccuracyLaw, Exponential, PowerLaw, name_of
from twinoffload.game.other_law import marginal_revenue
from twinoffload.game.root import with_slope

ROUNDING = 1e-9  # of an accuracy or of the first slope


def check_law(law: Any) -> None:
    """Refuse a law that is not rising, concave and of falling marginal revenue, or whose methods disagree.

    On 301 points from 0 to 1e4: a numerical test, no proof. The package's own laws are proved and pass at once.

    Raises:
        ValueError: saying what is wrong, in one line.
    """
    if isinstance(law, Exponential | PowerLaw):
        return
    if isinstance(law, type) or not isinstance(law, AccuracyLaw):
        raise ValueError(
            f"law = {law!r:.60}: must be an accuracy law with methods `value` and `slope`, such as Exponential()"
        )
    v = torch.cat([torch.zeros(1, dtype=torch.float64), torch.logspace(-6, 4, 300, dtype=torch.float64)])
    try:
        fault = _fault(law, v)
    except (TypeError, ValueError, AttributeError, RuntimeError, NotImplementedError) as error:
        told = " ".join(str(error).split())
        fault = f"cannot be evaluated and differentiated on float64 tensors ({told:.120}); make it of torch operations"
    if fault:
        raise ValueError(f"law {name_of(law)}: {fault}")


def _fault(law: AccuracyLaw, v: Tensor) -> str | None:
    """What is wrong with a law at ascending points, the first of them 0."""
    value, slope = law.value(v), law.slope(v)
    for name, found in (("value", value), ("slope", slope)):
        if found.shape != v.shape or found.dtype != v.dtype or not torch.isfinite(found).all():
            return f"`{name}` must be finite, float64 and of its argument's shape"
    first = slope[0].item()
    if first <= 0.0:
        return f"slope(0) = {first:g}: must be above 0"
    if abs(value[0].item()) > ROUNDING or value.max() > 1.0 + ROUNDING:
        return f"value runs from {value[0]:g} to {value.max():g}: must start at 0 and stay at most 1"
    if _rises(slope, first) or slope.min() < -ROUNDING * first:
        return f"{_where(v, slope)}: the slope must fall and stay at least 0 (a rising, concave law)"
    _, derivative = with_slope(law.value, v)
    revenue = with_slope(lambda u: u * law.slope(u), v)[1]
    if not torch.isfinite(derivative + revenue).all():
        return f"cannot be differentiated at v = {v[~torch.isfinite(derivative + revenue)][0]:g}; rewrite it there"
    if _differ(derivative, slope, first):
        return "`slope` is not the derivative of `value`"
    if _rises(revenue.clamp(min=0.0), first):
        return f"{_where(v, revenue.clamp(min=0.0))}: the marginal revenue d (v slope) / d v must fall while positive"
    if _differ(marginal_revenue(law)(v), revenue, first):
        return "`marginal_revenue` is not the derivative of v slope(v)"
    return _inverse_fault(law, slope)


def _inverse_fault(law: AccuracyLaw, slope: Tensor) -> str | None:
    inverse = getattr(law, "inverse_slope", None)
    if inverse is None:
        return None
    sloping = slope > 1e-6 * slope[0]
    if (law.slope(inverse(slope[sloping])) / slope[sloping] - 1.0).abs().max() > 1e-6:
        return "`inverse_slope` is not the inverse of `slope`"
    return None


def _rises(values: Tensor, scale: float) -> bool:
    return bool((values.diff() > ROUNDING * scale).any())


def _differ(found: Tensor, expected: Tensor, scale: float) -> bool:
    return not bool(((found - expected).abs() <= 1e-6 * scale).all())


def _where(v: Tensor, values: Tensor) -> str:
    """The place of the largest rise, in words."""
    at = int(values.diff().argmax())
    return f"from v = {v[at]:g} to {v[at + 1]:g} it goes from {values[at]:g} to {values[at + 1]:g}"
