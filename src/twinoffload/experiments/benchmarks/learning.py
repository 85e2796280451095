"""`twinoffload bench learning`: the learners' speed, what they know of known answers, and what they reach."""

from collections.abc import Callable, Sequence
from typing import Any

from twinoffload.experiments.benchmarks import learning_bars, pendulum, phases, probes, tuning, updates
from twinoffload.experiments.benchmarks.bars import Bar
from twinoffload.experiments.benchmarks.sections import machine
from twinoffload.learning.train_settings import TrainSettings
from twinoffload.scenario import Scenario

SECTIONS = ("throughput", "phases", "probes", "pendulum", "paper", "tuning")
PAPER_EPISODES = 20  # held out, a seed


def steps(sections: Sequence[str]) -> int:
    """How many times `measure` calls `each`, but for what it says of progress within a training."""
    counts = {
        "throughput": 6 * len(updates.thread_counts()),
        "phases": 1,
        "probes": len(probes.LEARNERS) * len(probes.PROBES) + len(probes.PAYOFF_LEARNERS),
        "pendulum": 2,
        "paper": len(learning_bars.CASES),
        "tuning": tuning.TRIALS * len(tuning.ALGORITHMS),
    }
    return sum(counts[name] for name in sections)


def measure(
    scenario: Scenario, sections: Sequence[str], seeds: Sequence[int], each: Callable[[str], None] = lambda name: None
) -> dict[str, Any]:
    """Measure some sections; every value is ready for JSON.

    Args:
        scenario: of throughput, phases and trainings.
        sections: of `SECTIONS`.
        seeds: of probes and trainings.
        each: called with a label after each step.
    """
    found: dict[str, Any] = {"seeds": list(seeds), "machine": machine()}
    if "throughput" in sections:
        table, bars = updates.throughput(scenario, each=each)
        found["throughput"] = {"rows": table.to_dicts(), "bars": [bar.to_dict() for bar in bars]}
    if "phases" in sections:
        table, run = phases.phases(scenario, preset("tuned"), updates.SEEDS)
        found["phases"] = {"rows": table.to_dicts()} | run
        each("phases")
    if "probes" in sections:
        rows = []
        for name, settings in probes.LEARNERS.items():
            for probe in probes.PROBES:
                rows += [{"algorithm": name} | row for row in probes.run_probe(probe, seeds, settings)]
                each(f"{name}: {probe.name}")
        for name, settings in probes.PAYOFF_LEARNERS.items():
            rows += [{"algorithm": name} | row for row in probes.payoff_probe(scenario, seeds, settings)]
            each(f"{name}: closed-form payoff")
        found["probes"] = {"rows": rows}
    if "pendulum" in sections:
        found["pendulum"] = _pendulum(seeds, each)
    if "paper" in sections:
        found["paper"] = []
        for case in learning_bars.CASES:
            row = learning_bars.train_and_evaluate(scenario, case, preset(case.preset), seeds, PAPER_EPISODES)
            found["paper"].append(row | {"bars": [bar.to_dict() for bar in row["bars"]]})
            each(case.name)
        found["information"] = learning_bars.information(found["paper"])
    if "tuning" in sections:
        found["tuning"] = tuning.search(scenario, each=lambda row: each(f"{row['algorithm']}, trial {row['trial']}"))
    return found


def preset(name: str) -> TrainSettings:
    """The training settings of a preset."""
    return TrainSettings.load(name)


def _pendulum(seeds: Sequence[int], each: Callable[[str], None]) -> dict[str, Any]:
    found = {}
    for name, run in (("twinoffload", pendulum.ours), ("stable-baselines3", pendulum.theirs)):
        result = run(seeds, pendulum.STEPS)
        bound = pendulum.KNOWN_RETURN if name == "twinoffload" else None
        found[name] = {"seconds": result["seconds"]} | Bar("mean return", result["returns"], bound).to_dict()
        each(f"Pendulum, {name}")
    return found | {"steps": pendulum.STEPS}
