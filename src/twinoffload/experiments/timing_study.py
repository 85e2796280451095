"""How long a decision takes, scheme by scheme, against the number of mAPs (section 6.2 of the paper: C9).

Table `decision_time.csv`, a row for each scheme, N and repeat:

    scheme        sac, amortised (learned); reactive, pairwise, posted, admission; gradient: Algorithm 1
    maps          N
    stations      M
    repeat        from 0; its slots are the same for all schemes
    decision_ms   median wall time of one decision, from a slot to its prices, associations and data, ms
    processor_ms  median processor time of the same decisions: less where other processes held a decision up
    decisions     behind both medians, all of different slots
    method        how it is decided

One environment at a time, one thread. Schemes and sizes take turns in an order drawn anew for each repeat; before, each
decides once uncounted. The learned policies have learned for a moment only: no time depends on the values of weights
(`tests/experiments/test_timing_study.py` counts the operations before and after). SAC has policies for each N;
`amortised` has one for all, which prices a number of proposals before it posts the best. `reactive` knows its constant
price beforehand, so that any will do. Algorithm 1 takes its defaults, W = 100 and steps of half the local limits.
`admission` passes from enumeration to dynamic programming over sets where that is faster; `method` says so.
"""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import polars as pl
import torch

from twinoffload.env.episodes import Episodes, draw_episodes
from twinoffload.env.references import Equilibrium, Reactive
from twinoffload.env.scheme import Scheme
from twinoffload.env.slots import Slots
from twinoffload.equilibrium.dispatch import Concept
from twinoffload.equilibrium.gradient import GradientSettings
from twinoffload.equilibrium.searching import SEARCHED, is_exact
from twinoffload.equilibrium.solve import solve
from twinoffload.experiments.counting import one_thread
from twinoffload.experiments.decision_time import Stopwatch, first_of
from twinoffload.experiments.measure_settings import FULL, MeasureSettings
from twinoffload.learning.amortised.scheme import Amortised
from twinoffload.learning.amortised.settings import AmortisedSettings
from twinoffload.learning.kinds import begin, load_settings
from twinoffload.scenario import Scenario
from twinoffload.seeding import stream

FILE = "decision_time.csv"
PRESET = "paper"
SOLVED: tuple[Concept, ...] = ("pairwise", "posted", "admission", "gradient")
SCHEMES = ("sac", "amortised", "reactive", *SOLVED)
_TRAINED_SLOTS = 40  # of the only episode: enough that networks are updated
_BRIEF = {"episodes": 1, "updates": 2, "examples": 64}  # an `amortised` training that has seen every update


@dataclass(frozen=True)
class _Contender:
    """A scheme at one size, ready to decide."""

    scheme: Scheme
    episodes: Episodes
    method: str


def steps(settings: MeasureSettings = FULL) -> int:
    """How often `measure` calls `each`."""
    return len(settings.maps) * len(SCHEMES) * (1 + settings.decision_repeats)


def measure(settings: MeasureSettings = FULL, each: Callable[[str], None] = lambda label: None) -> pl.DataFrame:
    """The table.

    Args:
        settings: sizes and repeats.
        each: called with a label such as "posted, N = 8" when a scheme is ready and after each of its repeats.

    Raises:
        ValueError: a size that cannot be solved exactly, before any work.
    """
    scenarios = [Scenario.load(PRESET).replace(maps=maps) for maps in settings.maps]
    for scenario in scenarios:
        _check(scenario)
    rows = []
    with one_thread():
        ready = _contenders(scenarios, settings, each)
        order = stream(0, "order of decisions")
        for repeat in range(settings.decision_repeats):
            for index in torch.randperm(len(ready), generator=order).tolist():
                one = ready[index]
                scenario = one.episodes.scenario
                wall, processor = _decide(one.scheme, first_of(one.episodes, repeat), settings)
                rows.append(
                    {"scheme": one.scheme.name, "maps": scenario.maps, "stations": scenario.stations, "repeat": repeat}
                    | {"decision_ms": statistics.median(wall), "processor_ms": statistics.median(processor)}
                    | {"decisions": len(wall), "method": one.method}
                )
                each(f"{one.scheme.name}, N = {scenario.maps}")
    place = pl.col("scheme").replace_strict(dict(zip(SCHEMES, range(len(SCHEMES)), strict=True)), return_dtype=pl.Int64)
    return pl.DataFrame(rows).sort(place, "maps", "repeat")


def _contenders(scenarios: list[Scenario], settings: MeasureSettings, each: Callable[[str], None]) -> list[_Contender]:
    """Every scheme at every size; each has decided once."""
    ready = []
    anywhere = amortised(scenarios[0])
    for scenario in scenarios:
        episodes = _episodes(scenario, settings)
        reactive = Reactive(torch.full((scenario.stations,), scenario.highest_price, dtype=torch.float64), seed=0)
        schemes: list[tuple[Scheme, str]] = [
            (sac(scenario), "forward passes"),
            (anywhere, f"forward passes, {anywhere.settings.proposals} proposals"),
            (reactive, "closed form"),
            *((Equilibrium(concept), _method(concept, scenario, episodes)) for concept in SOLVED),
        ]
        for scheme, method in schemes:
            if scheme.name != "gradient":  # whose operations a single iteration has warmed up
                _decide(scheme, first_of(episodes, 0), replace(settings, decisions=1))
            ready.append(_Contender(scheme, episodes, method))
            each(f"{scheme.name}, N = {scenario.maps}")
    return ready


def sac(scenario: Scenario) -> Scheme:
    """Policies of the preset `tuned` after a moment of training."""
    settings = load_settings("tuned").replace(episodes=1)
    trainer = begin(scenario.replace(slots=_TRAINED_SLOTS), settings, [0])
    trainer.run(lambda metrics: None)
    return trainer.agents


def amortised(scenario: Scenario) -> Amortised:
    """Policies of the preset `amortised` after a moment of training; they play any number of mAPs."""
    settings = load_settings("amortised")
    assert isinstance(settings, AmortisedSettings)
    trainer = begin(scenario, settings.replace(**_BRIEF), [0])
    trainer.run(lambda metrics: None)
    assert isinstance(trainer.agents, Amortised)
    return trainer.agents


def _decide(scheme: Scheme, episodes: Episodes, settings: MeasureSettings) -> tuple[list[float], list[float]]:
    """Wall and processor times in ms of decisions in the first slots of an episode, batch axes [1, 1]."""
    slots, clock, processor_ms = Slots(episodes), Stopwatch(), []
    scheme.begin(slots)
    ends = time.perf_counter() + settings.window_s
    for _ in range(settings.decisions):
        began = time.process_time()
        decision = clock.decide(scheme, slots)
        processor_ms.append(1e3 * (time.process_time() - began))
        slots.step(*decision)
        if time.perf_counter() > ends:
            break
    return clock.taken_ms, processor_ms


def _episodes(scenario: Scenario, settings: MeasureSettings) -> Episodes:
    """An episode for each repeat, batch axes [repeats, 1]."""
    generators = [stream(repeat, "decision time") for repeat in range(settings.decision_repeats)]
    return draw_episodes(scenario, 1, generators, slots=settings.decisions + 1, part="held-out")


def _method(concept: Concept, scenario: Scenario, episodes: Episodes) -> str:
    """What the solver says it did."""
    usual = GradientSettings().iterations
    once = GradientSettings(1) if concept == "gradient" else None
    method = solve(scenario.market(), episodes.gain[0, 0, 0], concept, settings=once).method
    return f"{method}, W = {usual}" if concept == "gradient" else method


def _check(scenario: Scenario) -> None:
    """Refuse a size that exact solvers do not take.

    Raises:
        ValueError: naming it.
    """
    for concept in SEARCHED:
        if not is_exact(concept, scenario.maps, scenario.stations, scenario.idle_interferes):
            raise ValueError(
                f"maps = {scenario.maps}: is beyond an exact answer of `{concept}` on {scenario.stations} BSs; take "
                "smaller sizes"
            )
