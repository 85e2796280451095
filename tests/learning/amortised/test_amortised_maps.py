"""mAPs who know how long a MB takes answer as the game's best replies do, and go where they are told to."""

import pytest
import torch

from twinoffload import Scenario, best_response, solve
from twinoffload.equilibrium.outcome import chosen
from twinoffload.game.pairs import pair_rate
from twinoffload.game.payoff import unit_delay
from twinoffload.learning.amortised import maps as module
from twinoffload.learning.amortised.maps import Maps
from twinoffload.learning.amortised.memory import Known
from twinoffload.learning.amortised.operator import Operator
from twinoffload.learning.amortised.pair_network import PairNetwork
from twinoffload.learning.networks import Mlp
from twinoffload.network.link import connected
from twinoffload.seeding import stream

LAYOUT = Mlp((module.FEATURES, 8, 1))


class Knowing(Maps):
    """mAPs whose network is the truth, handed to them in place of weights."""

    def log_time(self, layers, terms, gain, price):
        return torch.as_tensor(layers)


def solved(name: str, idle_interferes: bool):
    """A scenario, gain `[1, B, N, M]`, the association of `posted` and the time of a MB at each BS."""
    scenario = Scenario.load(name).replace(idle_interferes=idle_interferes)
    gain = scenario.sample_gain(300, seed=2)
    association = solve(scenario.market(), gain, concept="posted").association
    terms = scenario.market().terms(4, 2)
    rate = pair_rate(terms, gain, connected(association, 2))
    return scenario, terms, gain[None], association[None], rate[None], unit_delay(terms, rate)[None]


@pytest.mark.parametrize("name", ["paper", "open"])
@pytest.mark.parametrize("idle_interferes", [True, False])
def test_maps_who_know_their_delay_do_as_recommended_and_reply_at_their_best(name, idle_interferes):
    scenario, terms, gain, association, rate, time = solved(name, idle_interferes)
    highest = scenario.highest_price
    operator = Operator(PairNetwork(8, 4, 8, 1), None, highest, 2e-3 * highest, 1.0)
    price = operator.price(None, Known(terms), gain, association)
    told = chosen(time, association).log()
    where, data = Knowing(LAYOUT, highest, operator.step).offload(told, terms, gain, price)
    reply = best_response(scenario.market(), rate, price)
    sent = data > 0.0
    assert sent.float().mean() > 0.5
    assert torch.equal(where[sent], association[sent])
    on = association >= 0
    expected = torch.where(on, reply.data.gather(-1, association.clamp(min=0)[..., None])[..., 0], 0.0)
    torch.testing.assert_close(data, expected, rtol=0, atol=1e-9)
    utility = reply.utility.gather(-1, where.clamp(min=0)[..., None])[..., 0]
    assert (reply.utility.amax(-1).clamp(min=0.0) - torch.where(where < 0, 0.0, utility)).max() < 1e-9
    if not idle_interferes:
        assert torch.equal(where, association)


@pytest.mark.parametrize("idle_interferes", [True, False])
def test_where_nothing_pays_they_wait_at_the_lowest_price(idle_interferes):
    scenario, terms, gain, *_ = solved("paper", idle_interferes)
    price = 0.5 + 0.5 * torch.rand(gain.shape, dtype=torch.float64, generator=stream(0, "some prices"))
    never = torch.full(gain.shape[:-1], 50.0)
    where, data = Knowing(LAYOUT, scenario.highest_price, 2e-3).offload(never, terms, gain, price)
    assert (data == 0.0).all()
    assert torch.equal(where, price.argmin(-1) if idle_interferes else torch.full_like(where, -1))


@pytest.mark.parametrize("idle_interferes", [True, False])
def test_who_is_offered_nothing_below_the_highest_price_sends_nothing(idle_interferes):
    scenario, terms, gain, *_ = solved("open", idle_interferes)
    highest = scenario.highest_price
    price = 0.1 * torch.rand(gain.shape, dtype=torch.float64, generator=stream(0, "some prices"))
    price[:, ::2, 1] = 0.2
    at_once = torch.full(gain.shape[:-1], -10.0)
    maps = Knowing(LAYOUT, 0.5 * highest, 2e-3)  # everything sells at half the largest worth of a MB
    _, data = maps.offload(at_once, terms, gain, price)
    assert (data > 0.0).all()
    price[:, ::2, 1] = maps.highest_price
    where, data = maps.offload(at_once, terms, gain, price)
    refused = torch.zeros_like(data, dtype=torch.bool)
    refused[:, ::2, 1] = True
    assert torch.equal(data == 0.0, refused)
    assert torch.equal(where < 0, refused & (not idle_interferes))


def test_an_answer_rests_on_the_own_row_alone():
    scenario, terms, gain, *_ = solved("paper", True)
    maps = Maps(LAYOUT, scenario.highest_price, 2e-3)
    layers = LAYOUT.split(LAYOUT.initialise(1, [stream(1, "replies")]))
    price = torch.rand(gain.shape, dtype=torch.float64, generator=stream(0, "some prices"))
    _, data = maps.offload(layers, terms, gain, price)
    gain, price = gain.clone(), price.clone()
    gain[..., 1:, :] *= 3.0
    price[..., 1:, :] /= 2.0
    _, again = maps.offload(layers, terms, gain, price)
    torch.testing.assert_close(again[..., 0], data[..., 0], rtol=0, atol=1e-5)
    assert not torch.allclose(again[..., 1:], data[..., 1:], atol=1e-3)
