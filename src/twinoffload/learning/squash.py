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
    where a rounds to 1, which the textbook's ln(1 - a^2) does not.

    Args:
        outputs: policy network's outputs, `[..., 2 A]`.
        noise: standard normal numbers, `[..., A]`.

    Returns:
        Actions in [-1, 1] `[..., A]` and their log-density summed over A, `[...]`.
    """
    mean, log_std = heads(outputs)
    raw = mean + log_std.exp() * noise
    gaussian = -0.5 * noise.square() - log_std
    log_slope = raw + functional.softplus(-2.0 * raw)  # ln 2 - ln(1 - a^2) / 2
    constant = noise.shape[-1] * (0.5 * math.log(2.0 * math.pi) + 2.0 * math.log(2.0))
    return raw.tanh(), (gaussian + 2.0 * log_slope).sum(-1) - constant


def mode(outputs: Tensor) -> Tensor:
    """The deterministic action tanh(mean), `[..., 2 A] -> [..., A]`."""
    return torch.tanh(heads(outputs)[0])
