"""Other accuracy laws than Eq. 7: the general solve against closed forms and brute force, and what is refused."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from checks import market_of
from laws import Delegate, Half, Inverted, Plain, phi_of
from reference import pair_at
from strategies import build, calls, instances, some_prices, some_profile
from twinoffload import Exponential, Market, PowerLaw, best_response, optimal_price, solve, uplink_rate
from twinoffload.game.law_check import check_law
from twinoffload.game.other_law import marginal_revenue
from twinoffload.game.payoff import accuracy, unit_delay_cost
from twinoffload.game.pricing import best_price, kink_total, price_leaving
from twinoffload.game.response import best_data
from twinoffload.game.root import falling_root, with_slope

SEEDS = st.integers(0, 2**32 - 1)
LAWS = st.builds(PowerLaw, st.sampled_from((0.2, 0.5, 1.0, 3.0, 40.0)), st.sampled_from((1.0, 0.8)))


def terms_of(instance, seed):
    """(terms, D) of an instance at a random association."""
    market, profile = market_of(instance), some_profile(instance, seed)
    rate = uplink_rate(market, instance.gain, profile)
    terms = market.terms(instance.maps, instance.stations)
    return terms, unit_delay_cost(terms, rate), rate


# the general solve against the closed forms of Eq. 7


@calls(50)
@given(instances(most_maps=4), SEEDS, st.sampled_from((Plain, Inverted)))
def test_the_general_solve_finds_the_closed_forms(instance, seed, law):
    """Without trade, at a binding Zmax or cap, at delay cost 0, without data, out of reach: every edge is drawn."""
    terms, delay_cost, _ = terms_of(instance, seed)
    other = replace(terms, law=law())
    price = torch.tensor(some_prices(instance, seed), dtype=torch.float64)
    demand = terms.steepness * (best_data(other, delay_cost, price) - best_data(terms, delay_cost, price))
    assert demand.abs().max() <= 1e-10
    apart = (best_price(other, delay_cost) - best_price(terms, delay_cost)) / terms.first_value
    assert apart.abs().max() <= 1e-10
    share = torch.rand(delay_cost.shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    for power in (0, 1, 8):
        utility = terms.accuracy_value * (1.3 * share**power if power else torch.zeros_like(share))
        found, exact = price_leaving(other, delay_cost, utility), price_leaving(terms, delay_cost, utility)
        finite = torch.isfinite(exact)
        assert torch.equal(finite, torch.isfinite(found))
        gap = ((found - exact) / (terms.first_value + exact.abs()))[finite]
        assert gap.numel() == 0 or gap.abs().max() <= 1e-10


def test_those_markets_meet_every_edge():
    met = set()
    for seed in range(60):
        rng = np.random.default_rng(seed)
        cap, size = ("none", "middling", "tiny")[seed % 3], ("ample", "tight", "zero for one")[seed % 3]
        instance = build(rng, 3, 2, cap, size, ("close", "some zero")[seed % 2], free_delay=seed % 2 == 0)
        terms, delay_cost, _ = terms_of(instance, seed)
        price = best_price(terms, delay_cost)
        data = best_data(terms, delay_cost, price)
        met |= {"no trade"} if (terms.energy_cost + delay_cost >= terms.first_value).any() else set()
        met |= {"cap"} if (price == terms.price_cap).any() else set()
        met |= {"Zmax"} if ((data >= terms.raw_data) & (terms.raw_data > 0)).any() else set()
        met |= {"free delay"} if (delay_cost == 0).any() else set()
        met |= {"no data"} if (terms.raw_data == 0).any() else set()
        met |= {"out of reach"} if torch.isinf(delay_cost).any() else set()
    assert met == {"no trade", "cap", "Zmax", "free delay", "no data", "out of reach"}


@calls(40)
@given(instances(most_maps=3), SEEDS, st.floats(0.05, 1.0))
def test_a_ceiling_is_eq_7_at_another_value_of_accuracy(instance, seed, ceiling):
    terms, delay_cost, _rate = terms_of(instance, seed)
    capped = replace(terms, law=Exponential(ceiling))
    scaled = replace(terms, accuracy_value=ceiling * terms.accuracy_value)
    near = {"rtol": 1e-12, "atol": 1e-12}
    price = best_price(scaled, delay_cost)
    torch.testing.assert_close(best_price(capped, delay_cost), price, **near)
    data = best_data(scaled, delay_cost, price)
    torch.testing.assert_close(best_data(capped, delay_cost, price), data, **near)
    torch.testing.assert_close(accuracy(capped, data), ceiling * accuracy(terms, data), **near)
    utility = 0.3 * terms.accuracy_value
    torch.testing.assert_close(
        price_leaving(capped, delay_cost, utility), price_leaving(scaled, delay_cost, utility), **near
    )
    torch.testing.assert_close(kink_total(capped), kink_total(scaled), **near)


# the power law


@calls(25)
@given(instances(most_maps=2, most_stations=2), SEEDS, LAWS)
def test_response_and_price_under_a_power_law_are_the_reference_s(instance, seed, law):
    instance = instance.with_(phi=phi_of(law))
    market = Market(**instance.market_fields(), law=law)
    rate = uplink_rate(market, instance.gain, some_profile(instance, seed))
    price = some_prices(instance, seed)
    reply, offer = best_response(market, rate, price), optimal_price(market, rate)
    for n in range(instance.maps):
        value = instance.accuracy_value[n]
        for m in range(instance.stations):
            pair = pair_at(instance, n, m, float(rate[n, m]))
            expected = pair.reply(price[n][m])
            assert float(reply.data[n, m]) == pytest.approx(float(expected.data), rel=1e-10, abs=1e-10 * value)
            assert float(reply.utility[n, m]) == pytest.approx(float(expected.utility), abs=1e-10 * value)
            best = pair.best_price()
            assert float(offer.price[n, m]) == pytest.approx(float(best), abs=1e-9 * float(pair.k))
            assert float(offer.profit[n, m]) == pytest.approx(float(pair.reply(best).profit), abs=1e-10 * value)


@calls(40)
@given(instances(most_maps=3), SEEDS, st.sampled_from((PowerLaw(0.3), PowerLaw(2.0, 0.7), Half())))
def test_no_price_earns_more_and_no_amount_is_better(instance, seed, law):
    market = Market(**instance.market_fields(), law=law)
    rate = uplink_rate(market, instance.gain, some_profile(instance, seed))
    offer, terms = optimal_price(market, rate), market.terms(instance.maps, instance.stations)
    delay_cost = unit_delay_cost(terms, rate)
    share = torch.linspace(0.0, 1.0, 301, dtype=torch.float64).reshape(-1, 1, 1)
    price = (share * terms.price_limit).expand(-1, *rate.shape)
    reply = best_response(market, rate, price)
    earned = torch.where(reply.data > 0, (price - terms.energy_cost) * reply.data, 0.0)
    assert (earned <= offer.profit + 1e-12 * terms.accuracy_value).all()
    data = (share * terms.raw_data).expand(-1, *rate.shape)
    worth = terms.accuracy_value * law.value(terms.steepness * data)
    paid = torch.where(data > 0, (delay_cost + offer.price) * data, 0.0)
    best = best_response(market, rate, offer.price)
    assert (worth - paid <= best.utility + 1e-12 * terms.accuracy_value).all()


@calls(40)
@given(instances(most_maps=3, gains=("close",)), SEEDS, st.sampled_from((PowerLaw(0.3), PowerLaw(2.0, 0.7), Half())))
def test_the_price_that_leaves_a_utility_leaves_it(instance, seed, law):
    terms, delay_cost, _ = terms_of(instance, seed)
    terms = replace(terms, law=law)
    share = torch.rand(delay_cost.shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    utility = 0.5 * share**6 * terms.accuracy_value
    price = price_leaving(terms, delay_cost, utility)
    total = torch.clamp(price + delay_cost, min=0.0)  # below 0 the mAP would be paid: no best response asks that
    data = best_data(terms, torch.zeros_like(total), total)
    left = terms.accuracy_value * accuracy(terms, data) - total * data
    possible = price + delay_cost >= 0.0
    assert ((left - utility).abs() <= 1e-12 * terms.accuracy_value)[possible].all()


@pytest.mark.parametrize("exponent", [1e6, 1e9])
def test_a_power_law_of_a_large_exponent_is_eq_7(exponent):
    terms, delay_cost, _ = terms_of(build(np.random.default_rng(1), 4, 3, gains="close"), 0)
    other, near = replace(terms, law=PowerLaw(exponent)), {"rtol": 30.0 / exponent, "atol": 1e-13}
    price = best_price(terms, delay_cost)
    torch.testing.assert_close(best_price(other, delay_cost), price, **near)
    data = best_data(terms, delay_cost, price)
    torch.testing.assert_close(best_data(other, delay_cost, price), data, **near)
    torch.testing.assert_close(accuracy(other, data), accuracy(terms, data), **near)


@pytest.mark.parametrize("law", [PowerLaw(0.1), PowerLaw(1.0, 0.4), PowerLaw(1e7), Exponential(), Exponential(0.3)])
def test_a_law_s_methods_agree_with_each_other(law):
    v = torch.logspace(-6, 2, 200, dtype=torch.float64)
    value, slope = with_slope(law.value, v)
    torch.testing.assert_close(law.slope(v), slope, rtol=1e-9, atol=1e-15)
    strong = slope > 1e-200
    inverse = law.inverse_slope(slope)[strong]
    torch.testing.assert_close(law.slope(inverse), slope[strong], rtol=1e-12, atol=0.0)
    revenue = with_slope(lambda u: u * law.slope(u), v)[1]
    torch.testing.assert_close(marginal_revenue(law)(v), revenue, rtol=1e-9, atol=1e-12)
    assert (value.diff() >= 0).all()
    assert value.max() <= law.ceiling
    assert float(law.value(torch.zeros(1, dtype=torch.float64))) == 0.0


# laws of one's own


@pytest.mark.parametrize("law", [Plain(), Inverted(), Half(), Delegate(0.05), Delegate(0.5, 0.3), Delegate(1e4)])
def test_laws_that_serve_pass(law):
    check_law(law)


class Convex(Plain):
    def value(self, v):
        return 0.5 * (1.0 - torch.exp(-(v**2)))

    def slope(self, v):
        return v * torch.exp(-(v**2)) + 1e-2


class HalfSlope(Plain):
    def slope(self, v):
        return 0.5 * torch.exp(-v)


class Endless(Plain):
    def value(self, v):
        return torch.log1p(v)

    def slope(self, v):
        return 1.0 / (1.0 + v)


class WrongInverse(Plain):
    def inverse_slope(self, y):
        return -2.0 * torch.log(y)


class WrongRevenue(Plain):
    def marginal_revenue(self, v):
        return torch.exp(-v)


class Steps(Plain):
    """Concave, but its marginal revenue rises between two humps: two local best prices."""

    def value(self, v):
        return 0.5 * -torch.expm1(-v) + 0.5 * -torch.expm1(-v / 40.0)

    def slope(self, v):
        return 0.5 * torch.exp(-v) + 0.0125 * torch.exp(-v / 40.0)


class Numpy(Plain):
    def slope(self, v):
        return torch.from_numpy(np.exp(-v.numpy()))


class Single(Plain):
    def value(self, v):
        return -torch.expm1(-v.float())


@pytest.mark.parametrize(
    ("law", "word"),
    [
        (Convex(), "slope must fall"),
        (HalfSlope(), "not the derivative of `value`"),
        (Endless(), "at most 1"),
        (WrongInverse(), "`inverse_slope`"),
        (WrongRevenue(), "`marginal_revenue`"),
        (Steps(), "marginal revenue"),
        (Numpy(), "torch operations"),
        (Single(), "float64"),
        (3, "such as Exponential()"),
        (PowerLaw, "such as Exponential()"),
        (None, "such as Exponential()"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_laws_that_do_not_are_refused_in_one_line(law, word):
    fields = build(np.random.default_rng(0), 2, 2).market_fields()
    with pytest.raises(ValueError, match="law") as caught:
        Market(**fields, law=law)
    assert word in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("ceiling", [0.0, -1.0, 1.5, math.nan, True, "1"])
def test_parameters_of_the_laws_have_bounds(ceiling):
    for law in (lambda: Exponential(ceiling), lambda: PowerLaw(1.0, ceiling)):
        with pytest.raises(ValueError, match=r"ceiling = .*: must be in \(0, 1\]"):
            law()
    for exponent in (0.0, -1.0, math.inf, math.nan, True, "1"):
        with pytest.raises(ValueError, match=r"exponent = .*: must be finite and above 0"):
            PowerLaw(exponent)


@pytest.mark.parametrize("concept", ["pairwise", "posted", "admission"])
def test_a_law_written_by_hand_solves_as_the_package_s_own(concept):
    instance = build(np.random.default_rng(7), 4, 2, "middling", gains="close")
    own, other = (
        solve(Market(**instance.market_fields(), law=law), instance.gain, concept) for law in (PowerLaw(1.0), Half())
    )
    assert torch.equal(own.association, other.association)
    torch.testing.assert_close(own.price, other.price, rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(own.map_utility, other.map_utility, rtol=1e-10, atol=1e-12)


def test_roots_are_found_at_the_ends_and_between():
    target = torch.tensor([2.0, 1.0, 0.5, 1e-3, 0.0, -1.0], dtype=torch.float64)
    low, high = torch.zeros(()).double(), torch.tensor(10.0, dtype=torch.float64)
    found = falling_root(lambda x: torch.exp(-x), target, low, high)
    expected = torch.tensor([0.0, 0.0, math.log(2.0), math.log(1000.0), 10.0, 10.0], dtype=torch.float64)
    torch.testing.assert_close(found, expected, rtol=1e-15, atol=0.0)
