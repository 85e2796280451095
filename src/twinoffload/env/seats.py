"""Seats at the game: one agent is somebody's own, everybody else plays by a scheme. Episodes are a batch [E]."""

import os
from abc import ABC, abstractmethod
from typing import Any, get_args

import torch
from torch import Tensor

from twinoffload.env.episodes import draw_episodes
from twinoffload.env.observation import Encoder
from twinoffload.env.players import begin, maps_of, operator_of
from twinoffload.env.scene import Scene
from twinoffload.env.slots import Observation, Slots
from twinoffload.env.spaces import margin
from twinoffload.scenario import Scenario
from twinoffload.seeding import integer


class Seat(ABC):
    """One agent's side of `episodes` parallel episodes.

    Attributes:
        scenario: what is played.
        slots: of an episode.
        observation_size: features that the agent sees.
        action_size: numbers in [-1, 1] that it decides.
    """

    observation_size: int
    action_size: int

    def __init__(self, scenario: str | Scenario, slots: int | None, encoder: dict[str, Any]):
        self.scenario = load(scenario)
        self.slots = episode_length(slots, self.scenario, "slots")
        self.encoder = Encoder.of(self.scenario, **encoder)

    def begin(self, episodes: int, generator: torch.Generator) -> Tensor:
        """New episodes; the features of slot 0, float32 `[E, F]`."""
        self.game = Slots(draw_episodes(self.scenario, episodes, [generator], slots=self.slots + 1))
        self._played: tuple[int, dict[str, Tensor]] | None = None
        self._begin()
        return self._look()

    def step(self, action: Tensor) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        """Play a slot.

        Args:
            action: float32 `[E, A]` in [-1, 1].

        Returns:
            Next features `[E, F]`; reward in money `[E]`; and of the slot `price` `[E, N, M]`, `association`, `data`,
            `map_utility` and `regret` `[E, N]`, `operator_utility` `[E]`.
        """
        price, association, data = self._decide(action.unsqueeze(0))
        before = self.game.slot
        payoff = self.game.step(price, association, data)
        told = {"price": price, "association": association, "data": data}
        told |= {name: payoff[name] for name in ("operator_utility", "map_utility", "regret")}
        told = {name: value[0] for name, value in told.items()}
        self._played = before, told
        return self._look(), self._reward(told), told

    def scene(self) -> Scene:
        """The slot of the first episode that was played last, for pictures."""
        if self._played is None:
            return Scene.before(self.game)
        return Scene.of(self.game.episodes, *self._played)

    @abstractmethod
    def _begin(self) -> None: ...

    @abstractmethod
    def _look(self) -> Tensor: ...

    @abstractmethod
    def _decide(self, action: Tensor) -> tuple[Tensor, Tensor, Tensor]: ...

    @abstractmethod
    def _reward(self, told: dict[str, Tensor]) -> Tensor: ...


class OperatorSeat(Seat):
    """The operator: sees all log-gains (Eq. 24), posts N M prices, is paid its utility (Eq. 9).

    Args:
        scenario: preset, file or scenario.
        maps: who replies; see `players.maps_of`.
        slots: of an episode; the scenario's where it is None.
        price_margin: how far actions reach beyond the range of prices, as a share of half of it.
    """

    def __init__(self, scenario: str | Scenario, maps: Any, slots: int | None, price_margin: float):
        super().__init__(
            scenario, slots, {"observation": "paper", "price_margin": margin(price_margin, "price_margin")}
        )
        self.maps = maps_of(maps, self.scenario, "maps")
        self.observation_size = self.action_size = self.encoder.operator_size

    def _begin(self) -> None:
        begin(self.maps, self.game)

    def _look(self) -> Tensor:
        return self.encoder.operator_features(self.game)[0]

    def _decide(self, action: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        price = self.encoder.price(self.game, action)
        return price, *self.maps.offload(self.game, price)

    def _reward(self, told: dict[str, Tensor]) -> Tensor:
        return told["operator_utility"]


class AccessPointSeat(Seat):
    """One mAP: sees its log-gains and prices (Eq. 34) and more, offers an amount to each BS, is paid its utility.

    Args:
        scenario: preset, file or scenario.
        index: which mAP, from 0.
        operator: who posts prices; see `players.operator_of`.
        others: who the other mAPs are; see `players.maps_of`.
        observation: what it sees beside its own gains and prices.
        slots: of an episode; the scenario's where it is None.
        amount_margin: how far actions reach beyond the range of amounts, as a share of half of it.
    """

    def __init__(
        self,
        scenario: str | Scenario,
        index: int,
        operator: Any,
        others: Any,
        observation: Observation,
        slots: int | None,
        amount_margin: float,
    ):
        if observation not in get_args(Observation):
            raise ValueError(f"observation = {observation!r}: must be one of {', '.join(get_args(Observation))}")
        reach = margin(amount_margin, "amount_margin")
        super().__init__(scenario, slots, {"observation": observation, "amount_margin": reach})
        self.index = integer("index", index, 0, self.scenario.maps - 1, ", an mAP")
        self.operator = operator_of(operator, self.scenario, "operator")
        self.others = maps_of(others, self.scenario, "others")
        self.observation_size, self.action_size = self.encoder.map_size, self.scenario.stations

    def _begin(self) -> None:
        begin(self.operator, self.game)
        if self.others is not self.operator:
            begin(self.others, self.game)

    def _look(self) -> Tensor:
        self._price = self.operator.price(self.game)
        return self.encoder.map_features(self.game, self._shown(self._price))[0, :, self.index]

    def _decide(self, action: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        association, data = (part.clone() for part in self.others.offload(self.game, self._price))
        everybody = action.unsqueeze(-2).expand(*data.shape, self.action_size)
        own = self.encoder.offload(self.game, everybody)
        association[..., self.index], data[..., self.index] = (part[..., self.index] for part in own)
        here = self._price.gather(-1, association.clamp(min=0).unsqueeze(-1)).squeeze(-1)
        return self._price, association, torch.where(here.isinf(), 0.0, data)  # what is not offered takes no data

    def _reward(self, told: dict[str, Tensor]) -> Tensor:
        return told["map_utility"][:, self.index]

    def _shown(self, price: Tensor) -> Tensor:
        """What is not offered (inf) looks like the highest price."""
        return price.clamp(max=float(self.scenario.highest_price))


def load(scenario: str | Scenario) -> Scenario:
    """A scenario, or the one of that name or file.

    Raises:
        ValueError: it is neither, or no such file.
    """
    if not isinstance(scenario, str | os.PathLike | Scenario):
        raise ValueError(f"scenario = {scenario!r:.60}: must be a preset, a YAML file or a Scenario")
    return scenario if isinstance(scenario, Scenario) else Scenario.load(scenario)


def episode_length(slots: int | None, scenario: Scenario, where: str) -> int:
    """The slots of an episode, the scenario's where it is None.

    Raises:
        ValueError: not an integer of at least 1; `where` names the argument.
    """
    if slots is None:
        return scenario.slots
    return integer(where, slots, 1)
