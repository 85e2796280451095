"""Cities through the public face: sparse gains in, the same outcomes as dense ones, bounds that hold."""

import dataclasses
import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from checks import market_of
from reference import Game
from strategies import calls, instances, some_prices
from twinoffload import Scenario, certificate, evaluate_prices, nash_equilibria, selection, solve
from twinoffload.equilibrium.city import solve as city
from twinoffload.equilibrium.city.links import Links

MEASURED = ("data", "rate", "accuracy", "delay", "map_utility", "regret", "operator_utility")


def sparse(gain) -> torch.Tensor:
    return torch.tensor(gain, dtype=torch.float64).to_sparse_coo()


@calls(60)
@given(instances(most_maps=5, energies=("usual", "dear")), st.sampled_from(("pairwise", "posted", "admission")))
def test_small_markets_have_the_same_outcome_dense_and_sparse(instance, concept):
    market, gain = market_of(instance), sparse(instance.gain)
    listed, full = solve(market, gain, concept), solve(market, instance.gain, concept, within=gain.to_dense() > 0)
    assert listed.status == full.status
    assert torch.equal(listed.association, full.association)
    for name in MEASURED:
        torch.testing.assert_close(getattr(listed, name), getattr(full, name), rtol=1e-10, atol=1e-12, equal_nan=True)
    assert listed.price.layout == torch.sparse_csr
    stored = gain.to_dense() > 0
    price = listed.price.values()
    torch.testing.assert_close(price, full.price[stored], rtol=1e-10, atol=1e-12, equal_nan=True)
    assert listed.price.crow_indices()[-1] == stored.sum()


@calls(40)
@given(instances(most_maps=5, energies=("usual", "dear")), st.integers(0, 2**32 - 1))
def test_posted_prices_lead_to_the_same_rest_dense_and_sparse(instance, seed):
    """A price that is not stored is no offer."""
    market, price = market_of(instance), torch.tensor(some_prices(instance, seed), dtype=torch.float64)
    gain = torch.tensor(instance.gain, dtype=torch.float64)
    offered = ((gain > 0) & torch.isfinite(price)).nonzero().T
    listed = torch.sparse_coo_tensor(offered, price[tuple(offered)], price.shape)
    found = evaluate_prices(market, gain.to_sparse_coo(), listed)
    full = evaluate_prices(market, gain, price)
    assert found.status == full.status
    assert torch.equal(found.association, full.association)
    torch.testing.assert_close(found.operator_utility, full.operator_utility, rtol=1e-10, atol=1e-12)


@calls(60)
@given(instances(most_maps=4, most_stations=3), st.integers(0, 2**32 - 1))
def test_nobody_stands_on_a_bs_out_of_reach(instance, seed):
    """Exact answers on listed pairs against the slow reference, which is told to leave other associations out."""
    rng = np.random.default_rng(seed)
    maps, stations = np.shape(instance.gain)
    within = rng.random((maps, stations)) < 0.6
    within[np.arange(maps), np.argmax(instance.gain, axis=1)] = True
    gain = np.where(within, instance.gain, 0.0)
    game = Game(dataclasses.replace(instance, gain=gain.tolist()))
    choices = range(stations) if instance.idle_interferes else range(-1, stations)
    profiles = [
        profile
        for profile in itertools.product(choices, repeat=maps)
        if all(m < 0 or within[n, m] for n, m in enumerate(profile))
    ]
    index = torch.tensor(within).nonzero().T
    listed = torch.sparse_coo_tensor(index, torch.tensor(instance.gain, dtype=torch.float64)[tuple(index)], gain.shape)
    market = market_of(instance)
    for concept, value in (("admission", game.admission_value), ("posted", game.posted_value)):
        values = [worth for worth in map(value, profiles) if worth is not None]
        found = solve(market, listed, concept)
        assert found.status == ("optimal" if values else "infeasible")
        if values:
            assert found.operator_utility.item() == pytest.approx(max(values), rel=1e-9, abs=1e-9)
            assert all(m < 0 or within[n, m] for n, m in enumerate(found.association.tolist()))
            full = solve(market, instance.gain, concept, within=within)
            assert torch.equal(full.association, found.association)
            assert torch.isinf(full.price[~torch.tensor(within)]).all()
            checked = certificate(market, instance.gain, full, 101, within=within)
            assert checked.epsilon <= 1e-9 * max(instance.accuracy_value)


@calls(40)
@given(instances(most_maps=6, most_stations=4))
def test_searched_value_and_bound_hold_the_optimum_between_them(instance):
    market = market_of(instance)
    exact = solve(market, instance.gain, "admission")
    found = city.admission(market, Links.of(sparse(instance.gain)), None, 0.0)
    scale = 1e-10 * max(instance.accuracy_value)
    assert found.operator_utility <= exact.operator_utility + scale
    assert found.bound >= exact.operator_utility - scale
    assert found.status in ("optimal", "bounded")
    if found.status == "optimal":
        assert found.operator_utility == pytest.approx(exact.operator_utility.item(), rel=1e-8)


def test_a_city_is_solved_with_a_bound_and_within_the_time_given():
    scenario = Scenario.load("city").replace(maps=300, stations=150)
    _, gain = scenario.sample_city(1)
    rest = solve(scenario.market(), gain, "pairwise")
    assert rest.status == "converged"
    assert rest.regret.max() <= 1e-11
    assert rest.bound.isnan()
    assert rest.method == "best responses in turn"
    best = solve(scenario.market(), gain, "admission")
    again = solve(scenario.market(), gain, "admission")
    assert torch.equal(best.association, again.association)
    assert best.bound == again.bound
    assert rest.operator_utility < best.operator_utility <= best.bound
    assert 0 <= best.gap < 0.1
    assert torch.isinf(best.price.values()).any()  # some offers are withheld
    quick = solve(scenario.market(), gain, "admission", time_limit=0.5, gap=0.5)
    assert quick.gap <= 0.5


@calls(40)
@given(instances(most_maps=6, most_stations=3))
def test_posted_by_search_lies_between_pairwise_and_the_exact_answer(instance):
    market, gain = market_of(instance), sparse(instance.gain)
    exact = solve(market, gain, "posted")
    found = city.posted(market, Links.of(gain))
    rest = solve(market, gain, "pairwise")
    scale = 1e-10 * max(instance.accuracy_value)
    if rest.status == "converged":
        assert exact.status == "optimal"
        assert rest.operator_utility - scale <= found.operator_utility <= exact.operator_utility + scale
        assert found.bound >= solve(market, gain, "admission").operator_utility - scale
        assert found.regret.max() <= scale
        assert found.status in ("optimal", "bounded")


def test_posted_in_a_city():
    scenario = Scenario.load("city").replace(maps=300, stations=150)
    market, (_, gain) = scenario.market(), scenario.sample_city(1)
    rest, best = solve(market, gain, "pairwise"), solve(market, gain, "admission")
    seen = []
    found = solve(market, gain, "posted", watch=seen.append)
    assert rest.operator_utility < found.operator_utility <= min(best.operator_utility, found.bound)
    assert found.status == "bounded"
    assert found.regret.max() <= 1e-10
    assert found.price.values().max() == scenario.price_cap
    assert [progress.phase for progress in seen] == sorted((p.phase for p in seen), reverse=True)  # search, then bound
    assert seen[-1].bound == found.bound
    assert all(0 <= progress.share <= 1 for progress in seen)
    assert torch.equal(found.association, solve(market, gain, "posted").association)


@pytest.mark.parametrize("concept", ["posted", "admission"])
def test_arrays_beyond_an_exact_answer_are_searched_if_a_limit_allows_it(concept):
    scenario = Scenario.load("paper").replace(maps=24, stations=3)
    market, gain = scenario.market(), scenario.sample_gain(2, seed=3)
    with pytest.raises(ValueError, match=r"N = 24.*--time-limit"):
        solve(market, gain, concept)
    narrow = dataclasses.replace(market, bandwidth=[[5.0] * 3, [4.0] * 3])
    found = solve(narrow, gain, concept, gap=0.3)
    assert found.association.shape == (2, 24)
    assert found.price.shape == (2, 24, 3)
    assert (found.bound >= found.operator_utility).all()
    assert set(found.status.tolist()) <= {"bounded", "optimal"}
    for i, bandwidth in enumerate((5.0, 4.0)):
        alone = solve(dataclasses.replace(market, bandwidth=bandwidth), gain[i], concept, gap=0.3)
        assert torch.equal(alone.association, found.association[i])
        assert alone.bound == found.bound[i]


def test_where_all_reply_at_once_they_come_to_rest_too(monkeypatch):
    """What runs on a GPU, here on the CPU."""
    monkeypatch.setattr(city, "_in_rounds", lambda device: True)
    scenario = Scenario.load("city").replace(maps=200, stations=100)
    market, (_, gain) = scenario.market(), scenario.sample_city(2)
    rest = solve(market, gain, "pairwise")
    assert (rest.status, rest.method) == ("converged", "best responses in rounds without conflicts")
    assert rest.regret.max() <= 1e-11
    held = evaluate_prices(market, gain, rest.price, start=rest.association)
    assert torch.equal(held.association, rest.association)
    with pytest.raises(ValueError, match="order: on a GPU"):
        solve(market, gain, "pairwise", order=range(200))


@pytest.mark.parametrize(
    "call",
    [
        lambda m, g, mask: solve(m, g, "pairwise", start=[0, 0, 1]),
        lambda m, g, mask: evaluate_prices(m, g, g, start=[0, 0, 1]),
        lambda m, g, mask: solve(m, g.to_dense(), "pairwise", start=[0, 0, 1], within=mask),
        lambda m, g, mask: selection(m, g.to_dense(), mask * 0.5, start=[0, 0, 1], within=mask),
    ],
)
def test_nobody_starts_out_of_reach(call):
    gain = torch.tensor([[1e-9, 2e-9], [1e-9, 2e-9], [1e-9, 0.0]], dtype=torch.float64)
    with pytest.raises(ValueError, match="start: mAP 2 is on BS 1, which is out of its reach"):
        call(Scenario.load("paper").replace(maps=3).market(), gain.to_sparse_coo(), gain > 0)


def test_start_and_order_are_those_of_dense_markets():
    scenario = Scenario.load("paper").replace(maps=6)
    market, gain = scenario.market(), scenario.sample_gain(1)[0]
    start, order = [0, 1, 0, 1, 0, 1], [5, 3, 1, 0, 2, 4]
    listed = solve(market, gain.to_sparse_csr(), "pairwise", start=start, order=order)
    full = solve(market, gain, "pairwise", start=start, order=order)
    assert torch.equal(listed.association, full.association)
    assert torch.equal(listed.start, full.start)
    assert listed.order.tolist() == order
    assert listed.sweeps == full.sweeps


LARGE = Scenario.load("city").replace(maps=1000, stations=500)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda m, g: solve(m, g, "posted", within=[[True]]), "within: sparse gains say"),
        (lambda m, g: solve(m, g.to_dense()[:4], within=np.ones((4, 3), bool)), r"within: .*\[4, 3\].*4, 500"),
        (lambda m, g: solve(m, g.to_dense()[:1], within=np.zeros((1, 500), bool)), "reach"),
        (lambda m, g: solve(m, g.to_dense()[:4], within="abc"), "within: is no array"),
        (lambda m, g: solve(m, g.to_dense()[:4], within=g), "within: is no array|expected an array of booleans"),
        (
            lambda m, g: solve(m, torch.ones(5, 4, 2), within=torch.ones(3, 4, 2, dtype=torch.bool)),
            r"do not broadcast: within \[3\], gain \[5\]",
        ),
        (lambda m, g: solve(m, g, "posted", start=[0] * 999), "start: has shape"),
        (lambda m, g: solve(m, g, "posted", order=[0]), "order"),
        (lambda m, g: solve(m, g, "posted", settings="junk"), "settings: expected GradientSettings"),
        (lambda m, g: solve(m, g, "posted", time_limit=True), "time_limit = True"),
        (lambda m, g: solve(m, g, "gradient"), "gradient: is for markets of at most 100,000 pairs"),
        (lambda m, g: solve(m, g, "pairwise", start=[500] * 1000), "must be a BS index 0..499"),
        (lambda m, g: solve(m, g, "pairwise", order=[0] * 1000), "permutation"),
        (lambda m, g: solve(m, g, "admission", time_limit=0), "time_limit = 0"),
        (lambda m, g: solve(m, g, "admission", gap=-1), "gap = -1"),
        (lambda m, g: solve(m, g, "admission", gap=math.nan), "gap = nan"),
        (lambda m, g: evaluate_prices(m, g, np.ones((1000, 500))), "price: must be a sparse tensor"),
        (lambda m, g: evaluate_prices(m, g, torch.eye(1000).to_sparse()), r"price: has shape \[1000, 1000\]"),
        (lambda m, g: evaluate_prices(m, g, (g * -1.0)), r"price\[0, \d+\] = -.*at least 0"),
        (lambda m, g: evaluate_prices(m, g, torch.ones(1000, 500).to_sparse()), "is no pair of the gain"),
        (lambda m, g: nash_equilibria(m, g, g), "gain: is sparse"),
        (lambda m, g: solve(Scenario.load("paper").market(), g, "pairwise"), "has 4 entries on its mAP axis"),
    ],
)
def test_bad_input_is_told(call, words):
    _, gain = LARGE.sample_city()
    with pytest.raises(ValueError, match=words) as refused:
        call(LARGE.market(), gain)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("concept", ["posted", "admission"])
def test_where_nothing_can_be_earned_that_is_proven(concept):
    scenario = Scenario.load("city").replace(maps=40, stations=20, accuracy_value=1e-6)
    outcome = solve(scenario.market(), scenario.sample_city(0)[1], concept)
    assert outcome.operator_utility == 0.0
    assert outcome.status == "optimal"
