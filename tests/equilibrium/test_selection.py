"""The selection problem: the interval over all equilibria at posted prices, and the point that is reached."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from checks import market_of
from strategies import calls, instances, no_equilibrium, some_prices, some_profile
from twinoffload import Scenario, evaluate_prices, nash_equilibria, selection, solve
from twinoffload.equilibrium.outcome import play

SEEDS = st.integers(0, 2**32 - 1)


@calls(60)
@given(instances(most_maps=4), SEEDS)
def test_the_interval_spans_every_equilibrium_and_holds_the_one_reached(instance, seed):
    market, price = market_of(instance), torch.tensor(some_prices(instance, seed), dtype=torch.float64)
    start = some_profile(instance, seed)
    found = selection(market, instance.gain, price, start=start)
    all_of_them = nash_equilibria(market, instance.gain, price)
    assert found.count == len(all_of_them)
    gain = torch.tensor(instance.gain, dtype=torch.float64)
    played = [play(market.terms(*gain.shape), gain, profile, price) for profile in all_of_them]
    if not played:
        assert found.operator_best.isnan()
        return
    scale = 1e-10 * max(instance.accuracy_value)
    for name, values in (
        ("operator", [p["operator_utility"].item() for p in played]),
        ("map", [p["map_utility"].mean().item() for p in played]),
    ):
        assert getattr(found, f"{name}_worst").item() == pytest.approx(min(values), abs=scale)
        assert getattr(found, f"{name}_best").item() == pytest.approx(max(values), abs=scale)
    assert torch.equal(found.reached.association, evaluate_prices(market, instance.gain, price, start).association)
    if found.reached.status == "converged":
        assert found.operator_worst - scale <= found.reached.operator_utility <= found.operator_best + scale


def test_at_the_best_posted_prices_the_kindest_equilibrium_is_posted_itself():
    for preset in ("paper", "open"):
        scenario = Scenario.load(preset)
        market, gain = scenario.market(), scenario.sample_gain(100)
        best = solve(market, gain, "posted")
        found = selection(market, gain, best.price)
        torch.testing.assert_close(found.operator_best, best.operator_utility, rtol=1e-10, atol=1e-10)
        assert (found.count >= 1).all()
        assert (found.count > 1).any()
        assert (found.operator_worst < best.operator_utility - 0.1).any()  # "strong" is a hope, not a promise
        assert (found.reached.operator_utility >= found.operator_worst - 1e-9).all()


def test_without_an_equilibrium_there_is_no_interval():
    instance, price = no_equilibrium()
    found = selection(market_of(instance), instance.gain, price)
    assert found.count == 0
    assert math.isnan(found.operator_worst)
    assert math.isnan(found.map_best)
    assert found.reached.status == "cycle"


def test_batches_and_refusals():
    scenario = Scenario.load("paper")
    market, gain = scenario.market(), scenario.sample_gain(500)
    price = 0 * gain + 1.0
    found = selection(market, gain.reshape(50, 10, 4, 2), price.reshape(50, 10, 4, 2))
    assert found.count.shape == (50, 10)
    one = selection(market, gain[123], price[123])
    assert found.operator_worst[12, 3] == one.operator_worst
    large = scenario.replace(maps=24)
    with pytest.raises(ValueError, match=r"selection: N = 24 .*beyond enumeration"):
        selection(large.market(), large.sample_gain(1)[0], torch.ones(24, 2))
