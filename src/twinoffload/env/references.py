"""Schemes that need no learning: the reference rows of every table, and whom one agent alone plays against."""

import torch
from torch import Tensor

from twinoffload.env.slots import Slots
from twinoffload.equilibrium.dispatch import Concept, solve_flat, strongest_station
from twinoffload.equilibrium.outcome import chosen
from twinoffload.equilibrium.pairwise import followers
from twinoffload.game.payoff import map_utility, unit_delay_cost
from twinoffload.game.response import best_data
from twinoffload.network import link
from twinoffload.seeding import stream


class Equilibrium:
    """A solution concept, solved anew in every slot by somebody who knows everything."""

    observation = "full"

    def __init__(self, concept: Concept):
        self.name = concept

    def begin(self, slots: Slots) -> None:
        """Slots are independent."""

    def price(self, slots: Slots) -> Tensor:
        """The concept's prices, `[..., N, M]`; inf: not offered."""
        outcome = _flat(slots, lambda terms, gain: solve_flat(self.name, terms, gain))
        self._reply = outcome.association, torch.nan_to_num(outcome.data)
        return torch.nan_to_num(outcome.price, nan=torch.inf, posinf=torch.inf)  # infeasible: nothing is offered

    def offload(self, slots: Slots, price: Tensor) -> tuple[Tensor, Tensor]:
        """The concept's association and data."""
        return self._reply


class BestReplying:
    """mAPs that know everything and best respond in turn until nobody moves."""

    name = "best-replying"
    observation = "full"

    def begin(self, slots: Slots) -> None:
        """Slots are independent."""

    def offload(self, slots: Slots, price: Tensor) -> tuple[Tensor, Tensor]:
        """Where best responses from each mAP's strongest BS end."""
        batch = slots.gain.shape[:-2]
        flat_price = price.expand_as(slots.gain).flatten(0, len(batch) - 1)
        outcome = _flat(
            slots,
            lambda terms, gain: followers(
                terms, gain, flat_price, strongest_station(gain), list(range(gain.shape[-2]))
            ),
        )
        return outcome.association, outcome.data


class Constant(BestReplying):
    """One price for each BS, blind to the state; mAPs best reply."""

    name = "constant"

    def __init__(self, price: Tensor):
        self._price = price

    def price(self, slots: Slots) -> Tensor:
        """The same prices in every slot, `[..., N, M]`."""
        return self._price.to(slots.gain).expand_as(slots.gain)


class Random(BestReplying):
    """Prices uniform in the operator's range; mAPs best reply."""

    name = "random"

    def __init__(self, seed: int):
        self._seed = seed

    def begin(self, slots: Slots) -> None:
        """The same prices whenever episodes start anew."""
        self._generator = stream(self._seed, "random prices")

    def price(self, slots: Slots) -> Tensor:
        """Independent for each pair and slot, `[..., N, M]`."""
        share = torch.rand(slots.gain.shape, dtype=torch.float64, generator=self._generator).to(slots.gain)
        return share * slots.episodes.scenario.highest_price


class Reactive:
    """A constant price; each mAP answers last slot's interference in closed form, and moves with probability 1/2.

    If all moved at once they would chase each other from BS to BS.
    """

    name = "reactive"
    observation = "load"

    def __init__(self, price: Tensor, seed: int):
        self._price, self._seed = price, seed

    def begin(self, slots: Slots) -> None:
        """The same coins whenever episodes start anew."""
        self._generator = stream(self._seed, "reactive moves")

    def price(self, slots: Slots) -> Tensor:
        """The same prices in every slot, `[..., N, M]`."""
        return self._price.to(slots.gain).expand_as(slots.gain)

    def offload(self, slots: Slots, price: Tensor) -> tuple[Tensor, Tensor]:
        """The BS that would have been best against last slot's interference, or, every other time, the last one."""
        terms, here = slots.terms, slots.association
        rate = link.rate(terms.power * slots.gain, slots.last_interference, terms.noise, terms.bandwidth)
        delay_cost = unit_delay_cost(terms, rate)
        data = best_data(terms, delay_cost, price)
        utility = map_utility(terms, delay_cost, price, data)
        better = utility.amax(-1) > chosen(utility, here) + terms.tolerance.squeeze(-1)
        coin = torch.rand(here.shape, generator=self._generator).to(slots.gain.device) < 0.5
        association = torch.where((better & coin) | (here < 0), utility.argmax(-1), here)
        sent = chosen(data, association)
        return association if terms.idle_interferes else torch.where(sent > 0.0, association, -1), sent


class Fixed:
    """mAPs that look at no price: everything they have, to their strongest BS."""

    name = "fixed"
    observation = "paper"

    def begin(self, slots: Slots) -> None:
        """Nothing is remembered."""

    def offload(self, slots: Slots, price: Tensor) -> tuple[Tensor, Tensor]:
        """The strongest BS and all raw data."""
        return strongest_station(slots.gain), slots.terms.raw_data.squeeze(-1).expand(slots.gain.shape[:-1])


def _flat(slots: Slots, solve):
    """Solve one slot's games of all episodes as one flat batch and give the batch its shape back."""
    batch = slots.gain.shape[:-2]
    return solve(slots.terms.flatten(batch), slots.gain.reshape(-1, *slots.gain.shape[-2:])).reshape(batch)
