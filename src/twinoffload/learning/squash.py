"""Diagonal Gaussian squashed by tanh into (-1, 1) (Haarnoja et al. 2018b, appendix C)."""

import math

import torch
from torch import Tensor
from torch.nn import functional

LOG_STD_BOUNDS = (-20.0, 2.0)


def heads(outputs: Tensor) -> tuple[Tensor, Tensor]:
    """Split a policy network's outputs `[..., 2 A]` into mean and bounded log standard deviation `[..., A]`."""
    mean, log_std = outputs.chunk(2, dim=-1)
    return mean, log_std.clamp(*LOG_STD_BOUNDS)


def sample(outputs: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
    """Draw reparametrised actions and the natural logarithm of their density.

    With u = mean + std * noise and a = tanh(u), ln(1 - a^2) = 2 (ln 2 - u - softplus(-2 u)) stays finite
    where a rounds to 1, which the textbook's form does not. (Here softplus(-2 u) = -2 softplus(u, beta=-2).)

    Args:
        outputs: policy network's outputs, `[..., 2 A]`.
        noise: standard normal numbers, `[..., A]`.

    Returns:
        Actions in [-1, 1] `[..., A]` and their log-density summed over A, `[...]`.
    """
    mean, log_std = heads(outputs)
    raw = torch.addcmul(mean, log_std.exp(), noise)
    half_slope = torch.sub(raw, functional.softplus(raw, beta=-2.0), alpha=2.0)  # ln 2 - ln(1 - a^2) / 2
    gaussian = -0.5 * noise.square().sum(-1) - noise.shape[-1] * (0.5 * math.log(2 * math.pi) + 2 * math.log(2))
    return raw.tanh(), gaussian - torch.sub(log_std, half_slope, alpha=2.0).sum(-1)


def mode(outputs: Tensor) -> Tensor:
    """The deterministic action tanh(mean), `[..., 2 A] -> [..., A]`."""
    return torch.tanh(heads(outputs)[0])
