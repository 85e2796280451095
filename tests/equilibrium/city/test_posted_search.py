"""`posted` by annealing: between `pairwise` and the exact answer, and at prices that the mAPs accept."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_bound import dense, problem
from test_clock import Ticking

from reference import Game
from strategies import build, calls, instances, some_profile
from twinoffload import evaluate_prices, solve
from twinoffload.equilibrium.city import solve as city
from twinoffload.equilibrium.city.clock import Clock
from twinoffload.equilibrium.city.links import parameters
from twinoffload.equilibrium.city.posted_search import anneal_posted, posted_prices
from twinoffload.equilibrium.city.search import anneal, undisturbed
from twinoffload.equilibrium.city.sweeps import sweeps


def rest_of(market, links):
    rest = sweeps(parameters(market, links), links)
    return rest, links.pair_at(rest.association)


def posted_value(c, choice):
    """What an association earns at posted prices, money: a search of no rounds ends where it starts."""
    return anneal_posted(c, choice, sweeps=1, rounds=0).value


@given(instance=instances(most_maps=4), seed=st.integers(0, 1000))
@calls(150)
def test_value_and_prices_are_those_of_the_reference(instance, seed):
    """Where the reference is not within rounding of indifference."""
    _, c, links = problem(instance)
    profile = some_profile(instance, seed)
    expected = Game(instance).posted_value(profile)
    found = posted_value(c, links.pair_at(np.array(profile)))
    if expected is None or found == -np.inf:
        return
    assert found == pytest.approx(expected, abs=1e-9 * max(instance.accuracy_value))


@given(instance=instances(most_maps=4))
@calls(150)
def test_lies_between_the_rest_of_pairwise_and_the_exact_answer(instance):
    market, c, links = problem(instance)
    rest, start = rest_of(market, links)
    exact = float(solve(market, dense(instance), "posted").operator_utility)
    pairwise = float(solve(market, dense(instance), "pairwise").operator_utility)
    found = anneal_posted(c, start, sweeps=60)
    tolerance = 1e-10 * max(instance.accuracy_value)
    if rest.status == "converged":
        assert found.value >= pairwise - tolerance
        assert found.value <= exact + tolerance
        assert found.value == pytest.approx(posted_value(c, found.choice), abs=tolerance)


@given(instance=instances(most_maps=4, sizes=("ample", "tight")))
@calls(60)
def test_the_maps_stay_at_the_posted_prices(instance):
    market, c, links = problem(instance)
    rest, start = rest_of(market, links)
    if rest.status != "converged":
        return
    found = anneal_posted(c, start, sweeps=40)
    association = np.where(found.choice >= 0, links.station[np.maximum(found.choice, 0)], -1)
    price = np.zeros((links.maps, links.stations))
    price[links.map_of, links.station] = posted_prices(c, found.choice)
    outcome = evaluate_prices(market, dense(instance), price, start=association)
    assert outcome.association.tolist() == association.tolist()
    assert float(outcome.operator_utility) == pytest.approx(found.value, abs=1e-9 * max(instance.accuracy_value))


@pytest.mark.parametrize("idle_interferes", [False, True])
def test_reaches_most_of_the_exact_answer(idle_interferes):
    """On average 99 % over 30 markets of six mAPs on three BSs."""
    shares = []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        instance = build(rng, 6, 3, "middling", gains="close", idle_interferes=idle_interferes)
        market, c, links = problem(instance)
        exact = float(solve(market, dense(instance), "posted").operator_utility)
        start = rest_of(market, links)[1]
        shares.append(max(anneal_posted(c, start, sweeps=300, seed=s).value for s in range(2)) / exact)
    assert max(shares) <= 1 + 1e-9
    assert np.mean(shares) > 0.99


@given(instance=instances(most_maps=5, caps=("none", "large")))
@calls(40)
def test_without_a_cap_it_is_bounded_by_admission(instance):
    market, c, links = problem(instance)
    rest, start = rest_of(market, links)
    if rest.status == "converged":
        exact = float(solve(market, dense(instance), "admission").operator_utility)
        assert anneal_posted(c, start, sweeps=40).value <= exact + 1e-10 * max(instance.accuracy_value)
        assert anneal(c, start, sweeps=40).value <= exact + 1e-10 * max(instance.accuracy_value)


def test_where_every_offer_loses_it_looks_for_the_least_loss():
    """Under a cap below every cost nothing earns, and no offer may be withheld."""
    found = []
    for seed in range(20):
        instance = build(np.random.default_rng(seed), 4, 3, "below cost", gains="close", idle_interferes=True)
        market, c, links = problem(instance)
        exact = solve(market, dense(instance), "posted")
        if exact.status == "optimal" and undisturbed(c.first, c.terms).max() == 0.0:
            least = exact.operator_utility.item()
            found.append(anneal_posted(c, rest_of(market, links)[1], sweeps=1000).value - least)
            assert least < 0.0
            assert found[-1] <= 1e-9
    assert len(found) > 10
    assert np.mean(np.array(found) > -1e-9) > 0.9


def test_a_tiny_market_is_searched_long_enough():
    """All of 30 markets of three to five mAPs, without a limit: at most one is missed."""
    missed = 0
    for seed in range(30):
        rng = np.random.default_rng(seed)
        instance = build(rng, 3 + seed % 3, 2 + seed % 2, "middling", gains="close", idle_interferes=bool(seed % 2))
        market, _, links = problem(instance)
        exact = solve(market, dense(instance), "posted").operator_utility.item()
        missed += city.posted(market, links).operator_utility.item() < exact * (1 - 1e-9)
    assert missed <= 1


@pytest.mark.parametrize("idle_interferes", [False, True])
def test_stops_at_the_time_and_what_it_returns_stands(idle_interferes):
    """By a clock that ticks at each look; at every time the start at least, and it can be brought about."""
    instance = build(np.random.default_rng(2), 8, 3, "middling", gains="close", idle_interferes=idle_interferes)
    market, c, links = problem(instance)
    rest, start = rest_of(market, links)
    assert rest.status == "converged"
    whole = anneal_posted(c, start, sweeps=200)
    for seconds in (0.0, 1.0, 10.0, 100.0, 1000.0):
        ticking = Ticking()
        found = anneal_posted(c, start, sweeps=10**9, clock=Clock(seconds, ticking))
        assert found.value >= posted_value(c, start)
        assert found.value == pytest.approx(posted_value(c, found.choice), rel=1e-12)
        assert ticking.time <= 2.0 * seconds + 200.0  # a few looks at the end of each of its rounds
    assert found.value > 0.9 * whole.value
