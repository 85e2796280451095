"""`twinoffload bench amortised`: what one learned policy for any network reaches, and how fast it decides."""

from collections.abc import Callable, Sequence
from typing import Any

from twinoffload.experiments.benchmarks import amortised_bars, amortised_sizes, amortised_speed
from twinoffload.experiments.benchmarks.bars import Bar
from twinoffload.experiments.benchmarks.sections import machine
from twinoffload.learning.amortised.settings import AmortisedSettings
from twinoffload.learning.kinds import load_settings
from twinoffload.scenario import Scenario

SECTIONS = ("paper", "open", "private", "sizes", "speed")
EPISODES = 20  # held out, a seed


def steps(sections: Sequence[str]) -> int:
    """How many times `measure` calls `each`."""
    trained = {name: preset("amortised").episodes + 1 for name in amortised_bars.CASES}
    of_sizes = preset("amortised-sizes").episodes + len(amortised_sizes.SIZES)
    counts = trained | {"sizes": of_sizes, "speed": amortised_speed.STEPS}
    return sum(counts[name] for name in sections)


def measure(
    scenario: Scenario, sections: Sequence[str], seeds: Sequence[int], each: Callable[[str], None] = lambda name: None
) -> dict[str, Any]:
    """Measure some sections; every value is ready for JSON.

    Args:
        scenario: of `sizes` and `speed`; the others have presets of their own.
        sections: of `SECTIONS`.
        seeds: of trainings.
        each: called with a label after each step.
    """
    found: dict[str, Any] = {"seeds": list(seeds), "machine": machine()}
    for name, case in amortised_bars.CASES.items():
        if name in sections:
            run = amortised_bars.train_and_evaluate(
                Scenario.load(name), case, preset("amortised"), seeds, EPISODES, each
            )
            found[name] = run | {"bars": _dicts(run["bars"])}
    if "sizes" in sections:
        run = amortised_sizes.measure(
            scenario,
            preset("amortised-sizes"),
            seeds,
            sizes=amortised_sizes.SIZES,
            episodes=amortised_sizes.EPISODES,
            each=each,
        )
        rows = amortised_sizes.judge(run.table)
        minutes = Bar("minutes of training, all seeds", [run.train_s / 60.0], amortised_bars.MINUTES, at_least=False)
        found["sizes"] = {
            "train_s": run.train_s,
            "rows": [row | {"bars": _dicts(row["bars"])} for row in rows],
            "bars": _dicts([*amortised_sizes.overall(rows), minutes]),
            "table": run.table.to_dicts(),
        }
    if "speed" in sections:
        run = amortised_speed.measure(scenario, preset("amortised"), each)
        found["speed"] = run | {"bars": _dicts(run["bars"])}
    return found


def preset(name: str) -> AmortisedSettings:
    """The training settings of a preset."""
    settings = load_settings(name)
    assert isinstance(settings, AmortisedSettings)
    return settings


def _dicts(bars: Sequence[Bar]) -> list[dict[str, Any]]:
    return [bar.to_dict() for bar in bars]
