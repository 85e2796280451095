"""`pairwise`, `posted` and `admission` on random small markets, against the enumerating reference."""

import math

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from checks import check_play, check_prices, check_shapes, close, largest_k, market_of, profile_of
from reference import Game
from strategies import build, calls, instances, some_profile
from twinoffload import Market, evaluate_prices, nash_equilibria, solve

SEEDS = st.integers(0, 2**32 - 1)
CONCEPTS = ("pairwise", "posted", "admission")


def scale_of(instance) -> float:
    return max(instance.accuracy_value)


# pairwise


@calls(120)
@given(instances(most_maps=5))
def test_pairwise_is_where_the_reference_comes_to_rest(instance):
    game, outcome = Game(instance), solve(market_of(instance), instance.gain, concept="pairwise")
    path = game.settle(None)
    assume(path.clear)
    check_shapes(instance, outcome)
    assert outcome.status == ("converged" if path.converged else "cycle")
    if path.converged:
        assert profile_of(outcome) == path.profile
        assert int(outcome.sweeps) == len(path.after_sweeps)
        assert float((outcome.regret / torch.tensor(instance.accuracy_value)).max()) <= 1e-12
    check_prices(instance, outcome.price.tolist(), game.pairwise_prices(profile_of(outcome)))
    check_play(game, outcome)


@calls(80)
@given(instances(most_maps=4), SEEDS, st.randoms(use_true_random=False))
def test_pairwise_from_any_start_in_any_order(instance, seed, random):
    start, order = some_profile(instance, seed), list(range(instance.maps))
    random.shuffle(order)
    game = Game(instance)
    path = game.settle(None, start=start, order=order)
    assume(path.clear and path.converged)
    outcome = solve(market_of(instance), instance.gain, concept="pairwise", start=start, order=order)
    assert outcome.status == "converged"
    assert profile_of(outcome) == path.profile
    assert tuple(outcome.start.tolist()) == start
    assert outcome.order.tolist() == order
    assert profile_of(solve(market_of(instance), instance.gain, concept="pairwise", start=path.profile)) == path.profile


def test_start_and_order_can_decide_where_it_ends():
    """Several equilibria are common, so start and order must not be ignored."""
    ends, orders = set(), set()
    for seed in range(40):
        instance = build(np.random.default_rng(seed), 3, 2, gains="close")
        market = market_of(instance)
        for start in ((0, 0, 0), (1, 1, 1), (0, 1, 0), (1, 0, 1)):
            ends.add((seed, profile_of(solve(market, instance.gain, concept="pairwise", start=start))))
        for order in ((0, 1, 2), (2, 1, 0)):
            outcome = solve(market, instance.gain, concept="pairwise", start=(0, 0, 0), order=order)
            orders.add((seed, profile_of(outcome)))
    assert len(ends) > 40
    assert len(orders) > 40


# posted


@calls(120)
@given(instances(most_maps=4))
def test_posted_is_the_best_implementable_profile(instance):
    game, outcome = Game(instance), solve(market_of(instance), instance.gain, concept="posted")
    best = game.posted()
    check_shapes(instance, outcome)
    if best.profile is None:
        assert outcome.status == "infeasible"
        for name in ("operator_utility", "data", "price", "map_utility"):
            assert torch.isnan(getattr(outcome, name)).all(), name
        return
    assert outcome.status == "optimal"
    profile = profile_of(outcome)
    assert profile in best.values
    close(outcome.operator_utility, best.value, 1e-10 * scale_of(instance))
    close(best.values[profile], best.value, 1e-10 * scale_of(instance))
    close(outcome.bound, best.value, 1e-10 * scale_of(instance))
    check_prices(instance, outcome.price.tolist(), game.posted_prices(profile))
    check_play(game, outcome)


def test_the_random_markets_meet_every_kind_of_posted_price():
    """The property test above is worth something only if all three terms of min(mu*, cap, outside) bind."""
    kinds = set()
    for seed in range(60):
        rng = np.random.default_rng(seed)
        instance = build(rng, 3, 2, ("none", "middling", "tiny")[seed % 3], "ample", "close")
        game, outcome = Game(instance), solve(market_of(instance), instance.gain, concept="posted")
        if outcome.status == "infeasible":
            kinds.add("infeasible")
            continue
        profile = profile_of(outcome)
        for n, m in enumerate(profile):
            own, best = float(outcome.price[n, m]), float(game.pair(n, m, profile).uncapped_price())
            cap = math.inf if instance.price_cap is None else instance.price_cap
            kinds.add("outside" if own < min(best, cap) - 1e-6 else "cap" if cap < best else "best")
    assert kinds >= {"outside", "cap", "best"}


def test_posted_leaves_the_outside_utility_also_where_all_raw_data_are_sold():
    """Past the kink the mAP's utility is linear in the price, and the price that holds it is another formula."""
    met = 0
    for seed in range(120):
        instance = build(np.random.default_rng(seed), 2, 2, "middling", "ample", "close").with_(
            raw_data=(0.05, 0.1), delay_cost=(0.5, 0.5)
        )
        game, outcome = Game(instance), solve(market_of(instance), instance.gain, concept="posted")
        best = game.posted()
        if best.profile is None:
            continue
        close(outcome.operator_utility, best.value, 1e-10 * scale_of(instance))
        profile = profile_of(outcome)
        check_prices(instance, outcome.price.tolist(), game.posted_prices(profile))
        for n, m in enumerate(profile):
            below = float(outcome.price[n, m]) < float(game.best_offer(n, m, profile)[0]) - 1e-6
            met += below and float(outcome.data[n]) == instance.raw_data[n]
    assert met > 5


def test_admission_with_a_cap_between_the_costs_serves_some_and_declines_others():
    declined = 0
    for seed in range(60):
        instance = build(np.random.default_rng(seed), 3, 2, "between costs", gains="close")
        outcome, best = solve(market_of(instance), instance.gain, concept="admission"), Game(instance).admission()
        close(outcome.operator_utility, best.value, 1e-10 * scale_of(instance))
        offered = torch.isfinite(outcome.price).any(-1)
        declined += bool(offered.any() and not offered.all())
    assert declined > 5


@calls(80)
@given(instances(most_maps=4, caps=("none", "tiny", "middling", "large", "below cost", "between costs")))
def test_posted_prices_make_the_association_an_equilibrium_that_nobody_leaves(instance):
    market, outcome = market_of(instance), solve(market_of(instance), instance.gain, concept="posted")
    assume(outcome.status == "optimal")
    cap = largest_k(instance) if instance.price_cap is None else instance.price_cap
    assert (outcome.price >= 0).all()
    assert (outcome.price <= cap * (1 + 1e-15)).all()
    assert (outcome.regret <= 1e-12 * torch.tensor(instance.accuracy_value)).all()
    assert outcome.association.tolist() in nash_equilibria(market, instance.gain, outcome.price).tolist()
    again = evaluate_prices(market, instance.gain, outcome.price, start=outcome.association)
    assert again.status == "converged"
    assert torch.equal(again.association, outcome.association)
    assert int(again.sweeps) == 1
    close(again.operator_utility, outcome.operator_utility, 1e-12 * scale_of(instance))


# admission


@calls(120)
@given(instances(most_maps=4))
def test_admission_is_the_best_profile_of_all(instance):
    game, outcome = Game(instance), solve(market_of(instance), instance.gain, concept="admission")
    best, tolerance = game.admission(), 1e-10 * scale_of(instance)
    check_shapes(instance, outcome)
    assert outcome.status == "optimal"
    profile = profile_of(outcome)
    assert profile in best.values
    close(outcome.operator_utility, best.value, tolerance)
    close(best.values[profile], best.value, tolerance)
    close(outcome.bound, best.value, tolerance)
    for n, m in enumerate(profile):
        for station, price in enumerate(outcome.price[n].tolist()):
            if station != m:
                assert price == math.inf
                continue
            expected, reply = game.best_offer(n, m, profile)
            if reply.profit > tolerance:
                assert price == pytest.approx(float(expected), abs=1e-9 * largest_k(instance))
            elif reply.profit < -tolerance:
                assert price == math.inf
    assert (outcome.regret == 0).all()
    check_play(game, outcome)


def test_admission_declines_what_it_would_lose_money_on():
    instance = build(np.random.default_rng(3), 3, 2, cap="below cost", gains="close")
    declined = solve(market_of(instance), instance.gain, concept="admission")
    assert float(declined.operator_utility) == 0
    assert torch.isinf(declined.price).all()
    assert (declined.association >= 0).all()
    silent = solve(market_of(instance.with_(idle_interferes=False)), instance.gain, concept="admission")
    assert silent.association.tolist() == [-1, -1, -1]
    assert float(solve(market_of(instance), instance.gain, concept="posted").operator_utility) < 0


# how they compare


def stacked(drawn) -> tuple[Market, torch.Tensor]:
    """Several instances of one shape as one batch."""
    fields = [instance.market_fields() for instance in drawn]
    names = [name for name in fields[0] if name != "idle_interferes"]
    values = {name: np.array([f[name] for f in fields], dtype=float) for name in names if fields[0][name] is not None}
    market = Market(**values, idle_interferes=fields[0]["idle_interferes"])
    return market, torch.tensor([instance.gain for instance in drawn], dtype=torch.float64)


@pytest.mark.parametrize("idle_interferes", [True, False], ids=["idle interferes", "idle silent"])
@pytest.mark.parametrize(("maps", "stations"), [(1, 3), (2, 2), (4, 2), (4, 3), (5, 1), (6, 2)])
@pytest.mark.parametrize("cap", ["none", "tiny", "middling", "large", "below cost", "between costs"])
def test_pairwise_earns_at_most_posted_and_posted_at_most_admission(maps, stations, cap, idle_interferes):
    rng = np.random.default_rng([maps, stations, len(cap)])
    sizes, gains = ("ample", "tight", "zero for one"), ("close", "wide", "some zero")
    drawn = [
        build(
            rng,
            maps,
            stations,
            cap,
            sizes[k % 3],
            gains[k // 3 % 3],
            free_delay=k % 4 == 0,
            twins=k % 5 == 0,
            cycles_per_pair=True,
            idle_interferes=idle_interferes,
        )
        for k in range(30)
    ]
    market, gain = stacked(drawn)
    pairwise, posted, admission = (solve(market, gain, concept=concept) for concept in CONCEPTS)
    slack = 1e-10 * torch.tensor([scale_of(instance) for instance in drawn])
    feasible = torch.from_numpy(posted.status == "optimal")
    settled = torch.from_numpy(pairwise.status == "converged")
    assert (admission.status == "optimal").all()
    assert (posted.operator_utility <= admission.operator_utility + slack)[feasible].all()
    assert (pairwise.operator_utility <= posted.operator_utility + slack)[feasible & settled].all()
    assert feasible[settled].all()  # a fixed point is implementable
    assert (torch.isnan(posted.operator_utility) == ~feasible).all()
    assert (pairwise.operator_utility <= admission.operator_utility + slack)[settled].all()
    if cap in ("none", "large"):
        assert feasible.all()
        assert ((posted.operator_utility - admission.operator_utility).abs() <= slack).all()
    else:
        assert (admission.operator_utility >= 0).all()


def test_the_three_concepts_do_differ():
    market, gain = stacked([build(np.random.default_rng(k), 4, 2, "middling", gains="close") for k in range(30)])
    pairwise, posted, admission = (solve(market, gain, concept=concept).operator_utility for concept in CONCEPTS)
    assert (posted > pairwise + 1e-3).any()
    assert (admission > posted + 1e-3).any()


@calls(40)
@given(instances(most_maps=4, most_stations=1))
def test_with_one_station_everybody_shares_it(instance):
    assume(instance.idle_interferes)
    for concept in CONCEPTS:
        outcome = solve(market_of(instance), instance.gain, concept=concept)
        assert profile_of(outcome) == (0,) * instance.maps
    posted, pairwise = (solve(market_of(instance), instance.gain, concept=c) for c in ("posted", "pairwise"))
    close(posted.operator_utility, pairwise.operator_utility, 1e-12 * scale_of(instance))


@calls(40)
@given(instances(most_maps=1))
def test_a_lonely_map_gives_admission_its_best_pair(instance):
    game = Game(instance)
    outcome = solve(market_of(instance), instance.gain, concept="admission")
    best = max(game.best_offer(0, m, (0,))[1].profit for m in range(instance.stations))
    close(outcome.operator_utility, max(best, 0), 1e-10 * scale_of(instance))


# growth


@pytest.mark.parametrize("idle_interferes", [True, False], ids=["idle interferes", "idle silent"])
@pytest.mark.parametrize("cap", ["none", "middling"])
def test_admission_grows_with_bandwidth_accuracy_cap_stations_and_silence_of_noise(cap, idle_interferes):
    rng = np.random.default_rng(11)
    drawn = [build(rng, 4, 2, cap, gains="close", idle_interferes=idle_interferes) for _ in range(40)]
    gain = torch.tensor([i.gain for i in drawn], dtype=torch.float64)

    def worth(changed) -> torch.Tensor:
        market, gains = stacked(changed)
        return solve(market, gains, concept="admission").operator_utility

    base = worth(drawn)
    scaled = {
        "bandwidth": [i.with_(bandwidth=tuple(1.3 * w for w in i.bandwidth)) for i in drawn],
        "accuracy value": [i.with_(accuracy_value=tuple(1.2 * v for v in i.accuracy_value)) for i in drawn],
        "noise": [i.with_(noise=tuple(0.5 * v for v in i.noise)) for i in drawn],
    }
    if cap != "none":
        scaled["cap"] = [i.with_(price_cap=1.3 * i.price_cap) for i in drawn]
    per_station = ("bandwidth", "noise", "compute", "quality", "accuracy_weight")
    scaled["stations"] = [
        i.with_(
            gain=tuple((*row, row[0]) for row in i.gain),
            **{name: (*getattr(i, name), getattr(i, name)[0]) for name in per_station},
        )
        for i in drawn
    ]
    for name, changed in scaled.items():
        more = worth(changed)
        assert (more >= base - 1e-10).all(), name
        assert (more > base + 1e-6).any(), name
    assert gain.shape == (40, 4, 2)


def test_admission_never_falls_with_another_silent_map_but_can_with_one_that_always_interferes():
    rng = np.random.default_rng(12)
    drawn = [build(rng, 5, 2, "middling", gains="close") for _ in range(60)]
    per_map = ("gain", "power", "cycles", "accuracy_value", "delay_cost", "raw_data")
    change = {}
    for idle_interferes in (True, False):
        larger = [i.with_(idle_interferes=idle_interferes) for i in drawn]
        smaller = [i.with_(**{name: getattr(i, name)[:4] for name in per_map}) for i in larger]
        values = [solve(*stacked(group), concept="admission").operator_utility for group in (smaller, larger)]
        change[idle_interferes] = values[1] - values[0]
    assert (change[False] >= -1e-10).all()
    assert (change[True] < -1e-6).any()


def test_admission_falls_with_computing_past_f_star():
    rng = np.random.default_rng(13)
    drawn = [build(rng, 3, 2, gains="close").with_(delay_cost=(1.0, 1.0, 1.0)) for _ in range(20)]
    values = []
    for factor in (1.0, 1.2, 1.5, 2.0):
        faster = [
            i.with_(compute=(factor * (1.0 / (2 * i.energy_coefficient)) ** (1 / 3),) * 2, price_cap=None)
            for i in drawn
        ]
        values.append(solve(*stacked(faster), concept="admission").operator_utility)
    steps = torch.stack(values).diff(dim=0)
    assert (steps <= 1e-10).all()
    assert (steps < -1e-6).any()


# no trade, and changes of unit


@pytest.mark.parametrize("concept", CONCEPTS)
def test_a_map_that_nobody_gains_from_is_off_and_not_left_with_a_rounding_error_of_data(concept):
    """Price K - D sells nothing, also where D + (K - D) rounds to less than K."""
    market, gain = stacked(
        [build(np.random.default_rng(k), 2, 2, gains="close", energy="dear", idle_interferes=False) for k in range(200)]
    )
    offers = market.energy_coefficient[:, None, None] * market.compute[:, None] ** 2 * market.cycles[..., None]
    k = market.accuracy_value[..., None] * (market.quality * market.accuracy_weight)[:, None]
    hopeless = (offers >= k).all(-1)
    assert hopeless.sum() > 50
    outcome = solve(market, gain, concept=concept)
    assert (outcome.association[hopeless] == -1).all()
    assert (outcome.data[hopeless] == 0).all()
    assert (outcome.association[~hopeless] >= 0).any()


@calls(40)
@given(instances(most_maps=3), st.floats(-6, 6), st.floats(-6, 6))
def test_another_currency_or_another_unit_of_power_changes_nothing_else(instance, money, watt):
    """All money times one factor, all gains and noises times another: same play, money times the first."""
    money, watt = 2.0 ** round(3 * money), 2.0 ** round(3 * watt)  # powers of two: no rounding
    other = instance.with_(
        gain=tuple(tuple(watt * h for h in row) for row in instance.gain),
        noise=tuple(watt * v for v in instance.noise),
        accuracy_value=tuple(money * v for v in instance.accuracy_value),
        delay_cost=tuple(money * v for v in instance.delay_cost),
        energy_coefficient=money * instance.energy_coefficient,
        price_cap=None if instance.price_cap is None else money * instance.price_cap,
    )
    for concept in CONCEPTS:
        one, two = (solve(market_of(i), i.gain, concept=concept) for i in (instance, other))
        assert one.status == two.status
        assert torch.equal(one.association, two.association)
        for name, factor in (
            ("data", 1),
            ("rate", 1),
            ("map_utility", money),
            ("price", money),
            ("operator_utility", money),
        ):
            expected = factor * getattr(one, name)
            torch.testing.assert_close(getattr(two, name), expected, rtol=1e-12, atol=1e-13 * factor, equal_nan=True)
