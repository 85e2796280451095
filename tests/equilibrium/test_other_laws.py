"""Solution concepts under a power law, against the enumerating reference with that law in Eq. 7's place."""

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from checks import check_play, check_prices, check_shapes, close, profile_of
from laws import Half, Plain, phi_of
from reference import Game
from strategies import build, calls, instances, some_prices
from twinoffload import (
    Exponential,
    GradientSettings,
    Market,
    PowerLaw,
    Scenario,
    certificate,
    evaluate_prices,
    nash_equilibria,
    optimal_price,
    solve,
    uplink_rate,
)
from twinoffload.equilibrium.gradient import local_limits, step_limits
from twinoffload.equilibrium.gradient_slopes import pair_limits, price_slope, smallest_limits
from twinoffload.game.payoff import unit_delay_cost
from twinoffload.game.response import best_data

SEEDS = st.integers(0, 2**32 - 1)
LAWS = st.sampled_from((PowerLaw(0.3), PowerLaw(1.0, 0.8), PowerLaw(5.0)))
SMALL = instances(most_maps=3, most_stations=2)


def market_under(law, instance) -> Market:
    return Market(**instance.market_fields(), law=law)


@calls(12)
@given(SMALL, LAWS)
def test_pairwise_is_where_the_reference_comes_to_rest(instance, law):
    instance = instance.with_(phi=phi_of(law))
    game, outcome = Game(instance), solve(market_under(law, instance), instance.gain, "pairwise")
    path = game.settle(None)
    assume(path.clear and path.converged)
    assert profile_of(outcome) == path.profile
    check_shapes(instance, outcome)
    check_prices(instance, outcome.price.tolist(), game.pairwise_prices(path.profile))
    check_play(game, outcome)


@calls(12)
@given(SMALL, LAWS)
def test_posted_and_admission_are_the_best_profiles_of_the_reference(instance, law):
    instance = instance.with_(phi=phi_of(law))
    game, market, scale = Game(instance), market_under(law, instance), max(instance.accuracy_value)
    for concept, best in (("posted", game.posted()), ("admission", game.admission())):
        outcome = solve(market, instance.gain, concept)
        if best.profile is None:
            assert outcome.status == "infeasible"
            continue
        assert outcome.status == "optimal"
        close(outcome.operator_utility, best.value, 1e-10 * scale)
        close(best.values[profile_of(outcome)], best.value, 1e-10 * scale)
        check_play(game, outcome)


@calls(25)
@given(SMALL, SEEDS, LAWS)
def test_the_maps_equilibria_at_posted_prices_are_the_reference_s(instance, seed, law):
    instance = instance.with_(phi=phi_of(law))
    game, price = Game(instance), some_prices(instance, seed)
    assume(game.clear(price))
    market = market_under(law, instance)
    assert [tuple(p) for p in nash_equilibria(market, instance.gain, price).tolist()] == sorted(
        game.nash_equilibria(price), key=lambda profile: [m if m >= 0 else instance.stations for m in profile]
    )
    path = game.settle(price)
    if path.converged:
        outcome = evaluate_prices(market, instance.gain, price)
        assert profile_of(outcome) == path.profile
        check_play(game, outcome)


@pytest.mark.parametrize("law", [PowerLaw(0.5), Half()])
def test_a_dense_search_finds_no_deviation(law):
    scenario = Scenario.load("open").replace(maps=3)
    market, gain = dataclasses.replace(scenario.market(), law=law), scenario.sample_gain(4)
    for concept in ("pairwise", "posted", "admission"):
        found = certificate(market, gain, solve(market, gain, concept), prices=301)
        assert float(found.epsilon.max()) < 1e-9, concept


# Algorithm 1


def lonely_pairs(count: int, law) -> tuple[Market, torch.Tensor]:
    """Markets of one mAP and one BS, without a cap and with ample data."""
    rng = np.random.default_rng(5)
    pairs = [build(rng, 1, 1) for _ in range(count)]
    names = [name for name in pairs[0].market_fields() if name not in ("price_cap", "idle_interferes", "raw_data")]
    fields = {name: np.reshape([pair.market_fields()[name] for pair in pairs], (count, 1)) for name in names}
    fields["energy_coefficient"] = fields["energy_coefficient"][:, 0]
    return Market(**fields, price_cap=None, raw_data=1e3, law=law), torch.tensor([pair.gain for pair in pairs])


def test_the_general_slopes_and_limits_are_those_of_eq_7_there():
    market, gain = lonely_pairs(60, Exponential())
    terms = market.terms(1, 1)
    delay_cost = unit_delay_cost(terms, uplink_rate(market, gain, [0]))
    for found, exact in zip(smallest_limits(terms), step_limits(terms), strict=True):
        torch.testing.assert_close(found, exact, rtol=1e-9, atol=0.0)
    trade = optimal_price(market, uplink_rate(market, gain, [0])).trade
    for found, exact in zip(pair_limits(terms, delay_cost), local_limits(terms, delay_cost), strict=True):
        torch.testing.assert_close(found[trade], exact[trade], rtol=1e-9, atol=0.0)


@pytest.mark.parametrize("law", [PowerLaw(0.3), PowerLaw(4.0, 0.7)])
def test_the_price_s_slope_is_that_of_the_profit(law):
    market, gain = lonely_pairs(60, law)
    terms = market.terms(1, 1)
    delay_cost = unit_delay_cost(terms, uplink_rate(market, gain, [0]))
    price, step = 0.4 * (terms.first_value - delay_cost).clamp(min=0.0), 1e-6

    def profit(price):
        return (price - terms.energy_cost) * best_data(terms, delay_cost, price)

    slope = (profit(price + step) - profit(price - step)) / (2.0 * step)
    sells = price > 0.01
    assert sells.double().mean() > 0.8
    torch.testing.assert_close(price_slope(terms, delay_cost, price)[sells], slope[sells], rtol=1e-5, atol=1e-6)
    dear = terms.first_value + 1.0  # nobody buys: the price has to fall
    assert (price_slope(terms, delay_cost, dear)[torch.isfinite(delay_cost)] < 0.0).all()


@pytest.mark.parametrize(("factor", "law"), [(0.9, PowerLaw(0.5)), (1.1, PowerLaw(0.5)), (1.1, PowerLaw(4.0, 0.7))])
def test_the_local_limits_part_rest_from_oscillation(factor, law):
    market, gain = lonely_pairs(40, law)
    limits = solve(market, gain, "gradient", settings=GradientSettings(iterations=1)).steps
    kappa, nu = limits.price_limit.flatten(), limits.data_limit.flatten()
    trade = ~kappa.isnan()
    for steps, moving in (((factor * kappa, 0.1 * nu), "price"), ((0.3 * kappa, factor * nu), "data")):
        price_step, data_step = (step.nan_to_num(0.1) for step in steps)
        settings = GradientSettings(31, price_step, data_step, keep_trajectory=True)
        path = getattr(solve(market, gain, "gradient", settings=settings).trajectory, moving).flatten(1)
        share = ((path[-1] - path[-2]).abs() < 5e-3 * path[-1])[trade].double().mean()
        assert share > 0.95 if factor < 1 else share < 0.05
    bound = solve(market, gain, "gradient", settings=GradientSettings(iterations=1)).steps
    assert (bound.price_limit[trade] >= 2.0 * bound.price_step.reshape(-1, 1, 1)[trade] * (1 - 1e-9)).all()
    assert (bound.data_limit[trade] >= 2.0 * bound.data_step.reshape(-1, 1, 1)[trade] * (1 - 1e-9)).all()


def test_algorithm_1_comes_to_the_best_price():
    market, gain = lonely_pairs(40, PowerLaw(0.5))
    offer = optimal_price(market, uplink_rate(market, gain, [0]))
    limits = solve(market, gain, "gradient", settings=GradientSettings(iterations=1)).steps
    steps = (0.5 * limit.flatten().nan_to_num(0.1) for limit in (limits.price_limit, limits.data_limit))
    price = solve(market, gain, "gradient", settings=GradientSettings(40, *steps)).price
    torch.testing.assert_close(price[offer.trade], offer.price[offer.trade], rtol=1e-6, atol=0.0)


def test_algorithm_1_needs_the_inverse_of_the_slope():
    market, gain = lonely_pairs(2, Plain())
    with pytest.raises(ValueError, match=r"^law Plain: Algorithm 1 needs its `inverse_slope`; [^\n]+$"):
        solve(market, gain, "gradient")


# markets as lists of pairs, whose compiled loops know the exponential law


def sparse_market(law):
    scenario = Scenario.load("open").replace(maps=4)
    return dataclasses.replace(scenario.market(), law=law), scenario.sample_gain(1)[0]


def test_a_ceiling_reaches_the_compiled_loops():
    market, gain = sparse_market(Exponential(0.8))
    dense, listed = solve(market, gain, "pairwise"), solve(market, gain.to_sparse(), "pairwise")
    for name in ("association", "data", "accuracy", "map_utility", "operator_utility"):
        torch.testing.assert_close(getattr(listed, name), getattr(dense, name), rtol=1e-12, atol=1e-12)
    assert float(listed.accuracy.max()) < 0.8


@pytest.mark.parametrize("how", ["pairwise", "prices", "posted", "admission", "array"])
def test_other_laws_are_refused_there_before_any_work(monkeypatch, how):
    def worked(*_, **__):
        raise AssertionError("work before the check")

    monkeypatch.setattr("twinoffload.equilibrium.city.solve.compile_ahead", worked)
    monkeypatch.setattr("twinoffload.equilibrium.searching.is_exact", lambda *_: False)
    monkeypatch.setattr("twinoffload.equilibrium.solve.is_exact", lambda *_: False)
    market, gain = sparse_market(PowerLaw(0.5))
    calls = {
        "pairwise": lambda: solve(market, gain.to_sparse(), "pairwise"),
        "prices": lambda: evaluate_prices(market, gain.to_sparse(), (0.0 * gain + 0.5).to_sparse()),
        "posted": lambda: solve(market, gain.to_sparse(), "posted"),
        "admission": lambda: solve(market, gain.to_sparse(), "admission"),
        "array": lambda: solve(market, gain, "posted", time_limit=1.0),
    }
    with pytest.raises(ValueError, match=r"^accuracy_law power, exponent 0.5, ceiling 1: .*Eq. 7 only; [^\n]+$"):
        calls[how]()


def test_small_listed_markets_are_solved_under_any_law():
    market, gain = sparse_market(PowerLaw(0.5))
    for concept in ("posted", "admission"):
        dense, listed = solve(market, gain, concept), solve(market, gain.to_sparse(), concept)
        torch.testing.assert_close(listed.operator_utility, dense.operator_utility, rtol=1e-12, atol=0.0)
