"""The compiled formulas of one pair against the elementwise ones of `game`, and against their definitions."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from mpmath import lambertw, mp, mpf

from checks import market_of
from strategies import calls, instances, some_prices, some_profile
from twinoffload.equilibrium.city import kernel
from twinoffload.equilibrium.city.links import Links, parameters, terms
from twinoffload.equilibrium.city.loads import exclusive
from twinoffload.game.payoff import map_utility, profit, unit_delay_cost
from twinoffload.game.pricing import best_price, price_leaving
from twinoffload.game.response import best_data
from twinoffload.network import link

SEEDS = st.integers(0, 2**32 - 1)


@calls(200)
@given(instances(most_maps=5), SEEDS)
def test_a_pair_is_worth_what_the_elementwise_functions_say(instance, seed):
    market, gain = market_of(instance), torch.tensor(instance.gain, dtype=torch.float64)
    links = Links.of(gain)
    q, t = parameters(market, links), terms(market, links)
    choice = torch.from_numpy(links.pair_at(np.array(some_profile(instance, seed))))
    power = torch.from_numpy(q.received)
    disturbance = exclusive(power, torch.from_numpy(links.station), choice, links.stations)
    delay_cost = unit_delay_cost(t, link.rate(power, disturbance, t.noise, t.bandwidth))
    best, posted = best_price(t, delay_cost), torch.tensor(some_prices(instance, seed), dtype=torch.float64)[gain > 0]
    value, k = t.accuracy_value.expand_as(power), t.first_value.expand_as(power)
    cost = t.energy_cost.expand_as(power)
    for pair, n in enumerate(links.map_of):
        args = (q, n, pair, float(disturbance[pair]))
        first_value, energy_cost, d, limit = kernel.costs(*args)
        assert first_value == pytest.approx(float(k[pair]), rel=1e-15)
        assert energy_cost == pytest.approx(float(cost[pair]), rel=1e-15)
        assert d == pytest.approx(float(delay_cost[pair]), rel=1e-14)
        price, v = kernel.best_offer(first_value, energy_cost, d, limit, q.price_cap)
        assert price == pytest.approx(float(best[pair]), abs=1e-14 * (first_value + (d if d < math.inf else 0.0)))
        asked = float(posted[pair])
        steepness, bought = q.steepness[q.station[pair]], kernel.demand(first_value, d, asked, limit)
        for charged, utility, earned in (
            (best, kernel.utility_at_best(*args), kernel.profit(energy_cost, steepness, price, v)),
            (posted, kernel.utility_at(*args, asked), kernel.profit(energy_cost, steepness, asked, bought)),
        ):
            data = best_data(t, delay_cost, charged)
            if charged is best:
                a = float(t.steepness.expand_as(power)[pair])
                assert v == pytest.approx(float(data[pair]) * a, rel=1e-12, abs=1e-14)
            expected = map_utility(t, delay_cost, charged, data)[pair]
            assert utility == pytest.approx(float(expected), abs=1e-14 * float(value[pair]))
            expected = float(profit(t, charged, data)[pair])
            assert earned == pytest.approx(expected, rel=1e-12, abs=1e-13 * (float(value[pair]) + energy_cost / a))
        if d < math.inf:
            left = 0.05 * value[pair]
            found = kernel.price_leaving(float(value[pair]), first_value, d, limit, float(left))
            expected = float(price_leaving(t, delay_cost, 0.05 * t.accuracy_value).expand_as(power)[pair])
            assert found == pytest.approx(expected, rel=1e-12, abs=1e-13 * (first_value + d))


@calls(200)
@given(
    st.floats(0.1, 100), st.floats(0, 20), st.floats(0, 20), st.floats(0, 5), st.one_of(st.none(), st.floats(0, 100))
)
def test_the_cap_lowers_the_price_and_nothing_else(k, e, d, limit, cap):
    free, _ = kernel.best_offer(k, e, d, limit, math.inf)
    cap = free if cap is None else cap  # exactly where it begins to bind
    capped, v = kernel.best_offer(k, e, d, limit, cap)
    assert capped == pytest.approx(min(free, cap), abs=1e-14 * (k + d))
    assert v == pytest.approx(kernel.demand(k, d, capped, limit), abs=1e-13 * (1 + d / k))


def test_no_price_earns_more_than_the_best():
    rng = np.random.default_rng(0)
    for _ in range(300):
        k, e, d, limit, cap = rng.uniform((1, 0, 0, 0.02, 0.1), (10, 5, 5, 2, 10))
        price, v = kernel.best_offer(k, e, d, limit, cap)
        others = (kernel.profit(e, 1.0, x, kernel.demand(k, d, x, limit)) for x in np.linspace(0, cap, 2001))
        if e + d < k and cap > e:
            assert kernel.profit(e, 1.0, price, v) >= max(others) - 1e-14 * k


def test_lambert_on_all_that_prices_need():
    with mp.workdps(30):
        for x in [*np.linspace(1e-3, math.e, 400), *np.logspace(-300, -3, 100), 5e-324]:
            assert kernel.lambert_w0(x) == pytest.approx(float(lambertw(mpf(x)).real), rel=4e-16)
    assert kernel.lambert_w0(0.0) == 0.0


def test_log1p_keeps_small_and_large_ratios():
    for x in [0.0, *np.logspace(-320, 308, 2000)]:
        assert kernel.log1p(x) == pytest.approx(math.log1p(x), rel=5e-16)
    assert kernel.log1p(math.inf) == math.inf
