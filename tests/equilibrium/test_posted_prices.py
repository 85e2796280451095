"""Followers at given prices: all pure equilibria, where best responses lead, and a market without an equilibrium."""

import math

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from checks import check_play, check_shapes, market_of, profile_of
from reference import Game
from strategies import build, calls, instances, no_equilibrium, some_prices, some_profile
from twinoffload import evaluate_prices, nash_equilibria

SEEDS = st.integers(0, 2**32 - 1)


@calls(120)
@given(instances(most_maps=4), SEEDS)
def test_nash_equilibria_are_those_of_the_reference(instance, seed):
    game, price = Game(instance), some_prices(instance, seed)
    assume(game.clear(price))
    found = nash_equilibria(market_of(instance), instance.gain, price)
    assert found.dtype == torch.int64
    assert found.shape[1:] == (instance.maps,)
    assert sorted(tuple(row) for row in found.tolist()) == game.nash_equilibria(price)
    if instance.idle_interferes:
        assert found.tolist() == sorted(found.tolist())


@calls(120)
@given(instances(most_maps=5), SEEDS, st.booleans())
def test_evaluate_prices_follows_the_reference_from_start_to_rest(instance, seed, own_start):
    game, price = Game(instance), some_prices(instance, seed)
    start = some_profile(instance, seed) if own_start else None
    path = game.settle(price, start=start)
    assume(path.clear)
    outcome = evaluate_prices(market_of(instance), instance.gain, price, start=start)
    check_shapes(instance, outcome)
    assert outcome.price.tolist() == price
    assert outcome.status == ("converged" if path.converged else "cycle")
    if path.converged:
        assert profile_of(outcome) == path.profile
        assert int(outcome.sweeps) == len(path.after_sweeps)
        assert (outcome.regret <= 1e-12 * torch.tensor(instance.accuracy_value)).all()
    check_play(game, outcome)


@calls(60)
@given(instances(most_maps=3), SEEDS)
def test_where_it_converges_it_found_an_equilibrium(instance, seed):
    price = some_prices(instance, seed)
    outcome = evaluate_prices(market_of(instance), instance.gain, price)
    assume(outcome.status == "converged")
    assert outcome.association.tolist() in nash_equilibria(market_of(instance), instance.gain, price).tolist()


@calls(40)
@given(instances(), SEEDS)
def test_the_cap_does_not_bind_prices_that_are_only_evaluated(instance, seed):
    price = some_prices(instance, seed)
    capped, free = (market_of(instance.with_(price_cap=cap)) for cap in (0.01, None))
    found = [evaluate_prices(market, instance.gain, price) for market in (capped, free)]
    assert torch.equal(found[0].association, found[1].association)
    assert torch.equal(found[0].data, found[1].data)
    sets = [nash_equilibria(market, instance.gain, price) for market in (capped, free)]
    assert torch.equal(*sets)


@pytest.mark.parametrize("idle_interferes", [True, False])
def test_nothing_offered_means_nobody_moves_or_everybody_is_off(idle_interferes):
    instance = build(np.random.default_rng(0), 3, 2, gains="close", idle_interferes=idle_interferes)
    price = [[math.inf] * 2] * 3
    outcome = evaluate_prices(market_of(instance), instance.gain, price, start=(0, 1, 0))
    assert profile_of(outcome) == ((0, 1, 0) if idle_interferes else (-1, -1, -1))
    assert (outcome.map_utility == 0).all()
    assert (outcome.data == 0).all()
    assert float(outcome.operator_utility) == 0
    found = nash_equilibria(market_of(instance), instance.gain, price)
    assert len(found) == (8 if idle_interferes else 1)  # ties count


def test_idle_maps_jam_or_not():
    """A neighbour that buys nothing costs rate only where idle mAPs interfere."""
    instance = build(np.random.default_rng(1), 2, 1, gains="close")
    price = [[0.1], [math.inf]]
    jammed, silent = (
        evaluate_prices(market_of(instance.with_(idle_interferes=flag)), instance.gain, price) for flag in (True, False)
    )
    assert float(silent.rate[0]) > float(jammed.rate[0])
    assert float(silent.map_utility[0]) > float(jammed.map_utility[0])
    assert silent.association.tolist() == [0, -1]
    assert [float(x[1]) for x in (silent.rate, silent.data, silent.accuracy, silent.delay, silent.map_utility)] == [
        0
    ] * 5


def test_ties_stay_else_go_to_the_first():
    """Two stations alike: whoever is indifferent stays, and who must choose takes the lower index."""
    one = build(np.random.default_rng(2), 1, 1, gains="close")
    twin = ("bandwidth", "noise", "compute", "quality", "accuracy_weight")
    instance = one.with_(gain=(one.gain[0] * 3,), **{name: getattr(one, name) * 3 for name in twin})
    market, price = market_of(instance), [[0.1, 0.1, 0.1]]
    for start in (0, 1, 2):
        assert evaluate_prices(market, instance.gain, price, start=[start]).association.tolist() == [start]
    assert evaluate_prices(market, instance.gain, [[0.5, 0.1, 0.1]], start=[0]).association.tolist() == [1]
    assert evaluate_prices(market, instance.gain, price).association.tolist() == [0]
    assert nash_equilibria(market, instance.gain, price).tolist() == [[0], [1], [2]]


def test_ties_at_full_data_go_to_the_lowest_ratio():
    """Equal utility with everything sold, but K differs: y / K decides, not the index."""
    one = build(np.random.default_rng(2), 1, 3, gains="close")
    instance = one.with_(
        gain=((1e-9, 1e-9, 1e-9),), bandwidth=(5.0,) * 3, noise=(1e-13,) * 3, compute=(16.0,) * 3,
        quality=(1.0, 0.5, 2.0), accuracy_weight=(1.0,) * 3, raw_data=(0.01,), cycles=(1.6,), delay_cost=(1.0,),
        accuracy_value=(10.0,),
    )  # fmt: skip
    game = Game(instance)
    pairs = [game.pair(0, m, (0,)) for m in range(3)]
    utility = pairs[1].reply(0.2).utility
    price = [[9.0, 0.2, float(pairs[2].price_leaving(utility))]]
    ratios = [float(pair.reply(p).ratio) for pair, p in zip(pairs, price[0], strict=True)]
    assert abs(ratios[1] - ratios[2]) > 0.01  # far apart, though the utilities are equal
    better = 1 if ratios[1] < ratios[2] else 2
    assert evaluate_prices(market_of(instance), instance.gain, price, start=[0]).association.tolist() == [better]
    turned = instance.with_(quality=(1.0, 2.0, 0.5))
    swapped = [[price[0][0], price[0][2], price[0][1]]]
    assert evaluate_prices(market_of(turned), instance.gain, swapped, start=[0]).association.tolist() == [3 - better]


# a market without a pure equilibrium


@pytest.mark.parametrize("idle_interferes", [True, False])
def test_a_market_without_a_pure_equilibrium(idle_interferes):
    instance, price = no_equilibrium()
    instance = instance.with_(idle_interferes=idle_interferes)
    market, game = market_of(instance), Game(instance)
    assert nash_equilibria(market, instance.gain, price).shape == (0, 3)
    outcome = evaluate_prices(market, instance.gain, price)
    assert outcome.status == "cycle"
    path = game.settle(price)
    least = min(float(max(game.regret(profile, price))) for profile in path.after_moves)
    assert least > 0.03
    assert float(outcome.regret.max()) == pytest.approx(least, abs=1e-10)
    assert profile_of(outcome) in path.after_moves
    check_play(game, outcome)


def test_the_cycle_visits_six_profiles_and_the_best_of_them_is_returned_from_any_start_in_any_order():
    instance, price = no_equilibrium()
    market, game = market_of(instance), Game(instance)
    for start in game.profiles():
        for order in ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)):
            path = game.settle(price, start=start, order=order)
            assert len(set(path.after_moves) - {(0, 0, 0), (1, 1, 1)}) == 6
            outcome = evaluate_prices(market, instance.gain, price, start=start, order=order)
            assert outcome.status == "cycle"
            assert profile_of(outcome) == (1, 1, 0)


def test_one_cycle_in_a_batch_leaves_the_others_alone():
    instance, price = no_equilibrium()
    prices = torch.tensor([price, [[0.5, 0.5]] * 3, price], dtype=torch.float64)
    prices[2, 0] += 3.0  # dear at both stations: mAP 0 settles
    outcome = evaluate_prices(market_of(instance), instance.gain, prices)
    single = [evaluate_prices(market_of(instance), instance.gain, p) for p in prices]
    assert outcome.status.tolist() == [str(s.status) for s in single]
    assert outcome.status[0] == "cycle"
    assert "converged" in outcome.status
    for k, alone in enumerate(single):
        assert torch.equal(outcome.association[k], alone.association)
        torch.testing.assert_close(outcome.regret[k], alone.regret)
