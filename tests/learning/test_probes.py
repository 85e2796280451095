"""Probe environments whose right answer is known, so that a learner's fault has one place."""

from dataclasses import replace

import pytest
import torch

from twinoffload.experiments.benchmarks.probes import LEARNERS, PROBES, run_probe
from twinoffload.learning.algorithms import learner as build
from twinoffload.learning.replay import Replay

MEMBERS = 2


@pytest.fixture(params=LEARNERS)
def name(request):
    return request.param


@pytest.fixture
def algorithm(name):
    return LEARNERS[name]


def train(algorithm, reward, *, discount=0.0, updates=400, privileged=0, **following):
    """Train two seeds on uniformly drawn observations, privileged features and actions in [-1, 1].

    Args:
        algorithm: makes the settings.
        reward: function of observation `[G, E, 1]`, privileged `[G, E, p]` and action `[G, E, 1]` -> `[G, E]`.
        following: functions of the observation for `next_observation` and `terminated`.
    """
    source = torch.Generator().manual_seed(11)
    generators = [torch.Generator().manual_seed(seed) for seed in (1, 2)]
    settings = algorithm(discount)
    sizes = {"observation": 1, "action": 1, "privileged": privileged}
    learner = build(settings, MEMBERS, **sizes, generators=generators)
    replay = Replay(MEMBERS, 4000, **sizes, store_next=settings.bootstraps)
    observation, extra, action = (
        torch.rand(MEMBERS, 4000, size, generator=source) * 2 - 1 for size in (1, privileged, 1)
    )
    observation = following.pop("start", lambda value: value)(observation)
    replay.add(
        observation,
        action,
        reward(observation, extra, action),
        privileged=extra,
        **{name: function(observation) for name, function in following.items()},
    )
    for _ in range(updates):
        learner.update(replay.sample(64, generators))
    return learner


def value(learner, observation, action, *privileged):
    """Values `[count, G]` of all critics at one situation."""
    inputs = [torch.full((MEMBERS, 1, 1), float(part)) for part in (observation, *privileged, action)]
    return learner.critics.evaluate(learner.critics.parameters.detach(), *inputs).squeeze(-1)


def policy(learner, observation):
    return learner.act(torch.full((MEMBERS, 1, 1), float(observation)), deterministic=True).flatten()


def near(values, expected, tolerance=0.1):
    torch.testing.assert_close(values, torch.full_like(values, expected), rtol=0, atol=tolerance)


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.name)
def test_known_values(probe, name):
    for row in run_probe(probe, (1, 2), LEARNERS[name]):
        assert row["met"], row


def test_a_probe_notices_a_wrong_answer():
    wrong = replace(PROBES[0], reward=lambda observation, action: 1.2 * torch.ones_like(action[..., 0]))
    assert not any(row["met"] for row in run_probe(wrong, (1, 2), LEARNERS["sac"]))


def test_reward_by_what_only_the_critic_sees(algorithm):
    """The critic tells the cases apart; the actor can only answer their mean."""
    learner = train(
        algorithm,
        lambda _, hidden, action: -(action - 0.2 - 0.3 * hidden.sign())[..., 0].square(),
        privileged=1,
        updates=600,
    )
    near(value(learner, 0, 0.5, 0.8), 0.0, 0.12)
    near(value(learner, 0, 0.5, -0.8), -0.36, 0.12)
    near(policy(learner, 0.3), 0.2, 0.15)


def test_members_may_discount_differently(algorithm):
    learner = train(
        algorithm,
        lambda observation, _, action: torch.ones_like(action[..., 0]),
        discount=(0.0, 0.5),
        next_observation=torch.clone,
    )
    values = value(learner, 0.0, 0.0)
    near(values[:, 0], 1.0, 0.05)
    near(values[:, 1], 2.0, 0.12)


def test_policy_maximises_the_later_reward(algorithm):
    """The action now is the only thing that counts, but it pays one step later."""
    source = torch.Generator().manual_seed(3)
    generators = [torch.Generator().manual_seed(seed) for seed in (1, 2)]
    settings = algorithm(0.9)
    learner = build(settings, MEMBERS, observation=2, action=1, generators=generators)
    replay = Replay(MEMBERS, 8000, observation=2, action=1)
    action = torch.rand(MEMBERS, 4000, 1, generator=source) * 2 - 1
    start, second = torch.zeros(MEMBERS, 4000, 2), torch.cat([torch.ones_like(action), action], -1)
    nothing = torch.zeros(MEMBERS, 4000)
    replay.add(start, action, nothing, next_observation=second, terminated=nothing)
    replay.add(
        second,
        action.flip(1),
        -(action[..., 0] + 0.5).square(),
        next_observation=second,
        terminated=nothing + 1,
    )
    for _ in range(800):
        learner.update(replay.sample(64, generators))
    near(learner.act(torch.zeros(MEMBERS, 1, 2), deterministic=True).flatten(), -0.5, 0.15)
