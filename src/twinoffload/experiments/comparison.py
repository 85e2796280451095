"""Schemes played on the same held-out episodes, and what a table says of them."""

from collections.abc import Callable, Sequence

import polars as pl
import torch
from torch import Tensor

from twinoffload.env.episodes import Episodes, draw_episodes
from twinoffload.env.scheme import Scheme
from twinoffload.env.slots import Slots
from twinoffload.equilibrium.profiles import check_enumerable, profile_count
from twinoffload.experiments.committed import Committed
from twinoffload.experiments.constant import best_constant_price
from twinoffload.experiments.interval import Interval, median_interval
from twinoffload.experiments.references import Constant, Equilibrium, Random, Reactive
from twinoffload.scenario import Scenario
from twinoffload.seeding import stream

MEASURES = (
    "operator_utility",
    "operator_share_of_admission",
    "map_utility",
    "map_share_of_admission",
    "regret_share",
)
STUDY_LIMIT = 200_000_000  # associations in all held-out slots: about ten minutes for "posted"
REFERENCES = ("pairwise", "posted", "admission", "constant", "random", "reactive", "committed")


def held_out(scenario: Scenario, seeds: Sequence[int], episodes: int, seed: int = 0) -> Episodes:
    """Episodes for evaluation, batch axes [seeds, episodes]: never those of training, others for each `seed`."""
    return draw_episodes(scenario, episodes, [stream(s, f"held-out {seed}") for s in seeds])


def check_playable(scenario: Scenario, seeds: int, episodes: int) -> None:
    """Refuse, before any work, a study whose reference rows would not come to an end.

    Raises:
        ValueError: naming what is too large and the remedy.
    """
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


def references(scenario: Scenario, seed: int = 0) -> list[Scheme]:
    """The rows that need no learning, in the order of the tables."""
    constant = best_constant_price(scenario)
    return [
        Equilibrium("pairwise"),
        Equilibrium("posted"),
        Equilibrium("admission"),
        Constant(constant),
        Random(seed),
        Reactive(constant, seed),
        Committed(),
    ]


def play_episodes(scheme: Scheme, episodes: Episodes) -> dict[str, Tensor]:
    """Means over slots and episodes for each seed `[S]`: operator and mean mAP utility and mean regret, in money."""
    slots = Slots(episodes)
    scheme.begin(slots)
    total = {name: torch.zeros(episodes.batch[0], dtype=torch.float64) for name in ("operator", "map", "regret")}
    for _ in range(len(episodes.gain)):
        price = scheme.price(slots)
        payoff = slots.step(price, *scheme.offload(slots, price))
        total["operator"] += payoff["operator_utility"].mean(-1).cpu()
        total["map"] += payoff["map_utility"].mean((-2, -1)).cpu()
        total["regret"] += payoff["regret"].mean((-2, -1)).cpu()
    return {name: value / len(episodes.gain) for name, value in total.items()}


def compare(
    schemes: Sequence[Scheme], episodes: Episodes, seeds: Sequence[int], each: Callable[[str], None] = lambda name: None
) -> pl.DataFrame:
    """Play every scheme on the same episodes; one row a scheme and seed.

    Columns: scheme, observation, seed, utilities and regret in money, and as shares of `admission`'s operator and mean
    mAP utility on the same channels. `schemes` must hold `admission`. `each` is called with each scheme's name once it
    has been played.
    """
    means = {}
    for scheme in schemes:
        means[scheme.name] = play_episodes(scheme, episodes)
        each(scheme.name)
    best = means["admission"]
    tables = [
        pl.DataFrame(
            {
                "scheme": [scheme.name] * len(seeds),
                "observation": [scheme.observation] * len(seeds),
                "seed": list(seeds),
                "operator_utility_money": means[scheme.name]["operator"].numpy(),
                "operator_share_of_admission": (means[scheme.name]["operator"] / best["operator"]).numpy(),
                "map_utility_money": means[scheme.name]["map"].numpy(),
                "map_share_of_admission": (means[scheme.name]["map"] / best["map"]).numpy(),
                "regret_money": means[scheme.name]["regret"].numpy(),
                "regret_share": (means[scheme.name]["regret"] / best["map"]).numpy(),
            }
        )
        for scheme in schemes
    ]
    return pl.concat(tables)


def summarise(table: pl.DataFrame) -> list[dict[str, object]]:
    """One row a scheme, each measure as median and interval over seeds, in the order played."""
    rows = []
    for scheme in table["scheme"].unique(maintain_order=True):
        part = table.filter(pl.col("scheme") == scheme)
        row: dict[str, object] = {"scheme": scheme, "observation": part["observation"][0]}
        for measure in MEASURES:
            column = measure if measure in part.columns else f"{measure}_money"
            row[measure] = median_interval(part[column].to_list())._asdict()
        rows.append(row)
    return rows


def interval_of(row: dict[str, object], measure: str) -> Interval:
    """A measure of a summary row."""
    return Interval(**row[measure])  # type: ignore[arg-type]
