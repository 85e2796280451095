"""Schemes played on the same held-out episodes, and what a table says of them."""

from collections.abc import Callable, Sequence

import polars as pl
import torch
from torch import Tensor

from twinoffload.env.constant_price import best_constant_price
from twinoffload.env.episodes import Episodes, draw_episodes
from twinoffload.env.references import Constant, Equilibrium, Random, Reactive
from twinoffload.env.scheme import Scheme
from twinoffload.env.slots import Slots
from twinoffload.equilibrium.mistakes import mistakes
from twinoffload.equilibrium.profiles import check_enumerable, profile_count
from twinoffload.experiments.committed import Committed
from twinoffload.experiments.decision_time import Stopwatch, decision_ms
from twinoffload.experiments.expected import Expected
from twinoffload.experiments.interval import median_interval
from twinoffload.game.accuracy_law import Exponential
from twinoffload.scenario import Scenario
from twinoffload.seeding import stream

MEASURES = (
    "operator_utility",
    "operator_share_of_admission",
    "map_utility",
    "map_share_of_admission",
    "regret_share",
)
DECISIONS = ("wrong_association_share", "data_mb", "data_bias_mb", "data_error_mb")
TIMES = ("decision_ms", "batched_decision_ms")  # measured on this machine, now: never twice the same
STUDY_LIMIT = 200_000_000  # associations in all held-out slots: about ten minutes for "posted"
REFERENCES = ("pairwise", "posted", "admission", "constant", "random", "reactive", "committed", "expected")


def held_out(scenario: Scenario, seeds: Sequence[int], episodes: int, seed: int = 0) -> Episodes:
    """Episodes for evaluation, batch axes [seeds, episodes]: never those of training, others for each `seed`."""
    generators = [stream(s, f"held-out {seed}") for s in seeds]
    return draw_episodes(scenario, episodes, generators, part="held-out")


def check_playable(scenario: Scenario, seeds: int, episodes: int) -> None:
    """Refuse, before any work, a study whose reference rows would not come to an end.

    Raises:
        ValueError: naming what is too large and the remedy.
    """
    scenario.check_episodes()
    remedy = "the reference rows need a smaller market; `twinoffload train` alone does not"
    check_enumerable(f"scenario {scenario.name}", scenario.maps, scenario.stations, scenario.idle_interferes, remedy)
    profiles = profile_count(scenario.maps, scenario.stations, scenario.idle_interferes)
    slots = seeds * episodes * scenario.slots
    if profiles * slots > STUDY_LIMIT:
        raise ValueError(
            f"scenario {scenario.name}: {slots:,} held-out slots of {profiles:,} associations each would take too long "
            f"to solve exactly (at most {STUDY_LIMIT:,} in all); take fewer held-out episodes or seeds, or a smaller "
            "market"
        )


def reference_names(scenario: Scenario) -> tuple[str, ...]:
    """The rows that need no learning, in the order of the tables.

    `expected` only where something is private and accuracy follows the exponential law, the only one it can average.
    """
    averaged = scenario.is_private and isinstance(scenario.accuracy_law, Exponential)
    return tuple(name for name in REFERENCES if averaged or name != "expected")


def references(scenario: Scenario, seed: int = 0) -> list[Scheme]:
    """The schemes of `reference_names`."""
    constant = best_constant_price(scenario)
    schemes = [
        Equilibrium("pairwise"),
        Equilibrium("posted"),
        Equilibrium("admission"),
        Constant(constant),
        Random(seed),
        Reactive(constant, seed),
        Committed(),
        Expected(),
    ]
    return [scheme for scheme in schemes if scheme.name in reference_names(scenario)]


def play_episodes(scheme: Scheme, episodes: Episodes) -> dict[str, Tensor]:
    """Play a scheme; means over slots, episodes and mAPs for each seed `[S]`.

    Returns:
        `operator`, `map` and `regret` in money; what `DECISIONS` lists: the share of decisions for a wrong BS, data
        sent in MB, and its mean and mean absolute difference from the best reply's on the chosen BS (see
        `equilibrium.mistakes`); and `batched_decision_ms`, wall time of all decisions over their number.
    """
    slots, clock = Slots(episodes), Stopwatch()
    scheme.begin(slots)
    total: dict[str, Tensor] = {}
    for _ in range(len(episodes.gain)):
        price, association, data = clock.decide(scheme, slots)
        judged = mistakes(slots.terms, slots.gain, association, price, data)
        payoff = slots.step(price, association, data)
        for name, value in {
            "operator": payoff["operator_utility"].mean(-1),
            "map": payoff["map_utility"].mean((-2, -1)),
            "regret": payoff["regret"].mean((-2, -1)),
            "wrong_association_share": judged.wrong_association.double().mean((-2, -1)),
            "data_mb": data.mean((-2, -1)),
            "data_bias_mb": judged.excess.mean((-2, -1)),
            "data_error_mb": judged.excess.abs().mean((-2, -1)),
        }.items():
            total[name] = total.get(name, 0.0) + value.cpu()
    means = {name: value / len(episodes.gain) for name, value in total.items()}
    each = clock.mean_ms / episodes.batch.numel()
    return means | {"batched_decision_ms": torch.full((episodes.batch[0],), each, dtype=torch.float64)}


def compare(
    schemes: Sequence[Scheme], episodes: Episodes, seeds: Sequence[int], each: Callable[[str], None] = lambda name: None
) -> pl.DataFrame:
    """Play every scheme on the same episodes; one row a scheme and seed.

    Columns: scheme, observation, seed, utilities and regret in money, and as shares of `admission`'s operator and mean
    mAP utility on the same channels; then `DECISIONS` and `TIMES`. `schemes` must hold `admission`. `each` is called
    with each scheme's name once it has been played.
    """
    means = {}
    for scheme in schemes:
        means[scheme.name] = play_episodes(scheme, episodes) | {"decision_ms": decision_ms(scheme, episodes)}
        each(scheme.name)
    best = means["admission"]
    return pl.concat([_rows(scheme, means[scheme.name], best, seeds) for scheme in schemes])


def _rows(scheme: Scheme, mean: dict[str, Tensor], best: dict[str, Tensor], seeds: Sequence[int]) -> pl.DataFrame:
    """One row a seed."""
    measured = {
        "operator_utility_money": mean["operator"],
        "operator_share_of_admission": mean["operator"] / best["operator"],
        "map_utility_money": mean["map"],
        "map_share_of_admission": mean["map"] / best["map"],
        "regret_money": mean["regret"],
        "regret_share": mean["regret"] / best["map"],
        **{name: mean[name] for name in (*DECISIONS, *TIMES)},
    }
    labels = {
        "scheme": [scheme.name] * len(seeds),
        "observation": [scheme.observation] * len(seeds),
        "seed": list(seeds),
    }
    return pl.DataFrame(labels | {name: value.numpy() for name, value in measured.items()})


def summarise(table: pl.DataFrame) -> list[dict[str, object]]:
    """One row a scheme, each measure as median and interval over seeds, in the order played.

    `batched_decision_ms` has no interval: seeds are played together.
    """
    rows = []
    for scheme in table["scheme"].unique(maintain_order=True):
        part = table.filter(pl.col("scheme") == scheme)
        row: dict[str, object] = {"scheme": scheme, "observation": part["observation"][0]}
        for measure in (*MEASURES, *(name for name in (*DECISIONS, *TIMES) if name in part.columns)):
            column = measure if measure in part.columns else f"{measure}_money"
            row[measure] = median_interval(part[column].to_list())._asdict()
        rows.append(row)
    return rows
