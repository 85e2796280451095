"""What a search in a market beyond an exact answer may take, and its door for markets given as arrays."""

import math
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from twinoffload.equilibrium.admission import is_solvable
from twinoffload.equilibrium.outcome import Outcome
from twinoffload.equilibrium.profiles import PROFILE_LIMIT, profile_count
from twinoffload.game.market import Market

if TYPE_CHECKING:  # compiled code is imported where it is needed
    from twinoffload.equilibrium.city.links import Links
    from twinoffload.equilibrium.city.search import Watch

SEARCHED = ("posted", "admission")


@dataclass(frozen=True)
class Search:
    """Limits of a search.

    Attributes:
        time_limit: seconds for one market; None: a fixed number of steps.
        gap: relative distance of its bound at which it is good enough.
        watch: called now and then with how it stands.
    """

    time_limit: float | None = None
    gap: float = 0.0
    watch: "Watch | None" = None

    def __post_init__(self) -> None:
        """Refuse limits that are none.

        Raises:
            ValueError: naming the limit.
        """
        if self.time_limit is not None and not (_is_number(self.time_limit) and 0 < self.time_limit < math.inf):
            raise ValueError(f"time_limit = {self.time_limit!r}: must be a number of seconds above 0, or None")
        if not (_is_number(self.gap) and 0 <= self.gap < math.inf):
            raise ValueError(f"gap = {self.gap!r}: must be a number of at least 0, such as 0.02")

    @property
    def allowed(self) -> bool:
        """Whether somebody said how far an answer may fall short of the best."""
        return self.time_limit is not None or self.gap > 0.0

    def run(self, concept: str, market: Market, links: "Links") -> Outcome:
        """One market of listed pairs."""
        from twinoffload.equilibrium.city import search, solve

        solver = solve.admission if concept == "admission" else solve.posted
        return solver(market, links, self.time_limit, self.gap, self.watch or search.unwatched)

    def batch(self, concept: str, market: Market, gain: Tensor, batch: torch.Size, within: Tensor | None) -> Outcome:
        """Markets of a flat batch, `[B, N, M]`, one after another; prices as an array."""
        from twinoffload.equilibrium.city.links import Links

        found, (maps, stations) = [], gain.shape[-2:]
        for i, one in enumerate(gain):
            links = Links.complete(one, None if within is None else within[i])
            outcome = self.run(concept, _element(market, batch, maps, stations, i), links)
            price = torch.full(one.shape, torch.inf, dtype=torch.float64)
            price[links.map_of.astype(np.int64), links.station.astype(np.int64)] = outcome.price.values()
            found.append(replace(outcome, price=price))
        return _stack(found).to(gain.device)


def is_exact(concept: str, maps: int, stations: int, idle_interferes: bool) -> bool:
    """Whether an exact answer of "posted" or "admission" takes seconds."""
    if concept == "posted":
        return profile_count(maps, stations, idle_interferes) <= PROFILE_LIMIT
    return is_solvable(maps, stations)


def _element(market: Market, batch: torch.Size, maps: int, stations: int, i: int) -> Market:
    """The parameters of one element of a flat batch."""
    given = {
        name: value.expand(*batch, *value.shape[-2:]).reshape(-1, *value.shape[-2:])[i]
        for name, value in market.pairs(maps, stations).items()
    }
    single = {name: given.pop(name).item() for name in ("energy_coefficient", "price_cap")}
    cycles = given.pop("cycles").expand(maps, stations)
    return Market(
        **{name: value.flatten() if value.numel() > 1 else value.item() for name, value in given.items()},
        cycles=cycles,
        energy_coefficient=single["energy_coefficient"],
        price_cap=None if single["price_cap"] == torch.inf else single["price_cap"],
        idle_interferes=market.idle_interferes,
        law=market.law,
    )


def _stack(outcomes: list[Outcome]) -> Outcome:
    """Outcomes of single markets as one of a flat batch."""
    first = outcomes[0]

    def column(name: str):
        values = [getattr(outcome, name) for outcome in outcomes]
        if name in ("concept", "method", "order", "trajectory", "steps"):
            return values[0]
        return np.array(values) if name == "status" else torch.stack(values)

    return replace(first, **{f.name: column(f.name) for f in fields(first)})


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
