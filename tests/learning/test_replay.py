import pytest
import torch

from twinoffload.learning.replay import Replay


def fields(step, members=2, environments=3):
    """Transitions that carry their own address: every field is recognisable."""
    member = torch.arange(members).view(-1, 1).expand(-1, environments) * 1000.0
    tag = member + step * environments + torch.arange(environments)
    return {
        "observation": torch.stack([tag, tag + 0.25], -1),
        "privileged": tag.unsqueeze(-1) + 0.125,
        "action": tag.unsqueeze(-1) + 0.5,
        "reward": -tag,
        "terminated": tag % 2 == 0,
        "next_observation": torch.stack([tag + 1, tag + 1.25], -1),
        "next_privileged": tag.unsqueeze(-1) + 1.125,
    }


def buffer(capacity, **options):
    return Replay(2, capacity, observation=2, action=1, privileged=1, **options)


def generators(*seeds):
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def test_fields_of_a_transition_stay_together_and_in_their_member():
    replay = buffer(30)
    for step in range(4):
        replay.add(**fields(step))
    batch = replay.sample(500, generators(0, 1))
    tag = batch.observation[..., 0]
    assert torch.equal(tag // 1000, torch.tensor([[0.0], [1.0]]).expand(2, 500))
    assert torch.equal(batch.observation[..., 1], tag + 0.25)
    assert torch.equal(batch.privileged, tag.unsqueeze(-1) + 0.125)
    assert torch.equal(batch.action, tag.unsqueeze(-1) + 0.5)
    assert torch.equal(batch.reward, -tag)
    assert torch.equal(batch.terminated, (tag % 2 == 0).float())
    assert torch.equal(batch.next_observation, torch.stack([tag + 1, tag + 1.25], -1))
    assert torch.equal(batch.next_privileged, tag.unsqueeze(-1) + 1.125)


@pytest.mark.parametrize(("steps", "first", "last"), [(1, 0, 2), (3, 0, 8), (4, 2, 11), (10, 20, 29)])
def test_the_last_transitions_remain_and_all_are_drawn(steps, first, last):
    replay = buffer(10)  # not a multiple of the three environments: additions wrap in their middle
    for step in range(steps):
        replay.add(**fields(step))
    assert len(replay) == last - first + 1
    drawn = replay.sample(400, generators(0)).reward.neg()
    for member in range(2):
        assert drawn[member].unique().tolist() == [1000.0 * member + tag for tag in range(first, last + 1)]


def test_sampling_is_uniform():
    replay = buffer(10)
    for step in range(4):
        replay.add(**fields(step))
    counts = replay.sample(20_000, generators(0)).reward[0].unique(return_counts=True)[1]
    assert ((counts - 2000).abs() < 5 * 2000**0.5).all()


def test_without_next_fields_nothing_is_stored_for_them():
    replay = buffer(10, store_next=False)
    now = {
        name: value for name, value in fields(0).items() if name in ("observation", "privileged", "action", "reward")
    }
    replay.add(**now)
    batch = replay.sample(5, generators(0))
    assert batch.next_observation is None
    assert batch.next_privileged is None
    assert batch.terminated is None
    assert replay.state()["rows"].shape == (2, 10, 5)
    with pytest.raises(ValueError, match="store_next=False"):
        replay.add(**fields(0))


def test_a_seed_draws_the_same_alone_and_stacked():
    stacked, alone = buffer(30), Replay(1, 30, observation=2, action=1, privileged=1)
    for step in range(4):
        stacked.add(**fields(step))
        alone.add(**{name: value[1:] for name, value in fields(step).items()})
    first, second = stacked.sample(20, generators(4, 9)), alone.sample(20, generators(9))
    assert torch.equal(first.observation[1:], second.observation)


def test_a_reloaded_buffer_goes_on_equally():
    replay, other = buffer(10), buffer(10)
    for step in range(5):
        replay.add(**fields(step))
    other.load({name: tensor.clone() for name, tensor in replay.state().items()})
    for each in (replay, other):
        each.add(**fields(5))
    assert torch.equal(replay.sample(50, generators(1)).reward, other.sample(50, generators(1)).reward)
    assert len(other) == 10


@pytest.mark.parametrize("name", ["observation", "privileged", "action", "reward", "terminated", "next_observation"])
def test_a_wrong_shape_is_refused_by_name(name):
    wrong = fields(0)
    wrong[name] = wrong[name].unsqueeze(-1) if wrong[name].dim() == 2 else wrong[name][..., :0]
    with pytest.raises((ValueError, RuntimeError), match=name):
        buffer(10).add(**wrong)


def test_misuse_is_refused():
    with pytest.raises(ValueError, match="empty"):
        buffer(10).sample(1, generators(0))
    with pytest.raises(ValueError, match="exceed the capacity"):
        buffer(2).add(**fields(0))
    missing = {name: value for name, value in fields(0).items() if not name.startswith("next")}
    with pytest.raises(ValueError, match="next_observation is missing"):
        buffer(10).add(**missing)
