"""Gymnasium's Pendulum, learned by stacked SAC and by stable-baselines3's: a task of others, with a known return."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from twinoffload.experiments.benchmarks.peers import import_peer
from twinoffload.learning.replay import Replay
from twinoffload.learning.sac import SAC, SACSettings
from twinoffload.seeding import stream

TASK = "Pendulum-v1"
STEPS = 20_000  # of each seed, as is usual for this task
KNOWN_RETURN = -200.0
EVALUATED = 20  # episodes
HELD_OUT = 1_000_000  # seeds of evaluation start here
WARMUP = 500  # steps of uniform actions
SETTINGS = SACSettings.model_validate(
    {"hidden": (64, 64), "batch": 256, "actor_rate": 1e-3, "critic_rate": 1e-3, "temperature": "auto", "discount": 0.99}
)


class GymLoop:
    """Learns a Gymnasium task of bounded actions, one environment and one update a step for each of S seeds."""

    def __init__(self, task: str, settings: SACSettings, seeds: Sequence[int]):
        self.task, self.seeds = task, list(seeds)
        self.environments = vector(task, len(self.seeds))
        space = self.environments.single_action_space
        self.low, self.high = torch.from_numpy(space.low), torch.from_numpy(space.high)
        self.generators = [stream(seed, task) for seed in seeds]
        sizes = {"observation": self.environments.single_observation_space.shape[0], "action": space.shape[0]}
        self.learner = SAC(settings, len(self.seeds), **sizes, generators=self.generators)
        self.sizes = sizes

    def train(self, steps: int, warmup: int = WARMUP, each: Callable[[int], None] = lambda step: None) -> None:
        """Play and learn; an episode that is cut off is followed by its own final observation and goes on from there.

        Args:
            steps: of each seed.
            warmup: steps of uniform actions, before the first update.
            each: called with the number of every thousandth step.
        """
        replay = Replay(len(self.seeds), steps, **self.sizes, store_next=self.learner.settings.bootstraps)
        seen, _ = self.environments.reset(seed=self.seeds)
        for step in range(1, steps + 1):
            observation = members(seen)
            action = self.learner.act(observation) if step > warmup else self._uniform()
            seen, reward, terminated, truncated, info = self.environments.step(self.scaled(action))
            final = following(seen, terminated | truncated, info)
            replay.add(
                observation,
                action,
                members(reward)[..., 0],
                terminated=members(terminated)[..., 0],
                next_observation=members(final),
            )
            if step > warmup:
                self.learner.update(replay.sample(self.learner.settings.batch, self.generators))
            if step % 1000 == 0:
                each(step)

    def returns(self, episodes: int) -> list[float]:
        """Mean undiscounted return of each seed's policy without exploration, over episodes that none learned from."""
        total = np.zeros((len(self.seeds), episodes))
        environments = vector(self.task, len(self.seeds))
        for episode in range(episodes):
            seen, _ = environments.reset(seed=[HELD_OUT + episode] * len(self.seeds))
            running = np.ones(len(self.seeds), dtype=bool)
            while running.any():
                action = self.learner.act(members(seen), deterministic=True)
                seen, reward, terminated, truncated, _ = environments.step(self.scaled(action))
                total[:, episode] += reward * running
                running &= ~(terminated | truncated)
        return total.mean(-1).tolist()

    def scaled(self, action: torch.Tensor) -> np.ndarray:
        """Actions `[S, 1, A]` in [-1, 1] to the task's range, `[S, A]`."""
        return (self.low + (action[:, 0] + 1.0) / 2.0 * (self.high - self.low)).numpy()

    def _uniform(self) -> torch.Tensor:
        size = (1, self.sizes["action"])
        return torch.stack([torch.rand(size, generator=generator) * 2.0 - 1.0 for generator in self.generators])


def vector(task: str, count: int) -> Any:
    """`count` environments side by side that start anew in the step in which an episode ends."""
    gymnasium = import_peer("gymnasium")
    mode = gymnasium.vector.AutoresetMode.SAME_STEP
    return gymnasium.vector.SyncVectorEnv([lambda: gymnasium.make(task)] * count, autoreset_mode=mode)


def members(values: np.ndarray) -> torch.Tensor:
    """One row an environment `[S, ...]` to float32 `[S, 1, ...]`; of numbers without an axis `[S, 1, 1]`."""
    return torch.as_tensor(values.reshape(len(values), 1, -1), dtype=torch.float32)


def following(seen: np.ndarray, ended: np.ndarray, info: dict[str, Any]) -> np.ndarray:
    """What followed the action: where an episode ended its final observation, not the next one's first."""
    if not ended.any():
        return seen
    final = seen.copy()
    for i in np.flatnonzero(ended):
        final[i] = info["final_obs"][i]
    return final


def ours(seeds: Sequence[int], steps: int = STEPS, each: Callable[[int], None] = lambda step: None) -> dict[str, Any]:
    """Mean return of each seed after so many steps, and the seconds of all seeds together."""
    loop = GymLoop(TASK, SETTINGS, seeds)
    began = time.perf_counter()
    loop.train(steps, each=each)
    return {"returns": loop.returns(EVALUATED), "seconds": time.perf_counter() - began}


def theirs(seeds: Sequence[int], steps: int = STEPS, each: Callable[[int], None] = lambda seed: None) -> dict[str, Any]:
    """The same of stable-baselines3's SAC with equal settings, one seed after the other."""
    library = import_peer("stable_baselines3")
    gymnasium = import_peer("gymnasium")
    returns, began = [], time.perf_counter()
    for seed in seeds:
        model = library.SAC(
            "MlpPolicy",
            gymnasium.make(TASK),
            policy_kwargs={"net_arch": list(SETTINGS.hidden)},
            batch_size=SETTINGS.batch,
            learning_rate=SETTINGS.actor_rate,
            learning_starts=WARMUP,
            seed=seed,
            device="cpu",
        )
        model.learn(steps)
        returns.append(_peer_return(gymnasium.make(TASK), model))
        each(seed)
    return {"returns": returns, "seconds": time.perf_counter() - began}


def _peer_return(environment: Any, model: Any) -> float:
    total = 0.0
    for episode in range(EVALUATED):
        seen, _ = environment.reset(seed=HELD_OUT + episode)
        ended = False
        while not ended:
            action, _ = model.predict(seen, deterministic=True)
            seen, reward, terminated, truncated, _ = environment.step(action)
            total += float(reward)
            ended = terminated or truncated
    return total / EVALUATED
