"""Shadowing and other properties of places: Gaussian random fields over the square."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

WAVES = 256  # plane waves of a field; its values at a place are Gaussian to within about 1/WAVES


@dataclass(frozen=True, eq=False)
class Fields:
    """Standard Gaussian random fields with correlation exp(-(d / d0)^2 / 2), as sums of plane waves.

    The spectrum of that correlation in the plane is Gaussian: both components of a wave vector are N(0, 1 / d0^2). The
    exponential correlation in common use has the same range, but paths through it are nowhere smooth.

    Attributes:
        waves: wave vectors in rad/m, `[fields, WAVES, 2]`.
        phases: in rad, `[fields, WAVES]`.
    """

    waves: Tensor
    phases: Tensor

    def at(self, positions: Tensor) -> Tensor:
        """Values at places in m, `[..., 2]` to `[..., fields]`, float64."""
        values = []
        for waves, phases in zip(self.waves, self.phases, strict=True):  # one field at a time: memory
            values.append(torch.cos(positions @ waves.mT + phases).sum(-1) * math.sqrt(2.0 / WAVES))
        return torch.stack(values, -1)


def draw_fields(count: int, correlation_m: float, generator: torch.Generator) -> Fields:
    """Independent fields with a correlation distance d0 in m."""
    waves = torch.randn(count, WAVES, 2, dtype=torch.float64, generator=generator) / correlation_m
    phases = 2.0 * math.pi * torch.rand(count, WAVES, dtype=torch.float64, generator=generator)
    return Fields(waves, phases)
