"""TD3 and its preset DDPG: what differs from the rest of the family."""

import pytest
import torch

from twinoffload.learning import networks
from twinoffload.learning.replay import Transition
from twinoffload.learning.td3 import TD3, TD3Settings, ddpg


def generators(*seeds):
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def learner(*seeds, settings=None, **values):
    settings = settings or TD3Settings(**{"hidden": (16, 16), **values})
    return TD3(settings, len(seeds), observation=3, action=2, generators=generators(*seeds))


def batch(members=2, size=32, seed=0):
    source = torch.Generator().manual_seed(seed)

    def draw(*shape):
        return torch.rand(members, size, *shape, generator=source) * 2 - 1

    return Transition(draw(3), draw(0), draw(2), draw(), (draw() > 0.5).float(), draw(3), draw(0))


def test_ddpg_is_td3_with_one_critic_no_delay_and_no_target_noise():
    settings = ddpg(discount=0.5)
    assert (settings.critics, settings.policy_delay, settings.target_noise) == (1, 1, 0.0)
    assert settings.label == "ddpg"
    assert TD3Settings().label == "td3"
    assert ddpg(critics=2).label == "td3", "what is no longer DDPG is not called so"


def test_actor_and_targets_wait_for_their_turn(monkeypatch):
    each = learner(1, 2, policy_delay=3, discount=0.9)
    backward, by_parameters = [], networks.by_parameters

    def watched(values, slopes, gradient):
        backward.append(slopes)
        by_parameters(values, slopes, gradient)

    monkeypatch.setattr(networks, "by_parameters", watched)
    for update in range(1, 7):
        before = {name: tensor.clone() for name, tensor in each.weights().items()}
        backward.clear()
        measured = each.update(batch(seed=update))
        turn = update % 3 == 0
        assert ("actor_loss" in measured) is turn
        assert len(backward) == (2 if turn else 1), "off turns only the critics' own regression is differentiated"
        for name, tensor in each.weights().items():
            assert torch.equal(tensor, before[name]) is (name != "critics" and not turn), name


@pytest.mark.parametrize("noise", [0.0, 0.3])
def test_the_target_is_the_least_target_critic_at_the_blurred_target_action(noise):
    each = learner(1, 2, discount=(0.5, 0.9), target_noise=noise, target_noise_clip=0.2)
    for step in range(4):
        each.update(batch(seed=5 + step))
    transition, state = batch(), [generator.get_state() for generator in each.generators]
    target = each._target(transition)
    for generator, old in zip(each.generators, state, strict=True):
        generator.set_state(old)
    drawn = torch.stack([torch.randn(32, 2, generator=generator) for generator in each.generators])
    blurred = each.policy(each.actor_target, transition.next_observation).tanh() + (noise * drawn).clamp(-0.2, 0.2)
    inputs = torch.cat([transition.next_observation, blurred.clamp(-1, 1)], -1)
    values = [each.critics.network(row, inputs).squeeze(-1) for row in each.critics.target.view(2, 2, -1)]
    discount = torch.tensor([[0.5], [0.9]])
    expected = transition.reward + discount * (1 - transition.terminated) * torch.minimum(*values)
    torch.testing.assert_close(target, expected, rtol=1e-4, atol=1e-5)


def test_the_actor_climbs_the_first_critic_alone():
    def improved(copy):
        each = learner(1, 2, discount=0.0)
        with torch.no_grad():
            each.critics.parameters.view(2, 2, -1)[copy].mul_(-2.0)
        each._improve_actor(batch().observation, batch().privileged)
        return each.actor.detach()

    untouched = learner(1, 2, discount=0.0)
    untouched._improve_actor(batch().observation, batch().privileged)
    assert torch.equal(improved(1), untouched.actor)
    assert not torch.equal(improved(0), untouched.actor)


def test_exploration_has_its_deviation_and_may_differ_by_member():
    each = learner(1, 2, exploration_noise=(0.0, 0.05))
    observation = batch(size=4000).observation
    noise = each.act(observation) - each.act(observation, deterministic=True)
    assert noise[0].abs().max() == 0.0
    assert noise[1].std().item() == pytest.approx(0.05, rel=0.05)


@pytest.mark.parametrize("settings", [TD3Settings(discount=0.9, hidden=(8,)), ddpg(discount=0.0, hidden=(8,))])
def test_a_resumed_learner_continues_to_the_same_bit(settings):
    first = learner(1, 2, settings=settings)
    for step in range(5):  # an odd number: the actor's turn must be remembered
        first.update(batch(seed=step))
    second = learner(8, 9, settings=settings)
    second.load(first.state())
    for mine, theirs in zip(second.generators, first.generators, strict=True):
        mine.set_state(theirs.get_state())
    for step in range(5, 10):
        for each in (first, second):
            each.update(batch(seed=step))
    assert all(torch.equal(first.state()[name], second.state()[name]) for name in first.state())


@pytest.mark.parametrize("settings", [TD3Settings(discount=0.9, hidden=(8,)), ddpg(discount=0.9, hidden=(8,))])
def test_a_seed_alone_learns_as_it_does_stacked(settings):
    stacked, alone = learner(4, 9, settings=settings), learner(9, settings=settings)
    for step in range(10):
        whole = batch(seed=step)
        stacked.update(whole)
        alone.update(Transition(*(getattr(whole, name)[1:] for name in whole.__dataclass_fields__)))
    torch.testing.assert_close(stacked.actor[1:], alone.actor, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["observation", "action", "reward", "terminated"])
def test_a_trailing_axis_that_would_broadcast_is_refused(name):
    fields = dict(batch().__dict__)
    fields[name] = fields[name].unsqueeze(-1)
    with pytest.raises(ValueError, match=f"{name} has shape"):
        learner(1, 2).update(Transition(**fields))
