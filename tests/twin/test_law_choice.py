"""Cross-validation chooses the law that made a curve; Eq. 7 is called bad where it is, and not where it is not."""

from dataclasses import replace

import numpy as np
import pytest
from curves import TRUE, hill, made

from twinoffload.twin.curve import Curve
from twinoffload.twin.law_choice import choose, folds, seed_errors
from twinoffload.twin.law_fit import EQ_7, LAWS


@pytest.mark.parametrize("name", TRUE)
@pytest.mark.parametrize("seeds", [0, 10])
def test_the_law_that_made_the_curve_predicts_best(name, seeds):
    choice = choose(made(TRUE[name], seeds=seeds, noise=0.008, salt=1))
    kind = next(kind for kind in LAWS if kind.name == name)
    assert choice.error(kind) <= choice.error(choice.best) + 0.003
    assert choice.chosen.parameters <= kind.parameters
    assert choice.eq_7_fits == (name == "exponential")


def test_eq_7_is_not_called_bad_by_chance():
    """Noise of one seed or of ten, eight and four curves: the level is 5 % for each of two tests."""
    for seeds, curves in ((0, 8), (10, 4)):
        bad = sum(
            not choose(made(TRUE["exponential"], seeds=seeds, noise=0.03, salt=i)).eq_7_fits for i in range(curves)
        )
        assert bad <= 1 + (curves > 4)


@pytest.mark.parametrize("seeds", [0, 10])
def test_a_curve_that_no_law_fits_shows_a_pattern(seeds):
    """The rivals may be as bad; what lies off Eq. 7 side by side is seen all the same."""
    choice = choose(made(hill, seeds=seeds, a=0.8), laws=(EQ_7,))
    assert choice.excess == 0.0
    assert choice.pattern > 0.02
    assert not choice.eq_7_fits
    assert choose(made(TRUE["exponential"], seeds=seeds), laws=(EQ_7,)).eq_7_fits


def test_what_is_simple_wins_ties():
    choice = choose(made(TRUE["exponential"], noise=0.0, seeds=0))
    assert choice.chosen == EQ_7


@pytest.mark.parametrize("sizes", [4, 7, 8, 12, 13])
def test_folds_leave_out_every_size_equally_often(sizes):
    parts = list(folds(sizes))
    times = np.bincount(np.concatenate(parts), minlength=sizes)
    assert set(times) == ({1} if sizes < 8 else {2})
    assert all(0 < len(part) < sizes - 2 for part in parts)


def test_with_four_sizes_only_laws_that_leave_something_to_err_are_tried():
    choice = choose(made(TRUE["exponential"], sizes=np.geomspace(0.1, 4, 4)))
    assert max(kind.parameters for kind in choice.kinds) == 2
    assert choice.error(LAWS[-1]) is None
    with pytest.raises(ValueError, match="3 sizes; comparing laws needs at least 4"):
        choose(made(TRUE["exponential"], sizes=np.geomspace(0.1, 4, 3)))


def test_several_curves_with_one_shape():
    curves = [made(TRUE["power"], a=a, salt=i) for i, a in enumerate((0.5, 2.0))]
    choice = choose(*curves)
    assert choice.chosen.name == "power"
    assert choice.errors.shape == (4, 24)


def test_seeds_have_errors_of_their_own():
    curve = made(TRUE["power"], seeds=6)
    worse = seed_errors(EQ_7, curve) - seed_errors(LAWS[2], curve)
    assert worse.shape == (6,)
    assert (worse > 0.02).all()
    one = seed_errors(EQ_7, curve.only(curve.seed != 3))
    assert np.delete(seed_errors(EQ_7, curve), 3) == pytest.approx(one, rel=1e-3)


@pytest.mark.parametrize("sizes", [7, 12])
def test_what_is_left_out_changes_no_prediction_there(sizes):
    """Moved down and up, a size has errors of twice the move together; a fit begun at one to all sizes would not."""
    curve = made(TRUE["exponential with ceiling"], seeds=0, noise=0.03, sizes=np.geomspace(0.05, 5, sizes))
    for size in range(sizes):
        moved = [replace(curve, accuracy=curve.accuracy + by * (curve.place == size)) for by in (-0.5, 0.5)]
        low, high = (choose(one).errors[:, size] for one in moved)
        assert low + high == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("seeds", [1, 10])
@pytest.mark.parametrize(
    "curve",
    [lambda z: (z / 5) ** 2, lambda z: 0.9 / (1 + z**-4.0), lambda z: 0.9 * (z > 0.7)],
    ids=["convex", "sigmoid", "step"],
)
def test_a_curve_that_all_laws_miss_is_called_bad(curve, seeds):
    """They are concave and fail alike, so that no rival tells; a large miss must not pass for noise of its own."""
    sizes = np.geomspace(0.05, 5, 12)
    noise = np.random.default_rng(3).normal(0.0, 0.02 if seeds > 1 else 1e-3, (seeds, 12))
    seed = np.repeat(np.arange(seeds), 12) if seeds > 1 else None
    choice = choose(Curve(np.tile(sizes, seeds), (curve(sizes) + noise).ravel(), seed))
    assert choice.pattern > 0.02
    assert not choice.eq_7_fits
