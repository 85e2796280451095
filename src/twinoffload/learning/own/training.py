"""The loop for schemes of somebody's own: they decide, are paid, and learn from what they did.

A scheme that learns has one method more, called after every training slot:

    def learn(self, slots, price, association, data, payoff): ...

`slots` is what it saw, `payoff` what followed: `operator_utility` `[E]`, `map_utility` and `regret` `[E, N]`, and more.
Where it is a `torch.nn.Module`, or has `state_dict` and `load_state_dict`, its tensors go into checkpoints;
`train(mode)` tells it, as modules are told, whether it may explore.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from twinoffload.env.own_scheme import OwnScheme
from twinoffload.env.own_source import call
from twinoffload.env.slots import Slots
from twinoffload.learning.own.settings import OwnSettings
from twinoffload.learning.rows import draw_rows, scenario_of_rows
from twinoffload.scenario import Scenario
from twinoffload.seeding import stream


def check_own(scenario: Scenario | Sequence[Scenario], settings: OwnSettings, seeds: Sequence[int]) -> None:
    """Play a trial slot of one episode, training's last step included, before any work.

    Raises:
        ValueError: the scheme cannot be made, decides what cannot be, or raises.
    """
    scenarios = scenario_of_rows(scenario, seeds)
    for one in dict.fromkeys(scenarios):
        one.check_episodes()
        trainer = OwnTrainer(one, settings.model_copy(update={"environments": 2}), [0])
        trainer.play_episode(slots=1)
        trainer.state()


class OwnTrainer:
    """Training in progress; see `learning.training.Trainer`, whose place it takes.

    Args:
        scenario: of all rows, or one for each row, of equal shape.
        settings: which scheme, and for how long.
        seeds: one for each row; an instance of the scheme each, made under the seed.
        device: must be the CPU.

    Raises:
        ValueError: the scheme cannot be found or made, or learns what it could not keep; another device.
    """

    def __init__(
        self,
        scenario: Scenario | Sequence[Scenario],
        settings: OwnSettings,
        seeds: Sequence[int],
        device: torch.device | str = "cpu",
    ):
        if torch.device(device).type != "cpu":
            raise ValueError(f"device {device}: schemes of one's own are trained on the CPU")
        self.scenarios = scenario_of_rows(scenario, seeds)
        self.settings, self.seeds = settings, list(seeds)
        self.source = settings.found()
        self.agents = OwnScheme(self.source, self.scenarios, self.seeds)
        for own in self.agents.instances[:1] if self.source.learns else ():
            if not (callable(getattr(own, "state_dict", None)) and callable(getattr(own, "load_state_dict", None))):
                raise ValueError(
                    f"scheme {self.source.source}: has `learn`, but no `state_dict` and `load_state_dict`, so nothing "
                    "that it learns would be kept; make it a torch.nn.Module, or write both"
                )
        self.episode, self.stopped = 0, [False] * len(self.seeds)
        self._explore(False)

    def run(self, each_episode: Callable[[list[dict[str, Any]]], None]) -> None:
        """Train until the episodes are done; after each, `each_episode` gets one row of metrics a seed.

        Raises:
            ValueError: the scheme decides what cannot be, or raises.
        """
        while self.episode < self.settings.episodes:
            rows = self.play_episode()
            self.episode += 1
            each_episode(rows)

    def play_episode(self, slots: int | None = None) -> list[dict[str, Any]]:
        """One episode of every environment and row, of `slots` slots."""
        length = self.scenarios[0].slots if slots is None else slots
        generators = [stream(seed, f"training episode {self.episode}") for seed in self.seeds]
        game = Slots(draw_rows(self.scenarios, self.settings.environments, generators, slots=length + 1))
        total: dict[str, Tensor] = {}
        self._explore(True)
        try:
            self.agents.begin(game, self.episode)
            for _ in range(length):
                for name, value in self._play_slot(game).items():
                    total[name] = total.get(name, torch.zeros(())) + value / length
        finally:
            self._explore(False)
        return [
            {"episode": self.episode, "seed": seed}
            | {name: value[row].item() for name, value in total.items()}
            | {"stopped": False}
            for row, seed in enumerate(self.seeds)
        ]

    def _play_slot(self, game: Slots) -> dict[str, Tensor]:
        views = [self.agents.view(game, row) for row in range(len(self.seeds))]
        price = self.agents.price(game)
        association, data = self.agents.offload(game, price)
        payoff = game.step(price, association, data)
        if self.source.learns:
            for row, view in enumerate(views):
                paid = {name: value[row].clone() for name, value in payoff.items() if value.ndim >= 2}
                played = (value[row].clone() for value in (price, association, data))
                self.agents.learn(row, view, *played, paid)
        shown = torch.where(price.isfinite(), price, torch.nan)
        return {
            "operator_utility_money": payoff["operator_utility"].mean(-1),
            "map_utility_money": payoff["map_utility"].mean((-2, -1)),
            "map_regret_money": payoff["regret"].mean((-2, -1)),
            "price_money_per_mb": shown.flatten(1).nanmean(-1),
            "data_mb": data.mean((-2, -1)),
        }

    def state(self) -> dict[str, Tensor]:
        """The tensors of every instance, and how far training has come.

        Raises:
            ValueError: a state that does not consist of tensors, or holds NaN.
        """
        tensors = {"episode": torch.tensor(self.episode)}
        for row, own in enumerate(self.agents.instances):
            if not callable(getattr(own, "state_dict", None)):
                continue
            state = call(self.source, "state_dict", own.state_dict)
            for name, tensor in state.items():
                if not isinstance(tensor, Tensor):
                    raise ValueError(
                        f"scheme {self.source.source}: state_dict holds {name!r}, a {type(tensor).__name__}: "
                        "must be tensors"
                    )
                if tensor.isnan().any():
                    raise ValueError(
                        f"scheme {self.source.source}: state_dict holds NaN in {name!r} after episode {self.episode}; "
                        "nothing was saved, and an earlier checkpoint stays: learn in smaller steps"
                    )
                tensors[f"own.{row}.{name}"] = tensor.detach().clone()
        return tensors

    def load(self, state: dict[str, Tensor]) -> None:
        """Take over what `state` gave."""
        self.episode = int(state["episode"])
        for row, own in enumerate(self.agents.instances):
            prefix = f"own.{row}."
            mine = {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}
            if mine:
                call(self.source, "load_state_dict", own.load_state_dict, mine)

    def _explore(self, allowed: bool) -> None:
        for own in self.agents.instances:
            if callable(getattr(own, "train", None)):
                call(self.source, "train", own.train, allowed)
