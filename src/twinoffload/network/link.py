"""The uplink: who interferes with whom, and the data rate of Eq. 1."""

import math

import torch
from torch import Tensor

from twinoffload.units import BITS_PER_BYTE


def connected(association: Tensor, stations: int) -> Tensor:
    """The paper's chi as booleans: `[..., N]` BS indices (-1: on no BS) to `[..., N, M]`."""
    return association.unsqueeze(-1) == torch.arange(stations, device=association.device)


def exclusive_sum(values: Tensor) -> Tensor:
    """Sum over the mAP axis (-2) of everyone else's value, `[..., N, M]` to `[..., N, M]`.

    Sums what comes before and what comes after each mAP. "Total minus own" would cancel: beside a strong own
    signal a weak interferer would vanish.
    """
    before = torch.zeros_like(values)
    before[..., 1:, :] = values[..., :-1, :].cumsum(-2)
    after = torch.zeros_like(values)
    after[..., :-1, :] = values[..., 1:, :].flip(-2).cumsum(-2).flip(-2)
    return before + after


def interference(received: Tensor, on: Tensor) -> Tensor:
    """Power in W that disturbs each mAP at each BS, `[..., N, M]`.

    Args:
        received: power p[n] h[n, m] in W of mAP n at BS m, `[..., N, M]`.
        on: whether mAP n is connected to BS m, `[..., N, M]` booleans.

    Returns:
        I[n, m], the received power at BS m of all other mAPs connected to it.
    """
    return exclusive_sum(torch.where(on, received, 0.0))


def sinr(received: Tensor, interference: Tensor, noise: Tensor) -> Tensor:
    """Signal over interference and noise, all in W, broadcast to `[..., N, M]`."""
    return received / (interference + noise)


def rate(received: Tensor, interference: Tensor, noise: Tensor, bandwidth: Tensor) -> Tensor:
    """Shannon rate of Eq. 1 in MB/s, from watts and MHz; all arguments broadcast to `[..., N, M]`."""
    return bandwidth / (BITS_PER_BYTE * math.log(2.0)) * torch.log1p(sinr(received, interference, noise))
