"""How tests become verdicts."""

import numpy as np
import pytest

from twinoffload.experiments.claims.part import Part, all_of, shifted, verdicts
from twinoffload.experiments.claims.trend import trend

NAMED = Part("it rises", "money", "command")
VALUES = (1.0, 2.0, 3.0, 4.0)


def around(centre, n=10, noise=0.01, salt=0):
    return centre + np.random.default_rng(salt).normal(0.0, noise, n)


def word_of(values, above=0.0, margin=0.1, others=()):
    parts = [shifted(NAMED, values, above=above, margin=margin), *others]
    return verdicts("C4", "main", parts)[0]


@pytest.mark.parametrize(
    ("centre", "noise", "word"),
    [(1.0, 0.3, "holds"), (-1.0, 0.3, "fails"), (0.0, 0.01, "fails"), (0.03, 0.001, "fails"), (0.05, 1.0, "undecided")],
)
def test_no_effect_is_told_from_cannot_tell(centre, noise, word):
    """A small effect that is surely there, 0.03 of a margin of 0.1, fails as well: it is too small to be seen."""
    assert word_of(around(centre, noise=noise)).verdict == word


def test_a_verdict_names_effect_interval_and_corrected_p():
    found = word_of(around(1.0), others=[shifted(NAMED, around(1.0, salt=1), above=0.0, margin=0.1)])
    assert found.effect == pytest.approx(1.0, abs=0.02)
    assert found.low < found.effect < found.high
    assert found.p == 2 / 1024
    assert (found.claim, found.reading, found.part, found.unit, found.source, found.seeds) == (
        "C4", "main", "it rises", "money", "command", 10
    )  # fmt: skip


def test_a_large_family_can_be_too_much_for_few_seeds():
    parts = [shifted(NAMED, around(1.0, n=5, salt=salt), above=0.0, margin=0.1) for salt in range(2)]
    found = verdicts("C4", "main", parts)
    assert [one.verdict for one in found] == ["undecided"] * 2
    assert found[0].reason == "5 seeds cannot decide 2 parts, which takes 6 or more"
    assert verdicts("C4", "main", parts[:1])[0].verdict == "holds"


def test_parts_that_cannot_be_decided_cost_the_others_nothing():
    """Nothing measured, and four seeds, which decide nothing whatever their values."""
    others = [NAMED] * 60 + [shifted(NAMED, around(1.0, n=4), above=0.0, margin=0.1)]
    found = verdicts("C4", "main", [shifted(NAMED, around(1.0), above=0.0, margin=0.1), *others])
    assert found[0].verdict == "holds"
    assert found[0].p == 1 / 1024
    assert {one.verdict for one in found[1:]} == {"undecided"}
    assert found[1].effect is None
    assert found[1].test == "none"
    assert found[-1].reason == "4 seeds decide nothing, which takes 5 or more"


def test_of_all_each_must_hold():
    good = [shifted(NAMED, around(1.0 + salt, salt=salt), above=0.0, margin=0.1) for salt in range(3)]
    bad, weak = (shifted(NAMED, around(c, noise=0.5), above=0.0, margin=0.1) for c in (-2.0, 0.05))
    for parts, word in ((good, "holds"), ([*good, bad], "fails"), ([*good, weak], "undecided"), ([*good, NAMED], None)):
        found = verdicts("D1", "main", [all_of(NAMED, parts)])[0]
        assert found.verdict == (word or "undecided")
        assert (found.effect is None) == (word is None)
    assert all_of(NAMED, good).effect == good[0].effect, "the smallest"


# trends


def curves(shape, n=10, noise=0.02, salt=0):
    rng = np.random.default_rng(salt)
    return {seed: rng.normal(0.0, 1.0) + np.array(shape) + rng.normal(0.0, noise, len(shape)) for seed in range(n)}


def judged(shape, sign, **more):
    found = trend(NAMED, curves(shape, **more), VALUES, sign, 0.05)
    return verdicts("C4", "main", [found])[0]


@pytest.mark.parametrize(
    ("shape", "up", "down"),
    [
        ((0.0, 1.0, 2.0, 3.0), "holds", "fails"),
        ((0.0, 0.0, 0.0, 0.0), "fails", "fails"),
        ((0.0, 1.0, 0.5, 3.0), "fails", "fails"),
        ((0.0, 1.0, 0.99, 2.0), "holds", "fails"),
        ((3.0, 2.0, 1.0, 0.0), "fails", "holds"),
    ],
)
def test_what_rises_rises_throughout(shape, up, down):
    """A step back counts from 1 % of the level on, here 0.05."""
    assert judged(shape, 1).verdict == up
    assert judged(shape, -1).verdict == down


def test_a_change_is_the_slope_times_the_axis():
    found = judged((0.0, 1.0, 2.0, 3.0), 1, noise=0.0)
    assert (found.effect, found.low, found.high) == pytest.approx((3.0, 3.0, 3.0))
    assert judged((0.0, 0.0, 3.0, 3.0), 1, noise=0.0).effect == pytest.approx(3 * 1.2)
    assert judged((3.0, 2.0, 1.0, 0.0), -1, noise=0.0).effect == pytest.approx(-3.0), "signed as measured"


def test_a_step_back_is_named():
    assert "fall from 2 to 3" in judged((0.0, 1.0, 0.5, 3.0), 1).reason
    assert "10 of 10 seeds rise" in judged((0.0, 1.0, 0.5, 3.0), 1).reason
    assert "fall" not in judged((0.0, 1.0, 0.99, 3.0), 1, n=5).reason, "one that no test shows is not"


def test_staying_is_no_fall():
    for shape, word in (
        ((0.0, 0.0, 0.0, 0.0), "holds"),
        ((0.0, 1.0, 2.0, 3.0), "holds"),
        ((0.3, 0.2, 0.1, 0.0), "fails"),
    ):
        found = trend(NAMED, curves(shape), VALUES, 1, 0.05, may_stay=True)
        assert verdicts("D2", "silent", [found])[0].verdict == word


def test_trends_err_rarely_and_find_much():
    """A level curve is said to rise in at most 5 % of 300 tables, one that rises by two deviations nearly always."""
    false = sum(trend(NAMED, curves((0.0,) * 4, noise=1.0, salt=s), VALUES, 1, 0.0).holds <= 0.05 for s in range(300))
    true = [judged((0.0, 0.7, 1.4, 2.1), 1, noise=0.7, salt=salt).verdict for salt in range(100)]
    assert false / 300 <= 0.05 + 0.025
    assert true.count("holds") >= 90
    assert "fails" not in true
