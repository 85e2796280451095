import pytest
import torch

from twinoffload.learning import streams


def seeded(*seeds):
    return [torch.Generator().manual_seed(seed) for seed in seeds]


@pytest.mark.parametrize(
    "draw",
    [
        lambda members, generators: streams.normal((members, 5, 7), generators),
        lambda members, generators: streams.uniform((members, 5, 7), generators),
        lambda members, generators: streams.integers(1000, (members, 35), generators),
    ],
)
def test_a_block_draws_the_same_alone_and_stacked(draw):
    alone, stacked = draw(2, seeded(3)), draw(6, seeded(1, 3, 2))
    assert torch.equal(stacked[2:4], alone)
    assert not torch.equal(stacked[:2], alone)


def test_global_random_state_is_left_alone():
    before = torch.get_rng_state()
    streams.normal((2, 50), seeded(0, 1))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("count", [0, 2])
def test_unequal_blocks_are_refused(count):
    with pytest.raises((ValueError, IndexError)):
        list(streams.blocks(torch.zeros(3, 4), seeded(*range(count))))
