"""The six means of the model's section 4 on independent snapshots, and what one pair of presets shares."""

import math

import pytest
import torch

from twinoffload import Scenario, solve

COUNT = 20_000
MEANS = {
    "paper": {"pairwise": (4.924, 2.186), "posted": (4.953, 2.203), "admission": (5.150, 2.278)},
    "open": {"pairwise": (6.537, 1.012), "posted": (6.869, 1.053), "admission": (6.869, 1.053)},
}


def within(values: torch.Tensor, expected: float) -> None:
    """The mean lies within four standard errors (ours and the printed value's) and the rounding of the latter."""
    error = float(values.std()) / math.sqrt(len(values))
    assert float(values.mean()) == pytest.approx(expected, abs=4 * math.hypot(error, 0.001) + 0.0005)
    assert error < 0.01


@pytest.mark.parametrize("preset", MEANS)
def test_means_of_the_presets(preset):
    scenario = Scenario.load(preset)
    gain = scenario.sample_gain(count=COUNT, seed=7)
    utilities = {}
    for concept, (operator, mean_map) in MEANS[preset].items():
        outcome = solve(scenario.market(), gain, concept=concept)
        assert set(outcome.status.tolist()) == {"converged" if concept == "pairwise" else "optimal"}
        within(outcome.operator_utility, operator)
        within(outcome.map_utility.mean(-1), mean_map)
        assert float(outcome.regret.max()) <= 1e-11
        utilities[concept] = outcome.operator_utility
    assert (utilities["pairwise"] <= utilities["posted"] + 1e-9).all()
    assert (utilities["posted"] <= utilities["admission"] + 1e-9).all()
    if preset == "open":
        assert (utilities["posted"] - utilities["admission"]).abs().max() < 1e-9


def test_the_means_tell_the_concepts_and_presets_apart():
    """The check above could not pass with another concept's numbers: they lie many standard errors apart."""
    scenario = Scenario.load("paper")
    posted = solve(scenario.market(), scenario.sample_gain(count=COUNT, seed=7), concept="posted").operator_utility
    with pytest.raises(AssertionError):
        within(posted, MEANS["paper"]["admission"][0])
    with pytest.raises(AssertionError):
        within(posted, MEANS["open"]["posted"][0])
