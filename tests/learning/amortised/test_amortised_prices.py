"""Prices in closed form at a given association, and their learned correction where worth is private."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from reference import Game
from strategies import calls, instances, some_profile
from twinoffload import Market, Scenario, solve
from twinoffload.game.pairs import pair_rate
from twinoffload.learning.amortised.memory import Known
from twinoffload.learning.amortised.operator import Operator
from twinoffload.learning.amortised.pair_network import PairNetwork
from twinoffload.learning.amortised.settings import AmortisedSettings
from twinoffload.learning.amortised.training import AmortisedTrainer
from twinoffload.network.link import connected

SMALL = AmortisedSettings(width=8, rounds=2, episodes=1, updates=1, batch=64, examples=20, reply_width=8)
FORMULA = PairNetwork(8, 4, 8, 1)  # no price rests on it


@pytest.mark.parametrize("name", ["paper", "open"])
@pytest.mark.parametrize("idle_interferes", [True, False])
def test_at_the_association_of_posted_stand_the_prices_of_posted(name, idle_interferes):
    scenario = Scenario.load(name).replace(idle_interferes=idle_interferes)
    gain = scenario.sample_gain(200, seed=1)
    outcome = solve(scenario.market(), gain, concept="posted")
    operator = Operator(FORMULA, None, scenario.highest_price, 2e-3 * scenario.highest_price, 1.0)
    terms = scenario.market().terms(4, 2)
    offer = operator.offer(None, Known(terms), gain[None], outcome.association[None])
    on = outcome.association >= 0
    assert on.float().mean() > 0.5
    own = outcome.price.gather(-1, outcome.association.clamp(min=0)[..., None])[..., 0]
    torch.testing.assert_close(offer.price[0][on], own[on], rtol=0, atol=1e-9)

    coded = operator.price(None, Known(terms), gain[None], outcome.association[None])[0]
    assert torch.equal(coded == scenario.highest_price, ~connected(outcome.association, 2))
    lower = own[on] - coded[connected(outcome.association, 2)]
    assert (lower[own[on] > operator.step] >= -1e-12).all()
    assert (lower < operator.step).all()


@calls(60)
@given(instance=instances(), seed=st.integers(0, 1000))
def test_every_association_is_kept_at_the_price_that_a_slow_search_finds(instance, seed):
    game, profile = Game(instance), some_profile(instance, seed)
    highest = float(game.cap())
    operator = Operator(FORMULA, None, max(highest, 1e-9), 1e-3, 1.0)
    terms = Market(**instance.market_fields()).terms(instance.maps, instance.stations)
    gain = torch.tensor(instance.gain, dtype=torch.float64)
    offer = operator.offer(None, Known(terms), gain[None, None], torch.tensor(profile)[None, None])
    price, kept = offer.price[0, 0], tuple(offer.association[0, 0].tolist())
    assert kept == profile or not instance.idle_interferes
    scale = float(game.largest_k())
    for n, m in enumerate(kept):
        if m >= 0:
            expected = game.posted_price(n, kept)
            if expected is None:
                assert price[n] == 0.0, "at least it does what it can"
            elif game.pair(n, m, kept).trade:
                assert float(price[n]) == pytest.approx(float(expected), abs=1e-8 * scale)


@calls(60)
@given(instance=instances(), seed=st.integers(0, 1000))
def test_a_silent_map_disturbs_nobody(instance, seed):
    """Where idle mAPs are silent, the offer is the one without those who would send nothing, by a slow search."""
    instance = instance.with_(idle_interferes=False)
    game, profile = Game(instance), some_profile(instance, seed)
    highest = max(float(game.cap()), 1e-9)
    operator = Operator(FORMULA, None, highest, 1e-3, 1.0)
    terms = Market(**instance.market_fields()).terms(instance.maps, instance.stations)
    gain = torch.tensor(instance.gain, dtype=torch.float64)
    given_to = operator.offer(None, Known(terms), gain[None, None], torch.tensor(profile)[None, None])
    kept, rate = given_to.association[0, 0].tolist(), given_to.rate[0, 0]
    for n, m in enumerate(kept):
        assert m in (-1, profile[n])
        if m >= 0:
            assert float(rate[n]) == pytest.approx(float(game.rate(n, m, kept)), rel=1e-9, abs=1e-300)
            reply = game.pair(n, m, kept).reply(float(given_to.price[0, 0, n]))
            assert reply.data > -1e-9, "who is left sends something"
    alone = operator.offer(None, Known(terms), gain[None, None], torch.tensor(kept)[None, None])
    assert torch.equal(alone.price[given_to.on.any(-1)], given_to.price[given_to.on.any(-1)])
    payoffs = [
        operator.payoff(None, Known(terms), terms, gain[None, None], torch.tensor(chosen)[None, None])
        for chosen in (profile, kept)
    ]
    assert torch.equal(*payoffs)


def private_losses(seed=0, idle_interferes=True):
    """A trainer, one draw of its game and the association that was recommended in it."""
    scenario = Scenario.load("private").replace(idle_interferes=idle_interferes)
    trainer = AmortisedTrainer(scenario, SMALL, [seed])
    known, terms, gain = trainer._situation(scenario, 2)  # after two slots, so that doubts differ
    first = 0 if idle_interferes else -1
    association = torch.from_numpy(np.random.default_rng(seed).integers(first, 2, (1, SMALL.batch, 4)))
    return trainer, known, terms, gain, association


def gradient_of_prices(trainer, *given) -> torch.Tensor:
    weights = trainer.agents.weights["pricing"].requires_grad_()
    trainer._other_losses(*given)["pricing_loss"].sum().backward()
    gradient, weights.grad = weights.grad, None
    weights.requires_grad_(False)
    assert gradient is not None
    return gradient


@pytest.mark.parametrize("idle_interferes", [True, False])
def test_private_prices_follow_the_slope_of_the_mean_profit(idle_interferes):
    trainer, *given = private_losses(idle_interferes=idle_interferes)
    gradient = gradient_of_prices(trainer, *given)
    assert gradient.isfinite().all()
    generator = torch.Generator().manual_seed(1)
    weights, length = trainer.agents.weights["pricing"], float(gradient.norm())
    assert length > 1e-3
    for direction in (gradient, torch.randn(weights.shape, generator=generator)):
        step = 2e-3 * direction / direction.norm()
        ends = []
        for sign in (1.0, -1.0):
            weights += sign * step
            with torch.no_grad():
                ends.append(float(trainer._other_losses(*given)["pricing_loss"]))
            weights -= sign * step
        slope = (ends[0] - ends[1]) / 2.0
        assert slope == pytest.approx(float((gradient * step).sum()), rel=0.02, abs=0.005 * length * 2e-3)


def test_an_unreachable_recommendation_leaves_the_slope_finite():
    trainer, known, terms, gain, association = private_losses()
    gain = gain.clone()
    gain[:, :5] = 0.0
    assert gradient_of_prices(trainer, known, terms, gain, association).isfinite().all()


def test_private_profit_is_that_of_the_game():
    trainer, known, terms, gain, association = private_losses(3)
    loss = float(trainer._other_losses(known, terms, gain, association)["pricing_loss"])
    offer = trainer.agents.operator.offer(trainer.agents.pricing_layers, known, gain, association)
    rate = pair_rate(terms, gain, connected(association, 2))
    total = 0.0
    for b, n in itertools.product(range(SMALL.batch), range(4)):
        m = int(association[0, b, n])

        def value(name, n=n, m=m, b=b):
            return float(getattr(terms, name).expand(gain.shape)[0, b, n, m])

        delay = value("delay_cost") * (1.0 / float(rate[0, b, n, m]) + value("compute_time"))
        price, steep = float(offer.price[0, b, n]), value("steepness")
        wish = np.log(value("accuracy_value") * steep / (delay + price)) / steep
        total += (price - value("energy_cost")) * min(max(wish, 0.0), value("raw_data"))
    assert -loss == pytest.approx(total / SMALL.batch, rel=1e-9)
    formula = Operator(FORMULA, None, trainer.agents.operator.highest_price, 1e-3, 1.0)
    plain = formula.offer(None, known, gain, association).price
    assert torch.equal(offer.price == 0.0, plain == 0.0), "what cannot be kept at any price is not sold dearer"
    ratio = (offer.price / plain)[plain > 0.0]
    assert ((ratio > 0.36) & (ratio < 2.72)).all()
    assert (ratio - 1.0).abs().max() > 1e-3
