"""Gradients of payoffs are finite wherever payoffs are: at rate 0, at prices that are no offer, without data."""

import math

import mpmath
import pytest
import torch

from twinoffload import Scenario, uplink_rate
from twinoffload.game.inputs import gain_array, market_terms
from twinoffload.game.payoff import delay, map_utility, profit, unit_delay, unit_delay_cost

GAIN = gain_array(Scenario.load("paper").sample_gain(1, seed=0)[0])
TERMS = market_terms(Scenario.load("paper").market(), GAIN)


def slope(function, value):
    given = torch.as_tensor(value, dtype=torch.float64).expand_as(GAIN).clone().requires_grad_()
    found = function(given)
    (gradient,) = torch.autograd.grad(found.nan_to_num(posinf=0.0, neginf=0.0).sum(), given)
    return found.detach(), gradient


@pytest.mark.parametrize("function", [unit_delay, unit_delay_cost])
def test_at_rate_0(function):
    found, gradient = slope(lambda rate: function(TERMS, rate), 0.0)
    assert torch.isinf(found).all()
    assert (gradient == 0).all()
    assert (slope(lambda rate: function(TERMS, rate), 2.0)[1] < 0).all()


@pytest.mark.parametrize("price", [1.0, torch.inf])
def test_without_data(price):
    full, cost = torch.full_like(GAIN, price), torch.full_like(GAIN, price)
    for function in (
        lambda data: map_utility(TERMS, cost, full, data),
        lambda data: profit(TERMS, full, data),
        lambda data: delay(TERMS, torch.zeros_like(GAIN), data),
    ):
        found, gradient = slope(function, 0.0)
        assert (found == 0).all()
        assert torch.isfinite(gradient).all()


@pytest.mark.parametrize("gain", [1e-30, 1e-20, 1e-10, 1.0])
@pytest.mark.parametrize("price", [0.0, 1e-6, 1.0, 1e6])
def test_over_the_range_of_gains_and_prices(gain, price):
    """Also to what data reaches a Z of 1e4."""
    gains = torch.full_like(GAIN, gain)
    rate = torch.log1p(0.2 * gains / 1e-13) * (5.0 / 8.0 / math.log(2.0))
    cost, prices = unit_delay_cost(TERMS, rate), torch.full_like(GAIN, price)
    for data in (1e-12, 1.0, 1e4):
        for function in (
            lambda data: map_utility(TERMS, cost, prices, data),
            lambda data: profit(TERMS, prices, data),
            lambda data: delay(TERMS, rate, data),
        ):
            found, gradient = slope(function, data)
            assert torch.isfinite(found).all()
            assert torch.isfinite(gradient).all()


@pytest.mark.parametrize("gain", [1e-30, 1e-22, 1e-14, 1e-7, 1.0])
def test_rates_of_any_gain_are_right(gain):
    """Against 40 digits, alone and beside somebody whom it hardly disturbs."""
    with mpmath.workdps(40):
        noise = mpmath.mpf(10) ** (mpmath.mpf(-169) / 10 - 3) * 5_000_000
        alone = mpmath.mpf(5) / 8 * mpmath.log1p(mpmath.mpf("0.2") * mpmath.mpf(gain) / noise) / mpmath.log(2)
        beside = mpmath.log1p(mpmath.mpf("0.2") * mpmath.mpf(gain) / (noise + mpmath.mpf("0.2"))) / mpmath.log(2)
        expected = float(alone), float(mpmath.mpf(5) / 8 * beside)
    market = Scenario.load("paper").replace(maps=2).market()
    for association, wanted in zip(([0, 1], [0, 0]), expected, strict=True):
        rate = uplink_rate(market, [[gain, 1e-9], [1.0, 1.0]], association)
        assert float(rate[0, 0]) == pytest.approx(wanted, rel=1e-13)
