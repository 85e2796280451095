"""One policy on networks of many sizes, beside policies trained for each of them.

The rival of a size begins where the general policy ends and trains on at that size alone: it knows all that the general
one knows, and what it gains is what specialising is worth.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from twinoffload.env.constant_price import best_constant_price
from twinoffload.env.references import Equilibrium, Reactive
from twinoffload.env.scheme import Scheme
from twinoffload.experiments.benchmarks.bars import Bar
from twinoffload.experiments.benchmarks.learning_bars import CHANNELS
from twinoffload.experiments.comparison import held_out, play_episodes
from twinoffload.experiments.paired import by_seed, differences
from twinoffload.learning.amortised.scheme import QUICK, Amortised
from twinoffload.learning.amortised.settings import AmortisedSettings
from twinoffload.learning.amortised.training import AmortisedTrainer
from twinoffload.scenario import Scenario

SIZES = tuple((maps, stations) for stations in range(2, 5) for maps in range(4, 11))
EPISODES = 8  # held out, a seed and size: 800 slots, in which differences on equal channels show to a few thousandths
BELOW = 0.97  # of the policy trained for the size, at least
PAIRWISE = (8, 2)  # where the general policy must earn more than `pairwise`
LEARNER, RIVAL = "amortised", "trained for the size"
OPERATOR, MAPS, REGRET = "operator_utility_money", "map_utility_money", "regret_money"
TRAINED_ON: dict[str, Any] = {
    "maps": None, "stations": None, "scattered": 0.0, "imitation": 0.0, "entropy": 0.01, "rate": 1e-3,
    "episodes": 1, "updates": 300,  # measured once, for that costs as much as the training
}  # fmt: skip


@dataclass(frozen=True)
class Sizes:
    """What was measured.

    Attributes:
        train_s: seconds in which the general policy was trained.
        table: a row a size, scheme and seed, utilities and regret in money a slot.
    """

    train_s: float
    table: pl.DataFrame


def measure(
    scenario: Scenario,
    settings: AmortisedSettings,
    seeds: Sequence[int],
    *,
    sizes: Sequence[tuple[int, int]],
    episodes: int,
    rivals: bool = True,
    each: Callable[[str], None] = lambda name: None,
) -> Sizes:
    """Train one policy and play it on every size.

    Args:
        scenario: in other sizes.
        settings: of the general training; a rival's differ in `TRAINED_ON`.
        seeds: one training each, all together.
        sizes: (N, M) that are played.
        episodes: held-out episodes for each seed and size.
        rivals: whether a policy is trained for each size, too.
        each: called with a label after each episode of the general training, and after each size.
    """
    trainer = AmortisedTrainer(scenario, settings, seeds)
    began = time.perf_counter()
    trainer.run(lambda rows: each(f"many sizes, episode {trainer.episode}"))
    seconds = time.perf_counter() - began
    parts = []
    for maps, stations in sizes:
        sized = scenario.replace(maps=maps, stations=stations)
        schemes: dict[str, Scheme] = {
            LEARNER: trainer.agents,
            QUICK: trainer.agents.quick(),
            "reactive": Reactive(best_constant_price(sized), 0),
            "pairwise": Equilibrium("pairwise"),
        }
        if rivals:
            schemes[RIVAL] = train_on(sized, settings, trainer.agents)
        parts.append(_play(schemes, sized, seeds, episodes))
        each(f"N={maps} M={stations}")
    return Sizes(seconds, pl.concat(parts))


def train_on(sized: Scenario, settings: AmortisedSettings, agents: Amortised) -> Amortised:
    """Policies that begin as `agents` and are trained for one size alone."""
    trainer = AmortisedTrainer(sized, settings.replace(**TRAINED_ON), agents.seeds)
    trainer.start_from(agents)
    trainer.run(lambda rows: None)
    return trainer.agents


def judge(table: pl.DataFrame) -> list[dict[str, Any]]:
    """Every size with its medians and its bars, one row each.

    Returns:
        `maps`, `stations`, and `bars`: utilities and regret, without which an operator's gain from mAPs that buy too
        much would look like success; the operator's utility over that of the policy trained for the size (where
        there is one); operator's and mAPs' utility above `reactive` (with one proposal too: shown, not judged); and at
        `PAIRWISE` the operator's above `pairwise`.
    """
    rows = []
    for (maps, stations), part in table.group_by("maps", "stations", maintain_order=True):
        own = by_seed(part, LEARNER, OPERATOR)
        bars = [Bar("operator", own), Bar("mAPs", by_seed(part, LEARNER, MAPS))]
        bars.append(Bar("regret", by_seed(part, LEARNER, REGRET), at_least=False))
        if rival := by_seed(part, RIVAL, OPERATOR):
            ratios = [mine / theirs for mine, theirs in zip(own, rival, strict=True)]
            bars.append(Bar(f"operator over {RIVAL}", ratios, BELOW))
        for who, measure in (("operator", OPERATOR), ("mAPs", MAPS)):
            above = differences(part, LEARNER, "reactive", measure)
            bars.append(Bar(f"{who} above reactive", above, 0.0, every=True))
            bars.append(Bar(f"{who} above reactive, one proposal", differences(part, QUICK, "reactive", measure)))
        if (maps, stations) == PAIRWISE:
            above = differences(part, LEARNER, "pairwise", OPERATOR)
            bars.append(Bar("operator above pairwise", above, 0.0, every=True))
        rows.append({"maps": maps, "stations": stations, "bars": bars})
    return rows


def overall(rows: Sequence[dict[str, Any]]) -> list[Bar]:
    """Of every bar the size that is farthest from meeting it, named by N and M."""
    worst: dict[str, tuple[float, Bar]] = {}
    for row in rows:
        for bar in row["bars"]:
            if bar.bound is None:
                continue
            found = bar.to_dict()
            value = found["low"] if bar.every else found["median"]
            if bar.name not in worst or value < worst[bar.name][0]:
                name = f"{bar.name}, worst size: N={row['maps']} M={row['stations']}"
                worst[bar.name] = value, Bar(name, bar.values, bar.bound, every=bar.every)
    return [bar for _, bar in worst.values()]


def _play(schemes: dict[str, Scheme], sized: Scenario, seeds: Sequence[int], episodes: int) -> pl.DataFrame:
    """The same held-out episodes for every scheme."""
    played = held_out(sized, seeds, episodes, CHANNELS)
    parts = []
    for name, scheme in schemes.items():
        means = play_episodes(scheme, played)
        parts.append(
            pl.DataFrame(
                {
                    "maps": [sized.maps] * len(seeds),
                    "stations": [sized.stations] * len(seeds),
                    "scheme": [name] * len(seeds),
                    "seed": list(seeds),
                    OPERATOR: means["operator"].numpy(),
                    MAPS: means["map"].numpy(),
                    REGRET: means["regret"].numpy(),
                }
            )
        )
    return pl.concat(parts)
