"""What the learned schemes reach on held-out channels, beside what they must reach."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from twinoffload.env.constant_price import best_constant_price
from twinoffload.env.references import Equilibrium, Reactive
from twinoffload.env.slots import Observation
from twinoffload.experiments.benchmarks.bars import Bar
from twinoffload.experiments.comparison import compare, held_out
from twinoffload.experiments.paired import by_seed, differences
from twinoffload.learning.train_settings import TrainSettings
from twinoffload.learning.training import Trainer
from twinoffload.scenario import Scenario

CHANNELS = 2  # held out, and by no trial ever played
MEASURES = ("operator_share_of_admission", "map_share_of_admission", "regret_share")


@dataclass(frozen=True)
class Case:
    """One training: who learns, on what, and what must be reached.

    Attributes:
        preset: of the training settings.
        observation: what mAPs see.
        size: N and M; the scenario's own where it is None.
        bars: bounds of operator's and mAPs' share (at least) and regret (at most); None where nothing is asked.
        minutes: the longest that all seeds together may take; None where nothing is asked.
        above_reactive: whether it must beat `reactive` in operator and mAP utility by more than the intervals.
    """

    preset: str
    observation: Observation
    size: tuple[int, int] | None = None
    bars: tuple[float | None, float | None, float | None] = (None, None, None)
    minutes: float | None = None
    above_reactive: bool = False

    @property
    def name(self) -> str:
        """Preset, observation and size."""
        size = "" if self.size is None else f", N={self.size[0]} M={self.size[1]}"
        return f"{self.preset}, {self.observation}{size}"


CASES = (
    Case("tuned", "load", bars=(0.95, 0.90, 0.10), minutes=10.0),
    Case("tuned-td3", "load"),
    Case("tuned-ddpg", "load"),
    Case("tuned", "paper", bars=(0.75, 0.64, 0.60)),
    Case("tuned", "gains"),
    Case("tuned-td3", "paper"),
    Case("tuned-ddpg", "paper"),
    Case("tuned", "load", size=(8, 2), above_reactive=True),
    Case("demonstrated", "load", bars=(0.95, 0.90, 0.10), minutes=10.0),
    Case("demonstrated", "load", size=(8, 2), above_reactive=True),
)


def train_and_evaluate(
    scenario: Scenario,
    case: Case,
    settings: TrainSettings,
    seeds: Sequence[int],
    episodes: int = 20,
    each: Callable[[str], None] = lambda name: None,
) -> dict[str, Any]:
    """Train a case for all seeds together and play it on held-out episodes beside `admission` and `reactive`.

    Args:
        scenario: resized where the case says so.
        case: what is trained and asked.
        settings: of the training; the observation is the case's.
        seeds: one training each.
        episodes: held-out episodes for each seed.
        each: called with a label after each episode of training.

    Returns:
        Name, seconds of the training, and bars: shares of `admission`, regret, minutes, and paired differences to
        `reactive` in units of `admission`, all with intervals over seeds.
    """
    sized = scenario if case.size is None else scenario.replace(maps=case.size[0], stations=case.size[1])
    trainer = Trainer(sized, settings.model_copy(update={"observation": case.observation}), seeds)
    began = time.perf_counter()
    trainer.run(lambda rows: each(f"{case.name}, episode {trainer.episode}"))
    seconds = time.perf_counter() - began
    schemes = [trainer.agents, Equilibrium("admission"), Reactive(best_constant_price(sized), 0)]
    table = compare(schemes, held_out(sized, seeds, episodes, CHANNELS), list(seeds))
    return {"name": case.name, "train_s": seconds, "bars": _bars(case, table, trainer.agents.name, seconds)}


def information(cases: Sequence[dict[str, Any]], preset: str = "tuned") -> list[dict[str, Any]]:
    """What share of the gap to `admission` under observation `paper` the same learner closes where it sees more.

    Args:
        cases: rows of `train_and_evaluate`, bars as values for JSON.
        preset: of the learner.

    Returns:
        For `load` and `gains` the share of the operator's and of the mAPs' gap, of medians over seeds.
    """
    shares = {case["name"]: [bar["median"] for bar in case["bars"][:2]] for case in cases}
    blind = shares[f"{preset}, paper"]
    return [
        {"observation": seen}
        | {
            f"{who}_gap_closed": (share - base) / (1.0 - base)
            for who, share, base in zip(("operator", "map"), shares[f"{preset}, {seen}"], blind, strict=True)
        }
        for seen in ("load", "gains")
    ]


def _bars(case: Case, table: pl.DataFrame, learner: str, seconds: float) -> list[Bar]:
    bars = share_bars(table, learner, case.bars, seconds, case.minutes)
    for measure in MEASURES[:2]:
        above = differences(table, learner, "reactive", measure)
        bound = 0.0 if case.above_reactive else None
        bars.append(Bar(f"{measure} above reactive", above, bound, every=case.above_reactive))
    return bars


def share_bars(
    table: pl.DataFrame, learner: str, bounds: Sequence[float | None], seconds: float, minutes: float | None
) -> list[Bar]:
    """Operator's and mAPs' share of `admission`, regret, and minutes of the training, beside their bounds."""
    bars = [
        Bar(measure, by_seed(table, learner, measure), bound, at_least=measure != "regret_share")
        for measure, bound in zip(MEASURES, bounds, strict=True)
    ]
    return [*bars, Bar("minutes of training, all seeds", [seconds / 60.0], minutes, at_least=False)]
