"""Rates, best responses and best prices of the public face, against the reference and against brute force."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from reference import Game, Instance, pair_at, profit_curve
from strategies import build, calls, instances, some_prices, some_profile
from twinoffload import Market, best_response, optimal_price, solve, uplink_rate

SEEDS = st.integers(0, 2**32 - 1)


def market_of(instance: Instance) -> Market:
    return Market(**instance.market_fields())


def rates_of(instance: Instance, profile) -> torch.Tensor:
    return uplink_rate(market_of(instance), instance.gain, profile)


def pairs(instance: Instance, rate):
    """(n, m, reference pair at the rate the package computed)."""
    for n in range(instance.maps):
        for m in range(instance.stations):
            yield n, m, pair_at(instance, n, m, float(rate[n, m]))


# rates


@calls(100)
@given(instances(most_maps=5), SEEDS)
def test_rates_match_the_reference(instance, seed):
    profile = some_profile(instance, seed)
    rate = rates_of(instance, profile)
    assert rate.dtype == torch.float64
    assert rate.shape == (instance.maps, instance.stations)
    game = Game(instance)
    for n in range(instance.maps):
        for m in range(instance.stations):
            assert float(rate[n, m]) == pytest.approx(float(game.rate(n, m, profile)), rel=1e-11, abs=0)


def test_a_weak_interferer_beside_a_strong_signal_is_not_lost():
    """Total minus own would lose all digits of an interferer 20 decades below the signal."""
    instance = build(np.random.default_rng(0), 3, 1).with_(
        gain=((1e8,), (1e-12,), (2e-12,)), power=(1.0, 1.0, 1.0), noise=(1e-14,), bandwidth=(8.0,)
    )
    rate = rates_of(instance, (0, 0, 0))
    assert float(rate[0, 0]) == pytest.approx(math.log2(1e8 / 3.01e-12), rel=1e-12)
    assert float(rate[1, 0]) == pytest.approx(1e-12 / 1e8 / math.log(2), rel=1e-11)


def test_nobody_interferes_with_a_lonely_map_and_a_gain_of_zero_gives_rate_zero():
    instance = build(np.random.default_rng(1), 2, 2).with_(gain=((1e-9, 0.0), (1e-9, 1e-9)))
    rate = rates_of(instance, (0, 1))
    snr = instance.power[0] * 1e-9 / instance.noise[0]
    assert float(rate[0, 0]) == pytest.approx(instance.bandwidth[0] / 8 * math.log2(1 + snr), rel=1e-12)
    assert float(rate[0, 1]) == 0


# best response


@calls(150)
@given(instances(most_maps=5), SEEDS)
def test_best_response_matches_the_reference(instance, seed):
    rate = rates_of(instance, some_profile(instance, seed))
    price = some_prices(instance, seed)
    response = best_response(market_of(instance), rate, price)
    for n, m, pair in pairs(instance, rate):
        expected, value = pair.reply(price[n][m]), instance.accuracy_value[n]
        assert float(response.data[n, m]) == pytest.approx(float(expected.data), abs=1e-10 * value)
        assert float(response.utility[n, m]) == pytest.approx(float(expected.utility), abs=1e-10 * value)


@calls(60)
@given(instances(most_maps=3), SEEDS)
def test_no_other_amount_is_better(instance, seed):
    rate = rates_of(instance, some_profile(instance, seed))
    price = some_prices(instance, seed, share_not_offered=0.0)
    response = best_response(market_of(instance), rate, price)
    for n, m, pair in pairs(instance, rate):
        if float(rate[n, m]) == 0:
            continue
        value, a, y = instance.accuracy_value[n], float(pair.a), float(pair.delay) + price[n][m]
        amounts = np.linspace(0, instance.raw_data[n], 2001)
        utilities = value * (1 - np.exp(-a * amounts)) - y * amounts
        assert 0 <= float(response.data[n, m]) <= instance.raw_data[n]
        assert utilities.max() <= float(response.utility[n, m]) + 1e-13 * value


@calls(60)
@given(instances(), SEEDS)
def test_not_offered_or_out_of_reach_means_exactly_nothing(instance, seed):
    rate = rates_of(instance, some_profile(instance, seed))
    market = market_of(instance)
    refused = best_response(market, rate, torch.full_like(rate, math.inf))
    assert (refused.data == 0).all()
    assert (refused.utility == 0).all()
    for price in (0.0, 0.5, math.inf):
        unreached = best_response(market, torch.zeros_like(rate), torch.full_like(rate, price))
        assert (unreached.data == 0).all()
        assert (unreached.utility == 0).all()
    response = best_response(market, rate, some_prices(instance, seed))
    assert (response.utility[response.data == 0] == 0).all()
    assert (response.utility[response.data > 0] >= 0).all()


def test_the_amount_is_clipped_at_the_raw_data_and_at_zero():
    instance = build(np.random.default_rng(2), 1, 1).with_(gain=((1e-6,),), raw_data=(0.25,), delay_cost=(0.01,))
    rate = rates_of(instance, (0,))
    k = instance.accuracy_value[0] * instance.accuracy_weight[0] * instance.quality[0]
    market = market_of(instance)
    assert float(best_response(market, rate, [[0.0]]).data) == 0.25
    assert float(best_response(market, rate, [[k]]).data) == 0
    price = k * math.exp(-0.1 * k / instance.accuracy_value[0])  # 0.1 MB, were there no delay
    assert 0.05 < float(best_response(market, rate, [[price]]).data) < 0.1
    free = instance.with_(delay_cost=(0.0,))
    assert float(best_response(market_of(free), rate, [[0.0]]).data) == 0.25  # y = 0: as much as there is
    empty = market_of(instance.with_(raw_data=(0.0,)))
    assert float(best_response(empty, rate, [[0.1]]).data) == 0
    assert float(best_response(empty, rate, [[0.1]]).utility) == 0


# best price


@calls(150)
@given(instances(most_maps=5), SEEDS)
def test_best_price_matches_the_reference(instance, seed):
    rate = rates_of(instance, some_profile(instance, seed))
    offer = optimal_price(market_of(instance), rate)
    for n, m, pair in pairs(instance, rate):
        price = pair.best_price()
        assert float(offer.price[n, m]) == pytest.approx(float(price), abs=1e-9 * float(pair.k))
        expected = float(pair.reply(price).profit)
        assert float(offer.profit[n, m]) == pytest.approx(expected, abs=1e-10 * instance.accuracy_value[n])
        if abs(pair.s / pair.k - 1) > 1e-12:
            assert bool(offer.trade[n, m]) == pair.trade


@calls(80)
@given(instances(most_maps=3), SEEDS)
def test_no_price_earns_more(instance, seed):
    rate = rates_of(instance, some_profile(instance, seed))
    offer = optimal_price(market_of(instance), rate)
    for n, m, pair in pairs(instance, rate):
        top = 1.2 * float(pair.k) if instance.price_cap is None else instance.price_cap
        earned = profit_curve(pair, np.linspace(0, top, 2001)).max()
        assert earned <= float(offer.profit[n, m]) + 1e-13 * instance.accuracy_value[n]
        assert 0 <= float(offer.price[n, m]) <= top


@calls(60)
@given(instances(caps=("none",)), SEEDS, st.floats(0.0, 1.5))
def test_a_cap_lowers_the_price_to_itself_and_changes_nothing_else(instance, seed, share):
    rate = rates_of(instance, some_profile(instance, seed))
    free = optimal_price(market_of(instance), rate)
    cap = share * float(free.price.max())
    capped = optimal_price(market_of(instance.with_(price_cap=cap)), rate)
    assert torch.equal(capped.price, free.price.clamp(max=cap))
    assert torch.equal(capped.trade, free.trade)
    slack = free.price <= cap
    assert torch.equal(capped.profit[slack], free.profit[slack])


@calls(60)
@given(instances(caps=("none",)), SEEDS)
def test_without_trade_nothing_is_sold_and_nothing_earned(instance, seed):
    rate = rates_of(instance, some_profile(instance, seed))
    market = market_of(instance)
    offer = optimal_price(market, rate)
    data = best_response(market, rate, offer.price).data
    assert (data[~offer.trade] <= 1e-14).all()
    assert (offer.profit[~offer.trade].abs() <= 1e-12).all()
    sells = offer.trade & (torch.tensor(instance.raw_data)[:, None] > 0)
    assert (offer.profit[sells] > 0).all()


def test_a_cap_below_cost_sells_at_a_loss():
    instance = build(np.random.default_rng(3), 1, 1, cap="below cost", gains="close")
    market = market_of(instance)
    rate = rates_of(instance, (0,))
    offer = optimal_price(market, rate)
    assert float(offer.price) == instance.price_cap
    assert float(offer.profit) < 0
    assert float(best_response(market, rate, offer.price).data) > 0


def test_little_raw_data_puts_the_price_at_the_kink():
    """Where Zmax binds the operator takes what the last piece is worth, and everything is sold."""
    instance = build(np.random.default_rng(4), 2, 2, size="tight", gains="close")
    instance = instance.with_(raw_data=(0.01, 0.02), delay_cost=(0.1, 0.1))
    rate = rates_of(instance, (0, 1))
    offer = optimal_price(market_of(instance), rate)
    data = best_response(market_of(instance), rate, offer.price).data
    for n, m, pair in pairs(instance, rate):
        kink = float(pair.k) * math.exp(-float(pair.a) * instance.raw_data[n]) - float(pair.delay)
        assert float(offer.price[n, m]) == pytest.approx(kink, rel=1e-12)
        assert float(data[n, m]) == pytest.approx(instance.raw_data[n], rel=1e-11)


def test_everything_out_of_reach_never_trades_even_at_no_delay_cost():
    instance = build(np.random.default_rng(5), 2, 2).with_(delay_cost=(0.0, 0.0))
    offer = optimal_price(market_of(instance), torch.zeros(2, 2, dtype=torch.float64))
    assert not offer.trade.any()
    assert (offer.profit == 0).all()
    assert torch.isfinite(offer.price).all()


# what a single pair and a whole solution share


@calls(40)
@given(instances(most_maps=1, most_stations=1, caps=("none",), energies=("usual",), idle_interferes=True))
def test_one_map_and_one_station_is_the_pair_itself(instance):
    market = market_of(instance)
    offer = optimal_price(market, rates_of(instance, (0,)))
    for concept in ("pairwise", "posted", "admission"):
        outcome = solve(market, instance.gain, concept=concept)
        assert outcome.association.tolist() == [0]
        assert float(outcome.operator_utility) == pytest.approx(float(offer.profit), abs=1e-13)
