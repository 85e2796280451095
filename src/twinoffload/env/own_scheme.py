"""Somebody's own scheme at play: an instance for each row, whose decisions are checked before anybody is paid.

A class of one's own needs no more than

    class Half:
        def price(self, slots):  # money/MB, [E, N, M]
            return 0.5 * slots.highest_price + 0 * slots.gain

`price` decides for the operator, `offload(slots, price)` for the mAPs: BSs `[E, N]` and MB `[E, N]`. Where `price` is
missing the operator posts the best constant price; where `offload` is, mAPs best reply. It is made as `Half(scenario)`
or `Half()`, one for each seed; `begin(slots)`, if there is one, is called when episodes start.
"""

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from twinoffload.env.constant_price import best_constant_price
from twinoffload.env.own_source import OwnSource, call
from twinoffload.env.references import BestReplying
from twinoffload.env.slots import Slots
from twinoffload.game.terms import Terms
from twinoffload.scenario import Scenario
from twinoffload.seeding import stream


@dataclass(frozen=True)
class OwnView:
    """A slot as somebody's own scheme sees it: E episodes at once. What an agent may know of it is up to the author.

    Attributes:
        scenario: what is played.
        slot: its number, from 0.
        gain: channel power gains, float64 `[E, N, M]`.
        terms: the game's parameters, private values included, broadcastable to `[E, N, M]`; see `Terms`.
        public_terms: the same as far as the operator knows them.
        association: last slot's BS of each mAP, int64 `[E, N]`.
        last_interference: last slot's I[n, m] in W without n's own signal, `[E, N, M]`.
    """

    scenario: Scenario
    slot: int
    gain: Tensor
    terms: Terms
    public_terms: Terms
    association: Tensor
    last_interference: Tensor

    @property
    def highest_price(self) -> float:
        """The end of the operator's range, money/MB."""
        return self.scenario.highest_price


class OwnScheme:
    """Instances of one class, a row of the batch `[S, E, N, M]` each.

    Whatever is drawn from torch's global generator there depends on the row's seed alone.

    Args:
        source: the class.
        scenarios: one for each row.
        seeds: one for each row.

    Attributes:
        name: in tables and figures.
        observation: what its mAPs see, as its author says; "full" where they say nothing.
        instances: one for each row.

    Raises:
        ValueError: the constructor raises, or takes other arguments.
    """

    def __init__(self, source: OwnSource, scenarios: Sequence[Scenario], seeds: Sequence[int]):
        self.source, self.scenarios, self.seeds = source, list(scenarios), list(seeds)
        self.name = source.name
        self.observation = str(getattr(source.made, "observation", "full"))
        self._random = self._streams("made")
        self.instances = [
            self._call(row, "its constructor", _made, source, one) for row, one in enumerate(self.scenarios)
        ]
        self._replies = BestReplying()
        self._constant: dict[Scenario, Tensor] = {}

    def begin(self, slots: Slots, training_episode: int | None = None) -> None:
        """Episodes start; what is drawn by chance is the same whenever they do, or are of the same training episode."""
        self._random = self._streams("play" if training_episode is None else f"training episode {training_episode}")
        for row, own in self._at_rows(slots):
            if callable(getattr(own, "begin", None)):
                self._call(row, "begin", own.begin, self.view(slots, row))

    def learn(self, row: int, view: OwnView, *played: Any) -> None:
        """Tell a row what it did and what followed."""
        self._call(row, "learn", self.instances[row].learn, view, *played)

    def price(self, slots: Slots) -> Tensor:
        """Posted prices in money/MB, `[S, E, N, M]`; inf: not offered.

        Raises:
            ValueError: it raised, or prices of another shape, below 0, NaN or above the highest.
        """
        if not hasattr(self.source.made, "price"):
            return torch.stack([self._constant_price(one).expand(slots.gain.shape[1:]) for one in self._rows(slots)])
        return torch.stack([self._price(row, own, self.view(slots, row)) for row, own in self._at_rows(slots)])

    def offload(self, slots: Slots, price: Tensor) -> tuple[Tensor, Tensor]:
        """Association and data in MB, `[S, E, N]` each.

        Raises:
            ValueError: it raised, or decisions of another shape, a BS that does not exist, or amounts that do not.
        """
        if not hasattr(self.source.made, "offload"):
            return self._replies.offload(slots, price)
        rows = [self._offload(row, own, self.view(slots, row), price[row]) for row, own in self._at_rows(slots)]
        association, data = zip(*rows, strict=True)
        return torch.stack(association), torch.stack(data)

    def view(self, slots: Slots, row: int) -> OwnView:
        """One row of a batch of slots: copies, so that what is written into them changes nothing that is played."""

        def cut(terms: Terms) -> Terms:
            return terms.map(lambda one: (one[min(row, len(one) - 1)] if one.ndim == 4 else one).clone())

        return OwnView(
            self.scenarios[row],
            slots.slot,
            slots.gain[row].clone(),
            cut(slots.terms),
            cut(slots.public_terms),
            slots.association[row].clone(),
            slots.last_interference[row].clone(),
        )

    def alone(self, row: int) -> "OwnScheme":
        """The scheme of one row, without those beside it."""
        single = object.__new__(OwnScheme)
        parts = ("scenarios", "seeds", "instances", "_random")
        single.__dict__ |= self.__dict__ | {name: [getattr(self, name)[row]] for name in parts}
        return single

    def _at_rows(self, slots: Slots) -> list[tuple[int, Any]]:
        rows = len(slots.gain)
        if rows != len(self.instances):
            raise ValueError(f"scheme {self.source.source}: made for {len(self.instances)} seeds, asked to play {rows}")
        return list(enumerate(self.instances))

    def _rows(self, slots: Slots) -> list[Scenario]:
        return [self.scenarios[row] for row, _ in self._at_rows(slots)]

    def _constant_price(self, scenario: Scenario) -> Tensor:
        if scenario not in self._constant:
            self._constant[scenario] = best_constant_price(scenario)
        return self._constant[scenario]

    def _streams(self, purpose: str) -> list[Tensor]:
        return [stream(seed, f"own scheme, {purpose}").get_state() for seed in self.seeds]

    def _call(self, row: int, what: str, function: Any, *arguments: Any) -> Any:
        """Somebody's own code under its row's random state."""
        outside = torch.get_rng_state()
        torch.set_rng_state(self._random[row])
        try:
            return call(self.source, what, function, *arguments)
        finally:
            self._random[row] = torch.get_rng_state()
            torch.set_rng_state(outside)

    def _price(self, row: int, own: Any, view: OwnView) -> Tensor:
        given = self._call(row, "price", own.price, view)
        price = self._tensor(given, "price", "prices", view.gain.shape).to(view.gain).clone()
        if not bool((price >= 0.0).all()):
            raise self._fault("price", f"gave {price[~(price >= 0.0)][0].item():g}: prices must be at least 0")
        high, most = price[price.isfinite()], view.highest_price
        if len(high) and float(high.max()) > most * (1.0 + 1e-9):
            raise self._fault("price", f"gave {high.max().item():g}: prices must be at most {most:g} money/MB, or inf")
        return torch.where(price.isfinite(), price.clamp(max=most), price)

    def _offload(self, row: int, own: Any, view: OwnView, price: Tensor) -> tuple[Tensor, Tensor]:
        raw = view.terms.raw_data.squeeze(-1).expand(view.gain.shape[:-1]).clone()  # what it writes there is its own
        given = self._call(row, "offload", own.offload, view, price.clone())
        if not isinstance(given, tuple | list) or len(given) != 2:
            raise self._fault("offload", f"gave {type(given).__name__}: must give (association, data)")
        shape, stations = view.gain.shape[:-1], view.gain.shape[-1]
        chosen = self._tensor(given[0], "offload", "an association", shape)
        data = self._tensor(given[1], "offload", "data", shape).to(view.gain)
        association = chosen.long()
        lowest = 0 if view.terms.idle_interferes else -1
        if not bool(((association == chosen) & (association >= lowest) & (association < stations)).all()):
            wrong = chosen[(association != chosen) | (association < lowest) | (association >= stations)][0].item()
            raise self._fault("offload", f"chose BS {wrong:g}: must be an integer from {lowest} to {stations - 1}")
        if not bool(((data >= 0.0) & (data <= raw * (1.0 + 1e-9))).all()):
            wrong = data[~((data >= 0.0) & (data <= raw * (1.0 + 1e-9)))][0].item()
            raise self._fault("offload", f"sent {wrong:g} MB: must be 0 to the raw data, {raw.max().item():g} MB")
        offered = price.gather(-1, association.clamp(min=0).unsqueeze(-1)).squeeze(-1).isfinite()
        data = torch.where(offered & (association >= 0), torch.minimum(data, raw), 0.0)
        return association, data

    def _tensor(self, given: Any, method: str, what: str, shape: torch.Size) -> Tensor:
        try:
            tensor = torch.as_tensor(given).detach()
            if tensor.is_complex():
                raise TypeError("complex")
            return tensor.expand(shape)
        except (TypeError, ValueError, RuntimeError):
            has = f" of shape {list(given.shape)}" if hasattr(given, "shape") else ""
            raise self._fault(
                method, f"gave {type(given).__name__}{has}: must be {what} of shape {list(shape)}"
            ) from None

    def _fault(self, method: str, says: str) -> ValueError:
        return ValueError(f"scheme {self.source.source}: {method} {says}")


def _made(source: OwnSource, scenario: Scenario) -> Any:
    """An instance, made with the scenario where the constructor takes one."""
    signature = inspect.signature(source.made)
    for arguments in ((scenario,), ()):
        try:
            signature.bind(*arguments)
        except TypeError:
            continue
        return source.made(*arguments)
    raise TypeError("must take (scenario), or nothing")
