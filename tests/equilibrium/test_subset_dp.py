"""Dynamic programming over sets: the convolution by brute force, the optimum and its tie rule by enumeration."""

import time

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from checks import market_of
from reference import Game
from strategies import calls, instances
from twinoffload import Scenario, solve
from twinoffload.equilibrium import admission, subset_dp
from twinoffload.equilibrium.subset_dp import best_partition, convolve
from twinoffload.game.pairs import pair_rate
from twinoffload.game.payoff import profit, unit_delay_cost
from twinoffload.game.pricing import best_price
from twinoffload.game.response import best_data


@pytest.mark.parametrize("digits", [0, 1, 2, 5])
@pytest.mark.parametrize("width", [1, 3])
@pytest.mark.parametrize("expansion", [0, 10**9])
def test_convolution_is_the_maximum_over_all_splits(monkeypatch, digits, width, expansion):
    monkeypatch.setattr(subset_dp, "EXPANSION", expansion)
    monkeypatch.setattr(subset_dp, "WIDTH", 2)
    generator = torch.Generator().manual_seed(digits)
    f, g = torch.randn(2, 2**digits, width, dtype=torch.float64, generator=generator)
    kept = f.clone(), g.clone()
    found = convolve(f, g)
    for s in range(2**digits):
        splits = [f[t] + g[s & ~t] for t in range(2**digits) if t & ~s == 0]
        assert torch.equal(found[s], torch.stack(splits).amax(0))
    assert torch.equal(f, kept[0])
    assert torch.equal(g, kept[1])


@calls(80)
@given(instances(most_maps=5, most_stations=4))
def test_it_finds_the_same_association_as_enumeration(instance):
    """Ties included: among the best, the lexicographically first, off last."""
    market = market_of(instance)
    gain = torch.tensor(instance.gain, dtype=torch.float64)[None]
    terms = market.terms(*gain.shape[1:]).flatten(torch.Size([1]))
    assert torch.equal(best_partition(terms, gain), admission._enumerated(terms, gain))


@calls(15)
@given(instances(most_maps=4, most_stations=3), st.booleans())
def test_batches_are_cut_into_parts_without_a_trace(instance, small):
    market = market_of(instance)
    gains = (
        torch.tensor(instance.gain, dtype=torch.float64) * torch.logspace(-2, 2, 7, dtype=torch.float64)[:, None, None]
    )
    terms = market.terms(*gains.shape[1:]).flatten(torch.Size([7]))
    with pytest.MonkeyPatch.context() as patch:
        if small:
            patch.setattr(subset_dp, "VALUES", 1)
            patch.setattr(subset_dp, "PAIRS", 1)
        found = best_partition(terms, gains)
    for k in range(7):
        assert torch.equal(found[k], best_partition(terms, gains[k : k + 1])[0])


@pytest.mark.parametrize("idle_interferes", [True, False])
def test_beyond_enumeration_it_matches_the_slow_reference_on_what_it_chose(idle_interferes):
    """11 mAPs on 3 BSs; the reference prices the association, and no single change of it is better."""
    scenario = Scenario.load("paper").replace(maps=11, stations=3, idle_interferes=idle_interferes)
    market, gain = scenario.market(), scenario.sample_gain(1)[0]
    best = solve(market, gain, "admission")
    assert best.status == "optimal"
    assert torch.equal(best.bound, best.operator_utility)
    posted_bound = solve(market, gain, "pairwise").operator_utility
    assert best.operator_utility >= posted_bound
    first = -1 if not idle_interferes else 0
    for n in range(11):
        for m in range(first, 3):
            profile = best.association.tolist()
            profile[n] = m
            on = torch.tensor(profile)[:, None] == torch.arange(3)
            terms = market.terms(11, 3)
            cost = unit_delay_cost(terms, pair_rate(terms, gain, on))
            price = best_price(terms, cost)
            worth = profit(terms, price, best_data(terms, cost, price)).clamp(min=0)[on].sum()
            assert worth <= best.operator_utility + 1e-10


@calls(25)
@given(instances(most_maps=4, most_stations=3))
def test_through_solve_both_ways_agree_with_the_reference(instance):
    market, game = market_of(instance), Game(instance)
    expected = game.admission()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(admission, "ENUMERATED", 0)
        found = solve(market, instance.gain, "admission")
    assert float(found.operator_utility) == pytest.approx(
        float(expected.value), abs=1e-10 * max(instance.accuracy_value)
    )


def test_too_large_a_market_is_refused_at_once_with_the_largest_size():
    market = Scenario.load("paper").replace(maps=30, stations=4).market()
    with pytest.raises(ValueError, match=r"N = 30 mAPs on M = 4 BSs.*at most N = \d+ with M = 4.*--concept pairwise"):
        solve(market, torch.full((30, 4), 1e-9), "admission")
    began = time.perf_counter()
    many = Scenario.load("paper").replace(maps=20_000).market()
    with pytest.raises(ValueError, match="N = 20000"):
        solve(many, torch.full((20_000, 2), 1e-9), "admission")
    assert time.perf_counter() - began < 30  # it must not try
