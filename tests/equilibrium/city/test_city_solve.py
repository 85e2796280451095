"""Cities through the public face: sparse gains in, the same outcomes as dense ones, bounds that hold."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from checks import market_of
from strategies import calls, instances, some_prices
from twinoffload import Scenario, evaluate_prices, nash_equilibria, solve
from twinoffload.equilibrium.city import solve as city
from twinoffload.equilibrium.city.links import Links

MEASURED = ("data", "rate", "accuracy", "delay", "map_utility", "regret", "operator_utility")


def sparse(gain) -> torch.Tensor:
    return torch.tensor(gain, dtype=torch.float64).to_sparse_coo()


@calls(60)
@given(instances(most_maps=5, energies=("usual", "dear")), st.sampled_from(("pairwise", "posted", "admission")))
def test_small_markets_have_the_same_outcome_dense_and_sparse(instance, concept):
    market, gain = market_of(instance), sparse(instance.gain)
    listed, full = solve(market, gain, concept), solve(market, instance.gain, concept)
    assert listed.status == full.status
    assert torch.equal(listed.association, full.association)
    for name in MEASURED:
        torch.testing.assert_close(getattr(listed, name), getattr(full, name), rtol=1e-10, atol=1e-12, equal_nan=True)
    assert listed.price.layout == torch.sparse_csr
    stored = gain.to_dense() > 0
    price = listed.price.values()
    torch.testing.assert_close(price, full.price[stored], rtol=1e-10, atol=1e-12, equal_nan=True)
    assert listed.price.crow_indices()[-1] == stored.sum()


@calls(40)
@given(instances(most_maps=5, energies=("usual", "dear")), st.integers(0, 2**32 - 1))
def test_posted_prices_lead_to_the_same_rest_dense_and_sparse(instance, seed):
    """A price that is not stored is no offer."""
    market, price = market_of(instance), torch.tensor(some_prices(instance, seed), dtype=torch.float64)
    gain = torch.tensor(instance.gain, dtype=torch.float64)
    offered = ((gain > 0) & torch.isfinite(price)).nonzero().T
    listed = torch.sparse_coo_tensor(offered, price[tuple(offered)], price.shape)
    found = evaluate_prices(market, gain.to_sparse_coo(), listed)
    full = evaluate_prices(market, gain, price)
    assert found.status == full.status
    assert torch.equal(found.association, full.association)
    torch.testing.assert_close(found.operator_utility, full.operator_utility, rtol=1e-10, atol=1e-12)


@calls(40)
@given(instances(most_maps=6, most_stations=4))
def test_searched_value_and_bound_hold_the_optimum_between_them(instance):
    market = market_of(instance)
    exact = solve(market, instance.gain, "admission")
    found = city.admission(market, Links.of(sparse(instance.gain)), None, 0.0)
    scale = 1e-10 * max(instance.accuracy_value)
    assert found.operator_utility <= exact.operator_utility + scale
    assert found.bound >= exact.operator_utility - scale
    assert found.status in ("optimal", "bounded")
    if found.status == "optimal":
        assert found.operator_utility == pytest.approx(exact.operator_utility.item(), rel=1e-8)


def test_a_city_is_solved_with_a_bound_and_within_the_time_given():
    scenario = Scenario.load("city").replace(maps=300, stations=150)
    _, gain = scenario.sample_city(1)
    rest = solve(scenario.market(), gain, "pairwise")
    assert rest.status == "converged"
    assert rest.regret.max() <= 1e-11
    assert rest.bound.isnan()
    assert rest.method == "best responses in turn"
    best = solve(scenario.market(), gain, "admission")
    again = solve(scenario.market(), gain, "admission")
    assert torch.equal(best.association, again.association)
    assert best.bound == again.bound
    assert rest.operator_utility < best.operator_utility <= best.bound
    assert 0 <= best.gap < 0.1
    assert torch.isinf(best.price.values()).any()  # some offers are withheld
    quick = solve(scenario.market(), gain, "admission", time_limit=0.5, gap=0.5)
    assert quick.gap <= 0.5


def test_start_and_order_are_those_of_dense_markets():
    scenario = Scenario.load("paper").replace(maps=6)
    market, gain = scenario.market(), scenario.sample_gain(1)[0]
    start, order = [0, 1, 0, 1, 0, 1], [5, 3, 1, 0, 2, 4]
    listed = solve(market, gain.to_sparse_csr(), "pairwise", start=start, order=order)
    full = solve(market, gain, "pairwise", start=start, order=order)
    assert torch.equal(listed.association, full.association)
    assert torch.equal(listed.start, full.start)
    assert listed.order.tolist() == order
    assert listed.sweeps == full.sweeps


LARGE = Scenario.load("city").replace(maps=1000, stations=500)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda m, g: solve(m, g, "posted"), "posted: takes dense gains"),
        (lambda m, g: solve(m, g, "gradient"), "gradient: takes dense gains"),
        (lambda m, g: solve(m, g, "pairwise", start=[500] * 1000), "must be a BS index 0..499"),
        (lambda m, g: solve(m, g, "pairwise", order=[0] * 1000), "permutation"),
        (lambda m, g: solve(m, g, "admission", time_limit=0), "time_limit = 0"),
        (lambda m, g: solve(m, g, "admission", gap=-1), "gap = -1"),
        (lambda m, g: solve(m, g, "admission", gap=math.nan), "gap = nan"),
        (lambda m, g: evaluate_prices(m, g, np.ones((1000, 500))), "price: must be a sparse tensor"),
        (lambda m, g: evaluate_prices(m, g, torch.eye(1000).to_sparse()), r"price: has shape \[1000, 1000\]"),
        (lambda m, g: evaluate_prices(m, g, (g * -1.0)), r"price\[0, \d+\] = -.*at least 0"),
        (lambda m, g: evaluate_prices(m, g, torch.ones(1000, 500).to_sparse()), "is no pair of the gain"),
        (lambda m, g: nash_equilibria(m, g, g), "gain: is sparse"),
        (lambda m, g: solve(Scenario.load("paper").market(), g, "pairwise"), "has 4 entries on its mAP axis"),
    ],
)
def test_bad_input_is_told(call, words):
    _, gain = LARGE.sample_city()
    with pytest.raises(ValueError, match=words) as refused:
        call(LARGE.market(), gain)
    assert "\n" not in str(refused.value)
