"""`admission` by annealing: never above the optimum, nearly always at it, and what it reports is what is earned."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_bound import dense, problem
from test_clock import Ticking

from checks import market_of
from reference import Game
from strategies import build, calls, instances, some_profile
from twinoffload import Scenario, solve
from twinoffload.equilibrium.city.clock import Clock
from twinoffload.equilibrium.city.configurations import candidates
from twinoffload.equilibrium.city.gathering import gathered
from twinoffload.equilibrium.city.links import Links, parameters
from twinoffload.equilibrium.city.search import anneal, descend, undisturbed, value_of


@given(instance=instances(most_maps=4), seed=st.integers(0, 1000))
@calls(100)
def test_the_value_of_an_association_is_that_of_the_reference(instance, seed):
    _, c, links = problem(instance)
    profile = np.array(some_profile(instance, seed))
    choice = links.pair_at(profile)
    expected = sum(
        max(float(Game(instance).best_offer(n, m, tuple(profile))[1].profit), 0.0)
        for n, m in enumerate(profile.tolist())
        if m >= 0
    )
    assert value_of(c, choice) == pytest.approx(expected, abs=1e-10 * max(instance.accuracy_value))


@given(instance=instances(most_maps=5))
@calls(150)
def test_is_never_above_the_optimum_nor_below_its_start(instance):
    market, c, links = problem(instance)
    exact = float(solve(market, dense(instance), "admission").operator_utility)
    start = links.strongest_pair()
    found = anneal(c, start, sweeps=60)
    tolerance = 1e-12 * max(instance.accuracy_value)
    assert value_of(c, start) - tolerance <= found.value <= exact + 5 * tolerance
    assert found.value == value_of(c, found.choice)
    if instance.idle_interferes:
        assert (found.choice >= 0).all()


@given(instance=instances(most_maps=5))
@calls(100)
def test_no_single_move_improves_a_descent(instance):
    _, c, links = problem(instance)
    found = descend(c, links.strongest_pair())
    for n in range(links.maps):
        options = list(range(links.offset[n], links.offset[n + 1])) + ([] if instance.idle_interferes else [-1])
        for pair in options:
            moved = found.choice.copy()
            moved[n] = pair
            assert value_of(c, moved) <= found.value + 1e-11 * max(instance.accuracy_value)


@pytest.mark.parametrize("idle_interferes", [False, True])
def test_finds_the_optimum_of_nearly_every_small_market(idle_interferes):
    """At least 95 % of 60 random markets of up to eight mAPs on three BSs, with three seeds each."""
    optimal = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        instance = build(rng, 4 + seed % 5, 3, ("none", "middling")[seed % 2], idle_interferes=idle_interferes)
        market, c, links = problem(instance)
        exact = float(solve(market, dense(instance), "admission").operator_utility)
        best = max(anneal(c, links.strongest_pair(), sweeps=300, seed=s).value for s in range(3))
        optimal += best >= exact * (1 - 1e-9)
    assert optimal >= 57


@given(instance=instances(most_maps=5))
@calls(30)
def test_a_seed_fixes_the_result(instance):
    _, c, links = problem(instance)
    first, second = (anneal(c, links.strongest_pair(), sweeps=60, seed=3) for _ in range(2))
    assert (first.choice == second.choice).all()
    assert first.value == second.value


def test_a_silent_map_that_earns_nothing_is_off():
    instance = build(np.random.default_rng(0), 6, 2, "middling", gains="close", idle_interferes=False)
    market = market_of(instance)
    _, c, links = problem(instance)
    found = anneal(c, links.strongest_pair(), sweeps=300)
    exact = solve(market, dense(instance), "admission")
    assert (found.choice < 0).sum() == (exact.association < 0).sum() > 0


def crowd(maps: int, stations: int, **changes):
    """Many mAPs on few BSs, where nobody earns while each BS has a crowd."""
    scenario = Scenario.load("paper").replace(maps=maps, stations=stations, **changes)
    market, links = scenario.market(), Links.complete(scenario.sample_gain(1, 0)[0])
    return candidates(parameters(market, links), links), links


def test_a_crowd_parks_together_so_that_others_earn():
    """Two BSs, a hundred mAPs who all interfere: all but a few on one BS leave the other to those few."""
    c, links = crowd(100, 2)
    found = anneal(c, links.strongest_pair(), sweeps=100)
    lonely = undisturbed(c.first, c.terms)[: links.maps].max()
    assert found.value > 0.9 * lonely
    assert np.bincount(links.station[found.choice]).max() > 90


@given(instance=instances(most_maps=6, most_stations=4))
@calls(60)
def test_gathered_maps_stand_on_their_own_pairs_and_few_bss(instance):
    """Each BS that is used takes all of its reach that no earlier one took."""
    _, c, links = problem(instance)
    choice = gathered(c)
    assert (links.map_of[choice] == np.arange(links.maps)).all()
    first = np.bincount(c.station, minlength=links.stations).max()
    assert np.bincount(c.station[choice]).max() == first


def test_gathered_maps_cover_a_city_as_a_slow_cover_does():
    scenario = Scenario.load("city").replace(maps=300, stations=40, candidates=5)
    links = Links.of(scenario.sample_city(0)[1])
    c = candidates(parameters(scenario.market(), links), links)
    left, used = set(range(links.maps)), set()
    reach = [set(links.map_of[links.station == m]) for m in range(links.stations)]
    while left:
        m = max(range(links.stations), key=lambda m: (len(reach[m] & left), -m))
        used.add(m)
        left -= reach[m]
    assert set(links.station[gathered(c)]) == used


@pytest.mark.parametrize("seconds", [0.0, 1.0, 50.0, 5000.0])
def test_takes_no_longer_than_it_may(seconds):
    """By a clock that ticks at each look."""
    instance = build(np.random.default_rng(0), 8, 3, "middling", idle_interferes=True)
    _, c, links = problem(instance)
    start, ticking = links.strongest_pair(), Ticking()
    found = anneal(c, start, sweeps=10**9, clock=Clock(seconds, ticking))
    assert found.sweeps < 10**9
    assert ticking.time <= 2.0 * seconds + 200.0
    assert found.value >= value_of(c, start)
    assert found.value == value_of(c, found.choice)


@given(instance=instances(most_maps=5))
@calls(60)
def test_a_descent_in_portions_ends_where_one_in_one_go_does(instance):
    """A clock that ticks changes how far it goes between two looks, not the way."""
    _, c, links = problem(instance)
    whole = descend(c, links.strongest_pair())
    portions = descend(c, links.strongest_pair(), Clock(1e9, Ticking(1e7)))
    assert (whole.choice == portions.choice).all()
