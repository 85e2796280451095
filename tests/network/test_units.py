"""Decibels at the edges, watts inside."""

import math

import pytest
import torch

from twinoffload.units import db_to_linear, dbm_to_watt, linear_to_db, noise_power


@pytest.mark.parametrize(
    ("decibel", "ratio"), [(0, 1), (10, 10), (-30, 1e-3), (3, 1.9952623149688795), (-174, 3.981e-18)]
)
def test_decibels(decibel, ratio):
    assert db_to_linear(decibel) == pytest.approx(ratio, rel=1e-4)
    assert linear_to_db(db_to_linear(decibel)) == pytest.approx(decibel, abs=1e-12)


def test_decibels_of_a_tensor():
    levels = torch.tensor([-90.0, 0.0, 20.0], dtype=torch.float64)
    assert db_to_linear(levels).tolist() == pytest.approx([1e-9, 1.0, 100.0], rel=1e-14)


def test_dbm():
    assert dbm_to_watt(30) == pytest.approx(1.0, rel=1e-15)
    assert dbm_to_watt(0) == pytest.approx(1e-3, rel=1e-15)
    assert dbm_to_watt(23) == pytest.approx(0.2, rel=3e-3)


def test_noise_power_of_the_defaults():
    """-174 dBm/Hz over 5 MHz and 5 dB noise figure are -102 dBm."""
    watts = noise_power(5.0, -174.0, 5.0)
    assert watts == pytest.approx(10 ** (-16.9) * 1e-3 * 5e6, rel=1e-13)
    assert 10 * math.log10(watts / 1e-3) == pytest.approx(-102.01, abs=0.01)
    assert noise_power(10.0, -174.0, 5.0) == pytest.approx(2 * watts, rel=1e-15)
