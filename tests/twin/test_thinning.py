"""The sampling rate."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from twinoffload.twin.thinning import thin

RAW = torch.arange(500.0)[:, None].repeat(1, 3)


def kept(rate, seed=0):
    return thin(RAW, rate, torch.Generator().manual_seed(seed))


@given(st.floats(0, 1))
def test_a_rate_l_keeps_l_of_the_bytes_in_order_of_time(rate):
    part = kept(rate)
    assert abs(part.numpy().nbytes - rate * RAW.numpy().nbytes) <= 0.5 * RAW[0].numpy().nbytes * (1 + 1e-9)
    assert (part[1:, 0] > part[:-1, 0]).all()


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_higher_rate_keeps_more(one, other):
    low, high = sorted((one, other))
    assert set(kept(low)[:, 0].tolist()) <= set(kept(high)[:, 0].tolist())


def test_every_record_is_as_likely():
    counts = torch.zeros(500)
    for seed in range(400):
        counts[kept(0.25, seed)[:, 0].long()] += 1
    assert counts.sum() == 400 * 125
    assert (counts - 100).abs().max() < 5 * (400 * 0.25 * 0.75) ** 0.5
    assert torch.equal(kept(1.0), RAW)


@pytest.mark.parametrize("rate", [-0.1, 1.1, float("nan")])
def test_bad_rates_are_refused(rate):
    with pytest.raises(ValueError, match=r"sampling rate = .*: must be in \[0, 1\]"):
        kept(rate)
