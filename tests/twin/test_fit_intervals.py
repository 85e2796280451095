"""Intervals hold what they say: the parameters, and half of the sizes that neither the fit nor the choice has seen."""

import numpy as np
import pytest
from curves import SIZES, TRUE, hill, made

from twinoffload.twin.fit_intervals import coverage, with_intervals
from twinoffload.twin.law_fit import LAWS


@pytest.mark.parametrize("seeds", [0, 10])
@pytest.mark.parametrize("law", [TRUE["exponential"], TRUE["power with ceiling"], hill], ids=["Eq. 7", "power", "hill"])
def test_the_other_half_of_the_sizes_lies_within_the_interval(law, seeds):
    """95 % of single measurements; two draws of each."""
    found = [coverage(made(law, seeds=seeds, noise=0.03, salt=i), replicates=30) for i in range(2)]
    assert np.mean([one.singles for one in found]) >= 0.85
    assert np.mean([one.means for one in found]) >= 0.7
    assert {(one.measurements, one.sizes) for one in found} == {(6 * max(seeds, 1), 6)}


@pytest.mark.parametrize("seeds", [0, 10])
def test_intervals_of_parameters_hold_the_truth(seeds):
    kind = LAWS[1]
    held = {"a": 0, "ceiling": 0}
    for salt in range(10):
        values = with_intervals(kind, made(TRUE[kind.name], seeds=seeds, salt=salt), replicates=40).parameters
        assert all(low <= value <= high for value, low, high in values.values())
        held["a"] += values["a"][1] <= 1.3 <= values["a"][2]
        held["ceiling"] += values["ceiling"][1] <= 0.8 <= values["ceiling"][2]
    assert min(held.values()) >= 7


def test_intervals_are_the_same_each_time_and_narrow_with_seeds():
    few, many = (made(TRUE["exponential"], seeds=seeds) for seeds in (5, 40))
    widths = []
    for curve in (few, many):
        once, again = (with_intervals(LAWS[0], curve, seed=4, replicates=60).parameters["a"] for _ in range(2))
        assert once == again
        widths.append(once[2] - once[1])
    assert widths[1] < 0.7 * widths[0]


def test_a_mean_of_more_measurements_is_better_known_and_no_accuracy_exceeds_1():
    law = with_intervals(LAWS[0], made(TRUE["exponential"], noise=0.05), replicates=60)
    one, ten = law.predict(SIZES), law.predict(SIZES, 10)
    assert (ten[1] - ten[0] < one[1] - one[0]).all()
    assert one[1].max() <= 1.0
    low, high = law.band(SIZES)
    assert ((low >= ten[0] - 1e-3) & (high <= ten[1] + 1e-3)).all()


def test_too_few_sizes_for_halves():
    with pytest.raises(ValueError, match="7 sizes; halves need at least 8"):
        coverage(made(TRUE["power"], sizes=np.geomspace(0.1, 5, 7)))
