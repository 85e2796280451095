"""Exact tests against enumeration, scipy and closed testing; their errors and their power."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from twinoffload.experiments.claims.holm import LEVEL, holm, seeds_needed
from twinoffload.experiments.claims.rank_tests import hodges_lehmann, p_greater, p_less, p_sign

INTEGERS = st.lists(st.integers(-4, 4), min_size=1, max_size=8)  # with ties and zeros


def by_enumeration(values):
    """Share of all patterns of signs whose positive mean ranks sum to at least what was found."""
    values = [value for value in values if value != 0]
    if not values:
        return 1.0
    sizes = [abs(value) for value in values]
    ranks = [sum(other < size for other in sizes) + (sizes.count(size) + 1) / 2 for size in sizes]
    found = sum(rank for rank, value in zip(ranks, values, strict=True) if value > 0)
    patterns = list(itertools.product((0, 1), repeat=len(values)))
    return sum(sum(r for r, s in zip(ranks, p, strict=True) if s) >= found for p in patterns) / len(patterns)


@given(INTEGERS)
def test_signed_ranks_are_those_of_all_patterns_of_signs(values):
    assert p_greater(values) == pytest.approx(by_enumeration(values), abs=1e-12)
    assert p_less(values) == pytest.approx(by_enumeration([-value for value in values]), abs=1e-12)
    assert p_greater([value + 3 for value in values], 3) == p_greater(values)


@pytest.mark.parametrize("n", [1, 2, 5, 10, 17, 40])
def test_signed_ranks_agree_with_scipy(n):
    values = np.random.default_rng(n).normal(0.2, 1.0, n)
    for ours, side in ((p_greater, "greater"), (p_less, "less")):
        assert ours(values) == pytest.approx(stats.wilcoxon(values, alternative=side, method="exact").pvalue, rel=1e-9)


def test_many_values_are_approximated_as_by_scipy():
    values = np.random.default_rng(0).normal(0.1, 1.0, 150)
    expected = stats.wilcoxon(values, alternative="greater", method="approx", correction=True).pvalue
    assert p_greater(values) == pytest.approx(expected, rel=0.02)
    ends = hodges_lehmann(values)
    assert ends.low < 0.1 < ends.high
    assert ends.high - ends.low == pytest.approx(2 * 1.96 / math.sqrt(150), rel=0.15)


def test_rounding_makes_no_order():
    """0.1 + 0.2 is not 0.3: differences that are equal but for rounding are ties, and those of 0 are dropped."""
    values = [0.1 + 0.2 - 0.3, 0.3, 0.1 + 0.2]
    assert p_greater(values) == 0.25


@given(INTEGERS)
def test_the_centre_is_the_median_of_all_means_of_two(values):
    means = sorted((values[i] + values[j]) / 2 for i in range(len(values)) for j in range(i, len(values)))
    found = hodges_lehmann(values)
    assert found.median == pytest.approx(np.median(means), abs=1e-12)
    assert found.low in means
    assert found.high in means


@pytest.mark.parametrize("n", [6, 7, 10, 13])
def test_the_interval_holds_the_centres_that_are_not_rejected(n):
    values = np.random.default_rng(n).normal(0.0, 1.0, n)
    found = hodges_lehmann(values)
    for end, inside in ((found.low, 1e-6), (found.high, -1e-6)):
        assert min(p_greater(values, end + inside), p_less(values, end + inside)) > 0.025
        assert min(p_greater(values, end - inside), p_less(values, end - inside)) <= 0.025


def test_fewer_than_six_values_give_their_whole_range():
    assert hodges_lehmann([3.0, 1.0, 2.0, 7.0, 5.0])[1:] == (1.0, 7.0)
    assert hodges_lehmann([3.0, 1.0, 2.0, 7.0, 5.0, 6.0])[1:] == (1.0, 7.0), "six cover with 97 %"


@pytest.mark.parametrize("values", [[], [1.0, float("nan")], [1.0, float("inf")]])
def test_no_centre_without_numbers(values):
    with pytest.raises(ValueError, match="needs at least one, and finite ones only"):
        hodges_lehmann(values)


@pytest.mark.parametrize(("count", "of"), [(0, 0), (0, 5), (5, 5), (7, 10), (3, 11)])
def test_sign_test_agrees_with_scipy(count, of):
    expected = stats.binomtest(count, of, alternative="greater").pvalue if of else 1.0
    assert p_sign(count, of) == pytest.approx(expected, rel=1e-12)


# correction


def by_closed_testing(p_values):
    """A hypothesis is rejected at a level if every set that holds it is rejected by Bonferroni at that level."""
    everyone = range(len(p_values))
    adjusted = []
    for one in everyone:
        worst = 0.0
        for size in range(1, len(p_values) + 1):
            for chosen in itertools.combinations(everyone, size):
                if one in chosen:
                    worst = max(worst, min(size * min(p_values[at] for at in chosen), 1.0))
        adjusted.append(worst)
    return adjusted


@settings(max_examples=60)
@given(st.lists(st.sampled_from([0.0, 0.001, 0.01, 0.0124, 0.02, 0.05, 0.3, 1.0]), max_size=6))
def test_holm_is_closed_testing_by_bonferroni(p_values):
    assert holm(p_values) == pytest.approx(by_closed_testing(p_values), abs=1e-15)


def test_holm_on_a_published_example():
    """Four p-values, of which the two least survive: 4 p, 3 p, then no larger one below an earlier one."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


@pytest.mark.parametrize("parts", [1, 2, 3, 4, 8, 10, 51, 52])
def test_so_many_seeds_decide_a_family(parts):
    n = seeds_needed(parts)
    assert parts * p_greater(np.ones(n)) <= LEVEL < parts * p_greater(np.ones(n - 1))


def test_a_family_errs_rarely_and_finds_much():
    """Ten seeds, eight parts, 400 times: four without effect, four of two standard deviations.

    Parts share a seed's luck, as schemes on the same channels do.
    """
    rng = np.random.default_rng(5)
    effects = np.array([0.0] * 4 + [2.0] * 4)
    wrong = found = 0
    for _ in range(400):
        values = effects + 0.7 * rng.normal(size=(10, 8)) + 0.7 * rng.normal(size=(10, 1))
        rejected = np.array(holm([p_greater(column) for column in values.T])) <= LEVEL
        wrong += bool(rejected[:4].any())
        found += int(rejected[4:].sum())
    assert wrong / 400 <= 0.05 + 0.02
    assert found / 1600 >= 0.9
