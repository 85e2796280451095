"""Shadowing and pilots: their statistics are the stated ones."""

import math

import pytest
import torch

from twinoffload.network.pilots import LINE_OF_SIGHT_DB, measure
from twinoffload.network.shadowing import draw_fields


def test_fields_are_standard_with_the_stated_correlation():
    generator = torch.Generator().manual_seed(0)
    places = torch.tensor([[0.0, 0.0], [30.0, 40.0], [50.0, 0.0], [300.0, 0.0]], dtype=torch.float64)
    values = draw_fields(2000, 50.0, generator).at(places)
    assert values.shape == (4, 2000)
    found = torch.cov(values)
    expected = torch.tensor([1.0, math.exp(-0.5), math.exp(-0.5), 0.0])
    torch.testing.assert_close(found[0].float(), expected, atol=0.1, rtol=0)
    assert found.diagonal().sub(1).abs().max() < 0.15


def test_places_keep_their_values():
    field = draw_fields(1, 50.0, torch.Generator().manual_seed(0))
    places = torch.rand(3, 4, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1)) * 400
    assert field.at(places).shape == (3, 4, 1)
    torch.testing.assert_close(field.at(places)[1, 2], field.at(places[1, 2]))


def pilots(gain, noise, slots=20_000):
    generator = torch.Generator().manual_seed(0)
    gains = torch.full((slots, 1, 1), gain, dtype=torch.float64)
    one = torch.ones(1, 1, dtype=torch.float64)
    return measure(gains, 0.2 * one, noise * one, 5.0 * one, 16, generator).squeeze((1, 2))


@pytest.mark.parametrize("noise", [0.0, 2e-10])
def test_the_mean_pilot_is_gain_and_noise(noise):
    found = pilots(1e-9, noise)
    assert found.shape == (20_000, 16)
    assert found.mean().item() == pytest.approx(1e-9 + noise / 0.2, rel=0.02)
    assert found.min() > 0


def test_fading_is_rician_and_neighbours_fade_together():
    found = pilots(1.0, 0.0)
    k = 10 ** (LINE_OF_SIGHT_DB / 10)
    assert found.var(0).mean().item() == pytest.approx((1 + 2 * k) / (1 + k) ** 2, rel=0.05)
    correlation = torch.corrcoef(found.T)[0]
    assert correlation[1] > 0.9 > correlation[8] > 0
    assert abs(torch.corrcoef(torch.stack([found[1:, 0], found[:-1, 0]]))[0, 1]) < 0.03, "anew in each slot"
