"""The operator's decision: a BS for each mAP from the network, a price from the closed form or a second network."""

import math
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from twinoffload.equilibrium.outcome import chosen
from twinoffload.equilibrium.posted import outside_utility, price_keeping
from twinoffload.game.pairs import pair_rate
from twinoffload.game.payoff import map_utility, profit, unit_delay, unit_delay_cost
from twinoffload.game.price_code import encode
from twinoffload.game.response import best_data
from twinoffload.game.terms import Terms
from twinoffload.learning import networks
from twinoffload.learning.amortised.memory import Known
from twinoffload.learning.amortised.offers import Offer, at_choice, exactly
from twinoffload.learning.amortised.pair_network import Layers, PairNetwork
from twinoffload.learning.networks import Mlp
from twinoffload.network import link
from twinoffload.units import BITS_PER_BYTE

FEATURES = 8
PROSPECTS = 4
_HASH = (12.9898, 78.233, 43758.5453)
PRICE_FEATURES = 7


@dataclass(frozen=True)
class Operator:
    """Layout of the operator's networks; weights are given at each call, `[S, P]`, batch axes are `[S, B]`.

    Attributes:
        network: recommends.
        pricing: corrects the closed-form price where the mAPs' worth is private; None: nothing is private.
        highest_price: end of the price range, money/MB.
        step: depth of the code in the prices, money/MB.
        regret_weight: money it forgoes to spare the mAPs regret of one.
        by_gain: whether BSs count in the network's pools by the power they receive, or evenly.
    """

    network: PairNetwork
    pricing: Mlp | None
    highest_price: float
    step: float
    regret_weight: float
    by_gain: bool = False

    def scores(self, layers: Layers, terms: Terms, gain: Tensor) -> Tensor:
        """Ln probabilities of the recommendations, float32 `[S, B, N, M (+ 1)]`; `terms` as far as they are public."""
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
        see = partial(prospects, terms.map(Tensor.float), received.float())
        if self.by_gain:
            near = (received / received.sum(-1, keepdim=True).clamp(min=1e-300)).float()
        else:
            near = torch.full_like(features[..., 0], 1.0 / gain.shape[-1])
        return self.network(layers, features, near, see, may_be_off=not terms.idle_interferes)

    def price(self, layers: networks.Layers | None, known: Known, gain: Tensor, association: Tensor) -> Tensor:
        """Posted prices in money/MB, `[S, B, N, M]`: what is not recommended stands at the end of the range."""
        offer = self.offer(layers, known, gain, association)
        coded = encode(offer.price, unit_delay(offer.terms, offer.rate), self.step)
        return torch.where(offer.on, coded.unsqueeze(-1), exactly(self.highest_price, gain))

    def payoff(
        self, layers: networks.Layers | None, known: Known, terms: Terms, gain: Tensor, association: Tensor
    ) -> Tensor:
        """What the operator maximises: its utility less `regret_weight` times what the mAPs regret, `[...]`.

        Args:
            layers: of `pricing`.
            known: by what it prices.
            terms: the parameters that decide what mAPs answer; they know how long their data take.
            gain: `[..., N, M]`.
            association: the recommendations, `[..., N]`; -1: off.
        """
        offer = self.offer(layers, known, gain, association)
        outside = offer.outside
        if self.pricing is not None:  # the operator may believe otherwise of the mAPs' worth
            limit = exactly(self.highest_price, gain)
            outside = outside_utility(terms, unit_delay_cost(terms, offer.pair_rate), offer.on, limit)
        own = at_choice(terms, offer.association)
        cost = unit_delay_cost(own, offer.rate)
        data = best_data(own, cost, offer.price)
        here, earned = map_utility(own, cost, offer.price, data), profit(own, offer.price, data)
        is_on = offer.association >= 0
        regret = torch.where(is_on, (outside - here).clamp(min=0.0), outside).sum(-1)
        return torch.where(is_on, earned, 0.0).sum(-1) - self.regret_weight * regret

    def offer(self, layers: networks.Layers | None, known: Known, gain: Tensor, association: Tensor) -> Offer:
        """What a MB is to cost each mAP where it is recommended to go, before the code.

        Where idle mAPs are silent, those who would send nothing disturb nobody: the offer is made again without them.
        Less disturbed, all others still send something.
        """
        offer = self._offer(layers, known, gain, association)
        if known.terms.idle_interferes:
            return offer
        data = best_data(offer.terms, unit_delay_cost(offer.terms, offer.rate), offer.price)
        return self._offer(layers, known, gain, torch.where(data > 0.0, association, -1))

    def _offer(self, layers: networks.Layers | None, known: Known, gain: Tensor, association: Tensor) -> Offer:
        """The same if everybody recommended disturbs the others."""
        on, terms = link.connected(association, gain.shape[-1]), known.terms
        rate = pair_rate(terms, gain, on)
        limit = exactly(self.highest_price, gain)
        outside = outside_utility(terms, unit_delay_cost(terms, rate), on, limit)
        own, chosen_rate = at_choice(terms, association), chosen(rate, association)
        cost = unit_delay_cost(own, chosen_rate)
        price = price_keeping(own, cost, outside, limit)
        if self.pricing is not None and layers is not None and known.doubt is not None:
            factor = self._factor(layers, own, known.doubt, chosen_rate, cost, price)
            price = (price * factor).clamp(max=self.highest_price)
        return Offer(association, on, own, rate, chosen_rate, outside, price)

    def _factor(
        self, layers: networks.Layers, terms: Terms, doubt: Tensor, rate: Tensor, cost: Tensor, price: Tensor
    ) -> Tensor:
        """By what the price for mAPs of the worth believed in is multiplied, between 1/e and e, `[S, B, N]`."""
        assert self.pricing is not None
        value = terms.first_value
        parts = (
            torch.log10(unit_delay(terms, rate).clamp(max=1e3)),
            (cost / value).clamp(max=2.0),
            terms.energy_cost / value * 4.0,
            value / 10.0,
            price / value,
            *doubt.unbind(-1),
        )
        features = torch.stack([part.expand_as(rate).float() for part in parts], dim=-1)
        answers = networks.forward(layers, features.flatten(1, -2))[-1].unflatten(1, rate.shape[1:])
        return torch.exp(torch.tanh(answers[..., 0].double()))


def prospects(terms: Terms, received: Tensor, here: Tensor) -> Tensor:
    """What it would come to if each mAP were at each BS with probability `here`, float32 `[S, B, N, M, PROSPECTS]`.

    The probability; the SINR at the expected interference; what the pair has then to share, as a share of the first
    MB's worth, max(0, (K - e - D) / K); and what the mAP's signal would take of that from the others there, to first
    order.

    Args:
        terms: the parameters, float32.
        received: power at the BS over its noise, `[S, B, N, M]`.
        here: probabilities, `[S, B, N, M]`.
    """
    present = here * received
    floor = 1.0 + (present.sum(-2, keepdim=True) - present).clamp(min=0.0)
    rate = link.rate(received, floor, torch.zeros_like(floor), terms.bandwidth).clamp(min=1e-9)
    fixed = terms.energy_cost + terms.delay_cost * terms.compute_time
    worth = ((terms.first_value - fixed - terms.delay_cost / rate) / terms.first_value).clamp(min=0.0)
    slope = _rate_slope(terms, received, floor) * terms.delay_cost / (terms.first_value * rate.square())
    hurt = here * torch.where(worth > 0.0, slope, 0.0)
    harm = received * (hurt.sum(-2, keepdim=True) - hurt).clamp(min=0.0)
    return torch.stack([here, torch.log10(received / floor + 1e-6) / 2.0, worth, torch.log10(harm + 1e-3)], dim=-1)


def _rate_slope(terms: Terms, received: Tensor, floor: Tensor) -> Tensor:
    """How fast the rate falls with what disturbs it, -dR/dI in MB/s for each noise power."""
    return terms.bandwidth / (BITS_PER_BYTE * math.log(2.0)) * received / (floor * (floor + received))


def recommended(scores: Tensor, stations: int) -> Tensor:
    """The likeliest BS of each mAP, int64 `[S, B, N]`; -1: off."""
    best = scores.argmax(-1)
    return torch.where(best < stations, best, -1)


def proposed(scores: Tensor, gain: Tensor, count: int, temperature: float = 1.0) -> Tensor:
    """The likeliest association and others drawn by its probabilities, int64 `[S, B, count, N]`; -1: off.

    Their randomness comes from the digits of the gains themselves (Gumbel noise of a hash of each pair's gain): the
    same slot always gets the same proposals, whatever the numbering of mAPs and BSs.
    """
    stations = gain.shape[-1]
    number = torch.arange(1, count, device=gain.device, dtype=gain.dtype).view(-1, 1, 1)
    seed = torch.log(gain.clamp(min=1e-300))
    if scores.shape[-1] > stations:
        seed = torch.cat([seed, seed.sum(-1, keepdim=True)], dim=-1)
    stretch, turn, spread = (exactly(x, gain) for x in _HASH)
    hashed = torch.frac(torch.sin(seed.unsqueeze(-3) * stretch + number * turn).abs() * spread)
    noise = -torch.log(-torch.log(hashed.clamp(1e-12, 1.0 - 1e-12)))
    likely = scores.double().unsqueeze(-3)
    best = torch.cat([likely, likely / temperature + noise], dim=-3).argmax(-1)
    return torch.where(best < stations, best, -1)


def drawn(scores: Tensor, stations: int, uniform: Tensor) -> Tensor:
    """A BS for each mAP by its probabilities, int64 `[S, B, N]` (-1: off); `uniform` in [0, 1), `[S, B, N]`."""
    choice = (scores.exp().cumsum(-1) <= uniform.unsqueeze(-1)).sum(-1).clamp(max=scores.shape[-1] - 1)
    return torch.where(choice < stations, choice, -1)
