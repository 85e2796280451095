"""The code in the prices: what is told is read back, at the cost of less than a step."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from strategies import calls
from twinoffload.game.price_code import decode, encode, remainder

STEPS = st.floats(1e-4, 10.0)


def double(value: float) -> torch.Tensor:
    return torch.tensor(value, dtype=torch.float64)


@calls(300)
@given(step=STEPS, steps=st.floats(0.0, 1e4), time=st.floats(0.0, 1e5))
def test_what_is_told_is_read_back_for_less_than_a_step(step, steps, time):
    price, share = double(steps * step), 1.0 / (2.0 + time)
    coded = encode(price, double(time), step)
    rounding = 1e-12 * (1.0 + steps) * step
    if steps >= share:
        assert -rounding <= price - coded < step + rounding
    else:
        assert coded == pytest.approx(share * step), "nothing lower tells it"
        assert coded - price <= step / 2
    assert decode(coded, step) == pytest.approx(time, abs=1e-15 * (1.0 + steps) * (2.0 + time) ** 2)
    assert remainder(coded, step) == pytest.approx(share, abs=1e-15 * (1.0 + steps))


@calls(100)
@given(step=STEPS, first=st.floats(0.0, 1e3), more=st.floats(0.0, 1e3), time=st.floats(0.0, 100.0))
def test_a_higher_price_is_never_coded_lower(step, first, more, time):
    low, high = (encode(double(steps * step), double(time), step) for steps in (first, first + more))
    assert low <= high


@calls(100)
@given(step=STEPS, steps=st.integers(0, 10_000))
def test_whole_steps_tell_nothing(step, steps):
    price = double(steps) * step
    assert remainder(price, step) == 0.0
    assert torch.isinf(decode(price, step))


def test_it_works_on_whole_batches():
    price, time = torch.rand(3, 4, 2, dtype=torch.float64), torch.rand(3, 4, 1, dtype=torch.float64)
    coded = encode(price, time, 1e-3)
    assert coded.shape == price.shape
    assert torch.allclose(decode(coded, 1e-3), time.expand_as(price), rtol=0, atol=1e-9)
