"""The loop of Algorithms 2 and 3: operator and mAPs learn at once, in many environments and for many seeds."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from twinoffload.env.episodes import draw_episodes
from twinoffload.env.slots import Observation, Slots
from twinoffload.learning.agents import Agents, by_member, by_seed
from twinoffload.learning.replay import Replay
from twinoffload.learning.sac import SACSettings
from twinoffload.scenario import Scenario
from twinoffload.seeding import stream

_BANDIT = {"discount": 0.0, "temperature": 0.02}


class TrainSettings(BaseModel):
    """How the agents learn."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    observation: Observation = Field("load", description="what an mAP sees beside its own gains and prices")
    episodes: int = Field(60, ge=1, description="episodes")
    environments: int = Field(8, ge=1, description="episodes played at once by each seed")
    replay: int = Field(20_000, ge=1, description="transitions kept for each agent")
    warmup: int = Field(32, ge=1, description="slots played before the first update")
    checkpoint_every: int = Field(10, ge=1, description="episodes from one checkpoint to the next")
    reward_floor: float | None = Field(-10.0, description="mAPs' rewards are clipped below here for learning, money")
    operator: SACSettings = Field(SACSettings.model_validate(_BANDIT), description="operator's learner (Algorithm 2)")
    maps: SACSettings = Field(SACSettings.model_validate(_BANDIT), description="mAPs' learners (Algorithm 3)")


def check_trainable(scenario: Scenario) -> None:
    """Refuse a scenario that cannot be learned, before any work.

    Raises:
        ValueError: naming the field and the remedy.
    """
    scenario.layout()
    if scenario.highest_price == 0.0:
        raise ValueError(f"scenario {scenario.name}: price_cap = 0 leaves the operator no price to learn; raise it")


class Trainer:
    """Training in progress; `run` goes on from wherever it stands, an episode at a time."""

    def __init__(
        self,
        scenario: Scenario,
        settings: TrainSettings,
        seeds: Sequence[int],
        device: torch.device | str = "cpu",
    ):
        self.scenario, self.settings, self.seeds, self.device = scenario, settings, list(seeds), device
        self.agents = Agents(scenario, settings.observation, seeds, settings.operator, settings.maps, device)
        self.episode = 0
        self.replays = {}
        for name, learner in (("operator", self.agents.operator), ("maps", self.agents.maps)):
            self.replays[name] = Replay(
                learner.members,
                settings.replay,
                observation=learner.sizes["observation"],
                action=learner.sizes["action"],
                store_next=learner.settings.bootstraps,
                device=device,
            )

    def run(self, each_episode: Callable[[list[dict[str, Any]]], None]) -> None:
        """Train until the episodes are done; after each, `each_episode` gets one row of metrics a seed."""
        while self.episode < self.settings.episodes:
            rows = self.play_episode()
            self.episode += 1
            each_episode(rows)

    def play_episode(self) -> list[dict[str, Any]]:
        """One episode of every environment and seed, with an update of every agent in every slot."""
        generators = [stream(seed, f"training episode {self.episode}") for seed in self.seeds]
        episodes = draw_episodes(
            self.scenario,
            self.settings.environments,
            generators,
            slots=self.scenario.slots + 1,  # the last slot is followed by its final observation
            device=self.device,
        )
        slots = Slots(episodes)
        totals: dict[str, list[Tensor]] = {}
        decision = self._decide(slots)
        for _ in range(self.scenario.slots):
            payoff = slots.step(decision.price, *decision.offload)
            following = self._decide(slots)
            self._store(decision, payoff, following)
            for name, value in (_summary(decision, payoff) | self._learn()).items():
                totals.setdefault(name, []).append(value)
            decision = following
        table = {name: torch.stack(values).mean(0).tolist() for name, values in totals.items()}
        return [
            {"episode": self.episode, "seed": seed} | {name: values[i] for name, values in table.items()}
            for i, seed in enumerate(self.seeds)
        ]

    def _decide(self, slots: Slots) -> "_Decision":
        """What the exploring policies do in a slot; the operator first, since its prices are what mAPs see."""
        agents, encoder = self.agents, self.agents.encoder
        operator_seen = encoder.operator_features(slots)
        operator_action = agents.operator.act(operator_seen)
        price = encoder.price(slots, operator_action)
        maps_seen = by_member(encoder.map_features(slots, price))
        maps_action = agents.maps.act(maps_seen)
        offload = encoder.offload(slots, by_seed(maps_action, len(self.seeds)))
        return _Decision(
            {"operator": operator_seen, "maps": maps_seen},
            price,
            offload,
            {"operator": operator_action, "maps": maps_action},
        )

    def _store(self, decision: "_Decision", payoff: dict[str, Tensor], following: "_Decision") -> None:
        """Episodes end by time only, so every transition has a next observation and none terminates."""
        floor = self.settings.reward_floor
        utility = payoff["map_utility"] if floor is None else payoff["map_utility"].clamp(min=floor)
        rewards = {"operator": payoff["operator_utility"], "maps": by_member(utility)}
        for name, replay in self.replays.items():
            follow = {"next_observation": following.seen[name]} if replay.store_next else {}
            replay.add(decision.seen[name], decision.action[name], rewards[name].float(), **follow)

    def _learn(self) -> dict[str, Tensor]:
        """One update of both ensembles; means for each seed `[S]`, none until there is enough to learn from."""
        measured = {}
        for name, learner in (("operator", self.agents.operator), ("maps", self.agents.maps)):
            replay = self.replays[name]
            if len(replay) < self.settings.warmup * self.settings.environments:
                continue
            batch = replay.sample(learner.settings.batch, self.agents.generators[name])
            for metric, value in learner.update(batch).items():
                measured[f"{name}_{metric}"] = value.reshape(len(self.seeds), -1).mean(-1)
        return measured

    def state(self) -> dict[str, Tensor]:
        """Everything needed to go on to the same bit; call between episodes."""
        parts = {"agents": self.agents.state()} | {f"replay_{name}": r.state() for name, r in self.replays.items()}
        tensors = {f"{part}.{name}": tensor for part, state in parts.items() for name, tensor in state.items()}
        return tensors | {"episode": torch.tensor(self.episode)}

    def load(self, state: dict[str, Tensor]) -> None:
        """Take over what `state` gave.

        Raises:
            ValueError: it was made with other settings.
        """
        parts: dict[str, dict[str, Tensor]] = {}
        for key, tensor in state.items():
            part, _, name = key.partition(".")
            parts.setdefault(part, {})[name] = tensor
        self.agents.load(parts["agents"])
        for name, replay in self.replays.items():
            replay.load(parts[f"replay_{name}"])
        self.episode = int(state["episode"])


@dataclass(frozen=True)
class _Decision:
    """What was seen and done in a slot; by learner name where both have one."""

    seen: dict[str, Tensor]
    price: Tensor
    offload: tuple[Tensor, Tensor]
    action: dict[str, Tensor]


def _summary(decision: _Decision, payoff: dict[str, Tensor]) -> dict[str, Tensor]:
    """Means of a slot for each seed `[S]`."""
    return {
        "operator_utility_money": payoff["operator_utility"].mean(-1),
        "map_utility_money": payoff["map_utility"].mean((-2, -1)),
        "map_regret_money": payoff["regret"].mean((-2, -1)),
        "price_money_per_mb": decision.price.mean((-3, -2, -1)),
        "data_mb": decision.offload[1].mean((-2, -1)),
    }
