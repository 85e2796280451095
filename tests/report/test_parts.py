"""Parts of the report by themselves."""

import itertools
import math

import numpy as np
import polars as pl
import pytest

from twinoffload.experiments.comparison import REFERENCES
from twinoffload.experiments.interval import coverage
from twinoffload.experiments.paired import paired, verdict
from twinoffload.experiments.settling import settled
from twinoffload.report.convergence import curves
from twinoffload.report.placement import Label, place_labels
from twinoffload.report.schemes import learned_among, scheme_named
from twinoffload.report.wording import duration, listed, number, plain, signed


@pytest.mark.parametrize(("seeds", "covered"), [(1, 0.0), (2, 0.5), (5, 0.9375), (6, 0.96875), (9, 0.9609375)])
def test_coverage_of_the_sign_test_interval(seeds, covered):
    assert coverage(seeds) == pytest.approx(covered)


def test_a_verdict_needs_all_of_six_seeds_and_at_least_five():
    assert verdict([0.1] * 6) == "above"
    assert verdict([-0.1, -0.2, -0.1, -0.3, -0.1, -0.1]) == "below"
    assert verdict([0.1] * 5 + [-0.1]) == "undecided"
    assert verdict([0.1] * 4) == "undecided"
    assert verdict([0.0] * 6) == "equal"


def test_differences_are_taken_seed_by_seed():
    table = pl.DataFrame(
        {
            "scheme": ["a"] * 5 + ["b"] * 5,
            "seed": [0, 1, 2, 3, 4, 4, 3, 2, 1, 0],
            "share": [1.0, 2.0, 3.0, 4.0, 5.0, 4.9, 3.9, 2.9, 1.9, 0.9],
        }
    )
    found = paired(table, "a", "b", "share")
    assert found is not None
    assert found.value == pytest.approx((0.1, 0.1, 0.1))
    assert found.verdict == "above"
    assert paired(table, "a", "c", "share") is None


def test_settled_is_the_first_episode_from_which_the_mean_stays():
    step = np.concatenate([np.zeros(20), np.ones(40)])
    # the mean of ten is within 5 % of 1 once all ten lie in the step
    assert settled(step) == 30
    assert settled(np.ones(40)) == 10
    assert settled(np.ones(12)) is None
    assert settled(np.full(40, np.nan)) is None


def test_a_curve_that_drifts_has_not_settled():
    """Near its end every curve is near its last value: that alone says nothing."""
    assert settled(np.linspace(0.0, 1.0, 60)) is None
    late = np.concatenate([np.zeros(45), np.ones(15)])
    assert settled(late) is None
    assert settled(np.concatenate([late, np.ones(10)])) == 55


def test_curves_have_a_column_a_seed():
    rows = [(e, s, None if e == 0 else 10.0 * e + s) for e, s in itertools.product(range(3), range(2))]
    table = pl.DataFrame(rows, schema=["episode", "seed", "x"], orient="row")
    episodes, values = curves(table, "x")
    assert episodes.tolist() == [1, 2, 3]
    assert np.isnan(values[0]).all()
    assert values[1:].tolist() == [[10.0, 11.0], [20.0, 21.0]]


def test_every_reference_is_described_with_its_own_looks():
    schemes = [scheme_named(name) for name in ("sac", *REFERENCES)]
    assert len({scheme.color for scheme in schemes}) == len({scheme.marker for scheme in schemes}) == len(schemes)
    assert all(len(scheme.text) > 40 for scheme in schemes)
    assert learned_among([*REFERENCES, "sac"]) == "sac"
    assert learned_among(REFERENCES) is None
    assert scheme_named("td3").kind == "learned"


def boxes(labels, places):
    return [
        (x - w / 2, y - h / 2, x + w / 2, y + h / 2)
        for (w, h), place in zip((label.size for label in labels), places, strict=True)
        if place is not None
        for x, y in [place]
    ]


def overlap(a, b):
    return min(a[2], b[2]) - max(a[0], b[0]) > 1e-9 and min(a[3], b[3]) - max(a[1], b[1]) > 1e-9


def test_labels_do_not_cover_each_other_and_stay_inside():
    random = np.random.default_rng(0)
    for _ in range(10):
        points = random.uniform(0, 400, (6, 2))
        labels = [
            Label(
                (60.0, 22.0),
                [
                    (x + r * math.cos(t), y + r * math.sin(t))
                    for r in (36.0, 50.0, 80.0)
                    for t in np.linspace(0, 2 * math.pi, 16)
                ],
            )
            for x, y in points
        ]
        placed = boxes(labels, place_labels(labels, [(x, y, 5.0) for x, y in points], [], 400.0))
        assert not any(overlap(a, b) for a, b in itertools.combinations(placed, 2))
        assert all(min(box) >= 0 and max(box) <= 400 for box in placed)


def test_an_optional_label_without_room_is_left_out():
    labels = [Label((10.0, 10.0), [(50.0, 50.0)]), Label((10.0, 10.0), [(52.0, 50.0)], optional=True)]
    assert place_labels(labels, [], [], 100.0) == [(50.0, 50.0), None]
    assert place_labels(labels[1:], [(52.0, 50.0, 2.0)], [], 100.0) == [None]


def test_a_label_avoids_a_line_if_it_can():
    label = Label((10.0, 10.0), [(50.0, 50.0), (50.0, 70.0)])
    assert place_labels([label], [], [((0.0, 50.0), (100.0, 50.0))], 100.0) == [(50.0, 70.0)]
    assert place_labels([label], [], [((0.0, 50.0), (40.0, 50.0))], 100.0) == [(50.0, 50.0)]


def test_numbers_as_text():
    assert number(-0.0001) == "0.000"
    assert number(-1.25, 2) == "−1.25"
    assert number(math.nan) == number(None) == "–"
    assert number(math.inf) == "∞"
    assert signed(0.01) == "+0.010"
    assert signed(-0.01) == "−0.010"
    assert signed(0.00001) == "0.000"
    assert plain((1.6, 2.1)) == "1.6, 2.1"
    assert plain([[0.25, 0.75], [1, 2]]) == "(0.25, 0.75) (1, 2)"
    assert plain(None) == "none"
    assert plain(True) == "yes"
    assert plain(2.5e-4) == "0.00025"
    assert duration(12.3) == "12 s"
    assert duration(119.8) == "2 min 0 s"
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "c"]) == "a, b and c"
