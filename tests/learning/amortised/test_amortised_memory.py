"""What an operator learns of private values: exact from exact replies, least squares otherwise, nothing from ends."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch

from twinoffload import Scenario
from twinoffload.env.episodes import draw_episodes
from twinoffload.env.slots import Slots
from twinoffload.equilibrium.outcome import chosen
from twinoffload.game.pairs import pair_rate
from twinoffload.game.payoff import unit_delay_cost
from twinoffload.game.price_code import decode
from twinoffload.game.response import best_data
from twinoffload.game.terms import Terms
from twinoffload.learning.amortised.maps import LONGEST_S, Maps
from twinoffload.learning.amortised.memory import NOISE, VALUES, Beliefs
from twinoffload.learning.amortised.offers import at_choice
from twinoffload.learning.amortised.scheme import Amortised
from twinoffload.learning.amortised.settings import AmortisedSettings
from twinoffload.network.link import connected
from twinoffload.seeding import stream

PRIVATE = Scenario.load("private")
SMALL = AmortisedSettings(width=8, rounds=2, reply_width=8)


class Replies:
    """mAPs of private worth at their nearest BSs, and what they send at any price."""

    def __init__(self, scenario: Scenario = PRIVATE, slots: int = 6, count: int = 50):
        episodes = draw_episodes(scenario, count, [stream(0, "beliefs")], slots=slots)
        self.prior = Beliefs.prior(scenario, episodes.public_terms(0), episodes.gain.shape[1:-1])
        values = [getattr(episodes.parameters, name).expand(1, count, scenario.maps, 1) for name in VALUES]
        self.truth = torch.cat(values, dim=-1)
        generator = stream(1, "beliefs")
        self.each: list[tuple[Terms, torch.Tensor, torch.Tensor, torch.Tensor]] = []
        for slot, gain in enumerate(episodes.gain):
            association = gain.argmax(-1)
            rate = chosen(pair_rate(episodes.terms(slot), gain, connected(association, gain.shape[-1])), association)
            own = at_choice(episodes.terms(slot), association)
            price = (0.05 + 0.9 * torch.rand(rate.shape, dtype=torch.float64, generator=generator)) * (
                (own.first_value - unit_delay_cost(own, rate)).clamp(min=0.1)
            )
            data = best_data(own, unit_delay_cost(own, rate), price)
            public = at_choice(episodes.public_terms(slot), association)
            self.each.append((public, rate, price, data))

    def beliefs(self) -> list[Beliefs]:
        """The prior, and what is believed after each slot."""
        beliefs = [self.prior]
        for reply in self.each:
            beliefs.append(beliefs[-1].seen(*reply))
        return beliefs


def row(public: Terms, rate: torch.Tensor, data: torch.Tensor, at: tuple[int, int, int]) -> np.ndarray:
    """Coefficients of (gamma^A, gamma^D) in Eq. 15."""
    steep = float(public.steepness.expand(rate.shape)[at])
    delay = 1.0 / float(rate[at]) + float(public.compute_time.expand(rate.shape)[at])
    return np.array([steep * np.exp(-steep * float(data[at])), -delay])


def batch_least_squares(replies: Replies, at: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance of one mAP by all its replies at once: ridge regression about the prior."""
    prior, precision = replies.prior.mean[at].numpy(), np.linalg.inv(replies.prior.covariance[at].numpy())
    pulled = precision @ prior
    for public, rate, price, data in replies.each:
        if 0.0 < data[at] < float(public.raw_data.expand(rate.shape)[at]):
            x = row(public, rate, data, at)
            precision, pulled = precision + np.outer(x, x) / NOISE**2, pulled + x * float(price[at]) / NOISE**2
    return np.linalg.solve(precision, pulled), np.linalg.inv(precision)


def test_recursion_is_least_squares_of_all_replies_at_once():
    replies = Replies()
    last, informed = replies.beliefs()[-1], 0
    for at in np.ndindex(1, 50, PRIVATE.maps):
        mean, covariance = batch_least_squares(replies, at)
        assert last.mean[at].numpy() == pytest.approx(mean, rel=1e-6, abs=1e-6)
        assert last.covariance[at].numpy() == pytest.approx(covariance, rel=1e-5, abs=1e-8)
        informed += covariance[0, 0] < 0.5 * float(replies.prior.covariance[at][0, 0])
    assert informed > 100, "most mAPs replied"


def test_two_replies_in_different_circumstances_tell_both_values():
    replies = Replies(slots=2, count=500)
    told, told_well = replies.beliefs()[-1], 0
    for at in np.ndindex(1, 500, PRIVATE.maps):
        if all(
            0.0 < data[at] < float(public.raw_data.expand(rate.shape)[at]) for public, rate, _, data in replies.each
        ):
            rows = np.stack([row(public, rate, data, at) for public, rate, _, data in replies.each])
            off = np.abs(np.linalg.inv(rows)) @ np.full(2, NOISE)  # what the noise allows for
            if off[0] < 0.3 and off[1] < 0.1:
                told_well += 1
                assert (np.abs((told.mean[at] - replies.truth[at]).numpy()) < off).all()
    assert told_well > 20


def test_the_truth_is_never_far_by_what_is_doubted():
    """Exact replies: the error comes from the prior alone, and the covariance bounds it."""
    replies = Replies()
    for beliefs in replies.beliefs():
        error = (replies.truth - beliefs.mean).unsqueeze(-1)
        distance = (error.mT @ torch.linalg.solve(beliefs.covariance, error)).squeeze()
        assert (distance <= 6.0 + 1e-6).all(), "each value lies within sqrt(3) deviations of a uniform one's mean"


def test_no_data_or_all_of_it_tells_nothing():
    replies = Replies(slots=1)
    public, rate, price, data = replies.each[0]
    one = replies.prior.seen(public, rate, price, data)
    for silent in (torch.zeros_like(data), public.raw_data.expand(data.shape)):
        for beliefs in (replies.prior, one):
            again = beliefs.seen(public, rate, price, silent)
            assert torch.equal(again.mean, beliefs.mean)
            assert torch.equal(again.covariance, beliefs.covariance)


@pytest.mark.parametrize("rate", [0.0, 1e-300, 0.5 / LONGEST_S])
def test_a_reply_that_no_delay_explains_tells_nothing(rate):
    replies = Replies(slots=1)
    public, _, price, data = replies.each[0]
    again = replies.prior.seen(public, torch.full_like(data, rate), price, torch.full_like(data, 1.0))
    assert torch.equal(again.mean, replies.prior.mean)
    assert torch.equal(again.covariance, replies.prior.covariance)


@pytest.mark.parametrize(("fixed", "at"), [("accuracy_value", 0), ("delay_cost", 1)])
def test_what_is_fixed_stays_and_leaves_no_doubt(fixed, at):
    scenario = PRIVATE.replace(**{fixed: 9.0 if at == 0 else 0.8})
    replies = Replies(scenario)
    public = replies.each[0][0]
    for beliefs in replies.beliefs():
        assert (beliefs.mean[..., at] == replies.truth[..., at]).all()
        known = beliefs.known(public)
        assert torch.equal(getattr(known.terms, fixed)[..., 0], beliefs.mean[..., at])
        assert (known.doubt[..., at] == 0.0).all()
    other = 1 - at
    error = [(beliefs.mean - replies.truth)[..., other].abs().mean() for beliefs in replies.beliefs()]
    assert error[-1] < 0.2 * error[0]


def test_doubt_falls_from_one_and_beliefs_keep_to_their_range():
    replies = Replies()
    known = [beliefs.known(replies.each[0][0]) for beliefs in replies.beliefs()]
    torch.testing.assert_close(known[0].doubt, torch.ones_like(known[0].doubt))
    for before, after in pairwise(known):
        assert ((after.doubt >= 0.0) & (after.doubt <= before.doubt + 1e-9)).all()
    assert known[-1].doubt.mean() < 0.5
    wild = replace(replies.prior, mean=replies.prior.mean + torch.tensor([100.0, -100.0]))
    believed = wild.known(replies.each[0][0]).terms
    assert (believed.accuracy_value == PRIVATE.accuracy_value.uniform[1]).all()
    assert (believed.delay_cost == PRIVATE.delay_cost.uniform[0]).all()
    assert believed.accuracy_value.shape == believed.delay_cost.shape == (1, 50, PRIVATE.maps, 1)


class Told(Maps):
    """mAPs that read the time off the price without error."""

    def log_time(self, layers, terms, gain, price):
        return decode(price, self.step).log()


def policies() -> Amortised:
    """Untrained recommendations, prices in closed form, exact replies."""
    agents = Amortised(PRIVATE, SMALL, [0], [stream(0, "memory")])
    agents.operator = replace(agents.operator, pricing=None)
    agents.maps = Told(agents.maps.network, agents.maps.highest_price, agents.maps.step)
    return agents


def earned(agents: Amortised, slots: Slots, count: int, remember: bool) -> torch.Tensor:
    """By the operator in each slot, on average of the episodes, money."""
    agents.begin(slots)
    found = []
    for _ in range(count):
        if not remember:
            agents.begin(slots)
        price = agents.price(slots)
        found.append(slots.step(price, *agents.offload(slots, price))["operator_utility"].mean())
    return torch.stack(found)


def test_an_operator_that_remembers_earns_more():
    episodes = draw_episodes(PRIVATE, 100, [stream(0, "memory pays")], slots=9)
    with_memory, without = (earned(policies(), Slots(episodes), 8, remember) for remember in (True, False))
    assert with_memory[0] == without[0], "nothing is known at first"
    assert with_memory[2:].mean() > 1.05 * without[2:].mean()
    assert with_memory.sum() > without.sum()


def test_an_episode_begins_with_nothing_known():
    agents, slots = policies(), Slots(draw_episodes(PRIVATE, 5, [stream(0, "memory")], slots=3))
    unbegun = agents.known(slots)
    first = agents.price(slots)
    agents.begin(slots)
    assert torch.equal(agents.price(slots), first)
    agents.offload(slots, first)
    assert (agents.known(slots).doubt < unbegun.doubt - 0.1).any()
    assert not torch.equal(agents.price(slots), first)
    agents.begin(slots)
    assert torch.equal(agents.known(slots).doubt, unbegun.doubt)
    assert torch.equal(agents.price(slots), first)


def test_where_nothing_is_private_nothing_is_remembered():
    scenario = Scenario.load("open")
    agents, slots = (
        Amortised(scenario, SMALL, [0], [stream(0, "memory")]),
        Slots(draw_episodes(scenario, 5, [stream(0, "memory")], slots=3)),
    )
    agents.begin(slots)
    agents.offload(slots, agents.price(slots))
    assert agents.beliefs is None
    assert agents.known(slots).doubt is None


def test_what_is_not_private_is_believed_of_each_map_as_it_is():
    """gamma^A in a list over the mAPs beside a private gamma^D."""
    scenario = PRIVATE.replace(accuracy_value=[5.0, 15.0])
    prior = Replies(scenario).prior
    assert prior.mean[0, 0].tolist() == [[5.0, 1.0], [15.0, 1.0], [5.0, 1.0], [15.0, 1.0]]
    assert torch.equal(prior.low[..., 0], prior.mean[..., 0])
    assert torch.equal(prior.high[..., 0], prior.mean[..., 0])
    assert (prior.covariance[..., 0, :] == 0.0).all()
    assert (prior.covariance[..., 1, 1] > 0.0).all()


@pytest.mark.parametrize("known", [{}, {"delay_cost": 1.0}, {"accuracy_value": 10.0}])
def test_who_never_remembers_prices_as_in_a_first_slot(known):
    scenario = PRIVATE.replace(**known)
    agents = Amortised(scenario, SMALL, [0], [stream(0, "forgetful")])
    agents.weights["pricing"] += 0.3 * torch.randn(agents.weights["pricing"].shape, generator=stream(1, "forgetful"))
    slots = Slots(draw_episodes(scenario, 20, [stream(2, "forgetful")], slots=1))
    agents.begin(slots)
    assert torch.equal(agents.price(slots), agents.forgetful().price(slots))
