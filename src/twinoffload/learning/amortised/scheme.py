"""The amortised policies at play: what an operator and its mAPs take into use."""

import copy
from collections.abc import Sequence

import torch
from torch import Tensor

from twinoffload.env.slots import Slots
from twinoffload.env.view import View
from twinoffload.equilibrium.outcome import chosen
from twinoffload.game.pairs import pair_rate
from twinoffload.learning import networks
from twinoffload.learning.amortised import maps, operator
from twinoffload.learning.amortised.maps import Maps
from twinoffload.learning.amortised.memory import Beliefs, Known, full_doubt
from twinoffload.learning.amortised.offers import at_choice
from twinoffload.learning.amortised.operator import Operator
from twinoffload.learning.amortised.pair_network import Layers, PairNetwork
from twinoffload.learning.amortised.settings import AmortisedSettings
from twinoffload.learning.networks import Mlp
from twinoffload.learning.streams import Generators
from twinoffload.network.link import connected
from twinoffload.scenario import Scenario

PRICING_WIDTH = 32
QUICK = "amortised, one proposal"
TIE = 1e-9  # relative difference up to which payoffs are equal


class Amortised:
    """Policies of all rows; they play networks of any size as a scheme, one row of the batch `[S, E, N, M]` each.

    Attributes:
        weights: of each network, float32 `[S, P]`: "recommend", "maps", and "pricing" where mAPs' worth is private.
    """

    name = "amortised"
    observation = "paper"

    def __init__(self, scenario: Scenario, settings: AmortisedSettings, seeds: Sequence[int], generators: Generators):
        self.scenario, self.settings, self.seeds = scenario, settings, list(seeds)
        step = settings.price_step * scenario.highest_price
        pricing = Mlp((operator.PRICE_FEATURES, PRICING_WIDTH, PRICING_WIDTH, 1)) if scenario.is_private else None
        network = PairNetwork(operator.FEATURES, operator.PROSPECTS, settings.width, settings.rounds)
        self.operator = Operator(
            network, pricing, scenario.highest_price, step, settings.regret_weight, settings.by_gain
        )
        replies = Mlp((maps.FEATURES, settings.reply_width, settings.reply_width, 1))
        self.maps = Maps(replies, scenario.highest_price, step)
        self.beliefs: Beliefs | None = None
        self.remembers = True
        rows = len(self.seeds)
        self.weights = {"recommend": network.initialise(rows, generators), "maps": replies.initialise(rows, generators)}
        if pricing is not None:
            self.weights["pricing"] = pricing.initialise(rows, generators)

    @property
    def recommend_layers(self) -> Layers:
        """Weights of the network that recommends BSs."""
        return self.operator.network.split(self.weights["recommend"])

    @property
    def maps_layers(self) -> networks.Layers:
        """Weights of the mAPs' network."""
        return self.maps.network.split(self.weights["maps"])

    @property
    def pricing_layers(self) -> networks.Layers | None:
        """Weights of the network that corrects prices; None where the closed form needs no correction."""
        return None if self.operator.pricing is None else self.operator.pricing.split(self.weights["pricing"])

    def alone(self, row: int) -> "Amortised":
        """The policies of one row; they share its weights and only play."""
        single = self._with({name: weights[row : row + 1] for name, weights in self.weights.items()})
        single.seeds = [self.seeds[row]]
        return single

    def forgetful(self) -> "Amortised":
        """The same policies without memory: private values are as the public parameters say, and in full doubt."""
        other = copy.copy(self)
        other.remembers, other.beliefs = False, None
        return other

    def quick(self) -> "Amortised":
        """The same policies with the likeliest association as the only proposal."""
        quick = copy.copy(self)
        quick.name, quick.settings = QUICK, self.settings.replace(proposals=1)
        return quick

    def begin(self, slots: Slots) -> None:
        """Episodes start: what was learned of private values is forgotten."""
        self.beliefs = self._prior(slots) if self.remembers else None

    def known(self, slots: View) -> Known:
        """What the operator decides by in a slot."""
        if not self.remembers and self.scenario.is_private:
            return Known(slots.public_terms, full_doubt(self.scenario, slots.gain))
        beliefs = self._prior(slots) if self.beliefs is None else self.beliefs
        return Known(slots.public_terms) if beliefs is None else beliefs.known(slots.public_terms)

    @torch.no_grad()
    def price(self, slots: View) -> Tensor:
        """Posted prices in money/MB, `[S, E, N, M]`."""
        here, known = self._on(slots.gain.device), self.known(slots)
        return here.operator.price(here.pricing_layers, known, slots.gain, here.recommend(known, slots.gain))

    @torch.no_grad()
    def recommend(self, known: Known, gain: Tensor) -> Tensor:
        """The BS that is recommended to each mAP, int64 `[S, E, N]`; -1: off."""
        scores = self.operator.scores(self.recommend_layers, known.terms, gain)
        count = self.settings.proposals
        if count == 1:
            return operator.recommended(scores, gain.shape[-1])
        proposals = operator.proposed(scores, gain, count, self.settings.proposal_temperature)
        each = known.insert_axis()
        payoff = self.operator.payoff(self.pricing_layers, each, each.terms, gain.unsqueeze(-3), proposals)
        highest = payoff.amax(-1, keepdim=True)
        good = payoff >= highest - TIE * (1.0 + highest.abs())  # the first of equals, however they are rounded
        best = torch.where(good, torch.arange(count, device=gain.device), count).amin(-1)
        best = best[..., None, None].expand(*gain.shape[:-2], 1, gain.shape[-2])
        return proposals.gather(-2, best).squeeze(-2)

    @torch.no_grad()
    def offload(self, slots: View, price: Tensor) -> tuple[Tensor, Tensor]:
        """Association and data in MB, `[S, E, N]` each."""
        layers = self._on(slots.gain.device).maps_layers
        association, data = self.maps.offload(layers, slots.terms, slots.gain, price)
        if self.beliefs is not None:
            public = slots.public_terms
            rate = pair_rate(public, slots.gain, connected(association, slots.gain.shape[-1]))
            paid, own = chosen(price, association), at_choice(public, association)
            self.beliefs = self.beliefs.seen(own, chosen(rate, association), paid, data)
        return association, data

    def _prior(self, slots: View) -> Beliefs | None:
        if not self.scenario.is_private:
            return None
        return Beliefs.prior(self.scenario, slots.public_terms, slots.gain.shape[:-1])

    def _on(self, device: torch.device) -> "Amortised":
        """The same where slots are played, if they were trained elsewhere."""
        return self._with({name: weights.to(device) for name, weights in self.weights.items()})

    def _with(self, weights: dict[str, Tensor]) -> "Amortised":
        """The same layout with other weights."""
        other = copy.copy(self)
        other.weights = weights
        return other
