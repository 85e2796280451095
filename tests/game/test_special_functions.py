"""Lambert's function and the inverse of P(2, v) against arbitrary precision."""

import math

import mpmath
import numpy as np
import pytest
import scipy.special
import torch

from twinoffload.game.special import inverse_gamma2, lambert_w0

RNG = np.random.default_rng(0)


def as_tensor(values):
    return torch.tensor(np.asarray(values, dtype=np.float64))


def worst_relative(found, expected):
    return max(abs(mpmath.mpf(float(f)) - e) / abs(e) for f, e in zip(np.asarray(found), expected, strict=True))


@pytest.mark.parametrize(
    "x",
    [
        10.0 ** RNG.uniform(-300, 300, 200),
        10.0 ** RNG.uniform(-3, 3, 200),
        -(10.0 ** RNG.uniform(-300, -0.6, 100)),
        np.array([1e-3, 0.3, 4.0, math.e, 1.0, 0.2999999, 3.9999999, 1e-3 * (1 - 1e-16)]),
    ],
    ids=["decades", "around one", "negative", "joints"],
)
def test_lambert_w0(x):
    expected = [mpmath.lambertw(mpmath.mpf(float(v))).real for v in x]
    assert worst_relative(lambert_w0(as_tensor(x)), expected) < 2e-15 * 4


def test_lambert_w0_where_trade_hardly_pays():
    """s / K close to 1: the price needs 1 - W0(e s / K) to the precision of its argument."""
    sigma = 1.0 - 10.0 ** np.linspace(-12, -0.3, 60)
    x = math.e * sigma
    expected = [mpmath.lambertw(mpmath.mpf(float(v))).real for v in x]
    assert worst_relative(lambert_w0(as_tensor(x)), expected) < 1e-15


def test_lambert_w0_near_the_branch_point_allows_for_the_condition_number():
    gap = 10.0 ** np.linspace(-13, -1.1, 60)
    x = -(1 - gap) / math.e
    found = lambert_w0(as_tensor(x))
    for value, w in zip(x, np.asarray(found), strict=True):
        exact = mpmath.lambertw(mpmath.mpf(float(value))).real
        condition = abs(1 / (1 + exact))
        assert abs(float(w) - exact) <= 1e-14 * abs(exact) + 1e-15 * condition


def test_lambert_w0_at_the_ends():
    found = lambert_w0(as_tensor([0.0, math.inf, -1 / math.e, -1.0, -0.5]))
    assert found[0] == 0
    assert found[1] == math.inf
    assert float(found[2]) == pytest.approx(-1.0, abs=1e-7)
    assert torch.isnan(found[3:]).all()


def test_lambert_w0_keeps_shape_and_type():
    found = lambert_w0(as_tensor(np.ones((2, 3))))
    assert found.shape == (2, 3)
    assert found.dtype == torch.float64
    assert float(found[0, 0]) == pytest.approx(0.567143290409783873, abs=1e-15)  # the omega constant


@pytest.mark.parametrize(
    "p",
    [10.0 ** RNG.uniform(-300, 0, 200), RNG.uniform(0, 1, 200), np.array([0.4, 0.5, 0.3999999, 0.5000001, 0.264])],
    ids=["decades", "uniform", "joints"],
)
def test_inverse_gamma2(p):
    found = np.asarray(inverse_gamma2(as_tensor(p)))
    for share, v in zip(p, found, strict=True):
        exact = mpmath.mpf(float(share))
        guess = mpmath.mpf(float(v))
        for _ in range(4):  # Newton in 30 digits from the answer; a wrong answer moves
            with mpmath.workdps(400):
                value = 1 - (1 + guess) * mpmath.exp(-guess)
                guess -= (value - exact) / (guess * mpmath.exp(-guess))
        assert abs(float(v) - guess) <= 1e-14 * abs(guess), share


def test_inverse_gamma2_near_one_follows_the_tail():
    """Close to 1 the spacing of p itself moves v by eps / tail."""
    tail = 2.0 ** -np.arange(1, 50)
    found = np.asarray(inverse_gamma2(as_tensor(1.0 - tail)))
    with mpmath.workdps(40):
        exact = [float(-1 - mpmath.lambertw(-mpmath.mpf(t) / mpmath.e, -1).real) for t in tail]
    assert found == pytest.approx(exact, rel=1e-14)


def test_inverse_gamma2_agrees_with_scipy_and_starts_at_zero():
    p = np.linspace(0.0, 0.999, 500)
    assert np.asarray(inverse_gamma2(as_tensor(p))) == pytest.approx(scipy.special.gammaincinv(2, p), rel=1e-12)
    assert inverse_gamma2(as_tensor([0.0]))[0] == 0
