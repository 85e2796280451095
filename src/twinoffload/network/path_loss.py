"""How channel gain falls with distance. A further law is a further class with `kind` and `gain`."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor


class PowerLaw(BaseModel):
    """h = gain_at_1m d^-exponent; the default is free space at 2.4 GHz."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["power_law"] = "power_law"
    gain_at_1m: float = Field(default=1e-4, gt=0, le=1, description="channel power gain at 1 m")
    exponent: float = Field(default=2.0, ge=1, le=8, description="path loss exponent")

    def gain(self, distance_m: Tensor) -> Tensor:
        """Channel power gain at a distance in m, of the same shape."""
        return self.gain_at_1m * distance_m**-self.exponent
