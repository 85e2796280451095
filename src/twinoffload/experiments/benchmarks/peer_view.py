"""One agent's view of the game as a Gymnasium environment, so that a peer's learner can be put to the same work."""

from typing import Any, Literal

import numpy as np
import torch

from twinoffload.env.episodes import draw_episodes
from twinoffload.env.observation import Encoder
from twinoffload.env.slots import Slots
from twinoffload.experiments.references import Reactive
from twinoffload.scenario import Scenario
from twinoffload.seeding import stream

Who = Literal["operator", "map"]


def agent_view(scenario: Scenario, who: Who, seed: int = 0) -> Any:
    """A `gymnasium.Env` in which the operator, or the first mAP, is the agent and everybody else plays `reactive`.

    Observations and actions are the learners' own (`Encoder`, observation `load`), an episode is truncated after the
    scenario's slots, and the reward is the agent's utility in money.

    Raises:
        ValueError: Gymnasium is not installed.
    """
    gymnasium = import_peer("gymnasium")
    encoder = Encoder.of(scenario, "load")
    others = Reactive(torch.full((scenario.stations,), scenario.highest_price, dtype=torch.float64), seed)
    generator = stream(seed, "view of one agent")

    class View(gymnasium.Env):
        """Plays one episode at a time, batch axes [1, 1]."""

        def __init__(self) -> None:
            seen, done = (
                (encoder.operator_size, encoder.operator_size)
                if who == "operator"
                else (encoder.map_size, scenario.stations)
            )
            self.observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (seen,), np.float32)
            self.action_space = gymnasium.spaces.Box(-1.0, 1.0, (done,), np.float32)

        def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
            super().reset(seed=seed)
            if seed is not None:
                generator.manual_seed(seed)
            self.slots = Slots(draw_episodes(scenario, 1, [generator], slots=scenario.slots + 1))
            others.begin(self.slots)
            self.played = 0
            return self._look(), {}

        def step(self, action: Any) -> Any:
            chosen = torch.as_tensor(action, dtype=torch.float32)
            if who == "operator":
                price = encoder.price(self.slots, chosen[None, None])
                association, data = others.offload(self.slots, price)
            else:
                price = self.price
                association, data = others.offload(self.slots, price)
                own = encoder.offload(self.slots, chosen.expand(1, 1, scenario.maps, scenario.stations))
                association[..., 0], data[..., 0] = own[0][..., 0], own[1][..., 0]
            payoff = self.slots.step(price, association, data)
            reward = payoff["operator_utility"] if who == "operator" else payoff["map_utility"][..., 0]
            self.played += 1
            return self._look(), reward.item(), False, self.played == scenario.slots, {}

        def _look(self) -> Any:
            if who == "operator":
                return encoder.operator_features(self.slots)[0, 0].numpy()
            self.price = others.price(self.slots)
            return encoder.map_features(self.slots, self.price)[0, 0, 0].numpy()

    return View()


def import_peer(module: str) -> Any:
    """A package that only this benchmark needs.

    Raises:
        ValueError: it is not installed.
    """
    import importlib

    try:
        return importlib.import_module(module)
    except ImportError:
        name = module.replace("_", "-")
        raise ValueError(f"bench learning compares with {name}: install it (pip install {name})") from None
