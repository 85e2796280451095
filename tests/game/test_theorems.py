"""What is proved about a pair and about the association, as tests: the u-form, f*, the potential, the accuracy."""

import ast
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

import reference
from reference import Game, Instance, pair_at, u_of
from strategies import build, calls, instances, some_profile
from twinoffload import Market, Scenario, best_response, optimal_price, solve, uplink_rate

SEEDS = st.integers(0, 2**32 - 1)


def uncapped_pairs(seed: int) -> tuple[Instance, Market, torch.Tensor]:
    """Pairs of every quality, without a cap and with ample raw data."""
    instance = build(np.random.default_rng(seed), 4, 3, cycles_per_pair=True)
    market = Market(**instance.market_fields())
    return instance, market, uplink_rate(market, instance.gain, some_profile(instance, seed))


def solved(instance: Instance, rate) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """(price, data, profit, utility) of every pair at the best price."""
    market = Market(**instance.market_fields())
    offer = optimal_price(market, rate)
    response = best_response(market, rate, offer.price)
    return offer.price, response.data, offer.profit, response.utility


@calls(60)
@given(SEEDS)
def test_one_number_u_gives_price_profit_and_utility(seed):
    instance, market, rate = uncapped_pairs(seed)
    offer = optimal_price(market, rate)
    response = best_response(market, rate, offer.price)
    for n in range(instance.maps):
        for m in range(instance.stations):
            pair = pair_at(instance, n, m, float(rate[n, m]))
            if not pair.trade:
                continue
            value, k, a = instance.accuracy_value[n], float(pair.k), float(pair.a)
            u = u_of(float(pair.s) / k)
            assert float(pair.s) / k == pytest.approx((1 - u) * math.exp(-u), abs=1e-14)
            assert float(offer.price[n, m]) == pytest.approx(k * math.exp(-u) - float(pair.delay), abs=1e-12 * k)
            assert a * float(response.data[n, m]) == pytest.approx(u, abs=1e-12)
            assert float(offer.profit[n, m]) == pytest.approx(value * u * u * math.exp(-u), abs=1e-12 * value)
            utility = value * (1 - (1 + u) * math.exp(-u))
            assert float(response.utility[n, m]) == pytest.approx(utility, abs=1e-12 * value)


@calls(40)
@given(SEEDS)
def test_operator_and_map_fall_together_as_the_pair_gets_dearer(seed):
    """d profit / ds = -Z and dU / ds = -Z / (2 - u), and the price of a sale passes on 1 / (2 - u) of s."""
    instance, _, rate = uncapped_pairs(seed)
    step = 1e-6
    by_energy = instance.with_(energy_coefficient=instance.energy_coefficient * (1 + step))
    by_value = instance.with_(energy_coefficient=instance.energy_coefficient * (1 - step))
    (_, data, profit, utility), up, down = (solved(i, rate) for i in (instance, by_energy, by_value))
    for n in range(instance.maps):
        for m in range(instance.stations):
            pair = pair_at(instance, n, m, float(rate[n, m]))
            if pair.s > 0.98 * pair.k:
                continue
            ds, u = 2 * step * float(pair.cost), float(pair.a) * float(data[n, m])
            noise = 1e-14 * instance.accuracy_value[n] / ds
            rise = [float(u_[n, m] - d_[n, m]) / ds for u_, d_ in zip(up, down, strict=True)]
            z = float(data[n, m])
            assert rise[2] == pytest.approx(-z, rel=1e-4, abs=noise)
            assert rise[3] == pytest.approx(-z / (2 - u), rel=1e-4, abs=noise)
            assert rise[0] == pytest.approx(1 / (2 - u), rel=1e-4, abs=noise)
            assert rise[2] < noise
            assert rise[3] < noise
            assert 0.5 < float(utility[n, m] / profit[n, m]) < math.e - 2


@calls(40)
@given(SEEDS)
def test_accuracy_never_exceeds_one_minus_one_over_e_without_a_cap(seed):
    instance, market, rate = uncapped_pairs(seed)
    steepness = torch.tensor(instance.accuracy_weight) * torch.tensor(instance.quality)
    data = best_response(market, rate, optimal_price(market, rate).price).data
    accuracy = -torch.expm1(-steepness * data)
    assert float(accuracy.max()) <= 1 - 1 / math.e + 1e-12
    for concept in ("pairwise", "posted", "admission"):
        assert float(solve(market, instance.gain, concept=concept).accuracy.max()) <= 1 - 1 / math.e + 1e-12


def test_the_accuracy_bound_is_approached_by_cheap_pairs_and_broken_by_a_cap():
    cheap = build(np.random.default_rng(0), 1, 1, energy="free").with_(delay_cost=(1e-6,), gain=((1.0,),))
    near = float(solve(Market(**cheap.market_fields()), cheap.gain, concept="posted").accuracy)
    assert 1 - 1 / math.e - 1e-4 < near <= 1 - 1 / math.e
    capped = cheap.with_(price_cap=0.01)
    assert float(solve(Market(**capped.market_fields()), capped.gain, concept="posted").accuracy) > 0.9


def at_computing(instance: Instance, factors: np.ndarray, rate) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(operator, mAP, amounts) of one pair while f moves through `factors` times f*."""
    star = (instance.delay_cost[0] / (2 * instance.energy_coefficient)) ** (1 / 3)
    rows = [solved(instance.with_(compute=(float(star * x),)), rate) for x in factors]
    return tuple(np.array([float(row[i]) for row in rows]) for i in (2, 3, 1))


@calls(40)
@given(SEEDS)
def test_both_sides_are_best_off_at_f_star_without_a_cap(seed):
    instance = build(np.random.default_rng(seed), 1, 1, gains="close").with_(gain=((1e-8,),))
    rate = uplink_rate(Market(**instance.market_fields()), instance.gain, [0])
    factors = np.array([0.5, 0.7, 0.9, 0.99, 1.0, 1.01, 1.1, 1.3, 1.6])
    operator, mapped, data = at_computing(instance, factors, rate)
    sold = data > 1e-6
    for values in (operator, mapped):
        assert values.argmax() == 4 or not sold[4]
        before, after = values[:5][sold[:5]], values[4:][sold[4:]]
        assert (np.diff(before) > 0).all()
        assert (np.diff(after) < 0).all()


@calls(40)
@given(SEEDS, st.floats(0.2, 0.95))
def test_a_binding_cap_parts_them_past_f_star_and_only_a_binding_cap(seed, share):
    """The pattern of the paper's Fig. 5: the mAP rises and the operator falls with f if and only if the cap binds."""
    instance = build(np.random.default_rng(seed), 1, 1, gains="close").with_(gain=((1e-8,),))
    rate = uplink_rate(Market(**instance.market_fields()), instance.gain, [0])
    factors = np.array([1.0, 1.1, 1.2, 1.3])
    star = (instance.delay_cost[0] / (2 * instance.energy_coefficient)) ** (1 / 3)
    prices = [float(solved(instance.with_(compute=(float(star * x),)), rate)[0]) for x in factors]
    free_operator, free_mapped, data = at_computing(instance, factors, rate)
    if not (data > 1e-3).all():
        return
    assert (np.diff(free_operator) < 0).all()
    assert (np.diff(free_mapped) < 0).all()
    capped = instance.with_(price_cap=share * min(prices))
    operator, mapped, data = at_computing(capped, factors, rate)
    assert (data > 0).all()
    assert (np.diff(operator) < 0).all()
    assert (np.diff(mapped) > 0).all()


@calls(60)
@given(SEEDS, st.floats(0.1, 2.0))
def test_fig_5_s_pattern_appears_exactly_where_the_cap_binds(seed, share):
    """Pairs of all kinds past f*, the cap a share of the median price: binding parts them, slack lets both fall."""
    instance = build(np.random.default_rng(seed), 4, 3, gains="close").with_(delay_cost=(1.0,) * 4)
    rate = uplink_rate(Market(**instance.market_fields()), instance.gain, some_profile(instance, seed))
    star = (1.0 / (2 * instance.energy_coefficient)) ** (1 / 3)
    slower, faster = (
        instance.with_(compute=tuple(float(star * more * x) for x in (1.05, 1.3, 1.8))) for more in (1.0, 1.02)
    )
    free = [solved(i, rate)[0] for i in (slower, faster)]
    cap = share * float(free[0].median())
    (_, data, operator, mapped), (_, _, operator_after, mapped_after) = (
        solved(i.with_(price_cap=cap), rate) for i in (slower, faster)
    )
    sold = data > 1e-3
    binding, slack = sold & (cap < torch.minimum(*free)), sold & (cap > torch.maximum(*free))
    assert (operator_after < operator)[binding | slack].all()
    assert (mapped_after > mapped)[binding].all()
    assert (mapped_after < mapped)[slack].all()


def test_f_star_of_the_defaults_is_12_6():
    """Every pair of the preset without a cap earns both sides most there, whatever its c, R and x."""
    scenario = Scenario.load("open")
    rate = uplink_rate(scenario.market(), scenario.sample_gain(count=20), [0, 1, 0, 1])
    computing = torch.arange(11.0, 14.0, 0.1, dtype=torch.float64)
    operator, mapped = [], []
    for f in computing.tolist():
        market = scenario.replace(compute=f).market()
        offer = optimal_price(market, rate)
        operator.append(offer.profit)
        mapped.append(best_response(market, rate, offer.price).utility)
    sold = operator[0] > 0.0
    assert sold.any(0).all()
    for values in (operator, mapped):
        best = computing[torch.stack(values).argmax(0)][sold]
        torch.testing.assert_close(best, torch.full_like(best, 12.6), rtol=0.0, atol=1e-9)


@calls(60)
@given(instances(most_maps=5, idle_interferes=True), SEEDS)
def test_the_sum_capacity_is_an_exact_potential_of_rates(instance, seed):
    """A move changes an mAP's rate by exactly the change of sum_m W/8 log2(1 + received / noise)."""
    profile = list(some_profile(instance, seed))
    mover, target = seed % instance.maps, seed // 7 % instance.stations
    moved = [target if n == mover else m for n, m in enumerate(profile)]
    market = Market(**instance.market_fields())

    def potential(association) -> float:
        total = 0.0
        for m in range(instance.stations):
            users = [n for n, station in enumerate(association) if station == m]
            received = math.fsum(instance.power[n] * instance.gain[n][m] for n in users)
            total += instance.bandwidth[m] / 8 * math.log1p(received / instance.noise[m]) / math.log(2)
        return total

    before = uplink_rate(market, instance.gain, profile)
    after = uplink_rate(market, instance.gain, moved)
    change = float(after[mover, target] - before[mover, profile[mover]])
    assert potential(moved) - potential(profile) == pytest.approx(change, abs=1e-11 * (1 + potential(moved)))
    assert float(before[mover, target]) == pytest.approx(float(after[mover, target]), rel=1e-12)


@calls(40)
@given(instances(most_maps=4, caps=("none",), sizes=("ample",), idle_interferes=True, energies=("usual",)))
def test_the_uncapped_price_reveals_the_delay_cost(instance):
    """mu - e = K u exp(-u) has one root u: from the price alone the mAP knows how much to send."""
    outcome = solve(Market(**instance.market_fields()), instance.gain, concept="pairwise")
    game = Game(instance)
    for n, m in enumerate(outcome.association.tolist()):
        pair = game.pair(n, m, outcome.association.tolist())
        margin = (float(outcome.price[n, m]) - float(pair.cost)) / float(pair.k)
        if pair.trade and margin > 1e-6:
            low, high = 0.0, 1.0  # u exp(-u) rises on [0, 1]
            for _ in range(80):
                middle = (low + high) / 2
                low, high = (middle, high) if middle * math.exp(-middle) < margin else (low, middle)
            assert float(outcome.data[n]) == pytest.approx(low / float(pair.a), abs=1e-8)


PER_MAP = ("gain", "power", "cycles", "accuracy_value", "delay_cost", "raw_data")
PER_STATION = ("bandwidth", "noise", "compute", "quality", "accuracy_weight")


def with_another_station(instance: Instance, rng: np.random.Generator) -> Instance:
    """One more BS: a copy of some BS with other gains."""
    m = int(rng.integers(instance.stations))
    gain = tuple((*row, float(row[m] * 10.0 ** rng.uniform(-2, 2))) for row in instance.gain)
    copied = {name: (*getattr(instance, name), getattr(instance, name)[m]) for name in PER_STATION}
    if isinstance(instance.cycles[0], tuple):
        copied["cycles"] = tuple((*row, row[m]) for row in instance.cycles)
    return instance.with_(gain=gain, **copied)


def better(instance: Instance, change: str, rng: np.random.Generator) -> tuple[Instance, Instance]:
    """A market and one worth at least as much to an operator that may decline; where there is none, itself."""
    factor = 1.0 + rng.random()
    if change in ("bandwidth", "accuracy_value"):
        some = [1.0, factor, factor**2]
        raised = tuple(float(v * some[rng.integers(3)]) for v in getattr(instance, change))
        return instance, instance.with_(**{change: raised})
    if change == "silence of noise":
        return instance, instance.with_(noise=tuple(v / factor for v in instance.noise))
    if change == "cap":
        if instance.price_cap is None:
            return instance, instance
        return instance, instance.with_(price_cap=rng.choice([None, factor * instance.price_cap]))
    if change == "stations":
        return instance, with_another_station(instance, rng)
    if change == "silent maps":
        if instance.maps == 1:
            return instance, instance
        larger = instance.with_(idle_interferes=False)
        return larger.with_(**{name: getattr(larger, name)[1:] for name in PER_MAP}), larger
    assert change == "computing no faster past f*"
    if instance.energy_coefficient == 0.0:
        return instance, instance
    star = (max(max(instance.delay_cost), 1e-3) / (2 * instance.energy_coefficient)) ** (1 / 3)
    past = [star * float(x) for x in rng.uniform(1.0, 2.0, instance.stations)]
    return tuple(instance.with_(compute=tuple(x * faster for x in past)) for faster in (factor, 1.0))


CHANGES = ("bandwidth", "accuracy_value", "silence of noise", "cap", "stations", "silent maps")


@pytest.mark.parametrize("change", [*CHANGES, "computing no faster past f*"])
@calls(40)
@given(instances(), SEEDS)
def test_admission_never_falls_as_the_market_gets_better(change, instance, seed):
    one, other = better(instance, change, np.random.default_rng(seed))
    assume(one is not other)
    worth = [
        float(solve(Market(**i.market_fields()), i.gain, concept="admission").operator_utility) for i in (one, other)
    ]
    assert worth[1] >= worth[0] - 1e-10 * max(other.accuracy_value)


@pytest.mark.parametrize("change", [*CHANGES, "computing no faster past f*"])
def test_admission_does_rise_with_each_of_them(change):
    risen = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        one, other = better(build(rng, 3, 2, "middling", gains="close"), change, rng)
        low, high = (solve(Market(**i.market_fields()), i.gain, concept="admission") for i in (one, other))
        risen += float(high.operator_utility) > float(low.operator_utility) * (1 + 1e-6)
    assert risen >= 5


def test_the_second_opinion_owes_the_package_nothing():
    """The tests' reference solver imports no line of what it judges."""
    tree = ast.parse(Path(reference.__file__).read_text(encoding="utf-8"))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    named = {n.name for node in imports for n in node.names} | {str(getattr(node, "module", "")) for node in imports}
    assert {"mpmath", "numpy"} <= named
    assert not any(name.startswith(("twinoffload", ".")) for name in named)
