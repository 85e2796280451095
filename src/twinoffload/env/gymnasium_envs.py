"""Gymnasium's view of the game: one agent is the learner, everybody else plays by a scheme.

`import twinoffload` registers `twinoffload/Operator-v0` and `twinoffload/AccessPoint-v0`. `gymnasium.make_vec` gives
the batched environments below, which play all their episodes in the same tensor operations; they end together, by time.
"""

from typing import Any, ClassVar

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from twinoffload.env.display import Display
from twinoffload.env.seats import AccessPointSeat, OperatorSeat, Seat
from twinoffload.env.slots import Observation
from twinoffload.env.spaces import BOUND, action_of, seen
from twinoffload.scenario import Scenario
from twinoffload.seeding import integer, stream

_FRAMES_PER_S = 4


class _OneEnv(gymnasium.Env):
    """A seat in one episode at a time."""

    metadata: ClassVar[dict[str, Any]] = {"render_modes": ["human", "rgb_array"], "render_fps": _FRAMES_PER_S}

    def __init__(self, seat: Seat, render_mode: str | None):
        self.seat, self.render_mode = seat, render_mode
        self.display = Display(render_mode, seat.scenario, _FRAMES_PER_S)
        self.observation_space, self.action_space = _spaces(seat)
        self.played: int | None = None

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict]:
        """A new episode, drawn anew; with the same seed the same one."""
        super().reset(seed=seed)
        features = self.seat.begin(1, _generator(self.np_random))
        self.played = 0
        self._show()
        return seen(features[0]), {}

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Play a slot; the last is truncated, never terminated.

        Raises:
            ValueError: an action of another shape or outside [-1, 1]; or no episode is being played.
        """
        if self.played is None:
            raise ValueError("step: no episode has begun; call reset()")
        if self.played == self.seat.slots:
            raise ValueError(f"step {self.played + 1}: the episode ended after {self.seat.slots} slots; call reset()")
        assert self.action_space.shape is not None
        features, reward, told = self.seat.step(action_of(action, self.action_space.shape, "action")[None])
        self.played += 1
        self._show()
        info: dict[str, Any] = {name: value[0].cpu().numpy().copy() for name, value in told.items()}
        info["operator_utility"] = float(info["operator_utility"])
        return seen(features[0]), reward[0].item(), False, self.played == self.seat.slots, info

    def render(self) -> np.ndarray | None:
        """The map of the slot played last, uint8 `[height, width, 3]`; None on a window or without a mode."""
        if self.render_mode != "rgb_array":
            return None
        if self.played is None:
            raise ValueError("render: no episode has begun; call reset()")
        return self.display.picture(self.seat.scene())

    def close(self) -> None:
        """Close the window."""
        self.display.close()

    def _show(self) -> None:
        if self.render_mode == "human":
            self.display.show(self.seat.scene())


class OperatorEnv(_OneEnv):
    """`twinoffload/Operator-v0`: the operator posts prices, the mAPs reply.

    Observation: all log-gains (Eq. 24), standardised, float32 `[N M]`. Action: prices, from 0 at -1 to the highest at
    1, float32 `[N M]`. Reward: the operator's utility in a slot (Eq. 9), money.

    Args:
        scenario: preset, YAML file or `Scenario`.
        maps: who replies: "best-replying" (they know everything and best respond until nobody moves), "reactive" (they
            best respond to last slot's interference), "fixed" (all data to the strongest BS, whatever it costs), or a
            scheme, such as the trained agents of a run of one seed: `RunFolder.open(path).trainer().agents`.
        slots: of an episode; the scenario's where it is None.
        price_margin: how far actions reach beyond the range of prices, as a share of half of it: a squashed policy
            then gets to the highest price.
        render_mode: "rgb_array", "human" or None.

    Raises:
        ValueError: a bad argument, naming it.
    """

    def __init__(
        self,
        scenario: str | Scenario = "paper",
        maps: Any = "best-replying",
        slots: int | None = None,
        price_margin: float = 0.1,
        render_mode: str | None = None,
    ):
        super().__init__(OperatorSeat(scenario, maps, slots, price_margin), render_mode)


class AccessPointEnv(_OneEnv):
    """`twinoffload/AccessPoint-v0`: one mAP decides how much to send, and where; operator and other mAPs are given.

    Observation: own log-gains and prices (Eq. 34), with "load" last slot's interference, with "gains" everybody's
    gains, and what it alone knows; float32 `[F]`. Action: an amount for each BS, from nothing at -1 to all raw data at
    1, of which the largest counts (Eq. 35), float32 `[M]`. Reward: its utility in a slot (Eq. 11), money.

    Args:
        scenario: preset, YAML file or `Scenario`.
        index: which mAP, from 0.
        operator: who posts prices: a concept solved in every slot ("pairwise", "posted" or "admission"), one price in
            money/MB, or a scheme.
        others: who the other mAPs are, as `maps` of `OperatorEnv`.
        observation: "paper", "load" or "gains".
        slots: of an episode; the scenario's where it is None.
        amount_margin: how far actions reach beyond the range of amounts, as a share of half of it.
        render_mode: "rgb_array", "human" or None.

    Raises:
        ValueError: a bad argument, naming it.
    """

    def __init__(
        self,
        scenario: str | Scenario = "paper",
        index: int = 0,
        operator: Any = "pairwise",
        others: Any = "best-replying",
        observation: Observation = "load",
        slots: int | None = None,
        amount_margin: float = 0.1,
        render_mode: str | None = None,
    ):
        super().__init__(
            AccessPointSeat(scenario, index, operator, others, observation, slots, amount_margin), render_mode
        )


class _ManyEnv(VectorEnv):
    """A seat in many episodes at once; in the step after the last slot all begin anew, whatever is done."""

    metadata: ClassVar[dict[str, Any]] = {"render_modes": [], "autoreset_mode": AutoresetMode.NEXT_STEP}

    def __init__(self, seat: Seat, num_envs: int):
        num_envs = integer("num_envs", num_envs, 1)
        self.seat, self.num_envs, self.render_mode = seat, num_envs, None
        self.single_observation_space, self.single_action_space = _spaces(seat)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self.played: int | None = None

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict]:
        """New episodes. One seed, an integer, fixes them all: environment 0 of 1 plays what `gymnasium.make` gives."""
        super().reset(seed=seed)
        features = self.seat.begin(self.num_envs, _generator(self.np_random))
        self.played = 0
        return seen(features), {}

    def step(self, actions: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Play a slot in all.

        Raises:
            ValueError: actions of another shape or outside [-1, 1]; or no episode has begun.
        """
        if self.played is None:
            raise ValueError("step: no episode has begun; call reset()")
        ended = np.zeros(self.num_envs, dtype=bool)
        assert self.action_space.shape is not None
        chosen = action_of(actions, self.action_space.shape, "actions")
        if self.played == self.seat.slots:
            features, info = self.reset()
            return features, np.zeros(self.num_envs), ended, ended.copy(), info
        features, reward, told = self.seat.step(chosen)
        self.played += 1
        over = np.full(self.num_envs, self.played == self.seat.slots)
        info = {name: value.cpu().numpy().copy() for name, value in told.items()}
        info |= {f"_{name}": np.ones(self.num_envs, dtype=bool) for name in told}
        return seen(features), reward.cpu().numpy(), ended, over, info


class OperatorVectorEnv(_ManyEnv):
    """Many of `OperatorEnv`, batched; the same arguments, without pictures."""

    def __init__(
        self,
        num_envs: int = 1,
        scenario: str | Scenario = "paper",
        maps: Any = "best-replying",
        slots: int | None = None,
        price_margin: float = 0.1,
    ):
        super().__init__(OperatorSeat(scenario, maps, slots, price_margin), num_envs)


class AccessPointVectorEnv(_ManyEnv):
    """Many of `AccessPointEnv`, batched; the same arguments, without pictures."""

    def __init__(
        self,
        num_envs: int = 1,
        scenario: str | Scenario = "paper",
        index: int = 0,
        operator: Any = "pairwise",
        others: Any = "best-replying",
        observation: Observation = "load",
        slots: int | None = None,
        amount_margin: float = 0.1,
    ):
        super().__init__(
            AccessPointSeat(scenario, index, operator, others, observation, slots, amount_margin), num_envs
        )


def _spaces(seat: Seat) -> tuple[gymnasium.spaces.Box, gymnasium.spaces.Box]:
    """What is seen and done in one episode."""
    return (
        gymnasium.spaces.Box(-BOUND, BOUND, (seat.observation_size,), np.float32),
        gymnasium.spaces.Box(-1.0, 1.0, (seat.action_size,), np.float32),
    )


def _generator(random: np.random.Generator) -> Any:
    """The episode's own stream, drawn from Gymnasium's, so that `reset(seed=...)` fixes all that follow, too."""
    return stream(int(random.integers(2**62)), "gymnasium")
