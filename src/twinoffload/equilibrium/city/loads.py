"""Who disturbs whom on a list of pairs: running loads for compiled loops, exact sums from scratch for torch.

A running load is the received power of all mAPs on a BS, kept as an unevaluated sum hi + lo of two doubles (Knuth's
TwoSum). "Total minus own" then keeps about 32 digits of the largest load that the BS has had, where one double would
lose a weak interferer beside a strong own signal.
"""

import numpy as np
import torch
from torch import Tensor

from twinoffload.compiling import lean
from twinoffload.equilibrium.city.kernel import Parameters


@lean
def _two_sum(a, b):
    """(s, error) with s = fl(a + b) and s + error = a + b exactly."""
    s = a + b
    t = s - a
    return s, (a - (s - t)) + (b - t)


@lean
def add(hi, lo, station, power):
    """Add power in W to a BS's load; a negative power removes what was added before."""
    s, error = _two_sum(hi[station], power)
    lo_new = lo[station] + error
    hi[station], lo[station] = _two_sum(s, lo_new)


@lean
def without(hi, lo, station, own):
    """Load of a BS in W less an own power that it holds; never below 0."""
    s, error = _two_sum(hi[station], -own)
    return max(s + (error + lo[station]), 0.0)


@lean
def total(hi, lo, station):
    """Load of a BS in W; never below 0."""
    return max(hi[station] + lo[station], 0.0)


@lean
def fill(hi, lo, station, received, choice):
    """Loads from nothing: mAP n is on its pair choice[n], or on none where that is below 0."""
    hi[:] = 0.0
    lo[:] = 0.0
    for pair in choice:
        if pair >= 0:
            add(hi, lo, station[pair], received[pair])


def fresh(parameters: Parameters, choice: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Running loads (hi, lo) `[M]` of an association given as pairs, int64 `[N]`; below 0: on none."""
    hi, lo = np.zeros(len(parameters.noise)), np.zeros(len(parameters.noise))
    fill(hi, lo, parameters.station, parameters.received, choice)
    return hi, lo


def exclusive(received: Tensor, station: Tensor, choice: Tensor, stations: int) -> Tensor:
    """Interference in W at every pair, from scratch and without cancellation, `[P]`.

    mAPs are grouped by BS; a segmented scan in log2(largest group) doubling steps sums what comes before each and
    what comes after it, as `network.link.exclusive_sum` does for dense arrays. Deterministic on any device.

    Args:
        received: p h in W, `[P]`.
        station: BS of each pair, int64 `[P]`.
        choice: pair of each mAP, int64 `[N]`; below 0: on none.
        stations: M.
    """
    pair = choice[choice >= 0]
    where, order = torch.sort(station[pair], stable=True)
    pair = pair[order]
    power = received[pair]
    before, after = _scan(power, where), _scan(power.flip(0), where.flip(0)).flip(0)
    load = torch.zeros(stations, dtype=received.dtype, device=received.device)
    last = torch.ones_like(where, dtype=torch.bool)
    last[:-1] = where[1:] != where[:-1]
    load[where[last]] = (before + power)[last]
    result = load[station]
    result[pair] = before + after
    return result


def _scan(power: Tensor, group: Tensor) -> Tensor:
    """Sum of what comes before within a run of equal groups, `[L]`."""
    result = torch.zeros_like(power)
    same = group[1:] == group[:-1]
    result[1:] = torch.where(same, power[:-1], 0.0)
    step = 1
    while step < len(group):
        same = group[step:] == group[:-step]
        if not same.any():
            break
        shifted = torch.where(same, result[:-step], 0.0)
        result = torch.cat([result[:step], result[step:] + shifted])
        step *= 2
    return result
