"""The table of decision times: its rows, what is decided how, and that no time depends on what was learned."""

from dataclasses import replace

import pytest
import torch

from twinoffload import Scenario
from twinoffload.env.references import Equilibrium
from twinoffload.env.slots import Slots
from twinoffload.experiments import timing_study
from twinoffload.experiments.counting import Count
from twinoffload.experiments.decision_time import Stopwatch, first_of
from twinoffload.experiments.measure_settings import FULL, QUICK, MeasureSettings
from twinoffload.experiments.timing_study import SCHEMES, amortised, measure, sac, steps
from twinoffload.learning.agents import Agents
from twinoffload.learning.amortised.scheme import Amortised
from twinoffload.learning.kinds import load_settings
from twinoffload.seeding import stream

TINY = MeasureSettings(maps=(3, 2), decision_repeats=1, decisions=2)


@pytest.fixture
def paper() -> Scenario:
    return Scenario.load("paper")


def decision_cost(scheme, scenario: Scenario) -> tuple[int, int]:
    episodes = timing_study._episodes(scenario, TINY)
    slots = Slots(first_of(episodes, 0))
    scheme.begin(slots)
    with Count() as count:
        Stopwatch().decide(scheme, slots)
    return count.operations, count.kernel_calls


def test_every_scheme_at_every_size():
    told = []
    table = measure(TINY, told.append)
    assert table.columns == [
        "scheme", "maps", "stations", "repeat", "decision_ms", "processor_ms", "decisions", "method",
    ]  # fmt: skip
    assert table["scheme"].to_list() == [scheme for scheme in SCHEMES for _ in TINY.maps]
    assert table["maps"].to_list() == [2, 3] * len(SCHEMES)
    assert set(table["stations"]) == {2}
    assert (table["decision_ms"] > 0).all()
    assert (table["processor_ms"] > 0).all()
    methods = dict(table.select("scheme", "method").iter_rows())
    assert methods == {
        "sac": "forward passes",
        "amortised": "forward passes, 16 proposals",
        "reactive": "closed form",
        "pairwise": "best responses in turn",
        "posted": "enumeration",
        "admission": "enumeration",
        "gradient": "Algorithm 1, W = 100",
    }
    decisions = dict(table.select("scheme", "decisions").iter_rows())
    assert decisions["gradient"] in (1, 2)
    assert len(told) == steps(TINY) == 2 * 2 * len(SCHEMES)
    assert told[0] == "sac, N = 3"


def test_the_table_says_where_the_solver_passes_to_another_method(monkeypatch):
    monkeypatch.setattr(timing_study, "SOLVED", ("admission",))
    table = measure(replace(TINY, maps=(2, 14), decision_repeats=2))
    methods = dict(table.filter(scheme="admission").select("maps", "method").iter_rows())
    assert methods == {2: "enumeration", 14: "dynamic programming over sets"}
    assert table.group_by("scheme", "maps").len()["len"].to_list() == [2] * 8


def test_no_cost_depends_on_what_was_learned(paper):
    fresh = Agents(paper, load_settings("tuned"), [3])
    assert decision_cost(sac(paper), paper) == decision_cost(fresh, paper)
    settings = load_settings("amortised")
    untrained = Amortised(paper, settings, [3], [stream(3, "amortised")])
    trained = amortised(paper)
    assert decision_cost(trained, paper) == decision_cost(untrained, paper)
    assert not torch.equal(trained.weights["recommend"], untrained.weights["recommend"])
    fewer = Amortised(paper, settings.replace(proposals=1), [3], [stream(3, "amortised")])
    assert decision_cost(fewer, paper) < decision_cost(untrained, paper)  # the count would tell a difference


def test_a_slow_decision_stands_alone_and_quick_ones_are_as_many_as_asked(paper):
    episodes = first_of(timing_study._episodes(paper, replace(TINY, decisions=5)), 0)
    scheme = Equilibrium("pairwise")
    for window_s, decisions in ((0.0, 1), (1e9, 5)):
        wall, processor = timing_study._decide(scheme, episodes, replace(TINY, decisions=5, window_s=window_s))
        assert len(wall) == len(processor) == decisions


def test_repeats_decide_slots_of_their_own(paper):
    gain = timing_study._episodes(paper, replace(TINY, decision_repeats=3)).gain
    assert gain.shape == (3, 3, 1, 4, 2)
    assert len({float(gain[0, repeat, 0, 0, 0]) for repeat in range(3)}) == 3


def test_a_size_beyond_an_exact_answer_is_refused_before_any_work():
    told = []
    with pytest.raises(ValueError, match="maps = 40: is beyond an exact answer of `posted` on 2 BSs"):
        measure(replace(TINY, maps=(2, 40)), told.append)
    assert not told


def test_the_full_variant_reaches_from_2_to_16_and_repeats_enough_for_an_interval():
    assert (min(FULL.maps), max(FULL.maps)) == (2, 16)
    assert FULL.decision_repeats >= 6  # fewer give no interval of 95 %
    assert set(QUICK.maps) <= set(FULL.maps)
