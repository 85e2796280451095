"""What a receiver measures of a channel: powers of pilots over subcarriers, with multipath fading and noise."""

import torch
from torch import Tensor

from twinoffload.units import db_to_linear

TAPS = 8  # arrivals, a sample of the band apart
DELAY_SPREAD_US = 0.093  # urban macro cell with line of sight at up to 6 GHz, 3GPP TR 38.901 Table 7.5-6
LINE_OF_SIGHT_DB = 9.0  # its Rice factor, the mean of the same table


def measure(
    gain: Tensor, power: Tensor, noise: Tensor, bandwidth_mhz: Tensor, subcarriers: int, generator: torch.Generator
) -> Tensor:
    """Measured channel power gains of each subcarrier: Rician fading, anew in each slot.

    Beside the line of sight arrive echoes, whose mean power falls exponentially with delay. A vehicle moves over many
    wavelengths in a slot, so that those of different slots are independent; subcarriers within the coherence bandwidth
    fade together. The mean over many slots is the gain plus noise / power.

    Args:
        gain: mean channel power gain of each link, `[..., N, M]`.
        power: transmit power in W, shared equally by the subcarriers; broadcastable to the gain, as what follows.
        noise: noise power in W over the band.
        bandwidth_mhz: of each BS.
        subcarriers: how many, evenly over the band; at least `TAPS`.
        generator: of echoes and noise.

    Returns:
        float64 `[..., N, M, subcarriers]`, positive.
    """
    direct = db_to_linear(LINE_OF_SIGHT_DB) / (1.0 + db_to_linear(LINE_OF_SIGHT_DB))
    delay_us = torch.arange(TAPS, dtype=torch.float64) / bandwidth_mhz.unsqueeze(-1)
    profile = (1.0 - direct) * torch.softmax(-delay_us / DELAY_SPREAD_US, -1)  # [..., M, TAPS]
    arrivals = torch.randn(*gain.shape, TAPS, dtype=torch.complex128, generator=generator) * profile.sqrt()
    arrivals[..., 0] += direct**0.5
    response = torch.fft.fft(arrivals * gain.sqrt().unsqueeze(-1), n=subcarriers)
    disturbance = torch.randn(response.shape, dtype=torch.complex128, generator=generator)
    return (response + disturbance * (noise / power).sqrt().unsqueeze(-1)).abs().square()
