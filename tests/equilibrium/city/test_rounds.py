"""Rounds without conflicts end in an equilibrium, the same one for the same seed."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from checks import market_of
from strategies import build, calls, instances, some_prices, some_profile
from twinoffload import Scenario, nash_equilibria
from twinoffload.equilibrium.city.links import Links
from twinoffload.equilibrium.city.replies import play
from twinoffload.equilibrium.city.rounds import _unrivalled, rounds
from twinoffload.network import city

SEEDS = st.integers(0, 2**32 - 1)


@calls(100)
@given(instances(most_maps=6), SEEDS)
def test_at_the_end_nobody_gains_by_moving(instance, seed):
    market, links = market_of(instance), Links.of(instance.gain)
    settled = rounds(market, links, torch.tensor(some_profile(instance, seed)), seed=seed)
    assert settled.status == "converged"
    found = play(market, links, settled.association)
    assert float((found.regret / torch.tensor(instance.accuracy_value)).max()) <= 1e-12
    if not instance.idle_interferes:
        assert torch.equal(found.data > 0, settled.association >= 0)


@calls(80)
@given(instances(most_maps=4), SEEDS)
def test_at_posted_prices_the_end_is_one_of_the_equilibria(instance, seed):
    market, price = market_of(instance), torch.tensor(some_prices(instance, seed), dtype=torch.float64)
    gain = torch.tensor(instance.gain, dtype=torch.float64)
    equilibria = nash_equilibria(market, gain, price)
    if len(equilibria):
        settled = rounds(market, Links.of(gain), price=price[gain > 0])
        assert settled.status == "converged"
        assert bool((equilibria == settled.association).all(-1).any())


@calls(100)
@given(st.integers(1, 30), st.integers(1, 8), SEEDS)
def test_of_those_who_meet_at_a_station_one_moves(movers, stations, seed):
    rng = np.random.default_rng(seed)
    old = torch.from_numpy(rng.integers(-1, stations, movers))
    new = torch.from_numpy(rng.integers(-1, stations, movers))
    chosen = _unrivalled(old, new, stations, torch.Generator().manual_seed(seed % 2**31))
    assert bool(chosen.any())
    touched = [s for a, b in zip(old[chosen].tolist(), new[chosen].tolist(), strict=True) for s in {a, b} - {-1}]
    assert len(touched) == len(set(touched))


@pytest.mark.parametrize("silent", [False, True])
def test_a_small_city(silent):
    made = city.scatter(2000, 1000, 7900.0)
    scenario = Scenario.load("open").replace(maps=2000, stations=len(made.stations), idle_interferes=not silent)
    market, links = scenario.market(), Links.of(city.gain(made, 4, scenario.path_loss, scenario.height))
    settled, again = rounds(market, links, seed=3), rounds(market, links, seed=3)
    assert settled.status == "converged"
    assert settled.moves > 100
    assert torch.equal(settled.association, again.association)
    assert not torch.equal(settled.association, rounds(market, links, seed=4).association)
    assert float(play(market, links, settled.association).regret.max()) <= 1e-11


def test_how_many_are_looked_at_at_a_time_changes_nothing(monkeypatch):
    made = city.scatter(500, 250, 4000.0)
    scenario = Scenario.load("paper").replace(maps=500, stations=len(made.stations))
    market, links = scenario.market(), Links.of(city.gain(made, 4, scenario.path_loss, scenario.height))
    whole = rounds(market, links)
    monkeypatch.setattr("twinoffload.equilibrium.city.rounds.CHUNK", 33)
    assert torch.equal(rounds(market, links).association, whole.association)


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_rounds_on_a_gpu_end_in_an_equilibrium():
    instance = build(np.random.default_rng(0), 6, 3)
    market, links = market_of(instance), Links.of(instance.gain)
    settled = rounds(market, links, device="cuda")
    assert settled.status == "converged"
    assert float(play(market, links, settled.association).regret.max()) <= 1e-11
