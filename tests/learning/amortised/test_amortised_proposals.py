"""Associations proposed beside the likeliest: the same for the same slot, and the best of them is posted."""

import pytest
import torch

from twinoffload import Scenario
from twinoffload.env.episodes import draw_episodes
from twinoffload.env.slots import Slots
from twinoffload.learning.amortised.memory import Known
from twinoffload.learning.amortised.operator import proposed, recommended
from twinoffload.learning.amortised.scheme import Amortised
from twinoffload.learning.amortised.settings import AmortisedSettings
from twinoffload.network.link import connected
from twinoffload.seeding import stream

SETTINGS = AmortisedSettings(width=8, rounds=2, reply_width=8)
COUNT = 16


def some(stations: int = 2, idle_interferes: bool = True, slots: int = 300) -> tuple[torch.Tensor, torch.Tensor]:
    """Ln probabilities `[1, B, N, M (+ 1)]` and gain `[1, B, N, M]`."""
    scenario = Scenario.load("paper").replace(maps=5, stations=stations)
    gain = scenario.sample_gain(slots, seed=4)[None]
    numbers = torch.randn((1, slots, 5, stations + (not idle_interferes)), generator=stream(0, "some scores"))
    return torch.log_softmax(2.0 * numbers, dim=-1), gain


def slots_and_policies(name: str = "open", **changes) -> tuple[Slots, Amortised]:
    """Slots whose BSs have a past, and untrained policies with decided opinions."""
    scenario = Scenario.load(name).replace(**changes)
    agents = Amortised(scenario, SETTINGS, [0, 1], [stream(seed, "proposals") for seed in (0, 1)])
    agents.weights["recommend"] *= 3.0
    return Slots(draw_episodes(scenario, 60, [stream(seed, "slots") for seed in (0, 1)], slots=2)), agents


def with_proposals(agents: Amortised, count: int) -> Amortised:
    agents.settings = agents.settings.replace(proposals=count)
    return agents


@pytest.mark.parametrize("idle_interferes", [True, False])
def test_the_same_slot_gets_the_same_proposals_the_likeliest_first(idle_interferes):
    scores, gain = some(idle_interferes=idle_interferes)
    found = proposed(scores, gain, COUNT, 2.0)
    assert found.shape == (1, 300, COUNT, 5)
    assert found.unique().tolist() == ([0, 1] if idle_interferes else [-1, 0, 1])
    assert torch.equal(found[..., 0, :], recommended(scores, 2))
    assert torch.equal(proposed(scores, gain, COUNT, 2.0), found)
    assert torch.equal(proposed(scores, gain, 5, 2.0), found[..., :5, :]), "more are more of the same"
    assert torch.equal(proposed(scores[:, 7:9], gain[:, 7:9], COUNT, 2.0), found[:, 7:9]), "whatever is beside it"
    assert not torch.equal(proposed(scores, gain * 1.001, COUNT, 2.0), found)


@pytest.mark.parametrize("idle_interferes", [True, False])
def test_renumbering_renumbers_proposals(idle_interferes):
    scores, gain = some(3, idle_interferes)
    found = proposed(scores, gain, COUNT, 2.0)
    order, stations = torch.tensor([3, 0, 4, 1, 2]), torch.tensor([2, 0, 1])
    columns = stations if idle_interferes else torch.tensor([2, 0, 1, 3])
    again = proposed(scores[..., order, :][..., columns], gain[..., order, :][..., stations], COUNT, 2.0)
    place = torch.cat([stations.argsort(), torch.tensor([-1])])
    assert (again == place[found[..., order]]).double().mean() > 0.9999  # sums of logarithms round by their order


@pytest.mark.parametrize("temperature", [1.0, 2.0])
@pytest.mark.parametrize("idle_interferes", [True, False])
def test_others_are_drawn_by_the_probabilities_each_for_itself(temperature, idle_interferes):
    scores, gain = some(2, idle_interferes, slots=4000)
    scores = scores[:, :1].expand_as(scores).contiguous()
    others = proposed(scores, gain, COUNT, temperature)[0, :, 1:]
    chances = torch.softmax(scores[0, 0] / temperature, dim=-1)
    for n in range(5):
        names = [0, 1] if idle_interferes else [0, 1, -1]
        found = torch.stack([(others[..., n] == name).float().mean() for name in names])
        torch.testing.assert_close(found, chances[n], rtol=0, atol=0.015)
    moved = (others == 0).double()
    both = torch.corrcoef(moved.flatten(0, 1).T)
    assert (both - both.diag().diag()).abs().max() < 0.03, "one mAP's choice tells nothing of another's"
    later = [torch.corrcoef(torch.stack([moved[:, 0, n], moved[:, 1, n]]))[0, 1] for n in range(5)]
    assert torch.stack(later).abs().max() < 0.06, "nor one proposal of the next"


@pytest.mark.parametrize("name", ["open", "private"])
@pytest.mark.parametrize("idle_interferes", [True, False])
def test_the_best_of_them_is_posted(name, idle_interferes):
    slots, agents = slots_and_policies(name, idle_interferes=idle_interferes)
    agents.begin(slots)
    known, gain = agents.known(slots), slots.gain
    scores = agents.operator.scores(agents.recommend_layers, known.terms, gain)
    each = proposed(scores, gain, COUNT, SETTINGS.proposal_temperature)

    def payoff(association: torch.Tensor) -> torch.Tensor:
        return agents.operator.payoff(agents.pricing_layers, known, known.terms, gain, association)

    payoffs = torch.stack([payoff(each[..., at, :]) for at in range(COUNT)], dim=-1)
    before = None
    for count in (1, 2, 5, COUNT):
        posted = with_proposals(agents, count).recommend(known, gain)
        assert (posted.unsqueeze(-2) == each[..., :count, :]).all(-1).any(-1).all()
        torch.testing.assert_close(payoff(posted), payoffs[..., :count].amax(-1), rtol=0, atol=1e-9)
        assert before is None or (payoff(posted) >= before - 1e-9).all(), "more never lower it"
        before = payoff(posted)
        price = agents.price(slots)
        expected = agents.operator.price(agents.pricing_layers, known, gain, posted)
        assert torch.equal(price, expected)
        on = connected(posted, gain.shape[-1])
        assert (price[~on] == agents.operator.highest_price).all()
    assert before is not None
    assert (before > payoffs[..., 0] + 1e-6).any(), "looking further pays"


def test_one_proposal_is_the_forward_pass():
    slots, agents = slots_and_policies()
    known = agents.known(slots)
    scores = agents.operator.scores(agents.recommend_layers, known.terms, slots.gain)
    assert torch.equal(agents.quick().recommend(known, slots.gain), recommended(scores, 2))
    assert agents.settings.proposals == SETTINGS.proposals, "the others are as before"
    assert torch.equal(agents.quick().price(slots), with_proposals(agents, 1).price(slots))


def test_a_decision_does_not_rest_on_what_else_is_decided():
    slots, agents = slots_and_policies("paper")
    known = agents.known(slots)
    whole = agents.recommend(known, slots.gain)

    def only(*where: slice) -> tuple[Known, torch.Tensor]:
        return Known(known.terms.map(lambda tensor: tensor[where] if tensor.ndim == 4 else tensor)), slots.gain[where]

    assert torch.equal(agents.recommend(*only(slice(None), slice(10, 13))), whole[:, 10:13])
    assert torch.equal(agents.alone(1).recommend(*only(slice(1, 2))), whole[1:])
