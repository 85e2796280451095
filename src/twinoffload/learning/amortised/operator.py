"""The operator's decision: a BS for each mAP from the network, a price from the closed form or a second network."""

from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from twinoffload.equilibrium.posted import price_for
from twinoffload.game.pairs import pair_rate
from twinoffload.game.payoff import unit_delay, unit_delay_cost
from twinoffload.game.price_code import encode
from twinoffload.game.terms import Terms
from twinoffload.learning import networks
from twinoffload.learning.amortised.pair_network import Layers, PairNetwork
from twinoffload.learning.networks import Mlp
from twinoffload.network import link

FEATURES = 8
PRICE_FEATURES = 5


@dataclass(frozen=True)
class Operator:
    """Layout of the operator's networks; weights are given at each call, `[S, P]`, batch axes are `[S, B]`.

    Attributes:
        network: recommends.
        pricing: corrects the closed-form price where the mAPs' worth is private; None: nothing is private.
        highest_price: end of the price range, money/MB.
        step: depth of the code in the prices, money/MB.
    """

    network: PairNetwork
    pricing: Mlp | None
    highest_price: float
    step: float

    def scores(self, layers: Layers, terms: Terms, gain: Tensor) -> Tensor:
        """ln probabilities of the recommendations, float32 `[S, B, N, M (+ 1)]`; `terms` as far as they are public."""
        received = terms.power * gain / terms.noise
        strength = torch.log10(received + 1e-9)
        value = terms.first_value
        fixed = terms.energy_cost + terms.delay_cost * terms.compute_time
        parts = (
            strength - 3.5,
            strength - strength.amax(-1, keepdim=True),
            strength - strength.amax(-2, keepdim=True),
            value / 10.0,
            fixed / value * 4.0,
            torch.log10(terms.bandwidth / 5.0),
            terms.steepness * terms.raw_data / 4.0,
            terms.delay_cost / value * 8.0,
        )
        features = torch.stack([part.expand_as(gain).float() for part in parts], dim=-1)
        worth = partial(share_of_value, terms)
        return self.network(layers, features, received.float(), worth, may_be_off=not terms.idle_interferes)

    def price(self, layers: networks.Layers | None, terms: Terms, gain: Tensor, association: Tensor) -> Tensor:
        """Posted prices in money/MB, `[S, B, N, M]`: what is not recommended stands at the end of the range."""
        on = link.connected(association, gain.shape[-1])
        rate = pair_rate(terms, gain, on)
        own = self.own_price(layers, terms, rate, on)
        return torch.where(on, encode(own, unit_delay(terms, rate), self.step), self.highest_price)

    def own_price(self, layers: networks.Layers | None, terms: Terms, rate: Tensor, on: Tensor) -> Tensor:
        """What a MB is to cost on each pair before the code, were it the recommended one, `[S, B, N, M]`."""
        price = price_for(terms, unit_delay_cost(terms, rate), on, self.highest_price)
        if self.pricing is None or layers is None:
            return price
        cost = unit_delay_cost(terms, rate)
        value = terms.first_value
        parts = (
            torch.log10(unit_delay(terms, rate).clamp(max=1e3)),
            (cost / value).clamp(max=2.0),
            terms.energy_cost / value * 4.0,
            value / 10.0,
            price / value,
        )
        features = torch.stack([part.expand_as(rate).float() for part in parts], dim=-1)
        factor = networks.forward(layers, features.flatten(1, -2))[-1].unflatten(1, rate.shape[1:])[..., 0]
        return (price * torch.exp(torch.tanh(factor.double()))).clamp(max=self.highest_price)


def share_of_value(terms: Terms, sinr: Tensor) -> Tensor:
    """What a pair has to share at a SINR of the first MB's worth, max(0, (K - e - D) / K), float32."""
    rate = link.rate(sinr, torch.zeros_like(sinr), torch.ones_like(sinr), terms.bandwidth.float()).clamp(min=1e-9)
    value = terms.first_value.float()
    fixed = terms.energy_cost + terms.delay_cost * terms.compute_time
    return ((value - fixed.float() - terms.delay_cost.float() / rate) / value).clamp(min=0.0)


def recommended(scores: Tensor, stations: int) -> Tensor:
    """The likeliest BS of each mAP, int64 `[S, B, N]`; -1: off."""
    best = scores.argmax(-1)
    return torch.where(best < stations, best, -1)


def drawn(scores: Tensor, stations: int, uniform: Tensor) -> Tensor:
    """A BS for each mAP by its probabilities, int64 `[S, B, N]` (-1: off), from numbers uniform in [0, 1), `[S, B, N]`."""
    choice = (scores.exp().cumsum(-1) <= uniform.unsqueeze(-1)).sum(-1).clamp(max=scores.shape[-1] - 1)
    return torch.where(choice < stations, choice, -1)
