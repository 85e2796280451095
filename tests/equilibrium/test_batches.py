"""Batch axes, input types and names: the same answer however a problem is put."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from checks import check_shapes, close, market_of, profile_of
from reference import Game, Instance
from strategies import build, calls, instances, some_prices
from twinoffload import Market, best_response, evaluate_prices, nash_equilibria, optimal_price, solve, uplink_rate

CONCEPTS = ("pairwise", "posted", "admission")
NUMBERS = ("association", "data", "rate", "accuracy", "delay", "map_utility", "regret", "price", "operator_utility",
           "sweeps", "bound", "start")  # fmt: skip


def same(batched, index, alone) -> None:
    """One element of a batch against the same problem solved alone."""
    assert str(batched.status[index]) == str(alone.status)
    for name in NUMBERS:
        found, expected = getattr(batched, name)[index], getattr(alone, name)
        assert found.shape == expected.shape, name
        torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12, equal_nan=True, msg=name)


def drawn(count: int, seed: int, cap: str = "middling", maps: int = 3, stations: int = 2, **kind) -> list[Instance]:
    rng = np.random.default_rng(seed)
    return [build(rng, maps, stations, cap, cycles_per_pair=True, **kind) for _ in range(count)]


@pytest.mark.parametrize("idle_interferes", [True, False])
@pytest.mark.parametrize("concept", CONCEPTS)
def test_every_field_of_the_market_as_a_batch(concept, idle_interferes):
    problems = drawn(12, 0, gains="close", idle_interferes=idle_interferes)
    problems += drawn(12, 1, gains="some zero", size="tight", idle_interferes=idle_interferes)
    fields = [i.market_fields() for i in problems]
    names = [name for name in fields[0] if name != "idle_interferes"]
    market = Market(**{n: np.array([f[n] for f in fields]) for n in names}, idle_interferes=idle_interferes)
    batched = solve(market, np.array([i.gain for i in problems]), concept=concept)
    check_shapes(problems[0], batched, (24,))
    for k, instance in enumerate(problems):
        same(batched, k, solve(market_of(instance), instance.gain, concept=concept))


@pytest.mark.parametrize(
    ("name", "scales", "own_axes"),
    [
        ("bandwidth", (0.5, 1.0, 3.0), 1),
        ("power", (0.5, 1.0, 3.0), 1),
        ("noise", (0.1, 1.0), 1),
        ("compute", (0.8, 1.0, 1.2), 1),
        ("cycles", (0.5, 1.0), 2),
        ("quality", (0.5, 1.0, 2.0), 1),
        ("accuracy_weight", (0.5, 1.0), 1),
        ("accuracy_value", (0.8, 1.0, 1.2), 1),
        ("delay_cost", (0.0, 1.0), 1),
        ("raw_data", (0.0, 0.1, 1.0), 1),
        ("energy_coefficient", (0.0, 1.0, 2.0), 0),
        ("price_cap", (0.0, 0.5, 1.0, 10.0), 0),
    ],
)
def test_values_of_one_field_stack_over_snapshots(name, scales, own_axes):
    """A field [B, 1, ...] with a gain [K, N, M] gives outcomes [B, K]."""
    problems = drawn(4, 2, gains="close")
    base = problems[0]
    own = np.array(base.market_fields()[name])
    values = np.array(scales).reshape(-1, 1, *[1] * own_axes) * own
    gain = np.array([i.gain for i in problems])
    market = Market(**(base.market_fields() | {name: values}))
    for concept in CONCEPTS:
        batched = solve(market, gain, concept=concept)
        check_shapes(base, batched, (len(scales), 4))
        for b, scale in enumerate(scales):
            alone = Market(**(base.market_fields() | {name: scale * own}))
            for k in range(4):
                same(batched, (b, k), solve(alone, gain[k], concept=concept))
    outcomes = solve(market, gain, concept="admission").operator_utility
    assert not torch.allclose(outcomes[0], outcomes[-1])  # the field does matter
    rate = uplink_rate(market, gain, [0] * base.maps)
    offer = optimal_price(market, rate)
    assert offer.price.shape == (len(scales), 4, base.maps, base.stations)
    assert best_response(market, rate, offer.price).data.shape == offer.price.shape


def test_one_field_as_a_plain_number_counts_for_everybody():
    base = drawn(1, 3, gains="close")[0]
    base = base.with_(bandwidth=(5.0, 5.0), power=(0.2, 0.2, 0.2), raw_data=(5.0,) * 3, compute=(20.0, 20.0))
    numbers = base.market_fields() | {"bandwidth": 5.0, "power": 0.2, "raw_data": 5, "compute": 20}
    for concept in CONCEPTS:
        listed, plain = (solve(Market(**f), base.gain, concept=concept) for f in (base.market_fields(), numbers))
        same_outcome(listed, plain)


def test_plain_numbers_keep_all_their_digits():
    """A Python float is double precision; a detour over single precision would lose half of it."""
    market = market_of(drawn(1, 4)[0].with_(price_cap=0.1, energy_coefficient=0.3))
    assert float(market.price_cap) == 0.1
    assert float(market.energy_coefficient) == 0.3


@pytest.mark.parametrize("concept", CONCEPTS)
def test_lists_arrays_and_tensors_are_all_welcome(concept):
    instance = drawn(1, 5, gains="close")[0]
    fields = instance.market_fields()
    kinds = {
        "tuples": lambda v: v,
        "lists": lambda v: np.asarray(v).tolist(),
        "arrays": lambda v: np.asarray(v),
        "tensors": lambda v: torch.tensor(v, dtype=torch.float64),
        "list of tensors": lambda v: [torch.tensor(x, dtype=torch.float64) for x in v] if np.ndim(v) else v,
    }
    expected = solve(market_of(instance), instance.gain, concept=concept)
    price = some_prices(instance, 0)
    followers = evaluate_prices(market_of(instance), instance.gain, price)
    for kind in kinds.values():
        market = Market(**{k: v if k == "idle_interferes" else kind(v) for k, v in fields.items()})
        gain = kind(instance.gain)
        outcome = solve(market, gain, concept=concept, start=kind((1, 0, 1)))
        assert isinstance(outcome.price, torch.Tensor)
        if concept != "pairwise":
            same_outcome(outcome, expected, but="start")
        same_outcome(evaluate_prices(market, gain, kind(price)), followers)
        assert torch.equal(
            uplink_rate(market, gain, kind((0, 1, 0))), uplink_rate(market_of(instance), instance.gain, (0, 1, 0))
        )
        assert (
            nash_equilibria(market, gain, kind(price)).tolist()
            == nash_equilibria(market_of(instance), instance.gain, price).tolist()
        )


def same_outcome(found, expected, but: str = "") -> None:
    assert found.status == expected.status
    for name in NUMBERS:
        if name != but:
            assert np.array_equal(getattr(found, name), getattr(expected, name), equal_nan=True), name


def test_inputs_are_left_alone():
    instance = drawn(1, 6, gains="close")[0]
    gain, price = torch.tensor(instance.gain, dtype=torch.float64), torch.tensor(some_prices(instance, 0))
    start = torch.tensor([1, 1, 0])
    copies = [x.clone() for x in (gain, price, start)]
    market = market_of(instance)
    for concept in CONCEPTS:
        solve(market, gain, concept=concept, start=start)
    evaluate_prices(market, gain, price, start=start)
    nash_equilibria(market, gain, price)
    for now, before in zip((gain, price, start), copies, strict=True):
        assert torch.equal(now, before)


def test_prices_starts_and_gains_broadcast():
    problems = drawn(3, 7, gains="close")
    instance = problems[0]
    gain = torch.tensor([i.gain for i in problems], dtype=torch.float64)
    prices = torch.tensor([some_prices(instance, k) for k in range(4)], dtype=torch.float64)
    starts = torch.tensor([[0, 0, 0], [1, 0, 1]])
    market = market_of(instance)
    outcome = evaluate_prices(market, gain, prices[:, None], start=starts[:, None, None])
    check_shapes(instance, outcome, (2, 4, 3))
    for s, p, g in itertools.product(range(2), range(4), range(3)):
        same(outcome, (s, p, g), evaluate_prices(market, gain[g], prices[p], start=starts[s]))
    rate = uplink_rate(market, gain, starts[:, None])
    assert rate.shape == (2, 3, 3, 2)
    assert torch.equal(rate[1, 2], uplink_rate(market, gain[2], starts[1]))
    response = best_response(market, rate[:, None], prices[:, None])
    assert response.utility.shape == (2, 4, 3, 3, 2)


def test_a_batch_of_one_keeps_its_axis_and_no_batch_has_none():
    instance = drawn(1, 8, gains="close")[0]
    for concept in CONCEPTS:
        alone = solve(market_of(instance), instance.gain, concept=concept)
        assert alone.operator_utility.ndim == 0
        assert isinstance(alone.status, np.str_)
        listed = solve(market_of(instance), [instance.gain], concept=concept)
        check_shapes(instance, listed, (1,))
        same(listed, 0, alone)


# names do not matter


def renamed(instance: Instance, maps, stations) -> Instance:
    """mAP k of the result is mAP maps[k] of the instance; stations likewise."""
    changes = {"gain": tuple(tuple(instance.gain[n][m] for m in stations) for n in maps)}
    for name in ("power", "accuracy_value", "delay_cost", "raw_data"):
        changes[name] = tuple(getattr(instance, name)[n] for n in maps)
    for name in ("bandwidth", "noise", "compute", "quality", "accuracy_weight"):
        changes[name] = tuple(getattr(instance, name)[m] for m in stations)
    changes["cycles"] = tuple(tuple(instance.cycles_of(n, m) for m in stations) for n in maps)
    return instance.with_(**changes)


@calls(60)
@given(instances(most_maps=4), st.randoms(use_true_random=False))
def test_renaming_maps_and_stations_renames_the_answer(instance, random):
    maps, stations = list(range(instance.maps)), list(range(instance.stations))
    random.shuffle(maps)
    random.shuffle(stations)
    other = renamed(instance, maps, stations)
    scale = max(instance.accuracy_value)
    game = Game(instance)

    def back(outcome) -> tuple[int, ...]:
        found = {n: -1 if m < 0 else stations[m] for n, m in zip(maps, profile_of(outcome), strict=True)}
        return tuple(found[n] for n in range(instance.maps))

    for concept, optimum in (("posted", game.posted()), ("admission", game.admission())):
        one, two = (solve(market_of(i), i.gain, concept=concept) for i in (instance, other))
        assert one.status == two.status
        if one.status == "infeasible":
            continue
        close(one.operator_utility, two.operator_utility, 1e-11 * scale)
        ranked = sorted(optimum.values.values(), reverse=True)
        if len(ranked) == 1 or ranked[0] - ranked[1] > 1e-9 * scale:  # a unique optimum
            assert back(two) == profile_of(one)
            for k, n in enumerate(maps):
                close(two.map_utility[k], one.map_utility[n], 1e-10 * scale)
    assume(game.settle(None).clear)
    order = [maps.index(n) for n in range(instance.maps)]
    one = solve(market_of(instance), instance.gain, concept="pairwise")
    two = solve(market_of(other), other.gain, concept="pairwise", order=order)
    strongest = game.strongest()
    start = [stations.index(strongest[n]) for n in maps]
    two = solve(market_of(other), other.gain, concept="pairwise", order=order, start=start)
    assert one.status == two.status
    assume(not any(row.count(max(row)) > 1 for row in instance.gain))
    assert back(two) == profile_of(one)


@calls(40)
@given(instances(most_maps=3), st.randoms(use_true_random=False))
def test_renaming_renames_the_set_of_equilibria(instance, random):
    maps, stations = list(range(instance.maps)), list(range(instance.stations))
    random.shuffle(maps)
    random.shuffle(stations)
    price = some_prices(instance, 5)
    assume(Game(instance).clear(price))
    other = renamed(instance, maps, stations)
    moved = [[price[n][m] for m in stations] for n in maps]
    one = nash_equilibria(market_of(instance), instance.gain, price).tolist()
    two = nash_equilibria(market_of(other), other.gain, moved).tolist()
    names = {-1: -1} | dict(enumerate(stations))
    back = sorted([names[row[maps.index(n)]] for n in range(instance.maps)] for row in two)
    assert back == sorted(one)


def test_identical_maps_may_swap_places():
    """The mirror image of an equilibrium of two identical mAPs is one too."""
    for seed in range(20):
        instance = build(np.random.default_rng(seed), 3, 2, twins=True, gains="close")
        price = some_prices(instance, seed, share_not_offered=0.0)
        price[1] = price[0]
        found = nash_equilibria(market_of(instance), instance.gain, price).tolist()
        assert sorted([b, a, c] for a, b, c in found) == sorted(found)
