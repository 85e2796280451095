"""The reference itself against brute force: grids, bounded search, a second formula, a market solved by hand."""

import math

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from reference import Game, Instance, Pair, pair_at, profit_curve, u_of
from strategies import build, calls, instances

SEEDS = st.integers(0, 2**32 - 1)


def random_pair(seed: int) -> Pair:
    rng = np.random.default_rng(seed)
    k = 10 ** rng.uniform(-1, 2)
    a = 10 ** rng.uniform(-2, 2)
    s = k * rng.choice([rng.uniform(0, 1), 1 - 10 ** rng.uniform(-6, -1), 10 ** rng.uniform(-8, 0.3)])
    share = rng.choice([0.0, rng.random(), 1.0])
    return Pair(
        accuracy_value=mpmath.mpf(k / a),
        a=mpmath.mpf(a),
        unit_delay=mpmath.mpf(s * share),
        delay=mpmath.mpf(s * share),
        cost=mpmath.mpf(s * (1 - share)),
        raw_data=mpmath.mpf(10 ** rng.uniform(-2, 1) / a),
        cap=None if rng.random() < 0.3 else mpmath.mpf(k * 10 ** rng.uniform(-3, 0.3)),
    )


@calls(200)
@given(SEEDS)
def test_no_price_of_a_grid_or_a_bounded_search_earns_more(seed):
    pair = random_pair(seed)
    scale = float(pair.accuracy_value)
    top = float(max(pair.k - pair.delay, mpmath.mpf("1e-9"))) * 1.2
    if pair.cap is not None:
        top = min(top, float(pair.cap))
    earned = float(pair.reply(pair.best_price()).profit)
    assert np.max(profit_curve(pair, np.linspace(0, top, 4001))) <= earned + 1e-14 * scale
    if top > 0:
        found = minimize_scalar(
            lambda p: -profit_curve(pair, np.array([p]))[0],
            bounds=(0, top),
            method="bounded",
            options={"xatol": top * 1e-12},
        )
        assert -found.fun <= earned + 1e-14 * scale
        if pair.trade and pair.raw_data * pair.a > 1:
            assert -found.fun == pytest.approx(earned, abs=1e-7 * scale)


@calls(200)
@given(SEEDS, st.floats(0.0, 1.0))
def test_no_amount_of_a_grid_is_better_than_the_reply(seed, share):
    pair = random_pair(seed)
    price = float(pair.k) * share * 1.2
    reply = pair.reply(price)
    value, a, y = float(pair.accuracy_value), float(pair.a), float(pair.delay) + price
    amounts = np.linspace(0, float(pair.raw_data), 4001)
    utilities = -value * np.expm1(-a * amounts) - y * amounts
    assert utilities.max() <= float(reply.utility) + 1e-14 * value
    nearest = np.abs(amounts - float(reply.data)).argmin()
    assert utilities[nearest] == pytest.approx(float(reply.utility), abs=1e-3 * value)


@calls(100)
@given(SEEDS, st.floats(1e-9, 0.999))
def test_the_price_that_leaves_a_utility_by_root_finding_and_by_formula(seed, share):
    pair = random_pair(seed)
    most = pair.reply(0).utility
    if most <= 0:
        return
    utility = most * share
    price = pair.price_leaving(utility)
    assert abs(pair.reply(price).utility - utility) <= 1e-20 * pair.accuracy_value
    assert abs(price - pair.price_leaving_by_formula(utility)) <= mpmath.mpf("1e-15") * pair.k
    assert pair.reply(price + pair.k * mpmath.mpf("1e-9")).utility < utility


def by_hand() -> Instance:
    """Two mAPs, two stations, round numbers: SNR 3 alone, 1 beside the other, at 8 MHz, so 2 and 1 MB/s."""
    return Instance(
        gain=((3.0, 1.0), (2.0, 6.0)),
        power=(1.0, 1.0),
        bandwidth=(8.0, 8.0),
        noise=(1.0, 2.0),
        compute=(2.0, 2.0),
        cycles=(1.0, 1.0),
        quality=(0.5, 0.5),
        accuracy_weight=(2.0, 2.0),
        accuracy_value=(10.0, 10.0),
        delay_cost=(1.0, 1.0),
        energy_coefficient=0.25,
        price_cap=None,
        raw_data=(100.0, 100.0),
    )


def test_a_market_solved_by_hand():
    game = Game(by_hand())
    assert [float(game.rate(0, m, (0, 1))) for m in (0, 1)] == pytest.approx([2.0, math.log2(1 + 1 / 8)])
    assert [float(game.rate(0, m, (0, 0))) for m in (0, 1)] == pytest.approx([1.0, math.log2(1.5)])
    assert [float(game.rate(1, m, (0, 1))) for m in (0, 1)] == pytest.approx([math.log2(1.5), 2.0])
    pair = game.pair(0, 0, (0, 1))
    assert (float(pair.k), float(pair.delay), float(pair.cost)) == (10.0, 1.0, 1.0)
    u = u_of(0.2)  # s / K = (1 + 1) / 10
    assert (1 - u) * math.exp(-u) == pytest.approx(0.2, abs=1e-15)
    price, reply = game.best_offer(0, 0, (0, 1))
    assert float(price) == pytest.approx(10 * math.exp(-u) - 1, abs=1e-13)
    assert float(reply.data) == pytest.approx(u, abs=1e-14)
    assert float(reply.profit) == pytest.approx(10 * u * u * math.exp(-u), abs=1e-13)
    path = game.settle(None, start=(1, 0))
    assert path.converged
    assert path.profile == game.strongest() == (0, 1)
    best = game.admission()
    assert best.profile == (0, 1)
    assert best.value == pytest.approx(20 * u * u * math.exp(-u), abs=1e-12)
    assert game.posted().value == best.value


@calls(12)
@given(instances(most_maps=2, most_stations=2, caps=("middling", "tiny"), idle_interferes=True))
def test_no_random_prices_beat_posted_with_the_kindest_equilibrium(instance):
    """The operator posts any prices in [0, cap]; even the best equilibrium for it earns no more than `posted`."""
    game, rng = Game(instance), np.random.default_rng(1)
    posted = game.posted()
    cap = float(game.cap())
    shape = (instance.maps, instance.stations)
    for _ in range(40):
        price = (cap * np.minimum(rng.uniform(0, 1.5, shape), 1.0)).tolist()
        for profile in game.nash_equilibria(price):
            earned = sum(game.pair(n, m, profile).reply(price[n][m]).profit for n, m in enumerate(profile))
            assert earned <= posted.value + 1e-12


@calls(30)
@given(instances(most_maps=3, most_stations=3))
def test_every_implementable_profile_is_an_equilibrium_at_its_prices_and_worth_its_value(instance):
    game = Game(instance)
    for profile in list(game.profiles())[:27]:
        price = game.posted_prices(profile)
        assert (price is None) == (game.posted_value(profile) is None)
        if price is None:
            continue
        assert all(0 <= p <= float(game.cap()) for row in price for p in row)
        assert all(r <= 1e-12 * instance.accuracy_value[n] for n, r in enumerate(game.regret(profile, price)))
        served = [(n, m) for n, m in enumerate(profile) if m >= 0]
        earned = sum(game.pair(n, m, profile).reply(price[n][m]).profit for n, m in served)
        assert float(earned) == pytest.approx(game.posted_value(profile), abs=1e-12)


def test_small_branches():
    rng = np.random.default_rng(0)
    game = Game(build(rng, 2, 2, cap="below cost"))
    assert pair_at(game.instance, 0, 0, 0.0).reply(1.0).data == 0  # out of reach
    assert pair_at(game.instance.with_(delay_cost=(0.0, 0.0)), 0, 0, 0.0).reply(0.0).data == 0
    assert game.pair(0, 0, (0, 0)).reply(math.inf).utility == 0
    assert game.posted().value < 0 < Game(game.instance.with_(price_cap=None)).posted().value
    assert game.admission().value == 0
