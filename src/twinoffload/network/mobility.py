"""How mAPs move. A further model is a further class with `kind` and `trajectory`."""

import math
from typing import Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from twinoffload.network.geometry import uniform_positions


class GaussMarkov(BaseModel):
    """Each velocity component is a stationary first-order autoregression; walls reflect.

    v' = memory v + sqrt(1 - memory^2) w with w ~ N(0, speed_rms^2 / 2); then position += v x slot. A component that
    leaves the square is mirrored at the wall and its velocity reversed. Episodes start uniform in the square with the
    stationary velocity; slot 0 is the start.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["gauss_markov"] = "gauss_markov"
    memory: float = Field(default=0.9, ge=0, lt=1, description="correlation of the velocity from slot to slot")
    speed_rms_mps: float = Field(
        default=15.0, ge=0, le=1000, description="root mean square speed", json_schema_extra={"unit": "m/s"}
    )

    def trajectory(
        self, shape: tuple[int, ...], slots: int, slot_s: float, side_m: float, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Positions in m and velocities in m/s over time, float64 `[slots, *shape, 2]` each."""
        spread = self.speed_rms_mps / math.sqrt(2.0)
        position = uniform_positions(shape, side_m, generator)
        noise = torch.randn(slots, *shape, 2, dtype=torch.float64, generator=generator) * spread
        velocity = noise[0]
        positions, velocities = [position], [velocity]
        for slot in range(1, slots):
            velocity = self.memory * velocity + math.sqrt(1.0 - self.memory**2) * noise[slot]
            position, velocity = reflect(position + velocity * slot_s, velocity, side_m)
            positions.append(position)
            velocities.append(velocity)
        return torch.stack(positions), torch.stack(velocities)


def reflect(position: Tensor, velocity: Tensor, side_m: float) -> tuple[Tensor, Tensor]:
    """Position folded back into [0, side] and velocity reversed once for each wall met, shapes kept."""
    walls = torch.floor(position / side_m)
    odd = walls.remainder(2.0) == 1.0
    inside = position - walls * side_m
    return torch.where(odd, side_m - inside, inside), torch.where(odd, -velocity, velocity)
