"""What `amortised` reaches on held-out channels of a scenario, beside what it must reach."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from twinoffload.env.constant_price import best_constant_price
from twinoffload.env.references import Constant, Equilibrium, Reactive
from twinoffload.env.scheme import Scheme
from twinoffload.experiments.benchmarks.bars import Bar
from twinoffload.experiments.benchmarks.learning_bars import CHANNELS, share_bars
from twinoffload.experiments.committed import Committed
from twinoffload.experiments.comparison import compare, held_out
from twinoffload.experiments.expected import Expected
from twinoffload.experiments.paired import by_seed, differences
from twinoffload.learning.amortised.settings import AmortisedSettings
from twinoffload.learning.amortised.training import AmortisedTrainer
from twinoffload.scenario import Scenario

MINUTES = 10.0  # the longest that all seeds together may train
LEARNER = "amortised"
CEILING = "posted"  # solved by somebody who knows what is private
OPERATOR = "operator_utility_money"


@dataclass(frozen=True)
class Case:
    """What must be reached.

    Attributes:
        bars: bounds of operator's and mAPs' share of `admission` (at least) and regret (at most), if any.
        above: schemes that the operator's utility must exceed by more than the interval.
        hidden: whether something is private, so that what is lost has two parts.
    """

    bars: tuple[float | None, float | None, float | None] = (None, None, None)
    above: tuple[str, ...] = ()
    hidden: bool = False


CASES = {
    "paper": Case((0.92, 0.93, 0.05)),
    "open": Case((0.95, 0.93, 0.05)),
    "private": Case(above=("committed", "constant"), hidden=True),
}


def train_and_evaluate(
    scenario: Scenario,
    case: Case,
    settings: AmortisedSettings,
    seeds: Sequence[int],
    episodes: int,
    each: Callable[[str], None] = lambda name: None,
) -> dict[str, Any]:
    """Train for all seeds together and play held-out episodes beside the schemes that need no learning.

    Args:
        scenario: what is trained and played.
        case: what is asked.
        settings: of the training.
        seeds: one training each.
        episodes: held-out episodes for each seed.
        each: called with a label after each episode of training, and once more in the end.

    Returns:
        Seconds of the training, a row a scheme and seed, and the bars.
    """
    trainer = AmortisedTrainer(scenario, settings, seeds)
    began = time.perf_counter()
    trainer.run(lambda rows: each(f"{scenario.name}, episode {trainer.episode}"))
    seconds = time.perf_counter() - began
    schemes = [trainer.agents, trainer.agents.quick(), *_references(scenario, case)]
    table = compare(schemes, held_out(scenario, seeds, episodes, CHANNELS), list(seeds))
    each(f"{scenario.name}, held out")
    bars = share_bars(table, LEARNER, case.bars, seconds, MINUTES)
    bars += [
        Bar(f"operator above {name}, money a slot", differences(table, LEARNER, name, OPERATOR), 0.0, every=True)
        for name in case.above
    ]
    if case.hidden:
        bars += loss(table)
    return {"train_s": seconds, "rows": table.to_dicts(), "bars": bars}


def loss(table: pl.DataFrame) -> list[Bar]:
    """The operator's share of what it could have if nothing were private, and the two parts of what is missing.

    Information is what the best operator lacks who knows the distribution alone (`expected`); learning is what the
    learned one lacks beyond that. Both are shares of the ceiling, paired by seed.
    """
    ceiling = by_seed(table, CEILING, OPERATOR)
    best, own = (by_seed(table, name, OPERATOR) for name in (Expected.name, LEARNER))
    values = {
        "operator, share of the ceiling": [mine / top for mine, top in zip(own, ceiling, strict=True)],
        "lost for want of information": [(top - known) / top for known, top in zip(best, ceiling, strict=True)],
        "lost by learning": [(known - mine) / top for mine, known, top in zip(own, best, ceiling, strict=True)],
    }
    return [Bar(name, shares) for name, shares in values.items()]


def _references(scenario: Scenario, case: Case) -> list[Scheme]:
    constant = best_constant_price(scenario)
    schemes: list[Scheme] = [Equilibrium("admission"), Reactive(constant, 0), Committed()]
    if case.hidden:
        schemes += [Equilibrium(CEILING), Constant(constant), Expected()]
    return schemes
