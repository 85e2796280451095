"""Interference: running loads without drift or cancellation, and sums from scratch on a list of pairs."""

from fractions import Fraction

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from strategies import calls
from twinoffload.equilibrium.city import loads
from twinoffload.network import link


def test_a_weak_interferer_is_heard_beside_a_strong_own_signal():
    hi, lo = np.zeros(1), np.zeros(1)
    for power in (1.0, 1e-25):
        loads.add(hi, lo, 0, power)
    assert loads.without(hi, lo, 0, 1.0) == 1e-25
    assert (1.0 + 1e-25) - 1.0 == 0.0  # what one double would say
    loads.add(hi, lo, 0, -1.0)
    assert loads.total(hi, lo, 0) == 1e-25
    loads.add(hi, lo, 0, -1e-25)
    assert loads.total(hi, lo, 0) == 0.0


def test_loads_do_not_drift():
    rng = np.random.default_rng(1)
    power = 10.0 ** rng.uniform(-18, -8, 40)
    hi, lo, there, exact = np.zeros(2), np.zeros(2), set(), Fraction(0)
    for k in rng.integers(0, 40, 20_000):
        sign = -1 if k in there else 1
        there ^= {k}
        loads.add(hi, lo, 1, sign * power[k])
        exact += sign * Fraction(power[k])
        for own in list(there)[:2]:
            rest = exact - Fraction(power[own])
            assert abs(Fraction(loads.without(hi, lo, 1, power[own])) - rest) <= rest * Fraction(2, 10**16)
    assert hi[0] == 0.0


@calls(150)
@given(st.integers(1, 40), st.integers(1, 4), st.integers(0, 2**32 - 1), st.booleans())
def test_sums_from_scratch_are_those_of_dense_arrays(maps, stations, seed, some_off):
    rng = np.random.default_rng(seed)
    power = torch.from_numpy(10.0 ** rng.uniform(-20, 0, (maps, stations)))
    association = torch.from_numpy(rng.integers(-1 if some_off else 0, stations, maps))
    expected = link.interference(power, link.connected(association, stations)).flatten()
    choice = torch.where(association < 0, -1, torch.arange(maps) * stations + association)
    station = torch.arange(stations).repeat(maps)
    found = loads.exclusive(power.flatten(), station, choice, stations)
    assert torch.allclose(found, expected, rtol=1e-14, atol=0)


def test_a_whole_city_in_one_group():
    power = torch.rand(10_001, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    found = loads.exclusive(power, torch.zeros(10_001, dtype=torch.int32), torch.arange(10_001), 1)
    assert torch.allclose(found, power.sum() - power, rtol=1e-13)
