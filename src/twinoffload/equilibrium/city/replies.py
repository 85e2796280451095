"""What an association is worth on a list of pairs, from scratch, by the elementwise functions of `game`."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from twinoffload.equilibrium.city.links import Links, received, terms
from twinoffload.equilibrium.city.loads import exclusive
from twinoffload.game.market import Market
from twinoffload.game.payoff import accuracy, delay, map_utility, profit, unit_delay_cost
from twinoffload.game.pricing import best_price
from twinoffload.game.response import best_data
from twinoffload.game.terms import Terms
from twinoffload.network.link import rate

CHUNK = 16_384  # mAPs at a time on a CPU, whose temporaries fit a cache


@dataclass(frozen=True)
class Replies:
    """Best responses on pairs, `[P]` each: rate in MB/s, D and mu in money/MB, Z in MB, utility in money."""

    rate: Tensor
    delay_cost: Tensor
    price: Tensor
    data: Tensor
    utility: Tensor

    def ratio(self, terms: Terms) -> Tensor:
        """Share y / K of what the first MB is worth, `[P]`."""
        return (self.delay_cost + self.price) / terms.first_value


def replies(terms: Terms, power: Tensor, interference: Tensor, price: Tensor | None = None) -> Replies:
    """Best responses at an interference in W, at posted prices or, without, at each pair's best; `[P]` each."""
    speed = rate(power, interference, terms.noise, terms.bandwidth)
    delay_cost = unit_delay_cost(terms, speed)
    price = best_price(terms, delay_cost) if price is None else price
    data = best_data(terms, delay_cost, price)
    return Replies(speed, delay_cost, price, data, map_utility(terms, delay_cost, price, data))


@dataclass(frozen=True)
class Play:
    """What follows from an association; `[N]` and units as in `Outcome`, price `[P]`; profit: what each mAP earns."""

    price: Tensor
    data: Tensor
    rate: Tensor
    accuracy: Tensor
    delay: Tensor
    map_utility: Tensor
    regret: Tensor
    profit: Tensor

    @property
    def operator_utility(self) -> float:
        """The operator's utility in money."""
        return self.profit.sum().item()


def play(market: Market, links: Links, association: Tensor, price: Tensor | None = None) -> Play:
    """Every measured field of an `Outcome`, with memory for a part of the pairs at a time.

    Args:
        market: the parameters.
        links: the pairs.
        association: BS of each mAP, int64 `[N]`; -1: off.
        price: posted prices `[P]` in money/MB; each pair's best price at the association where it is None.
    """
    choice = torch.from_numpy(links.pair_at(association.numpy()))
    power = torch.from_numpy(received(market, links))
    interference = exclusive(power, torch.from_numpy(links.station), choice, links.stations)
    parts = []
    for begin in range(0, links.maps, CHUNK):
        rows = slice(begin, min(begin + CHUNK, links.maps))
        pairs = slice(links.offset[rows.start], links.offset[rows.stop])
        own = choice[rows] - pairs.start
        parts.append(
            _part(
                terms(market, links, rows),
                power[pairs],
                interference[pairs],
                None if price is None else price[pairs],
                torch.where(choice[rows] < 0, -1, own),
                torch.from_numpy(links.map_of[pairs].astype(np.int64) - begin),
            )
        )
    return Play(**{name: torch.cat([part[name] for part in parts]) for name in parts[0]})


def _part(part: Terms, power: Tensor, interference: Tensor, price: Tensor | None, own: Tensor, owner: Tensor) -> dict:
    """Fields of `Play` for some mAPs, whose own pairs are `own` (-1: none)."""
    found = replies(part, power, interference, price)
    on, pair = own >= 0, own.clamp(min=0)

    def chosen(values: Tensor) -> Tensor:
        return torch.where(on, values[pair], 0.0)

    best = torch.zeros(len(own), dtype=torch.float64).scatter_reduce(0, owner, found.utility, "amax")
    utility = chosen(found.utility)
    return {
        "price": found.price,
        "data": chosen(found.data),
        "rate": chosen(found.rate),
        "accuracy": chosen(accuracy(part, found.data)),
        "delay": chosen(delay(part, found.rate, found.data)),
        "map_utility": utility,
        "regret": torch.clamp(best - utility, min=0.0),
        "profit": chosen(profit(part, found.price, found.data)),
    }
