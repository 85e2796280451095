"""Certificates: silent on what is solved, loud on what was tampered with, and worked out without any theorem."""

from dataclasses import replace

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from checks import largest_k, market_of
from reference import Game
from strategies import calls, infeasible, instances, no_equilibrium, some_prices
from twinoffload import Scenario, certificate, evaluate_prices, solve

CONCEPTS = ("pairwise", "posted", "admission")


@calls(60)
@given(instances(most_maps=4), st.sampled_from(CONCEPTS))
def test_nobody_gains_by_leaving_a_solution(instance, concept):
    market = market_of(instance)
    outcome = solve(market, instance.gain, concept)
    found = certificate(market, instance.gain, outcome, prices=301)
    if outcome.status == "infeasible":
        assert found.map_deviation.isnan()
        assert found.operator_deviation.isnan()
        return
    assume(outcome.status in ("converged", "optimal"))
    scale = max(instance.accuracy_value)
    assert 0 <= found.map_deviation <= 2e-12 * scale
    assert found.operator_deviation <= 1e-9 * scale
    assert found.epsilon == max(found.map_deviation, found.operator_deviation, 0)


@calls(40)
@given(instances(most_maps=3, most_stations=2, caps=("none", "large", "middling")), st.sampled_from(CONCEPTS))
def test_the_search_is_dense_enough_to_come_near_the_solution(instance, concept):
    """Missing the best price by half a step of the grid costs little: no slope is steeper than Zmax + K / (a s)."""
    market = market_of(instance)
    outcome = solve(market, instance.gain, concept)
    assume(outcome.status in ("converged", "optimal"))
    found = certificate(market, instance.gain, outcome, prices=2001)
    step = (largest_k(instance) if instance.price_cap is None else instance.price_cap) / 2000
    assert found.operator_deviation >= -step * sum(instance.raw_data) - 1e-9


def test_a_tampered_outcome_is_found_out():
    scenario = Scenario.load("open")
    market, gain = scenario.market(), scenario.sample_gain(30)
    for concept in CONCEPTS:
        outcome = solve(market, gain, concept)
        honest = certificate(market, gain, outcome)
        assert honest.epsilon.max() < 1e-9
        cheap = certificate(market, gain, replace(outcome, price=0.8 * outcome.price))
        assert (cheap.operator_deviation > 0.01).all()
        greedy = certificate(market, gain, replace(outcome, data=1.3 * outcome.data))
        assert (greedy.map_deviation > 1e-4).all()
        moved = outcome.association.clone()
        moved[:, 0] = 1 - moved[:, 0]
        strange = certificate(market, gain, replace(outcome, association=moved))
        assert (strange.epsilon > 1e-3).double().mean() > 0.9


def test_the_best_constant_price_is_no_equilibrium_of_the_open_market():
    scenario = Scenario.load("open")
    market, gain = scenario.market(), scenario.sample_gain(20)
    flat = evaluate_prices(market, gain, torch.full_like(gain, 2.5))
    found = certificate(market, gain, flat)
    assert found.operator_deviation.isnan().all()  # its prices were given, not chosen
    assert found.map_deviation.max() < 1e-11
    as_posted = certificate(market, gain, replace(flat, concept="posted"))
    assert (as_posted.operator_deviation > 0.05).all()


def test_a_cycle_has_the_regret_that_its_outcome_tells():
    instance, price = no_equilibrium()
    market = market_of(instance)
    outcome = evaluate_prices(market, instance.gain, price)
    found = certificate(market, instance.gain, outcome)
    assert found.map_deviation == outcome.regret.max()
    assert found.epsilon == found.map_deviation
    assert float(found.epsilon) > 0.03


def test_where_there_is_no_solution_there_is_nothing_to_certify():
    instance = infeasible()
    outcome = solve(market_of(instance), instance.gain, "posted")
    assert outcome.status == "infeasible"
    found = certificate(market_of(instance), instance.gain, outcome)
    assert found.map_deviation.isnan()
    assert found.operator_deviation.isnan()


@calls(30)
@given(instances(most_maps=3, most_stations=2), st.integers(0, 2**32 - 1))
def test_the_map_s_deviation_is_the_reference_s_regret(instance, seed):
    game, price = Game(instance), some_prices(instance, seed)
    outcome = evaluate_prices(market_of(instance), instance.gain, price)
    found = certificate(market_of(instance), instance.gain, outcome)
    expected = float(max(game.regret(tuple(outcome.association.tolist()), price)))
    assert float(found.map_deviation) == pytest.approx(expected, abs=1e-10 * max(instance.accuracy_value))


def test_batches_have_the_certificates_of_their_elements():
    scenario = Scenario.load("paper")
    market, gain = scenario.market(), scenario.sample_gain(6).reshape(2, 3, 4, 2)
    for concept in CONCEPTS:
        outcome = solve(market, gain, concept)
        found = certificate(market, gain, outcome, prices=101)
        assert found.operator_deviation.shape == (2, 3)
        one = certificate(market, gain[1, 2], solve(market, gain[1, 2], concept), prices=101)
        assert one.operator_deviation.shape == ()
        torch.testing.assert_close(found.operator_deviation[1, 2], one.operator_deviation)


def test_bad_input_is_refused():
    scenario = Scenario.load("paper")
    market, gain = scenario.market(), scenario.sample_gain(3)
    outcome = solve(market, gain)
    with pytest.raises(ValueError, match="outcome: expected an Outcome, got NoneType"):
        certificate(market, gain, None)
    with pytest.raises(ValueError, match=r"prices = 1: must be an integer of at least 2"):
        certificate(market, gain, outcome, prices=1)
    with pytest.raises(ValueError, match=r"outcome: has shape \[3, 4, 2\].*\[2, 4, 2\]"):
        certificate(market, gain[:2], outcome)
