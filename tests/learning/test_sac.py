import copy

import pytest
import torch
from pydantic import ValidationError

from twinoffload.learning.replay import Replay, Transition
from twinoffload.learning.sac import SAC, SACSettings


def generators(*seeds):
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def learner(*seeds, members=None, privileged=0, **settings):
    return SAC(
        SACSettings(**{"hidden": (16, 16), **settings}),
        members or len(seeds),
        observation=3,
        action=2,
        privileged=privileged,
        generators=generators(*seeds),
    )


def batch(members=2, size=32, privileged=0, seed=0):
    source = torch.Generator().manual_seed(seed)

    def draw(*shape):
        return torch.rand(members, size, *shape, generator=source) * 2 - 1

    return Transition(
        observation=draw(3),
        privileged=draw(privileged),
        action=draw(2),
        reward=draw(),
        terminated=(draw() > 0.5).float(),
        next_observation=draw(3),
        next_privileged=draw(privileged),
    )


def rows(transition, chosen):
    return Transition(*(getattr(transition, name)[chosen] for name in transition.__dataclass_fields__))


@pytest.mark.parametrize("discount", [0.0, 0.9])
def test_a_seed_alone_learns_as_it_does_stacked(discount):
    stacked, alone = (
        learner(4, 9, 2, members=6, discount=discount),
        learner(9, members=2, discount=discount),
    )
    for step in range(10):
        transition = batch(members=6, seed=step)
        stacked.update(transition)
        alone.update(rows(transition, slice(2, 4)))
    torch.testing.assert_close(stacked.actor[2:4], alone.actor, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(
        stacked.critics.parameters.view(2, 6, -1)[:, 2:4].flatten(0, 1),
        alone.critics.parameters,
        rtol=1e-4,
        atol=1e-5,
    )
    observation = batch(members=6).observation
    torch.testing.assert_close(stacked.act(observation)[2:4], alone.act(observation[2:4]), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("settings", [{"discount": 0.9}, {"discount": 0.0, "temperature": 0.02, "gradient_clip": 1.0}])
def test_a_resumed_learner_continues_to_the_same_bit(settings):
    first = learner(1, 2, **settings)
    for step in range(5):
        first.update(batch(seed=step))
    second = learner(8, 9, **settings)
    second.load(first.state())
    for mine, theirs in zip(second.generators, first.generators, strict=True):
        mine.set_state(theirs.get_state())
    for step in range(5, 10):
        metrics = [each.update(batch(seed=step)) for each in (first, second)]
        assert all(torch.equal(metrics[0][name], metrics[1][name]) for name in metrics[0])
    assert all(torch.equal(first.state()[name], second.state()[name]) for name in first.state())


def test_state_is_a_copy_and_a_foreign_state_is_refused():
    first = learner(1, 2)
    state = first.state()
    kept = copy.deepcopy(state)
    first.update(batch())
    assert all(torch.equal(state[name], kept[name]) for name in state)
    with pytest.raises(ValueError, match=r"temperature\.log"):
        learner(1, 2, temperature=0.1).load(state)
    with pytest.raises(ValueError, match=r"actor\.parameters has shape"):
        learner(1, 2, hidden=(8,)).load(state)


def test_learning_rates_belong_to_their_member():
    alike = learner(1, 1, temperature=0.1, discount=0.0)
    unlike = learner(1, 1, temperature=0.1, discount=0.0, actor_rate=(1e-4, 1e-2), critic_rate=(1e-2, 1e-4))
    start = unlike.actor.detach().clone()
    critics = unlike.critics.parameters.detach().clone().view(2, 2, -1)
    same = rows(batch(), [0, 0])
    for each in (alike, unlike):
        each.update(same)
    torch.testing.assert_close(alike.actor[0], alike.actor[1])
    actor_moves = (unlike.actor - start).abs().amax(-1)
    critic_moves = (unlike.critics.parameters.view(2, 2, -1) - critics).abs().amax(-1)
    torch.testing.assert_close(actor_moves, torch.tensor([1e-4, 1e-2]), rtol=0.02, atol=0)
    torch.testing.assert_close(critic_moves, torch.tensor([[1e-2, 1e-4]] * 2), rtol=0.02, atol=0)


def test_the_actor_step_leaves_critics_and_targets_untouched():
    each = learner(1, 2, discount=0.9)
    transition = batch()
    before = [each.critics.parameters.clone(), each.critics.target.clone(), each.actor.clone()]
    each._improve_actor(transition.observation, transition.privileged)
    assert torch.equal(each.critics.parameters, before[0])
    assert torch.equal(each.critics.target, before[1])
    assert not torch.equal(each.actor, before[2])


def test_targets_track_by_their_rate():
    each = learner(1, 2, discount=0.9, target_rate=0.25)
    start = each.critics.parameters.detach().clone()
    each.update(batch())
    torch.testing.assert_close(each.critics.target, 0.75 * start + 0.25 * each.critics.parameters)
    assert not torch.equal(each.critics.parameters, start)


def test_without_discount_there_is_no_target_and_no_need_of_next_fields():
    each = learner(1, 2, discount=0.0)
    assert each.critics.target is None
    whole = batch()
    metrics = each.update(Transition(whole.observation, whole.privileged, whole.action, whole.reward))
    assert set(metrics) == {"critic_loss", "q_mean", "actor_loss", "entropy", "temperature"}
    assert all(value.shape == (2,) and not value.requires_grad for value in metrics.values())
    with pytest.raises(ValueError, match="next fields"):
        learner(1, 2, discount=(0.0, 0.9)).update(
            Transition(whole.observation, whole.privileged, whole.action, whole.reward)
        )


def test_the_target_contains_discount_entropy_and_the_pessimistic_target_critic():
    each = learner(1, 2, discount=(0.5, 0.9), temperature=(0.3, 0.0))
    each.update(batch(seed=5))  # targets and critics now differ
    transition, state = batch(), [generator.get_state() for generator in each.generators]
    target = each._target(transition)
    for generator, old in zip(each.generators, state, strict=True):
        generator.set_state(old)
    noise = torch.stack([torch.randn(32, 2, generator=generator) for generator in each.generators])
    for member, (discount, temperature) in enumerate([(0.5, 0.3), (0.9, 0.0)]):
        own = rows(transition, [member])
        mean, log_std = each.policy(each.actor[[member]].detach(), own.next_observation).chunk(2, -1)
        raw = mean + log_std.exp() * noise[[member]]
        density = torch.distributions.Normal(mean, log_std.exp()).log_prob(raw) - (1 - raw.tanh() ** 2).log()
        critic_input = torch.cat([own.next_observation, raw.tanh()], -1)
        values = [
            each.critics.network(each.critics.target[[copy_ * 2 + member]], critic_input).squeeze(-1)
            for copy_ in range(2)
        ]
        soft = torch.minimum(*values) - temperature * density.sum(-1)
        expected = own.reward + discount * (1 - own.terminated) * soft
        torch.testing.assert_close(target[[member]], expected, rtol=1e-4, atol=1e-4)


def test_critic_loss_is_the_mean_over_pairs_of_value_and_reward():
    each = learner(1, 2, discount=0.0)
    transition = batch()
    values = each.critics.evaluate(each.critics.parameters.detach(), transition.observation, transition.action)
    expected = 0.5 * (values - transition.reward).square().mean(-1).sum(0)
    torch.testing.assert_close(each.update(transition)["critic_loss"], expected)


@pytest.mark.parametrize("name", ["observation", "action", "reward", "terminated"])
def test_a_trailing_axis_that_would_broadcast_is_refused(name):
    fields = dict(batch().__dict__)
    fields[name] = fields[name].unsqueeze(-1)
    with pytest.raises(ValueError, match=f"{name} has shape"):
        learner(1, 2).update(Transition(**fields))


@pytest.mark.parametrize(("target_entropy", "rises"), [(2.0, True), (-4.0, False)])
def test_temperature_rises_while_entropy_is_too_low_and_falls_while_too_high(target_entropy, rises):
    each = learner(1, 2, target_entropy=target_entropy, discount=0.0)
    before = each.temperature.clone()
    metrics = each.update(batch())
    entropy = metrics["entropy"]
    assert bool((entropy < 2 * target_entropy).all()) is rises
    assert bool((metrics["temperature"] > before).all()) is rises
    assert bool((metrics["temperature"] < before).all()) is not rises


def test_automatic_temperature_brings_the_entropy_to_its_target():
    each = learner(
        1,
        members=1,
        discount=0.0,
        target_entropy=-1.0,
        temperature_rate=0.02,
        actor_rate=0.01,
        critic_rate=0.01,
    )
    source = torch.Generator().manual_seed(0)
    entropies = []
    for _ in range(500):
        observation = torch.zeros(1, 64, 3)
        action = torch.rand(1, 64, 2, generator=source) * 2 - 1
        reward = -(action - 0.2).square().sum(-1)
        metrics = each.update(Transition(observation, observation[..., :0], action, reward))
        entropies.append(metrics["entropy"])
    assert torch.cat(entropies[-50:]).mean().item() == pytest.approx(-2.0, abs=0.25)


def test_only_the_critic_sees_privileged_features():
    each = learner(1, 2, privileged=2, discount=0.0)
    transition = batch(privileged=2)
    assert each.policy.widths[0] == 3
    assert each.critics.network.widths[0] == 3 + 2 + 2
    each.update(transition)
    moved = each.critics.evaluate(
        each.critics.parameters, transition.observation, transition.privileged + 1, transition.action
    )
    still = each.critics.evaluate(
        each.critics.parameters, transition.observation, transition.privileged, transition.action
    )
    assert not torch.allclose(moved, still)


def test_a_diverged_member_leaves_the_others_alone():
    healthy, beside = learner(1, 2), learner(1, 2)
    spoilt = batch()
    spoilt.reward[0] = float("nan")
    healthy.update(batch())
    beside.update(spoilt)
    assert beside.actor[0].isnan().any()
    assert torch.equal(healthy.actor[1], beside.actor[1])


def test_actions_are_bounded_random_and_deterministic_on_request():
    each = learner(1, 2)
    observation = batch().observation
    assert each.act(observation).shape == (2, 32, 2)
    assert each.act(observation).abs().max() <= 1
    assert not torch.equal(each.act(observation), each.act(observation))
    assert torch.equal(each.act(observation, deterministic=True), each.act(observation, deterministic=True))


def test_no_global_random_state_is_used():
    before = torch.get_rng_state()
    each = learner(1, 2)
    replay = Replay(2, 50, observation=3, action=2)
    whole = batch()
    replay.add(**{name: value for name, value in whole.__dict__.items() if value is not None})
    each.act(whole.observation)
    each.update(replay.sample(8, each.generators))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    "settings",
    [
        {"discount": 1.0},
        {"actor_rate": 0.0},
        {"temperature": -1.0},
        {"hidden": (0,)},
        {"momentum": 0.9},
        {"batch": 0},
    ],
)
def test_settings_out_of_bounds_are_refused(settings):
    with pytest.raises(ValidationError):
        SACSettings(**settings)


def test_per_member_settings_need_one_value_each():
    with pytest.raises(ValueError, match="actor_rate has 3 values"):
        learner(1, 2, actor_rate=(1e-3, 1e-3, 1e-3))


def test_the_average_of_the_actor_decides_where_nothing_is_explored():
    """Of the first actors about equally, of the later ones with the share that it is told."""
    each, plain = learner(1, 2, average=0.8), learner(1, 2)
    expected, observation = each.actor.clone(), batch().observation
    for t in range(1, 60):
        transition = batch(seed=t)
        each.update(transition)
        plain.update(transition)
        share = min(t / (t + 9), 0.8)
        expected = share * expected + (1 - share) * each.actor
        assert torch.equal(each.actor, plain.actor), "learning is as without"
    torch.testing.assert_close(each.average, expected)
    decided = each.act(observation, deterministic=True)
    assert not torch.allclose(decided, plain.act(observation, deterministic=True), atol=1e-4)
    plain.actor.copy_(each.average)
    assert torch.equal(decided, plain.act(observation, deterministic=True))
    other = learner(1, 2, average=0.8)
    other.load(each.state())
    for member in (each, other):
        for generator, seed in zip(member.generators, (1, 2), strict=True):
            generator.manual_seed(seed)
        member.update(batch(seed=99))
    assert torch.equal(each.average, other.average)
