"""The Lagrangian bound of `admission`: never below the optimum, and near it."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from test_clock import Ticking

from checks import market_of
from strategies import build, calls, instances
from twinoffload import solve
from twinoffload.equilibrium.city.best_sets import EARNED_S, TABLE_SHARE, _affordable, all_sets, best_sets
from twinoffload.equilibrium.city.bound import upper_bound
from twinoffload.equilibrium.city.branching import _distinct
from twinoffload.equilibrium.city.clock import Clock
from twinoffload.equilibrium.city.configurations import candidates, set_value
from twinoffload.equilibrium.city.links import Links, parameters
from twinoffload.equilibrium.city.search import MOST_LOOKS, anneal, undisturbed


def dense(instance):
    return torch.tensor(instance.gain, dtype=torch.float64)


def links_of(instance):
    """Every pair listed, also those of gain 0, on which the exact solution may park."""
    maps, stations = instance.maps, instance.stations
    index = torch.cartesian_prod(torch.arange(maps), torch.arange(stations)).T
    return Links.of(torch.sparse_coo_tensor(index, dense(instance).flatten(), (maps, stations)))


def problem(instance):
    market, links = market_of(instance), links_of(instance)
    return market, candidates(parameters(market, links), links), links


@pytest.mark.parametrize("tabulated", [12, 0])
@given(instance=instances(most_maps=5))
@calls(150)
def test_is_never_below_the_optimum_whatever_the_multipliers(instance, tabulated):
    market, c, links = problem(instance)
    exact = float(solve(market, dense(instance), "admission").operator_utility)
    found = anneal(c, links.strongest_pair(), sweeps=20)
    for iterations in (1, 40):
        assert upper_bound(c, found, iterations=iterations, tabulated=tabulated).value >= exact


def excess(instance, seed, paid):
    """By how much the bound of each BS's best set, no table made, exceeds the best of all sets, over the largest K.

    Multipliers are of both signs or of one, so that `branch` and `ladder` are both asked.
    """
    _, c, links = problem(instance)
    rng = np.random.default_rng(seed)
    top = c.terms[:, 5].max()
    nu = rng.uniform(-0.1 if paid and c.idle_interferes else 0.0, 0.3, links.maps) * top
    sets = all_sets(c, tabulated=0)
    over = []
    surplus, gradient = np.empty(links.stations), np.ones(links.maps)
    assert best_sets(c, sets, nu, surplus, gradient, 0, MOST_LOOKS) == links.stations
    for m in range(links.stations):
        pairs = c.pair[c.offset[m] : c.offset[m + 1]]
        best = 0.0
        for size in range(1, len(pairs) + 1):
            for chosen in itertools.combinations(pairs, size):
                some = np.array(chosen)
                best = max(best, set_value(c.terms, some, size, np.empty(size)) - nu[c.map_of[some]].sum())
        tolerance = 1e-12 * max(instance.accuracy_value) * links.maps
        assert surplus[m] >= best - tolerance
        over.append((surplus[m] - best) / top)
    return over


@given(instance=instances(most_maps=5), seed=st.integers(0, 1000), paid=st.booleans())
@calls(200)
def test_the_best_set_of_a_crowded_bs_is_bounded_from_above(instance, seed, paid):
    excess(instance, seed, paid)


@pytest.mark.parametrize("idle_interferes", [False, True])
def test_the_best_set_of_a_crowded_bs_is_bounded_closely(idle_interferes):
    markets = [
        build(np.random.default_rng(seed), 5, 2, "middling", gains="close", idle_interferes=idle_interferes)
        for seed in range(60)
    ]
    over = [value for seed, market in enumerate(markets) for value in excess(market, seed, paid=True)]
    assert np.mean(over) < 0.01
    assert np.quantile(over, 0.95) < 0.05


@given(instance=instances(most_maps=6), seed=st.integers(0, 1000), tabulated=st.sampled_from((0, 2, 12)))
@calls(100)
def test_best_sets_in_portions_are_those_in_one_go(instance, seed, tabulated):
    """However early it stops, also within a BS, it goes on where it was."""
    _, c, links = problem(instance)
    nu = np.random.default_rng(seed).uniform(-0.1 if c.idle_interferes else 0.0, 0.3, links.maps) * c.terms[:, 5].max()
    answers = []
    for looks in (MOST_LOOKS, 1):
        sets = all_sets(c, tabulated=tabulated)
        surplus, gradient, m, calls_made = np.empty(links.stations), np.ones(links.maps), 0, 0
        while m < links.stations:
            m, calls_made = best_sets(c, sets, nu, surplus, gradient, m, looks), calls_made + 1
        answers.append((surplus, gradient))
    assert calls_made >= links.stations
    assert all((one == other).all() for one, other in zip(*answers, strict=True))


def test_a_bs_of_many_candidates_is_bounded_too():
    """Four hundred mAPs on one BS, more than a branch looks at."""
    instance = build(np.random.default_rng(3), 400, 1, "middling", gains="close", idle_interferes=False)
    _, c, links = problem(instance)
    found = anneal(c, links.strongest_pair(), sweeps=50)
    bound = upper_bound(c, found, iterations=3).value
    assert found.value <= bound <= undisturbed(c.first, c.terms).sum()


@pytest.mark.parametrize("idle_interferes", [False, True])
def test_closes_in_on_the_optimum_of_middling_markets(idle_interferes):
    """Ten mAPs on three BSs: within 3 % on average, and the value found within 0.1 %."""
    gaps, shares = [], []
    for seed in range(15):
        instance = build(np.random.default_rng(seed), 10, 3, "middling", gains="close", idle_interferes=idle_interferes)
        market, c, links = problem(instance)
        exact = float(solve(market, dense(instance), "admission").operator_utility)
        found = anneal(c, links.strongest_pair(), sweeps=1000)
        bound = upper_bound(c, found, iterations=400).value
        assert found.value <= exact * (1 + 1e-12) <= bound * (1 + 1e-12)
        gaps.append(bound / exact - 1)
        shares.append(found.value / exact)
    assert np.mean(gaps) < 0.03
    assert np.mean(shares) > 0.999


def test_stops_at_the_gap_and_at_the_time():
    instance = build(np.random.default_rng(1), 10, 3, "middling", gains="close", idle_interferes=False)
    _, c, links = problem(instance)
    found = anneal(c, links.strongest_pair(), sweeps=300)
    best = upper_bound(c, found, iterations=400)
    loose = 2 * (best.value / found.value - 1) + 0.01
    early = upper_bound(c, found, iterations=400, enough=(1 + loose) * found.value)
    assert early.iterations < best.iterations
    assert early.value <= (1 + loose) * found.value


@pytest.mark.parametrize("tabulated", [12, 0])
def test_holds_wherever_the_time_ends(tabulated):
    """By a clock that ticks at each look: without time, that nobody earns more than undisturbed."""
    for seed in range(4):
        instance = build(np.random.default_rng(seed), 10, 3, "middling", gains="close", idle_interferes=bool(seed % 2))
        market, c, links = problem(instance)
        exact = float(solve(market, dense(instance), "admission").operator_utility)
        found = anneal(c, links.strongest_pair(), sweeps=20)
        bounds = []
        for seconds in (0, 3, 10, 30, 100, 1000, 10_000):
            bounds.append(upper_bound(c, found, clock=Clock(seconds, Ticking()), tabulated=tabulated))
            assert bounds[-1].value >= exact
        assert bounds[0].iterations == 0
        assert bounds[0].value == pytest.approx(undisturbed(c.first, c.terms).sum())
        assert bounds[-1].iterations > 10
        assert bounds[-1].value < bounds[0].value


def test_tables_take_no_more_than_a_share_of_the_time():
    degree = np.array([12, 12, 10, 4, 4, 1, 20])
    assert _affordable(degree, 12, np.inf) == 12
    assert _affordable(degree, 12, 0.0) == 0
    work = {12: 2 * 12 * 2**11, 10: 10 * 2**9, 4: 2 * 4 * 2**3, 1: 1}
    spent = {d: sum(w for other, w in work.items() if other <= d) * EARNED_S / TABLE_SHARE for d in work}
    for d, seconds in spent.items():
        assert _affordable(degree, 12, 1.001 * seconds) >= d > _affordable(degree, 12, 0.999 * seconds)


def test_equal_rows_are_found_whatever_their_fingerprints():
    rows = np.random.default_rng(0).integers(0, 3, (500, 12)).astype(float)
    rows[::7] = rows[3]
    kept, which = _distinct(rows)
    assert (kept[which] == rows).all()
    assert len(kept) == len(np.unique(rows, axis=0))
