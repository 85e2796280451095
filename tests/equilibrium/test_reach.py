"""Pairs out of reach under every concept, and prices given back to where they came from."""

import math

import pytest
import torch

from twinoffload import GradientSettings, Scenario, certificate, evaluate_prices, solve

SCENARIO = Scenario.load("paper").replace(maps=5, stations=3, station_positions=[[0.2, 0.2], [0.8, 0.8], [0.2, 0.8]])
MARKET, GAIN = SCENARIO.market(), SCENARIO.sample_gain(12, seed=3)


def reach(seed: int) -> torch.Tensor:
    """Each mAP reaches at least one BS."""
    generator = torch.Generator().manual_seed(seed)
    within = torch.rand(GAIN.shape, generator=generator) < 0.5
    sure = torch.randint(3, GAIN.shape[:-1], generator=generator)
    return within | torch.nn.functional.one_hot(sure, 3).bool()


@pytest.mark.parametrize("concept", ["gradient", "pairwise", "posted", "admission"])
@pytest.mark.parametrize("switching", ["simultaneous", "sequential"])
def test_nobody_is_where_it_cannot_be(concept, switching):
    within = reach(1)
    settings = GradientSettings(iterations=5, switching=switching) if concept == "gradient" else None
    found = solve(MARKET, GAIN, concept, settings=settings, within=within)
    there = within.gather(-1, found.association.clamp(min=0).unsqueeze(-1)).squeeze(-1)
    assert (there | (found.association < 0)).all()
    assert torch.isinf(found.price[~within]).all()


def test_prices_given_back_are_answered_alike():
    within = reach(2)
    found = solve(MARKET, GAIN, "pairwise", within=within)
    again = evaluate_prices(MARKET, GAIN, found.price, start=found.association, within=within)
    assert torch.equal(again.association, found.association)
    assert torch.allclose(again.operator_utility, found.operator_utility)
    free = evaluate_prices(MARKET, GAIN, torch.full_like(GAIN, 0.5), within=within)
    there = within.gather(-1, free.association.unsqueeze(-1)).squeeze(-1)
    assert there.all()
    with pytest.raises(ValueError, match="within: sparse gains say"):
        evaluate_prices(MARKET, GAIN[0].to_sparse(), torch.full_like(GAIN[0], 0.5), within=within[0])


def test_a_certificate_wants_dense_gains():
    sparse = solve(MARKET, GAIN[0].to_sparse(), "pairwise")
    for gain in (GAIN[0], GAIN[0].to_sparse()):
        with pytest.raises(ValueError, match="certificate: takes dense gains"):
            certificate(MARKET, gain, sparse)


def test_the_gap_of_nothing_is_nothing():
    """Nobody buys at these costs, and the bound says so."""
    worthless = SCENARIO.replace(accuracy_value=1e-3).market()
    found = solve(worthless, GAIN, "admission")
    assert (found.operator_utility == 0).all()
    assert (found.gap == 0).all()
    assert not math.isnan(float(solve(MARKET, GAIN, "admission").gap.max()))
