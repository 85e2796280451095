"""Squashes of a policy's outputs into (-1, 1), and the diagonal Gaussian squashed (Haarnoja et al. 2018b, appendix C).

`tanh` squashes a pre-activation u to tanh(u). `sigmoid` squashes it to [0, 1], as the paper's output layer does, and
stretches that to [-1, 1]: 2 sigmoid(u) - 1 = tanh(u / 2). The second is therefore the first after u is halved, and a
Gaussian halved is the Gaussian of half the mean and half the standard deviation: densities stay exact, and are
always those of the action on [-1, 1].
"""

import math
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

Output = Literal["tanh", "sigmoid"]

LOG_STD_BOUNDS = (-20.0, 2.0)
_SLOPE = {"tanh": 1.0, "sigmoid": 0.5}


def bound(values: Tensor, output: Output = "tanh") -> Tensor:
    """Pre-activations to actions in [-1, 1], elementwise."""
    return torch.tanh(values if output == "tanh" else values * _SLOPE[output])


def bound_gradient(action: Tensor, by_action: Tensor, output: Output = "tanh") -> Tensor:
    """Gradient by the pre-activations of `bound`, from its result and the gradient by that, elementwise."""
    return by_action * (1 - action.square()) * _SLOPE[output]


def heads(outputs: Tensor, output: Output = "tanh") -> tuple[Tensor, Tensor]:
    """Split outputs `[..., 2 A]` into mean and bounded log standard deviation of tanh's argument, `[..., A]` each."""
    mean, log_std = outputs.chunk(2, dim=-1)
    log_std = log_std.clamp(*LOG_STD_BOUNDS)
    if output == "tanh":
        return mean, log_std
    return mean * _SLOPE[output], log_std + math.log(_SLOPE[output])


def sample(outputs: Tensor, noise: Tensor, output: Output = "tanh") -> tuple[Tensor, Tensor]:
    """Draw reparametrised actions and the natural logarithm of their density.

    With u = mean + std * noise and a = tanh(u), ln(1 - a^2) = 2 (ln 2 - u - softplus(-2 u)) stays finite
    where a rounds to 1, which the textbook's form does not. (Here softplus(-2 u) = -2 softplus(u, beta=-2).)

    Args:
        outputs: policy network's outputs, `[..., 2 A]`.
        noise: standard normal numbers, `[..., A]`.
        output: the squash.

    Returns:
        Actions in [-1, 1] `[..., A]` and their log-density summed over A, `[...]`.
    """
    mean, log_std = heads(outputs, output)
    raw = torch.addcmul(mean, log_std.exp(), noise)
    half_slope = torch.sub(raw, functional.softplus(raw, beta=-2.0), alpha=2.0)  # ln 2 - ln(1 - a^2) / 2
    surprise = torch.sub(log_std, half_slope, alpha=2.0).addcmul_(noise, noise, value=0.5).sum(-1)
    return raw.tanh(), -surprise - noise.shape[-1] * (0.5 * math.log(2 * math.pi) + 2 * math.log(2))


def sample_gradient(
    outputs: Tensor, noise: Tensor, action: Tensor, by_action: Tensor, by_density: Tensor, output: Output = "tanh"
) -> Tensor:
    """Gradient by the outputs of what depends on a sample's action and log-density.

    With a = tanh(u): da/du = 1 - a^2, and -ln(1 - a^2) in the density has slope 2 a. Where the log standard deviation
    is at a bound its slope is 0.

    Args:
        outputs: what `sample` was given, `[..., 2 A]`.
        noise: what `sample` was given, `[..., A]`.
        action: what `sample` returned, `[..., A]`.
        by_action: gradient by the action, `[..., A]`.
        by_density: gradient by the log-density, which broadcasts with `[..., A]`.
        output: the squash.

    Returns:
        `[..., 2 A]`.
    """
    log_std = heads(outputs, output)[1]
    low, high = LOG_STD_BOUNDS
    inside = (outputs.chunk(2, dim=-1)[1] - (low + high) / 2).abs_() <= (high - low) / 2
    twice = 2 * by_density
    by_raw = torch.addcmul(by_action, action, torch.addcmul(twice, by_action, action, value=-1))
    by_log_std = torch.addcmul(-by_density, by_raw, log_std.exp() * noise) * inside
    return torch.cat((by_raw * _SLOPE[output], by_log_std), dim=-1)


def mode(outputs: Tensor, output: Output = "tanh") -> Tensor:
    """The deterministic action, the squashed mean, `[..., 2 A] -> [..., A]`."""
    return torch.tanh(heads(outputs, output)[0])
