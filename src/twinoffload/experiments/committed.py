"""`committed`: an operator whose prices follow a known rule, so that a price tells the mAP its delay.

Every offer but the recommended one stands at the end of the price range. The recommended price is lowered so that it
tells the completion time of one MB (`game.price_code`). The mAP reads it and answers in closed form: it needs to see
neither the others nor any interference. A price that tells an endless time says: stay here and send nothing.
"""

import torch
from torch import Tensor

from twinoffload.env.slots import Slots
from twinoffload.equilibrium.dispatch import solve_flat
from twinoffload.equilibrium.outcome import chosen
from twinoffload.game.pairs import pair_rate
from twinoffload.game.payoff import unit_delay
from twinoffload.game.price_code import decode, encode
from twinoffload.game.response import best_data
from twinoffload.network.link import connected


class Committed:
    """The operator solves `posted` in every slot and codes it into prices; mAPs decode their own prices alone."""

    name = "committed"
    observation = "paper"

    def __init__(self, depth: float = 1e-3):
        """`depth`: the step as a share of the price range."""
        self.depth = depth

    def begin(self, slots: Slots) -> None:
        """Slots are independent."""

    def recommend(self, slots: Slots) -> tuple[Tensor, Tensor]:
        """BS of each mAP (-1: none) `[..., N]`, and prices there before they are coded `[..., N, M]`; inf: no sale."""
        gain, terms = slots.gain, slots.public_terms
        batch = gain.shape[:-2]
        outcome = solve_flat("posted", terms.flatten(batch), gain.reshape(-1, *gain.shape[-2:])).reshape(batch)
        return outcome.association, outcome.price

    def price(self, slots: Slots) -> Tensor:
        """Coded prices in money/MB, `[..., N, M]`."""
        association, price = self.recommend(slots)
        terms, on = slots.public_terms, connected(association, slots.gain.shape[-1])
        highest = slots.episodes.scenario.highest_price
        step = self.depth * highest
        sold = torch.isfinite(price)
        time = torch.where(sold, unit_delay(terms, pair_rate(terms, slots.gain, on)), torch.inf)
        return torch.where(on, encode(torch.where(sold, price, highest - step), time, step), highest)

    def offload(self, slots: Slots, price: Tensor) -> tuple[Tensor, Tensor]:
        """The BS recommended and the best response to the delay that its price tells; nothing told, nothing sent."""
        terms = slots.terms
        highest = slots.episodes.scenario.highest_price
        told = price < highest
        time = torch.where(told, decode(price, self.depth * highest), torch.inf)
        delay_cost = torch.where(torch.isinf(time), torch.inf, terms.delay_cost * time)
        association = price.argmin(-1)
        data = chosen(best_data(terms, delay_cost, price), association)
        if not terms.idle_interferes:
            association = torch.where(data > 0.0, association, -1)
        return association, data
