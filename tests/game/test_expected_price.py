"""Expected data and the expected-best price, against integration, sampling, brute force and known values."""

import itertools
import math

import numpy as np
import pytest
import torch
from scipy import integrate

from twinoffload import Scenario
from twinoffload.game.expected_price import Belief, Range, expected_best_price, expected_data
from twinoffload.game.payoff import unit_delay_cost
from twinoffload.game.pricing import best_price
from twinoffload.game.response import best_data

TERMS = Scenario.load("private").market().terms(4, 2)
CAPPED = Scenario.load("private").replace(price_cap=1.5).market().terms(4, 2)


def belief(accuracy, delay):
    """A belief from pairs of numbers."""
    return Belief(*(Range(*torch.tensor(ends, dtype=torch.float64)) for ends in (accuracy, delay)))


def integrated(accuracy, delay, a, largest, time, price):
    """E[Z*] by adaptive quadrature split at the kinks."""

    def average(function, ends, kinks):
        low, high = ends
        if low == high:
            return function(low)
        points = [low, *sorted(k for k in kinks if low < k < high), high]
        parts = [integrate.quad(function, *part, epsabs=1e-13, epsrel=1e-12)[0] for part in itertools.pairwise(points)]
        return sum(parts) / (high - low)

    def over_accuracy(cost):
        total = cost * time + price
        first, last = total / a, total / a * math.exp(a * largest)
        return average(lambda v: min(max(math.log(v / first) / a, 0.0), largest), accuracy, (first, last))

    kinks = [(v * a * math.exp(-a * z) - price) / time for v in accuracy for z in (0.0, largest)]
    return average(over_accuracy, delay, kinks)


@pytest.mark.parametrize("accuracy", [(5, 15), (0.2, 30), (10, 10), (9.99, 10.01)])
@pytest.mark.parametrize("delay", [(0.5, 1.5), (0, 4), (1, 1)])
def test_expected_data_is_the_integral_of_the_best_response(accuracy, delay):
    pairs = torch.Size((4, 2))
    for time in (0.09, 1.3, 6.0):
        for price in (0.01, 0.4, 3.0):
            at = (torch.full(pairs, value, dtype=torch.float64) for value in (time, price))
            found = expected_data(TERMS, belief(accuracy, delay), *at)
            for m, a in enumerate((0.64, 0.84)):
                exact = integrated(accuracy, delay, a, 5.0, time, price)
                assert found[0, m].item() == pytest.approx(exact, rel=1e-6, abs=1e-6)


def test_expected_data_is_the_mean_over_draws():
    generator = torch.Generator().manual_seed(0)
    scenario = Scenario.load("private")
    drawn = scenario.draw_market((20_000,), generator).terms(4, 2)
    rate = torch.tensor([[3.0, 0.4], [8.0, 0.2], [1.0, 1.0], [0.3, 20.0]], dtype=torch.float64)
    price = torch.tensor([[2.0, 1.0], [3.0, 0.2], [2.0, 2.5], [0.5, 4.0]], dtype=torch.float64)
    sent = best_data(drawn, unit_delay_cost(drawn, rate), price)
    expected = expected_data(TERMS, belief((5, 15), (0.5, 1.5)), 1.0 / rate + TERMS.compute_time, price)
    error = sent.std(0) / math.sqrt(len(sent))
    assert ((sent.mean(0) - expected).abs() < 4.0 * error + 1e-9).all()


@pytest.mark.parametrize("terms", [TERMS, CAPPED])
def test_with_known_values_it_is_the_price_of_the_closed_form(terms):
    rate = torch.logspace(-2, 2, 50, dtype=torch.float64).reshape(-1, 1, 1).expand(-1, 4, 2)
    cost = unit_delay_cost(terms, rate)
    price = best_price(terms, cost)
    earned = (price - terms.energy_cost) * best_data(terms, cost, price)
    offer = expected_best_price(terms, belief((10, 10), (1, 1)), 1.0 / rate + terms.compute_time)
    sold = (earned > 1e-3) & (price > terms.energy_cost)
    assert sold.double().mean() > 0.5
    assert (~sold).any()
    assert (offer.profit[sold] / earned[sold]).numpy() == pytest.approx(1.0, rel=1e-6)
    assert offer.price[sold].numpy() == pytest.approx(price[sold].numpy(), rel=1e-3)  # profit is flat at its peak
    assert (offer.profit[~sold] < 2e-3).all()


@pytest.mark.parametrize("cap", [None, 1.5])
def test_no_price_earns_more(cap):
    """Over ranges, delays and raw sizes of every kind, against 4,000 prices each; also several peaks are no trap."""
    random = np.random.default_rng(0)
    for _ in range(40):
        scenario = Scenario.load("open").replace(price_cap=cap, task_size=float(random.uniform(0.05, 8)))
        terms = scenario.market().terms(4, 2)
        accuracy, delay = np.sort(10 ** random.uniform(-1, 2, 2)), np.sort(10 ** random.uniform(-3, 1, 2))
        believed = belief(tuple(accuracy), tuple(delay))
        time = torch.from_numpy(10 ** random.uniform(-1.5, 1.5, (4, 2)))
        offer = expected_best_price(terms, believed, time)
        end = torch.minimum(accuracy[1] * terms.steepness, terms.price_cap)
        share = torch.linspace(0.0, 1.0, 4001, dtype=torch.float64)[1:].reshape(-1, 1, 1)
        price = terms.energy_cost + share * (end - terms.energy_cost)
        tried = ((price - terms.energy_cost) * expected_data(terms, believed, time, price)).amax(0)
        assert (offer.profit >= tried * (1.0 - 1e-6) - 1e-12).all()
        again = (offer.price - terms.energy_cost) * expected_data(terms, believed, time, offer.price.clamp(min=1e-9))
        sold = offer.profit > 0.0
        torch.testing.assert_close(again[sold], offer.profit[sold], rtol=1e-9, atol=1e-12)
        assert (offer.price <= terms.price_cap).all()


def test_pairs_that_nothing_reaches_sell_nothing_and_no_number_is_lost():
    terms = Scenario.load("open").replace(task_size=(0.0, 5.0, 900.0, 1e6)).market().terms(4, 2)
    time = torch.tensor([[0.1, 0.1], [math.inf, 1e9], [0.1, 0.0], [3.0, 3.0]], dtype=torch.float64)
    for ranges in (((5, 15), (0.5, 1.5)), ((10, 10), (0, 0)), ((0.1, 1e6), (0, 1e6))):
        offer = expected_best_price(terms, belief(*ranges), time)
        assert offer.price.isfinite().all()
        assert offer.profit.isfinite().all()
        assert (offer.profit[0] == 0.0).all()
        assert offer.profit[1, 0] == 0.0
        assert (offer.profit[2] > 0.0).all()
