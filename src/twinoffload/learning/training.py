"""The loop of Algorithms 2 and 3: operator and mAPs learn in many environments and for many rows at once."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from twinoffload.env.slots import Slots
from twinoffload.learning import guard
from twinoffload.learning.agents import Agents
from twinoffload.learning.demonstrations import Teacher, check_teachable
from twinoffload.learning.replay import Replay
from twinoffload.learning.rows import draw_rows, scenario_of_rows
from twinoffload.learning.train_settings import TrainSettings
from twinoffload.scenario import Scenario
from twinoffload.seeding import stream

__all__ = ["TrainSettings", "Trainer", "check_trainable"]

_Measured = dict[str, list[tuple[int, Tensor]]]  # of each metric: slot and values of the rows `[S]`


def check_trainable(
    scenario: Scenario | Sequence[Scenario], settings: TrainSettings, seeds: Sequence[int]
) -> list[Scenario]:
    """Refuse what cannot be trained, before any work; see `Trainer` for the arguments.

    Returns:
        The scenario of each row.

    Raises:
        ValueError: naming the field and the remedy.
    """
    scenarios = scenario_of_rows(scenario, seeds)
    for one in dict.fromkeys(scenarios):
        one.check_episodes()
        if one.highest_price == 0.0:
            raise ValueError(f"scenario {one.name}: price_cap = 0 leaves the operator no price to learn; raise it")
    added = settings.environments * (scenarios[0].maps if settings.followers == "shared" else 1)
    if added > settings.replay:
        raise ValueError(f"replay = {settings.replay}: a slot adds {added} transitions a network; raise it")
    check_teachable(scenarios[0], settings)
    for who in ("operator", "maps"):
        getattr(settings, who).per_row(len(seeds), 1, who)
    return scenarios


class Trainer:
    """Training in progress; `run` goes on from wherever it stands, an episode at a time.

    Args:
        scenario: of all rows, or one for each row, of equal shape.
        settings: how the agents learn.
        seeds: one for each row.
        device: where everything is computed; episodes are drawn on the CPU, once each, and nothing else crosses to
            the host within an episode.

    Attributes:
        episode: episodes played.
        stopped: which rows have diverged; they go on playing with their last good weights.

    Raises:
        ValueError: what `check_trainable` refuses.
    """

    def __init__(
        self,
        scenario: Scenario | Sequence[Scenario],
        settings: TrainSettings,
        seeds: Sequence[int],
        device: torch.device | str = "cpu",
    ):
        self.scenarios = check_trainable(scenario, settings, seeds)
        self.scenario, self.settings, self.seeds, self.device = self.scenarios[0], settings, list(seeds), device
        self.agents = Agents(scenario, settings, seeds, device)
        self.episode = 0
        self.stopped = [False] * len(self.seeds)
        self.replays = {
            name: Replay(
                learner.members,
                settings.replay,
                **learner.sizes,
                store_next=learner.settings.bootstraps,
                device=device,
            )
            for name, learner in self.agents.learners.items()
        }
        self.teacher = Teacher(self.scenarios, settings, self.agents)
        self._keep_weights()

    def run(self, each_episode: Callable[[list[dict[str, Any]]], None]) -> None:
        """Train until the episodes are done; after each, `each_episode` gets one row of metrics a seed.

        Warns:
            DivergenceWarning: a row was stopped.
        """
        while self.episode < self.settings.episodes:
            rows = self.play_episode()
            self.episode += 1
            each_episode(rows)

    def play_episode(self) -> list[dict[str, Any]]:
        """One episode of every environment and row, with an update of whoever learns in every slot."""
        slots = Slots(
            draw_rows(
                self.scenarios,
                self.settings.environments,
                [stream(seed, f"training episode {self.episode}") for seed in self.seeds],
                slots=self.scenario.slots + 1,  # the last slot is followed by its final observation
                device=self.device,
            )
        )
        measured: _Measured = {}
        decision = self._decide(slots)
        for _ in range(self.scenario.slots):
            decision = self._play_slot(slots, decision, measured)
        return self._finish_episode(measured)

    def _play_slot(self, slots: Slots, decision: "_Decision", measured: _Measured) -> "_Decision":
        """Play a slot, decide in the next, learn; never waits for the device."""
        slot = slots.slot
        self.teacher.look_back(slots, decision.seen["maps"], decision.price, *decision.offload)
        payoff = slots.step(decision.price, *decision.offload)
        following = self._decide(slots)
        self._store(decision, payoff, following)
        for metrics in (_summary(decision, payoff), *self._learn(slot)):
            for name, value in metrics.items():
                measured.setdefault(name, []).append((slot, value))
        return following

    def _decide(self, slots: Slots) -> "_Decision":
        """What the exploring policies do in a slot; the operator first, since its prices are what mAPs see."""
        agents, encoder = self.agents, self.agents.encoder
        operator_seen = encoder.operator_features(slots)
        operator_action = agents.operator.act(operator_seen)
        price = encoder.price(slots, operator_action)
        maps_seen = agents.by_member(encoder.map_features(slots, price))
        maps_action = agents.maps.act(maps_seen)
        offload = encoder.offload(slots, agents.by_row(maps_action))
        central = self.settings.critic == "central"
        return _Decision(
            {"operator": operator_seen, "maps": maps_seen},
            price,
            offload,
            {"operator": operator_action, "maps": maps_action},
            {"maps": agents.by_member(encoder.interference_features(slots, *offload))} if central else {},
        )

    def _store(self, decision: "_Decision", payoff: dict[str, Tensor], following: "_Decision") -> None:
        """Episodes end by time only, so every transition has a next observation and none terminates."""
        floor = self.settings.reward_floor
        utility = payoff["map_utility"] if floor is None else payoff["map_utility"].clamp(min=floor)
        rewards = {"operator": payoff["operator_utility"], "maps": self.agents.by_member(utility)}
        for name, replay in self.replays.items():
            follow: dict[str, Tensor | None] = {}
            if replay.store_next:
                follow = {
                    "next_observation": following.seen[name],
                    "next_privileged": following.privileged.get(name),
                }
            replay.add(
                decision.seen[name],
                decision.action[name],
                rewards[name].float(),
                privileged=decision.privileged.get(name),
                **follow,
            )

    def _learn(self, slot: int) -> list[dict[str, Tensor]]:
        """The updates that are due after a slot; means for each row `[S]`."""
        settings, measured = self.settings, []
        played = self.episode * self.scenario.slots + slot + 1
        if played < settings.warmup or played % settings.slots_per_update:
            return measured
        for name, learner in self.agents.learners.items():
            for _ in range(settings.updates_per_slot if settings.learns(name, self.episode) else 0):
                batch = self.replays[name].sample(learner.settings.batch, self.agents.generators[name])
                metrics = learner.update(batch, self.teacher.examples(name))
                measured.append({f"{name}_{metric}": self._mean(value) for metric, value in metrics.items()})
        return measured

    def _finish_episode(self, measured: _Measured) -> list[dict[str, Any]]:
        """The rows of metrics; here, once an episode, the host looks at the numbers and stops rows that diverged."""
        # Along the last axis: elsewhere the order of summation depends on how many rows there are, and would show.
        means = {name: torch.stack([value for _, value in values], -1).mean(-1) for name, values in measured.items()}
        finite = {
            name: learner.finite().view(len(self.seeds), -1).all(-1) for name, learner in self.agents.learners.items()
        }
        sound = guard.sound(means, finite, self.settings.value_bound).tolist()
        fresh = [row for row, good in enumerate(sound) if not (good or self.stopped[row])]
        for row in fresh:
            series = {
                name: ([slot for slot, _ in values], torch.stack([value[row] for _, value in values]).tolist())
                for name, values in measured.items()
            }
            weights = {name: bool(good[row]) for name, good in finite.items()}
            fault = guard.diagnose(series, weights, self.settings.value_bound)
            message = fault.message(self.seeds[row], self.episode, self.settings.value_bound)
            warnings.warn(message, guard.DivergenceWarning, stacklevel=3)
            self.stopped[row] = True
        if fresh:
            self._freeze_stopped()
        self._keep_weights()
        table = {name: value.tolist() for name, value in means.items()}
        several = any(scenario is not self.scenario for scenario in self.scenarios)
        return [
            {"episode": self.episode, "seed": seed}
            | ({"row": row} if several else {})
            | {name: values[row] for name, values in table.items()}
            | {"stopped": self.stopped[row]}
            for row, seed in enumerate(self.seeds)
        ]

    def _mean(self, value: Tensor) -> Tensor:
        """Over the members of each row, `[G]` to `[S]`."""
        return value.reshape(len(self.seeds), -1).mean(-1)

    def _keep_weights(self) -> None:
        """Remember the weights that everybody has now: the last good ones, should a row diverge."""
        self._good = {
            name: {part: tensor.clone() for part, tensor in learner.weights().items()}
            for name, learner in self.agents.learners.items()
        }

    def _freeze_stopped(self) -> None:
        rows = torch.tensor([row for row, stopped in enumerate(self.stopped) if stopped])
        for name, learner in self.agents.learners.items():
            members = torch.arange(learner.members).view(len(self.seeds), -1)[rows].flatten()
            learner.freeze(members.tolist(), self._good[name])

    def state(self) -> dict[str, Tensor]:
        """Everything needed to go on to the same bit; call between episodes."""
        parts = {"agents": self.agents.state()} | {f"replay_{name}": r.state() for name, r in self.replays.items()}
        parts |= {"teacher": self.teacher.state()}
        tensors = {f"{part}.{name}": tensor for part, state in parts.items() for name, tensor in state.items()}
        return tensors | {"episode": torch.tensor(self.episode), "stopped": torch.tensor(self.stopped)}

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
        self.teacher.load(parts.get("teacher", {}))
        self.episode, self.stopped = int(state["episode"]), state["stopped"].tolist()
        if len(self.stopped) != len(self.seeds):
            raise ValueError(f"stopped has {len(self.stopped)} rows, expected {len(self.seeds)}")
        self._keep_weights()
        if any(self.stopped):
            self._freeze_stopped()


@dataclass(frozen=True)
class _Decision:
    """What was seen and done in a slot; by learner name where both have one."""

    seen: dict[str, Tensor]
    price: Tensor
    offload: tuple[Tensor, Tensor]
    action: dict[str, Tensor]
    privileged: dict[str, Tensor]  # what the central critics see besides


def _summary(decision: _Decision, payoff: dict[str, Tensor]) -> dict[str, Tensor]:
    """Means of a slot for each row `[S]`."""
    return {
        "operator_utility_money": payoff["operator_utility"].mean(-1),
        "map_utility_money": payoff["map_utility"].mean((-2, -1)),
        "map_regret_money": payoff["regret"].mean((-2, -1)),
        "price_money_per_mb": decision.price.mean((-3, -2, -1)),
        "data_mb": decision.offload[1].mean((-2, -1)),
    }
