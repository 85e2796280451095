"""Sweeps over a list of pairs end where the dense solver ends; what is skipped changes nothing."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from checks import market_of
from reference import Game
from strategies import build, calls, instances, no_equilibrium, some_prices, some_profile
from twinoffload import Scenario, evaluate_prices, solve
from twinoffload.equilibrium.city.links import Links, parameters
from twinoffload.equilibrium.city.replies import play
from twinoffload.equilibrium.city.sweeps import sweeps
from twinoffload.network import city

SEEDS = st.integers(0, 2**32 - 1)
MEASURED = ("data", "rate", "accuracy", "delay", "map_utility", "regret")
NEVER_FREE = ("usual", "usual", "dear")  # where a MB costs nobody anything, y / K ties and rounding decides


def agree(market, gain, outcome, start=None, order=None, price=None):
    """The same rest as the dense solver's, plainly or not, and the same numbers."""
    gain = torch.tensor(gain, dtype=torch.float64)
    links = Links.of(gain)
    offered = None if price is None else torch.tensor(price, dtype=torch.float64)[gain > 0]
    given = (None if start is None else np.array(start), order, None if offered is None else offered.numpy())
    rest, plain = (sweeps(parameters(market, links), links, *given, plain=plain) for plain in (False, True))
    assert rest.association.tolist() == outcome.association.tolist() == plain.association.tolist()
    assert rest.status == outcome.status == plain.status
    assert rest.sweeps == int(outcome.sweeps) == plain.sweeps
    assert rest.moves == plain.moves
    assert rest.evaluations <= plain.evaluations == plain.sweeps * links.pairs
    found = play(market, links, torch.from_numpy(rest.association), offered)
    for name in MEASURED:
        assert torch.allclose(getattr(found, name), getattr(outcome, name), rtol=1e-12, atol=1e-13), name
    assert torch.allclose(found.price, outcome.price[gain > 0], rtol=1e-12, atol=1e-13)
    assert found.operator_utility == pytest.approx(float(outcome.operator_utility), rel=1e-12, abs=1e-12)


@calls(150)
@given(instances(most_maps=7, most_stations=4, energies=NEVER_FREE))
def test_pairwise_is_the_dense_solvers(instance):
    market = market_of(instance)
    agree(market, instance.gain, solve(market, instance.gain, "pairwise"))


@calls(150)
@given(instances(most_maps=7, most_stations=4, energies=NEVER_FREE), SEEDS, st.randoms(use_true_random=False))
def test_pairwise_from_any_start_in_any_order(instance, seed, random):
    """Starts include BSs out of reach and, where idle mAPs are silent, being off."""
    market, start, order = market_of(instance), some_profile(instance, seed), list(range(instance.maps))
    random.shuffle(order)
    outcome = solve(market, instance.gain, "pairwise", start=start, order=order)
    agree(market, instance.gain, outcome, start, order)


@calls(150)
@given(instances(most_maps=6, most_stations=4), SEEDS)
def test_rest_at_posted_prices(instance, seed):
    market, price = market_of(instance), some_prices(instance, seed)
    agree(market, instance.gain, evaluate_prices(market, instance.gain, price), price=price)


@pytest.mark.parametrize("silent", [False, True])
@pytest.mark.parametrize("preset", ["paper", "open"])
def test_a_crowd(preset, silent):
    """Sixty mAPs on four BSs take several sweeps, of which a part can be skipped."""
    scenario = Scenario.load(preset).replace(maps=60, stations=4, idle_interferes=not silent)
    for gain in scenario.sample_gain(5):
        market = scenario.market()
        agree(market, gain.tolist(), solve(market, gain, "pairwise"))


def test_a_cycle_ends_at_the_visited_profile_of_least_regret():
    instance, price = no_equilibrium()
    market = market_of(instance)
    outcome = evaluate_prices(market, instance.gain, price)
    assert outcome.status == "cycle"
    agree(market, instance.gain, outcome, price=price)
    game = Game(instance)
    visited, profile = [], list(game.strongest())
    for _ in range(int(outcome.sweeps)):
        for n in range(3):
            profile[n] = game.best_reply(n, profile, price)
            visited.append(float(max(game.regret(profile, price))))
    assert float(outcome.regret.max()) == pytest.approx(min(visited), abs=1e-12)
    assert min(visited) > 0.01


def test_a_cycle_too_long_to_look_at_every_move_is_seen_at_the_ends_of_sweeps(monkeypatch):
    monkeypatch.setattr("twinoffload.equilibrium.city.sweeps.WALK_LIMIT", 0)
    instance, price = no_equilibrium()
    market, links = market_of(instance), Links.of(instance.gain)
    rest = sweeps(parameters(market, links), links, price=np.array(price).ravel())
    assert rest.status == "cycle"
    game = Game(instance)
    ends = game.settle(price).after_sweeps
    regrets = [float(max(game.regret(profile, price))) for profile in ends]
    assert tuple(rest.association.tolist()) == ends[int(np.argmin(regrets))]


def test_equal_offers_go_to_the_lowest_index():
    """A MB that costs nobody anything is sold at K / E everywhere; the free BSs differ in nothing that counts."""
    instance = build(np.random.default_rng(5), 1, 4, energy="free", idle_interferes=False).with_(delay_cost=(0.0,))
    links = Links.of(instance.gain)
    q = parameters(market_of(instance), links)
    assert sweeps(q, links, np.array([-1])).association.tolist() == [0]
    assert sweeps(q, links, np.array([2])).association.tolist() == [2]


@pytest.mark.parametrize(("preset", "ratio", "silent"), [("paper", 2, False), ("open", 2, True), ("open", 10, False)])
def test_a_small_city_comes_to_rest(preset, ratio, silent):
    made = city.scatter(5000, round(5000 / ratio), 250.0 * (5000 / ratio) ** 0.5)
    scenario = Scenario.load(preset).replace(maps=5000, stations=len(made.stations), idle_interferes=not silent)
    market = scenario.market()
    links = Links.of(city.gain(made, 4, scenario.path_loss, scenario.height))
    q = parameters(market, links)
    rest, plain = sweeps(q, links), sweeps(q, links, plain=True)
    assert rest.status == "converged"
    assert np.array_equal(rest.association, plain.association)
    assert rest.evaluations < 0.6 * plain.evaluations
    found = play(market, links, torch.from_numpy(rest.association))
    assert bool((found.regret <= 1e-12 * scenario.accuracy_value).all())
    assert bool(((found.data > 0) == torch.from_numpy(rest.association >= 0)).all()) or not silent
