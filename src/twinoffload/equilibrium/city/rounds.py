"""`pairwise`, and rest at posted prices, by rounds without conflicts: vectorised best responses, also for a GPU.

In a round every mAP finds its best reply. Of those that want to move, each gets a random priority, and one moves only
if its priority is the highest of all movers at both its old and its new BS. So nobody else arrives at or leaves either
BS, and each move gains exactly what it would alone. Loads are summed afresh every round.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from twinoffload.equilibrium.city.kernel import TOLERANCE
from twinoffload.equilibrium.city.links import Links, received, terms
from twinoffload.equilibrium.city.loads import exclusive
from twinoffload.equilibrium.city.replies import CHUNK, replies
from twinoffload.game.market import Market
from twinoffload.seeding import stream

ROUND_LIMIT = 10_000


@dataclass(frozen=True)
class Settled:
    """Where the rounds ended.

    Attributes:
        association: BS of each mAP, int64 `[N]`; -1: off.
        status: "converged" or "round_limit".
        rounds: rounds, the last without a move.
        moves: changes of a single mAP's BS.
    """

    association: Tensor
    status: str
    rounds: int
    moves: int


def rounds(
    market: Market,
    links: Links,
    start: Tensor | None = None,
    price: Tensor | None = None,
    *,
    seed: int = 0,
    device: torch.device | str = "cpu",
) -> Settled:
    """Rounds until nobody gains more than 1e-12 gamma^A by moving; ties as in `sweeps.sweeps`.

    Args:
        market: the parameters.
        links: the pairs.
        start: association from which they start, int64 `[N]`; each mAP's strongest BS where it is None.
        price: posted prices of the pairs in money/MB, `[P]`, inf: not offered; each pair's best price where it is None.
        seed: of the priorities.
        device: where the rounds run.

    Raises:
        ValueError: the market does not fit the links, or a bad seed; named.
    """
    generator = stream(seed, "city rounds", device)
    lists = _Lists(market, links, price, device)
    choice = torch.from_numpy(links.strongest_pair() if start is None else links.pair_at(start.cpu().numpy()))
    choice = choice.to(device)
    association = lists.at(choice) if start is None else start.to(device, torch.int64)
    moves = 0
    for count in range(1, ROUND_LIMIT + 1):
        target = lists.target(choice)
        aim = lists.at(target)
        if market.idle_interferes:
            aim = torch.where(target < 0, association, aim)
        movers = (aim != association).nonzero().squeeze(-1)
        if len(movers) == 0:
            return Settled(association.cpu(), "converged", count, moves)
        movers = movers[_unrivalled(association[movers], aim[movers], links.stations, generator)]
        choice[movers], association[movers] = target[movers], aim[movers]
        moves += len(movers)
    return Settled(association.cpu(), "round_limit", ROUND_LIMIT, moves)


def _unrivalled(old: Tensor, new: Tensor, stations: int, generator: torch.Generator) -> Tensor:
    """Whether each mover's priority is the highest among the movers at both its BSs, booleans; -1 is no BS."""
    priority = torch.randperm(len(old), generator=generator, device=old.device)
    highest = torch.full((stations + 1,), -1, dtype=torch.int64, device=old.device)
    for station in (old, new):
        highest.scatter_reduce_(0, station % (stations + 1), priority, "amax")
    highest[stations] = -1  # those that go off or come back meet nobody there
    return (highest[old] <= priority) & (highest[new] <= priority)


class _Lists:
    """Pairs and parameters on the device: a part of the mAPs at a time on a CPU, for memory, all at once on a GPU."""

    def __init__(self, market: Market, links: Links, price: Tensor | None, device: torch.device | str):
        self.power = torch.from_numpy(received(market, links)).to(device)
        self.station = torch.from_numpy(links.station).to(device)
        self.stations = links.stations
        size = CHUNK if torch.device(device).type == "cpu" else links.maps
        starts = range(0, links.maps, size)
        self.parts = [_Part(market, links, slice(i, min(i + size, links.maps)), price, device) for i in starts]

    def at(self, choice: Tensor) -> Tensor:
        """The BS of a pair, int64; -1 of none."""
        return torch.where(choice < 0, -1, self.station[choice.clamp(min=0)].long())

    def target(self, choice: Tensor) -> Tensor:
        """The pair on which each mAP ought to be beside all others as they are, int64 `[N]`; -1: on none."""
        interference = exclusive(self.power, self.station, choice, self.stations)
        return torch.cat([part.target(self.power, interference, choice) for part in self.parts])


class _Part:
    """Some mAPs in a row, with the parameters of their pairs."""

    def __init__(self, market: Market, links: Links, rows: slice, price: Tensor | None, device: torch.device | str):
        self.rows = rows
        self.pairs = slice(int(links.offset[rows.start]), int(links.offset[rows.stop]))
        self.terms = terms(market, links, rows, device)
        self.price = None if price is None else price[self.pairs].to(device)
        self.owner = torch.from_numpy(links.map_of[self.pairs] - np.int64(rows.start)).to(device)
        self.first = torch.from_numpy(links.offset[rows] - self.pairs.start).to(device)

    def target(self, power: Tensor, interference: Tensor, choice: Tensor) -> Tensor:
        """The pair on which each of these mAPs ought to be, int64; -1: on none."""
        found = replies(self.terms, power[self.pairs], interference[self.pairs], self.price)
        choice = choice[self.rows]
        own = (choice - self.pairs.start).clamp(min=0)
        staying = torch.where(choice < 0, 0.0, found.utility[own])
        tolerance = self.terms.tolerance.expand_as(found.utility)[self.first]
        enough = self._each(found.utility, "amax") - tolerance
        there = self._cheapest(found.ratio(self.terms), found.utility, enough)
        target = torch.where(enough > staying, there + self.pairs.start, choice)
        if self.terms.idle_interferes:
            return target
        sends = found.data[(target - self.pairs.start).clamp(min=0)] > 0.0
        return torch.where((target >= 0) & sends, target, -1)

    def _cheapest(self, ratio: Tensor, utility: Tensor, enough: Tensor) -> Tensor:
        """Of each mAP's pairs with enough utility the first of lowest y / K, to 1e-12."""
        ratio = torch.where(utility >= enough[self.owner], ratio, torch.inf)
        lowest = self._each(ratio, "amin")
        pair = torch.arange(len(ratio), device=ratio.device)
        tied = ratio * (1.0 - TOLERANCE) <= lowest[self.owner]
        return self._each(torch.where(tied, pair, len(ratio)), "amin")

    def _each(self, values: Tensor, reduce: str) -> Tensor:
        """The largest or the smallest of each mAP's pairs."""
        return values[self.first].scatter_reduce(0, self.owner, values, reduce)
