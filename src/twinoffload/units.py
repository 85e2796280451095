"""Conversions at the edges; the only file with a factor of ten.

Inside the package every quantity is linear: watts, MHz, MB, seconds, Gcycles and money.
"""

import math
from typing import Any

BITS_PER_BYTE = 8
BYTES_PER_FLOAT = 4  # of single precision
BYTES_PER_MEGABYTE = 1e6
HERTZ_PER_MEGAHERTZ = 1e6
METRES_PER_KILOMETRE = 1e3
WATTS_PER_MILLIWATT = 1e-3


def db_to_linear(decibel):
    """Power ratio of a value in dB; accepts a number or a tensor."""
    return 10.0 ** (decibel / 10.0)


def linear_to_db(ratio: Any) -> Any:
    """Value in dB of a positive power ratio; accepts a number or a tensor."""
    return 10.0 * (math.log10(ratio) if isinstance(ratio, float | int) else ratio.log10())


def dbm_to_watt(dbm):
    """Power in W of a level in dBm; accepts a number or a tensor."""
    return db_to_linear(dbm) * WATTS_PER_MILLIWATT


def noise_power(bandwidth_mhz, density_dbm_per_hz: float, noise_figure_db: float):
    """Thermal noise power in W over a bandwidth in MHz, the receiver's noise figure included."""
    return dbm_to_watt(density_dbm_per_hz + noise_figure_db) * bandwidth_mhz * HERTZ_PER_MEGAHERTZ


def bytes_to_mb(size: float) -> float:
    """Size in MB of a number of bytes."""
    return size / BYTES_PER_MEGABYTE
