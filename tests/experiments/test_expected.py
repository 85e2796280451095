"""The scheme `expected`: best on average over private values, the uncapped optimum where nothing is private."""

import itertools
import math

import pytest
import torch

from twinoffload import Scenario
from twinoffload.env.references import Equilibrium
from twinoffload.env.slots import Slots
from twinoffload.equilibrium.outcome import chosen
from twinoffload.experiments.committed import Committed
from twinoffload.experiments.comparison import REFERENCES, held_out, play_episodes, reference_names, references
from twinoffload.experiments.expected import Expected, belief_of
from twinoffload.game.expected_price import expected_best_price, expected_data
from twinoffload.game.pairs import pair_rate
from twinoffload.game.payoff import unit_delay
from twinoffload.network.link import connected

PRIVATE = Scenario.load("private")


def expected_profit(slots, association, price):
    """What prices on an association earn on average over the private values, `[...]`."""
    terms, on = slots.public_terms, connected(association, slots.gain.shape[-1])
    time = unit_delay(terms, pair_rate(terms, slots.gain, on))
    offered = torch.where(torch.isfinite(price), price, 1e6)
    data = expected_data(terms, belief_of(slots.episodes.scenario, terms), time, offered)
    return chosen((offered - terms.energy_cost) * data, association).sum(-1)


def test_it_is_a_row_only_where_something_is_private():
    for name in ("paper", "open"):
        scenario = Scenario.load(name)
        assert reference_names(scenario) == REFERENCES[:-1]
    assert tuple(scheme.name for scheme in references(PRIVATE)) == reference_names(PRIVATE) == REFERENCES
    assert "expected" in reference_names(Scenario.load("open").replace(delay_cost={"uniform": (0.5, 1.5)}))


@pytest.mark.parametrize("changes", [{}, {"raw_data": "uniform"}, {"idle_interferes": False}, {"side": 2000.0}])
def test_without_private_values_it_recommends_what_committed_does(changes):
    """Both solve the same problem; `open` has no cap, so nobody is tempted away."""
    scenario = Scenario.load("open").replace(slots=2, **changes)
    slots = Slots(held_out(scenario, (0, 1), 20))
    found, price = Expected().recommend(slots)
    there, own = Committed().recommend(slots)
    on = connected(found, 2) & torch.isfinite(price)
    if changes.get("side") is None:
        assert torch.equal(found, there)
        torch.testing.assert_close(price[on], own[on], rtol=1e-4, atol=1e-5)
    best = Equilibrium("posted")
    played = [play_episodes(scheme, slots.episodes)["operator"] for scheme in (Expected(1e-6), best)]
    torch.testing.assert_close(played[0], played[1], rtol=1e-5, atol=1e-5)


def test_no_other_prices_or_associations_earn_more_on_average():
    slots = Slots(held_out(PRIVATE, (0,), 30))
    terms = slots.public_terms
    association, price = Expected().recommend(slots)
    best = expected_profit(slots, association, price)
    for profile in itertools.product(range(2), repeat=4):
        other = torch.tensor(profile).expand_as(association)
        time = unit_delay(terms, pair_rate(terms, slots.gain, connected(other, 2)))
        offer = expected_best_price(terms, belief_of(PRIVATE, terms), time)
        assert (chosen(offer.profit, other).sum(-1) <= best + 1e-9).all()
    for factor in (0.5, 0.9, 0.99, 1.01, 1.1, 2.0):
        assert (expected_profit(slots, association, factor * price) <= best + 1e-9).all()
    mean_values = expected_profit(slots, *Committed().recommend(slots))
    assert (mean_values <= best + 1e-9).all()
    assert (mean_values < best - 1e-6).any()


def test_what_it_earns_is_what_it_expects_and_below_the_ceiling():
    """Private values are drawn once an episode, so one slot each of many episodes."""
    scenario = PRIVATE.replace(slots=1)
    episodes = held_out(scenario, (0,), 1500)
    slots = Slots(episodes)
    expected = expected_profit(slots, *Expected().recommend(slots))
    scheme = Expected(1e-5)
    price = scheme.price(slots)
    earned = slots.step(price, *scheme.offload(slots, price))["operator_utility"]
    error = (earned - expected).std() / math.sqrt(earned.numel())
    assert abs((earned - expected).mean()) < 4.0 * error
    ceiling = play_episodes(Equilibrium("admission"), episodes)["operator"]
    assert earned.mean() < ceiling.item()


def slow_reference(gain, scenario):
    """(association, prices, expected profit) of the best for N = M = 2 by loops; imports nothing of the package.

    Midpoints of 20 x 20 cells of the private values, and 200 prices.
    """
    bandwidth, power, compute, cycles, quality = 5.0, 0.2, 20.0, (1.6, 2.1), (0.64, 0.84)
    noise = 10 ** ((-174.0 + 5.0 - 30.0) / 10) * bandwidth * 1e6
    draws = [(5 + 10 * (i + 0.5) / 20, 0.5 + (j + 0.5) / 20) for i in range(20) for j in range(20)]
    best = (-1.0, None, None)
    for profile in itertools.product(range(2), repeat=2):
        total, prices = 0.0, []
        for n, m in enumerate(profile):
            others = sum(power * gain[k][m] for k in range(2) if k != n and profile[k] == m)
            rate = bandwidth / 8 * math.log2(1 + power * gain[n][m] / (others + noise))
            time = 1 / rate + cycles[n] / compute
            energy = 2.5e-4 * compute**2 * cycles[n]
            value, at = 0.0, None
            for k in range(1, 201):
                price = energy + k / 200 * 8.0
                data = 0.0
                for worth, cost in draws:
                    wish = math.log(worth * quality[m] / (cost * time + price)) / quality[m]
                    data += min(max(wish, 0.0), 5.0)
                if (price - energy) * data / len(draws) > value:
                    value, at = (price - energy) * data / len(draws), price
            total += value
            prices.append(at)
        if total > best[0]:
            best = (total, profile, prices)
    return best


def test_a_slow_reference_finds_the_same():
    slots = Slots(held_out(PRIVATE.replace(maps=2, slots=1), (0,), 3))
    association, price = Expected().recommend(slots)
    expected = expected_profit(slots, association, price)
    for episode in range(3):
        total, profile, prices = slow_reference(slots.gain[0, episode].tolist(), PRIVATE)
        assert expected[0, episode].item() == pytest.approx(total, rel=5e-4)
        assert association[0, episode].tolist() == list(profile)
        assert chosen(price, association)[0, episode].tolist() == pytest.approx(prices, abs=0.08)


@pytest.mark.parametrize("idle_interferes", [True, False])
def test_whom_nothing_can_be_sold_is_told_where_to_wait(idle_interferes):
    scenario = PRIVATE.replace(side=20_000.0, slots=1, idle_interferes=idle_interferes)
    slots = Slots(held_out(scenario, (0,), 50))
    scheme = Expected()
    association, own = scheme.recommend(slots)
    price = scheme.price(slots)
    there, data = scheme.offload(slots, price)
    unsold = ~torch.isfinite(chosen(own, association)) | (association < 0)
    assert unsold.any()
    assert not unsold.all()
    assert (data[unsold] == 0.0).all()
    if idle_interferes:
        assert torch.equal(there, association)
    else:
        assert (association[unsold] == -1).all()
        assert (there[data == 0.0] == -1).all()


def test_with_a_cap_every_price_is_within_it():
    scenario = PRIVATE.replace(price_cap=1.25, slots=1)
    slots = Slots(held_out(scenario, (0,), 20))
    scheme = Expected()
    price = scheme.price(slots)
    assert price.max() <= 1.25
    association, _ = scheme.offload(slots, price)
    assert torch.equal(association, scheme.recommend(slots)[0])


def test_a_market_beyond_enumeration_is_refused_in_one_line():
    slots = Slots(held_out(PRIVATE.replace(maps=30, slots=1), (0,), 1))
    with pytest.raises(ValueError, match=r"scenario private: N = 30 .* `expected` needs a smaller market"):
        Expected().price(slots)
