"""Fits find the law that made a curve, and nothing else does it better."""

import numpy as np
import pytest
from curves import SIZES, TRUE, accuracy, made

from twinoffload.twin.curve import Curve
from twinoffload.twin.law_fit import EQ_7, LAWS, fit_law

BY_NAME = {kind.name: kind for kind in LAWS}


def parameters(law, kind):
    return [getattr(law, name) for name in kind.shape]


@pytest.mark.parametrize("name", TRUE)
@pytest.mark.parametrize("a", [0.04, 1.3, 20.0])
def test_a_law_without_noise_is_found(name, a):
    """Also where a mostly saturates, or hardly begins: then the curve itself is found, which is all it can tell."""
    curve = made(TRUE[name], a=a, seeds=0, noise=0.0)
    fit = fit_law(BY_NAME[name], curve)
    assert fit.predict(SIZES) == pytest.approx(curve.means, abs=2e-4)
    if a == 1.3:
        assert [fit.a[0], *fit.shape] == pytest.approx([a, *parameters(TRUE[name], BY_NAME[name])], rel=0.02)


def test_no_a_on_a_grid_is_better():
    """Without stray points it is weighted least squares."""
    curve = made(TRUE["exponential"], seeds=6, salt=3)
    weight = 1.0 / (curve.variance / curve.counts + 0.01**2)
    tried = np.linspace(0.5, 3.0, 5001)
    errors = ((accuracy(TRUE["exponential"], tried[:, None] * SIZES) - curve.means) ** 2) @ weight
    assert fit_law(EQ_7, curve).a[0] == pytest.approx(tried[errors.argmin()], abs=0.01)


def test_one_run_that_went_astray_moves_the_fit_little():
    curve = made(TRUE["exponential"], seeds=0, noise=0.003)
    bent = curve.accuracy.copy()
    bent[6] -= 0.5
    moved = fit_law(EQ_7, Curve(curve.size_mb, bent))
    plain = np.array([((accuracy(TRUE["exponential"], a * SIZES) - bent) ** 2).sum() for a in np.linspace(0.5, 2, 301)])
    assert abs(moved.a[0] - 1.3) < 0.5 * abs(np.linspace(0.5, 2, 301)[plain.argmin()] - 1.3)


def test_curves_share_a_shape_and_keep_an_a_each():
    curves = [made(TRUE["power with ceiling"], a=a, salt=i) for i, a in enumerate((0.7, 1.6))]
    fit = fit_law(BY_NAME["power with ceiling"], *curves)
    assert fit.a == pytest.approx([0.7, 1.6], rel=0.15)
    assert fit.shape == pytest.approx([0.9, 0.6], rel=0.3)
    for group, curve in enumerate(curves):
        assert fit.predict(SIZES, group) == pytest.approx(curve.means, abs=0.02)


def test_parameters_stay_within_their_bounds():
    for kind in LAWS:
        for curve in (made(TRUE["exponential"], a=0.001), made(TRUE["exponential"], a=500.0), made(lambda v: -0.1 * v)):
            fit = fit_law(kind, curve)
            assert np.isfinite(fit.a).all()
            assert fit.law.ceiling <= 1.0
            assert (fit.a > 0).all()


def test_more_parameters_than_sizes_are_refused():
    curve = made(TRUE["exponential"], sizes=np.array([0.1, 1.0]))
    with pytest.raises(ValueError, match="2 sizes cannot fit the 3 parameters of the law 'power with ceiling'"):
        fit_law(BY_NAME["power with ceiling"], curve)


def test_scatter_is_that_of_measurements_at_each_size():
    rng = np.random.default_rng(1)
    size = np.tile(SIZES, 400)
    deviation = 0.05 * (SIZES / SIZES[0]) ** -0.3
    curve = Curve(size, accuracy(TRUE["power"], size) + np.tile(deviation, 400) * rng.standard_normal(len(size)))
    assert np.sqrt(curve.variance) == pytest.approx(deviation, rel=0.15)
    alone = made(TRUE["power"], seeds=0, noise=0.02, sizes=np.geomspace(0.05, 5, 200))
    assert np.sqrt(alone.variance[0]) == pytest.approx(0.02 * np.median((alone.sizes / 0.05) ** -0.2), rel=0.3)
