"""Where BSs and mAPs are, how far apart, and what of the power arrives."""

import math

import pytest
import torch

from twinoffload import Scenario
from twinoffload.network.geometry import distances, station_positions, uniform_positions
from twinoffload.network.path_loss import PowerLaw


def test_distances_by_pythagoras():
    positions = torch.tensor([[[0.0, 0.0], [30.0, 40.0]]], dtype=torch.float64)
    stations = torch.tensor([[0.0, 0.0], [30.0, 0.0]], dtype=torch.float64)
    found = distances(positions, stations, 120.0)
    assert found.shape == (1, 2, 2)
    expected = [[120.0, math.hypot(30, 120)], [130.0, math.hypot(40, 120)]]
    assert found[0].tolist() == [pytest.approx(row, rel=1e-15) for row in expected]
    assert distances(positions, stations, 0.0)[0, 1].tolist() == [50.0, 40.0]


def test_path_loss_is_free_space_at_2_4_ghz():
    law = PowerLaw()
    distance = torch.tensor([1.0, 10.0, 200.0], dtype=torch.float64)
    assert law.gain(distance).tolist() == pytest.approx([1e-4, 1e-6, 2.5e-9], rel=1e-15)
    wavelength = 299_792_458 / 2.4e9
    assert float(law.gain(distance)[0]) == pytest.approx((wavelength / (4 * math.pi)) ** 2, rel=0.02)
    steep = PowerLaw(gain_at_1m=1e-3, exponent=3.0)
    assert float(steep.gain(distance)[1]) == pytest.approx(1e-6, rel=1e-14)


def test_uniform_positions_fill_the_square():
    generator = torch.Generator().manual_seed(0)
    found = uniform_positions((5000, 4), 400.0, generator)
    assert found.shape == (5000, 4, 2)
    assert found.dtype == torch.float64
    assert float(found.min()) >= 0
    assert float(found.max()) < 400
    error = 400 / math.sqrt(12) / math.sqrt(found.shape[0] * 4)
    assert (found.mean((0, 1)) - 200).abs().max() < 4 * error
    counts = torch.histc(found[..., 0], bins=10, min=0, max=400)
    assert ((counts - 2000).abs() < 5 * math.sqrt(2000)).all()


def test_the_layout_of_the_paper_scenario():
    scenario = Scenario.load("paper")
    expected = [[100.0, 100.0], [300.0, 300.0], [100.0, 300.0], [300.0, 100.0]]
    assert scenario.layout().tolist() == expected[:2]
    assert scenario.replace(stations=4).layout().tolist() == expected
    assert station_positions([(0.5, 0.25)], 80.0).tolist() == [[40.0, 20.0]]


def test_gains_of_the_paper_scenario_by_hand():
    scenario = Scenario.load("paper")
    gain = scenario.gain_at(torch.tensor([[100.0, 100.0], [0.0, 0.0], [400.0, 400.0]], dtype=torch.float64))
    near, corner, far = 1e-4 / 1e4, 1e-4 / 3e4, 1e-4 / (2 * 300**2 + 1e4)
    middle = 1e-4 / (2 * 200**2 + 1e4)
    for row, expected in zip(gain.tolist(), [[near, middle], [corner, far], [far, corner]], strict=True):
        assert row == pytest.approx(expected, rel=1e-13)


def test_sampled_gains_lie_between_overhead_and_across():
    gain = Scenario.load("paper").sample_gain(count=2000, seed=1)
    assert gain.shape == (2000, 4, 2)
    assert gain.dtype == torch.float64
    assert float(gain.max()) <= 1e-8
    assert float(gain.min()) >= 1e-4 / (2 * 300**2 + 100**2)
    assert float(gain.max()) > 0.98e-8
    again, other = (Scenario.load("paper").sample_gain(count=2000, seed=s) for s in (1, 2))
    assert torch.equal(gain, again)
    assert not torch.equal(gain, other)


def test_the_paper_scenario_makes_the_market_of_table_2():
    market = Scenario.load("paper").market()
    assert market.cycles.tolist() == [1.6, 2.1, 1.6, 2.1]
    assert market.quality.tolist() == [0.64, 0.84]
    expected = {
        "power": [0.2] * 4, "bandwidth": [5.0] * 2, "compute": [20.0] * 2, "accuracy_weight": [1.0] * 2,
        "accuracy_value": [10.0] * 4, "delay_cost": [1.0] * 4, "raw_data": [5.0] * 4,
    }  # fmt: skip
    for name, values in expected.items():
        assert getattr(market, name).tolist() == values, name
    assert market.noise.tolist() == pytest.approx([6.2946e-14] * 2, rel=1e-4)
    assert float(market.energy_coefficient) == 2.5e-4
    assert float(market.price_cap) == 1.25
    assert market.idle_interferes is True
    assert Scenario.load("open").market().price_cap is None
