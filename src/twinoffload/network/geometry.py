"""Where BSs and mAPs are."""

import torch
from torch import Tensor


def station_positions(fractions: list[tuple[float, float]], side_m: float) -> Tensor:
    """BS positions in m, float64 `[M, 2]`, from fractions of a square's side."""
    return torch.tensor(fractions, dtype=torch.float64) * side_m


def uniform_positions(shape: tuple[int, ...], side_m: float, generator: torch.Generator) -> Tensor:
    """Positions uniform in the square, float64 `[*shape, 2]` in m."""
    return torch.rand(*shape, 2, dtype=torch.float64, generator=generator) * side_m


def distances(positions: Tensor, stations: Tensor, height_m: float) -> Tensor:
    """Distance between antennas in m: positions `[..., N, 2]`, stations `[M, 2]` to `[..., N, M]`."""
    flat = positions.unsqueeze(-2) - stations
    return torch.sqrt(flat.square().sum(-1) + height_m**2)
