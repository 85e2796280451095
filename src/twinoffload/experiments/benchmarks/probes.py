"""Probe environments whose right answer is known, so that a learner's fault has one place."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from twinoffload.env.episodes import draw_episodes
from twinoffload.env.observation import Encoder
from twinoffload.env.slots import Slots
from twinoffload.learning.algorithms import learner as build
from twinoffload.learning.replay import Replay
from twinoffload.learning.sac import SACSettings
from twinoffload.learning.td3 import TD3Settings, ddpg
from twinoffload.scenario import Scenario
from twinoffload.seeding import stream

STORED, BATCH = 4000, 64
RATES: dict[str, Any] = {
    "hidden": (32, 32),
    "actor_rate": 5e-3,
    "critic_rate": 5e-3,
    "target_rate": 0.05,
}
PAYOFF_TOLERANCE = 0.05  # money: of the critics' root mean square error, where payoffs reach 8


@dataclass(frozen=True)
class Check:
    """A known value: of a critic at a situation `(observation, action)`, or, without an action, of the policy."""

    observation: float
    known: float
    action: float | None = None
    tolerance: float = 0.1


@dataclass(frozen=True)
class Probe:
    """One-step situations with observation and action in [-1, 1], and what must be learned of them.

    Attributes:
        reward: of observation and action `[G, E, 1]`, `[G, E]`.
        start: the observation made of a uniform one.
        following: functions of the observation for `next_observation` and `terminated`.
    """

    name: str
    reward: Callable[[Tensor, Tensor], Tensor]
    checks: tuple[Check, ...]
    discount: float = 0.0
    updates: int = 400
    start: Callable[[Tensor], Tensor] = field(default=lambda value: value)
    following: dict[str, Callable[[Tensor], Tensor]] = field(default_factory=dict)


def _ones(observation: Tensor, action: Tensor) -> Tensor:
    return torch.ones_like(action[..., 0])


def _ends(value: float) -> Callable[[Tensor], Tensor]:
    return lambda observation: torch.full_like(observation[..., 0], value)


PROBES = (
    Probe("constant reward", _ones, tuple(Check(o, 1.0, 0.3, 0.05) for o in (-0.8, 0.0, 0.8))),
    Probe(
        "reward by observation",
        lambda observation, _: observation[..., 0].sign(),
        (Check(1.0, 1.0, -0.5), Check(-1.0, -1.0, 0.5)),
        start=torch.sign,
    ),
    Probe(
        "reward by action",
        lambda _, action: -(action[..., 0] - 0.4).square(),
        (Check(0.2, -1.0, -0.6), Check(0.2, 0.0, 0.4), Check(-0.5, 0.4, tolerance=0.12)),
    ),
    Probe(
        "reward by observation and action",
        lambda observation, action: -(action - 0.7 * observation)[..., 0].square(),
        (
            *(Check(o, 0.0, 0.7 * o) for o in (-0.8, 0.0, 0.8)),
            *(Check(o, 0.7 * o, tolerance=0.12) for o in (-0.8, 0.0, 0.8)),
            Check(0.8, -1.0, -0.44),
        ),
        updates=600,
    ),
    Probe(
        "two steps with discount",  # at -1 no reward, then at +1 a reward of 1 and the end
        lambda observation, _: (observation[..., 0] > 0).float(),
        (Check(1.0, 1.0, 0.0), Check(-1.0, 0.8, 0.0)),
        discount=0.8,
        updates=600,
        start=torch.sign,
        following={"next_observation": torch.ones_like, "terminated": lambda observation: observation[..., 0] > 0},
    ),
    Probe(
        "truncation bootstraps",  # a reward of 1 for ever, cut off after each step
        _ones,
        (Check(0.5, 5.0, 0.0, 0.4),),
        discount=0.8,
        updates=700,
        following={"next_observation": torch.clone, "terminated": _ends(0.0)},
    ),
    Probe(
        "termination does not",
        _ones,
        (Check(0.5, 1.0, 0.0, 0.08),),
        discount=0.8,
        updates=700,
        following={"next_observation": torch.clone, "terminated": _ends(1.0)},
    ),
)


LEARNERS: dict[str, Callable[[float | tuple[float, ...]], SACSettings | TD3Settings]] = {
    "sac": lambda discount: SACSettings(temperature=0.01, discount=discount, **RATES),
    "td3": lambda discount: TD3Settings(target_noise=0.05, discount=discount, **RATES),
    "ddpg": lambda discount: ddpg(discount=discount, **RATES),
}
"""Settings of the learners that are probed, by algorithm, at a discount."""

_REGRESSION = {"discount": 0.0, "batch": 512, "critic_rate": 5e-4}  # found by trial
PAYOFF_LEARNERS: dict[str, SACSettings | TD3Settings] = {
    "sac": SACSettings.model_validate({"temperature": 0.02} | _REGRESSION),
    "td3": TD3Settings.model_validate(_REGRESSION),
    "ddpg": ddpg(**_REGRESSION),
}
"""Settings of the learners whose critics must find the payoff, by algorithm."""


def run_probe(probe: Probe, seeds: Sequence[int], settings: Callable[[float], Any]) -> list[dict[str, Any]]:
    """Train a learner for each seed on uniformly drawn situations; one row a check.

    Args:
        probe: what is learned.
        seeds: one member each.
        settings: the learner's, at a discount; see `LEARNERS`.

    Returns:
        Rows of probe, quantity, known value, the one found (critics' or policy's, of all seeds) that is farthest
        from it, tolerance, and whether all are within it.
    """
    members = len(seeds)
    generators = [stream(seed, "probe") for seed in seeds]
    learner = build(settings(probe.discount), members, observation=1, action=1, generators=generators)
    replay = Replay(members, STORED, observation=1, action=1, store_next=learner.settings.bootstraps)
    drawn = torch.stack([torch.rand(2, STORED, 1, generator=generator) * 2 - 1 for generator in generators], dim=1)
    observation, action = probe.start(drawn[0]), drawn[1]
    following = {name: function(observation) for name, function in probe.following.items()}
    replay.add(observation, action, probe.reward(observation, action), **following)
    for _ in range(probe.updates):
        learner.update(replay.sample(BATCH, generators))
    return [_checked(probe.name, check, learner, members) for check in probe.checks]


def _checked(name: str, check: Check, learner: Any, members: int) -> dict[str, Any]:
    observation = torch.full((members, 1, 1), check.observation)
    if check.action is None:
        found = learner.act(observation, deterministic=True).flatten()
        quantity = f"policy({check.observation:g})"
    else:
        action = torch.full((members, 1, 1), check.action)
        found = learner.critics.evaluate(learner.critics.parameters, observation, action).flatten()
        quantity = f"Q({check.observation:g}, {check.action:.2g})"
    error = (found - check.known).abs()
    return {
        "probe": name,
        "quantity": quantity,
        "known": check.known,
        "found": found[error.argmax()].item(),
        "tolerance": check.tolerance,
        "met": bool(error.max() <= check.tolerance),
    }


def payoff_probe(
    scenario: Scenario,
    seeds: Sequence[int],
    settings: SACSettings | TD3Settings,
    updates: int = 10_000,
    situations: int = 20_000,
) -> list[dict[str, Any]]:
    """One mAP, one BS, discount 0: the critic against the payoff in closed form, in money, on fresh situations.

    Channels are the scenario's, prices and amounts uniform in their ranges.

    Returns:
        Rows as of `run_probe`: the error of the critics (largest over situations and seeds, and its root mean square),
        known value 0. That of the root mean square may be 0.05 money, the largest of all five times as much.
    """
    alone = scenario.replace(maps=1, stations=1)
    encoder = Encoder.of(alone, "load")
    members = len(seeds)
    generators = [stream(seed, "payoff probe") for seed in seeds]
    learner = build(settings, members, observation=encoder.map_size, action=1, generators=generators)
    replay = Replay(members, situations, observation=encoder.map_size, action=1, store_next=False)
    observation, action, reward = _situations(alone, encoder, generators, situations)
    replay.add(observation, action, reward)
    for _ in range(updates):
        learner.update(replay.sample(settings.batch, generators))
    observation, action, reward = _situations(alone, encoder, generators, situations)
    with torch.no_grad():
        error = learner.critics.evaluate(learner.critics.parameters, observation, action) - reward
    largest, rms = error.abs().max().item(), error.square().mean().sqrt().item()
    name = "closed-form payoff"
    spread = f"payoffs {reward.min().item():.2f} to {reward.max().item():.2f}"
    return [
        {
            "probe": name,
            "quantity": f"{what} error, money ({spread})",
            "known": 0.0,
            "found": found,
            "tolerance": PAYOFF_TOLERANCE * scale,
            "met": found <= PAYOFF_TOLERANCE * scale,
        }
        for what, found, scale in (("largest", largest, 5.0), ("rms", rms, 1.0))
    ]


def _situations(
    scenario: Scenario, encoder: Encoder, generators: Sequence[torch.Generator], count: int
) -> tuple[Tensor, Tensor, Tensor]:
    """What the mAP sees, an amount, and what `Slots` pays for it; `[S, count, ...]`."""
    slots = Slots(draw_episodes(scenario, count, generators, slots=1))
    uniform = torch.stack([torch.rand(2, count, 1, generator=g, dtype=torch.float64) * 2 - 1 for g in generators], 1)
    price = encoder.price(slots, uniform[0])
    observation = encoder.map_features(slots, price).squeeze(-2)
    payoff = slots.step(price, *encoder.offload(slots, uniform[1].unsqueeze(-2)))
    return observation, uniform[1].float(), payoff["map_utility"].squeeze(-1).float()
