"""PettingZoo's view of the game: the agents are `operator_0` and `map_0` ... `map_{N-1}`.

`env` lets them move in the game's own order: the operator posts prices, then each mAP, who sees them, decides; none
sees what other mAPs decide in the same slot, and all are paid when the last has moved. `parallel_env` lets all move at
once, once a slot, without changing the game: channels do not depend on what anybody does, so the operator sees the
channels of the next slot and posts its prices, while the mAPs reply in this slot to the prices that it posted in the
step before. Nobody has posted any for slot 0, which is sold at the highest price. The operator's reward therefore
answers its action of the step before.

Observations and actions are those of the paper's agents (Eqs. 24, 34, 35), float32 in [-10, 10] and [-1, 1].
"""

from typing import Any, ClassVar, get_args

import numpy as np
import torch
from gymnasium.spaces import Box
from pettingzoo import AECEnv, ParallelEnv
from pettingzoo.utils import wrappers
from torch import Tensor

from twinoffload.env.display import Display
from twinoffload.env.episodes import Episodes, draw_episodes
from twinoffload.env.observation import Encoder
from twinoffload.env.scene import Scene
from twinoffload.env.seats import episode_length, load
from twinoffload.env.slots import Observation, Slots
from twinoffload.env.spaces import BOUND, action_of, margin, seen
from twinoffload.env.view import Seen
from twinoffload.scenario import Scenario
from twinoffload.seeding import stream

OPERATOR = "operator_0"
_METADATA = {"render_modes": ["human", "rgb_array"], "name": "pricing_v0", "render_fps": 4}


def env(**arguments: Any) -> AECEnv:
    """The turn-based environment behind PettingZoo's usual wrappers; arguments of `raw_env`."""
    return wrappers.OrderEnforcingWrapper(raw_env(**arguments))


def _box(bound: float, size: int) -> Box:
    return Box(-bound, bound, (size,), np.float32)


class _Game:
    """What both views share: who there is, what each sees, and one episode at a time."""

    _ahead = 0  # slots by which the operator is ahead of the mAPs

    def __init__(
        self,
        scenario: str | Scenario = "paper",
        max_cycles: int | None = None,
        observation: Observation = "load",
        price_margin: float = 0.1,
        amount_margin: float = 0.1,
        render_mode: str | None = None,
    ):
        if observation not in get_args(Observation):
            raise ValueError(f"observation = {observation!r}: must be one of {', '.join(get_args(Observation))}")
        self.scenario = load(scenario)
        self.max_cycles = episode_length(max_cycles, self.scenario, "max_cycles")
        self.render_mode = render_mode
        self._encoder = Encoder.of(
            self.scenario,
            observation,
            price_margin=margin(price_margin, "price_margin"),
            amount_margin=margin(amount_margin, "amount_margin"),
        )
        self._display = Display(render_mode, self.scenario, _METADATA["render_fps"])
        self._maps = [f"map_{n}" for n in range(self.scenario.maps)]
        self.possible_agents = [OPERATOR, *self._maps]
        self.agents: list[str] = []
        shape = (self.scenario.maps, self.scenario.stations)
        size, decided = self._encoder.operator_size, self.scenario.stations
        self.observation_spaces = {OPERATOR: _box(BOUND, size)} | {
            agent: _box(BOUND, self._encoder.map_size) for agent in self._maps
        }
        self.action_spaces = {OPERATOR: _box(1.0, size)} | {agent: _box(1.0, decided) for agent in self._maps}
        self.state_space = _box(BOUND, (3 + self._ahead) * size)
        self._listed = torch.full((1, 1, *shape), self.scenario.highest_price, dtype=torch.float64)
        self._random = np.random.default_rng()
        self._played = -1  # slots, once an episode has begun

    def observation_space(self, agent: str) -> Box:
        """What an agent sees."""
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> Box:
        """What an agent decides."""
        return self.action_spaces[agent]

    def state(self) -> np.ndarray:
        """What a central critic may know, float32 in parts of N M.

        All log-gains of the slot; in `parallel_env` then those of the next, which the operator prices; posted prices;
        last slot's interference.

        Raises:
            ValueError: no episode has begun.
        """
        self._check_begun("state")
        encoder, slots = self._encoder, self._slots
        ahead = [torch.as_tensor(self._operator_sees(slots.slot + self._ahead))] if self._ahead else []
        price = 2.0 * self._price / self.scenario.highest_price - 1.0
        parts = [encoder.operator_features(slots), *ahead, price.float(), encoder.load_features(slots)]
        return seen(torch.cat([part.flatten() for part in parts]))

    def render(self) -> np.ndarray | None:
        """The map of the slot played last, uint8 `[height, width, 3]`; None on a window or without a mode."""
        if self.render_mode != "rgb_array":
            return None
        self._check_begun("render")
        return self._display.picture(self._scene)

    def close(self) -> None:
        """Close the window."""
        self._display.close()

    def _check_begun(self, what: str) -> None:
        if self._played < 0:
            raise ValueError(f"{what}: no episode has begun; call reset()")

    def _begin(self, seed: int | None, more: int) -> None:
        """A new episode of `max_cycles` slots, `more` of which are seen beyond its end."""
        if seed is not None:
            self._random = np.random.default_rng(seed)
        generator = stream(int(self._random.integers(2**62)), "pettingzoo")
        self._slots = Slots(draw_episodes(self.scenario, 1, [generator], slots=self.max_cycles + more))
        self._price, self._played = self._listed, 0
        self.agents = list(self.possible_agents)
        self._scene = Scene.before(self._slots)
        self._show()

    def _operator_sees(self, slot: int) -> np.ndarray:
        episodes: Episodes = self._slots.episodes
        view = Seen(episodes.gain[slot], episodes.public_terms(slot), self._slots.last_interference)
        return seen(self._encoder.operator_features(view)[0, 0])

    def _maps_see(self) -> dict[str, np.ndarray]:
        features = self._encoder.map_features(self._slots, self._price)[0, 0]
        return dict(zip(self._maps, seen(features), strict=True))

    def _action(self, agent: str, action: Any) -> Tensor:
        space = self.action_spaces[agent]
        assert space.shape is not None
        return action_of(action, space.shape, f"action of {agent}")

    def _post(self, action: Tensor) -> Tensor:
        """Prices `[1, 1, N, M]` that the operator's action means."""
        return self._encoder.price(self._slots, action[None, None])

    def _play(self, actions: list[Tensor]) -> tuple[dict[str, float], dict[str, dict[str, float]]]:
        """Play the slot at the posted prices; every agent's reward and what it is told."""
        slot = self._slots.slot
        association, data = self._encoder.offload(self._slots, torch.stack(actions)[None, None])
        payoff = self._slots.step(self._price, association, data)
        told = {"price": self._price, "association": association, "data": data}
        told |= {name: payoff[name] for name in ("operator_utility", "map_utility", "regret")}
        told = {name: value[0] for name, value in told.items()}
        self._scene = Scene.of(self._slots.episodes, slot, told)
        self._played += 1
        self._show()
        rewards = {OPERATOR: told["operator_utility"].item()}
        rewards |= dict(zip(self._maps, told["map_utility"][0].tolist(), strict=True))
        infos: dict[str, dict[str, float]] = {OPERATOR: {}}
        for n, agent in enumerate(self._maps):
            station = int(told["association"][0, n])
            infos[agent] = {
                "association": station,
                "data_mb": told["data"][0, n].item(),
                "price_money_per_mb": told["price"][0, n, station].item(),
                "regret_money": told["regret"][0, n].item(),
            }
        return rewards, infos

    def _show(self) -> None:
        if self.render_mode == "human":
            self._display.show(self._scene)


class parallel_env(_Game, ParallelEnv):  # noqa: N801 (PettingZoo's own name)
    """All move at once, once a slot; see the module for the order of things and `raw_env` for the arguments."""

    metadata: ClassVar[dict[str, Any]] = _METADATA
    _ahead = 1

    def reset(self, seed: int | None = None, options: dict | None = None) -> tuple[dict, dict]:
        """A new episode; with the same seed the same one."""
        self._begin(seed, more=2)
        return self._observe(), {agent: {} for agent in self.agents}

    def step(self, actions: dict[str, Any]) -> tuple[dict, dict, dict, dict, dict]:
        """Play a slot at the prices of the step before, and post those of the next.

        Raises:
            ValueError: an action is missing, has another shape or leaves [-1, 1]; or the episode is over.
        """
        self._check_begun("step")
        if not self.agents:
            raise ValueError(f"step {self._played + 1}: the episode ended after {self.max_cycles} slots; call reset()")
        missing = [agent for agent in self.agents if agent not in actions]
        if missing:
            raise ValueError(f"actions lack {missing[0]}: every agent moves in every step")
        chosen = {agent: self._action(agent, actions[agent]) for agent in self.agents}
        rewards, infos = self._play([chosen[agent] for agent in self._maps])
        self._price = self._post(chosen[OPERATOR])
        over = self._played == self.max_cycles
        truncations = dict.fromkeys(self.agents, over)
        observations = self._observe()
        if over:
            self.agents = []
        return observations, rewards, dict.fromkeys(truncations, False), truncations, infos

    def _observe(self) -> dict[str, np.ndarray]:
        return {OPERATOR: self._operator_sees(self._slots.slot + self._ahead)} | self._maps_see()


class raw_env(_Game, AECEnv):  # noqa: N801 (PettingZoo's own name)
    """The operator moves, then each mAP; see the module for the order of things.

    Args:
        scenario: preset, YAML file or `Scenario`.
        max_cycles: slots of an episode; the scenario's where it is None.
        observation: what an mAP sees beside its own gains and prices: "paper" (nothing), "load" or "gains".
        price_margin: how far the operator's actions reach beyond the range of prices, as a share of half of it.
        amount_margin: how far the mAPs' actions reach beyond the range of amounts, likewise.
        render_mode: "rgb_array", "human" or None.

    Raises:
        ValueError: a bad argument, naming it.
    """

    metadata: ClassVar[dict[str, Any]] = {**_METADATA, "is_parallelizable": False}

    def reset(self, seed: int | None = None, options: dict | None = None) -> None:
        """A new episode; with the same seed the same one."""
        self._begin(seed, more=1)
        self.rewards = dict.fromkeys(self.agents, 0.0)
        self._cumulative_rewards = dict.fromkeys(self.agents, 0.0)
        self.terminations, self.truncations = (dict.fromkeys(self.agents, False) for _ in range(2))
        self.infos = {agent: {} for agent in self.agents}
        self._chosen: list[Tensor] = []
        self._watched = self._maps_see()
        self.agent_selection = OPERATOR

    def observe(self, agent: str) -> np.ndarray:
        """The operator sees the slot's gains; an mAP, until the operator has moved, still the prices of the last."""
        return self._operator_sees(self._slots.slot) if agent == OPERATOR else self._watched[agent]

    def step(self, action: Any) -> None:
        """The agent whose turn it is moves; the last mAP's move plays the slot.

        Raises:
            ValueError: an action of another shape or outside [-1, 1].
        """
        self._check_begun("step")
        agent = self.agent_selection
        if self.truncations[agent]:
            self._was_dead_step(action)
            return
        chosen = self._action(agent, action)
        self._cumulative_rewards[agent] = 0.0
        self._clear_rewards()
        if agent == OPERATOR:
            self._price = self._post(chosen)
            self._watched = self._maps_see()
        else:
            self._chosen.append(chosen)
        if len(self._chosen) == self.scenario.maps:
            self.rewards, self.infos = self._play(self._chosen)
            self._chosen, self._watched = [], self._maps_see()
            self.truncations = dict.fromkeys(self.agents, self._played == self.max_cycles)
            self._accumulate_rewards()
        order = self.possible_agents
        self.agent_selection = order[(order.index(agent) + 1) % len(order)]
