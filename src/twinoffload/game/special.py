"""Special functions that torch lacks, for float64 tensors."""

import math

import torch
from torch import Tensor


def lambert_w0(x: Tensor) -> Tensor:
    """Principal branch of Lambert's W: the w >= -1 with w exp(w) = x, for x >= -1/e; NaN below.

    Starts from a series, log1p or ln x - ln ln x, then takes two fourth-order steps of Fritsch, Shafer and Crowley
    (1973) on ln(x / w) - w, which keep the relative precision down to the smallest normal number.
    """
    # series in the distance from the branch point; e * (-1/e) + 1 is rounded, hence the clamp
    root = torch.sqrt(torch.clamp(2.0 * (math.e * x + 1.0), min=0.0))
    branch = -1.0 + root * (1.0 + root * (-1.0 / 3.0 + root * (11.0 / 72.0 - root * 43.0 / 540.0)))
    small = x * (1.0 + x * 4.0 / 3.0) / (1.0 + x * (7.0 / 3.0 + x * 5.0 / 6.0))
    log = torch.log(torch.clamp(x, min=2.0))
    far = log - torch.log(log) * (1.0 - 1.0 / log)
    w = torch.where(x < 0.3, small, torch.where(x < 4.0, 0.75 * torch.log1p(x), far))
    w = torch.where(x < -0.25, branch, w)
    regular = (x != 0.0) & (root > 1e-3) & torch.isfinite(x)
    safe_x, step_w = torch.where(regular, x, 1.0), torch.where(regular, w, 0.5)
    for _ in range(2):
        excess = torch.log(safe_x / step_w) - step_w
        slope = 1.0 + step_w
        q = 2.0 * slope * (slope + excess * (2.0 / 3.0))
        step_w = step_w * (1.0 + excess / slope * (q - excess) / (q - 2.0 * excess))
    w = torch.where(regular, step_w, w)
    w = torch.where(x == math.inf, x, w)
    return torch.where(math.e * x + 1.0 < -1e-15, math.nan, w)


def _gamma2(v: Tensor) -> Tensor:
    """Regularised lower incomplete gamma function P(2, v) = 1 - (1 + v) exp(-v), without cancellation at 0."""
    series = torch.full_like(v, 1.0 / math.factorial(17))
    for power in range(16, 1, -1):
        series = series * v + 1.0 / math.factorial(power)
    return torch.where(v < 1.0, v * v * series * torch.exp(-v), 1.0 - (1.0 + v) * torch.exp(-v))


def inverse_gamma2(p: Tensor) -> Tensor:
    """The v >= 0 with 1 - (1 + v) exp(-v) = p for 0 <= p < 1 (`scipy.special.gammaincinv(2, p)`); inf at 1.

    Newton steps on ln P(2, v), from the series at 0 or from the logarithm of the tail.
    """
    # sqrt(2) sqrt(p), not sqrt(2 p): the smallest p stay normal numbers either way, and the step below divides by v
    root = math.sqrt(2.0) * torch.sqrt(p)
    low = root * (1.0 + root * (1.0 / 3.0 + root * (11.0 / 72.0 + root * 43.0 / 540.0)))
    tail = -torch.log1p(-torch.clamp(p, max=1.0 - 2.0**-53))
    high = tail + torch.log1p(tail + torch.log1p(tail + torch.log1p(tail)))
    v = torch.where(p < 0.4, low, high)
    for _ in range(4):
        value = _gamma2(v)
        # d P / d v = v exp(-v); solve ln P below the median, ln(1 - P) above it, where each is nearly linear
        below = value * torch.log(value / p) / (v * torch.exp(-v))
        above = (v - torch.log1p(v) + torch.log1p(-p)) * (1.0 + v) / v
        v = torch.where(p == 0.0, 1.0, v - torch.where(p < 0.5, below, above))
    v = torch.where(p == 1.0, math.inf, v)
    return torch.where(p == 0.0, 0.0, v)
