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
    x, y = (positions[..., axis, None] - stations[:, axis] for axis in (0, 1))  # a sum over an axis of two is slow
    return torch.sqrt(x.square() + y.square() + height_m**2)
