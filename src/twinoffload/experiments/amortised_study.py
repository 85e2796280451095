"""What `docs/amortised.md` shows: a slot, what mAPs expect, how deep the code may be, and networks of many sizes.

Every function measures one table or two, units in the names of the columns; `measure` trains what it needs and makes
them all. Policies play held-out channels.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace

import polars as pl
import torch
from torch import Tensor

from twinoffload.env.references import Equilibrium
from twinoffload.env.scheme import Scheme
from twinoffload.env.slots import Slots
from twinoffload.equilibrium.outcome import chosen
from twinoffload.experiments.benchmarks import amortised_sizes
from twinoffload.experiments.benchmarks.amortised import preset
from twinoffload.experiments.benchmarks.learning_bars import CHANNELS
from twinoffload.experiments.committed import Committed
from twinoffload.experiments.comparison import held_out, play_episodes
from twinoffload.experiments.interval import median_interval
from twinoffload.experiments.paired import by_seed
from twinoffload.game.pairs import pair_rate
from twinoffload.game.payoff import unit_delay
from twinoffload.game.price_code import decode, remainder
from twinoffload.learning.amortised.offers import at_choice
from twinoffload.learning.amortised.scheme import Amortised
from twinoffload.learning.amortised.settings import AmortisedSettings
from twinoffload.learning.amortised.training import AmortisedTrainer
from twinoffload.network.link import connected
from twinoffload.scenario import Scenario

SHOWN = "open"  # where prices differ most
DEPTHS = (1e-6, 1e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 2e-2, 5e-2, 0.1, 0.2)  # a whole number fits the range
DIGIT = 1e-3  # money/MB, the last digit of rounded prices


@dataclass(frozen=True)
class Effort:
    """How much is trained and played.

    Attributes:
        one: settings of the policy of the scenario `SHOWN`, of its own size.
        many: settings of the policy for networks of many sizes.
        seeds: trained for many sizes.
        sizes: (N, M) that are played.
        episodes: held-out ones behind each depth.
        shown: slots whose expectations are shown.
        slot: which held-out slot is shown.
    """

    one: AmortisedSettings
    many: AmortisedSettings
    seeds: int = 5
    sizes: tuple[tuple[int, int], ...] = amortised_sizes.SIZES
    episodes: int = 5
    shown: int = 100
    slot: int = 0


def full_effort() -> Effort:
    """What the page shows: the presets `amortised` and `amortised-sizes`."""
    return Effort(preset("amortised"), preset("amortised-sizes"))


def steps(effort: Effort) -> int:
    """How often `measure` calls `each`."""
    return effort.one.episodes + 3 + effort.many.episodes + len(effort.sizes)


def measure(effort: Effort, each: Callable[[str], None] = lambda name: None) -> dict[str, pl.DataFrame]:
    """Train both policies and measure every table.

    Args:
        effort: how much is trained and played.
        each: called with a label after each episode of training and each table.
    """
    scenario = Scenario.load(SHOWN)
    trainer = AmortisedTrainer(scenario, effort.one, [0])
    trainer.run(lambda rows: each(f"one size, episode {trainer.episode}"))
    tables = slot(scenario, trainer.agents, effort.slot)
    each("slot")
    tables["expectations"] = expectations(scenario, trainer.agents, effort.shown)
    each("expectations")
    tables["depths"] = depths(scenario, trainer.agents, effort.episodes)
    each("depths")
    run = amortised_sizes.measure(
        Scenario.load("paper"),
        effort.many,
        range(effort.seeds),
        sizes=effort.sizes,
        episodes=amortised_sizes.EPISODES,
        rivals=False,
        each=each,
    )
    return tables | {"sizes": over_reactive(run.table)}


def slot(scenario: Scenario, agents: Amortised, index: int) -> dict[str, pl.DataFrame]:
    """One slot: who is where, what the prices are, what they tell, and what the mAPs make of it.

    Returns:
        `slot-stations`: a row a BS; `slot-maps`: a row an mAP with its position, its recommended BS and price, the
        share of a step that the price's remainder is, the completion time of a MB that this tells, the one that the
        mAP expects and the true one, and what it sends. Indices count from 0.
    """
    episodes = held_out(scenario, [0], 1, CHANNELS)
    slots = Slots(episodes)
    slots.slot = index
    price = agents.price(slots)
    association, data = agents.offload(slots, price)
    own = price.argmin(-1)
    told = price.gather(-1, own.unsqueeze(-1)).squeeze(-1)
    step = agents.operator.step
    true = true_time(slots, association).gather(-1, own.unsqueeze(-1)).squeeze(-1)
    columns = {
        "station": own,
        "price_money_per_mb": told,
        "step_money_per_mb": torch.full_like(told, step),
        "highest_money_per_mb": torch.full_like(told, agents.operator.highest_price),
        "remainder": remainder(told, step),
        "told_s": decode(told, step),
        "expected_s": expected_time(agents, slots, price),
        "true_s": true,
        "chosen": association,
        "data_mb": data,
    }
    where = episodes.positions[index, 0, 0]
    maps = {"map": list(range(scenario.maps)), "map_x_m": where[:, 0].numpy(), "map_y_m": where[:, 1].numpy()}
    layout = scenario.layout()
    stations = {"station": list(range(scenario.stations))}
    stations |= {f"station_{axis}_m": layout[:, i].numpy() for i, axis in enumerate("xy")}
    return {
        "slot-stations": pl.DataFrame(stations),
        "slot-maps": pl.DataFrame(maps | {name: value[0, 0].numpy() for name, value in columns.items()}),
    }


def expectations(scenario: Scenario, agents: Amortised, count: int) -> pl.DataFrame:
    """What mAPs expect of a MB's completion time where they are recommended to go, and what is true; a row an mAP.

    `guess_s` is what could be expected without prices: the best quadratic of ln time in the decimal logarithms of the
    mAP's gains there and, as their mean, elsewhere; fitted to these very mAPs of `count` slots.
    """
    slots = Slots(held_out(scenario.replace(slots=1), [0], count, CHANNELS))
    price = agents.price(slots)
    association, _ = agents.offload(slots, price)
    own = connected(price.argmin(-1), scenario.stations)
    strength = torch.log10(slots.terms.power * slots.gain / slots.terms.noise)
    elsewhere = (strength.sum(-1, keepdim=True) - strength) / max(1, scenario.stations - 1)
    here, there, true = strength[own], elsewhere[own], true_time(slots, association)[own]
    basis = torch.stack([torch.ones_like(here), here, there, here**2, there**2, here * there], dim=-1)
    fit = torch.linalg.lstsq(basis, true.log().unsqueeze(-1)).solution
    times = {
        "guess_s": (basis @ fit).squeeze(-1).exp(),
        "expected_s": expected_time(agents, slots, price).flatten(),
        "true_s": true,
    }
    return pl.DataFrame({name: time.numpy() for name, time in times.items()})


def depths(scenario: Scenario, agents: Amortised, episodes: int) -> pl.DataFrame:
    """Operator's and mAPs' share of `admission` against the depth of the code, exact prices and rounded ones.

    `committed` reads the code by its rule; `amortised` plays at every depth as it was trained at one.
    """
    played = held_out(scenario, [0], episodes, CHANNELS)
    best = play_episodes(Equilibrium("admission"), played)
    rows = []
    for depth in DEPTHS:
        for scheme in (Committed(depth), at_depth(agents, depth)):
            for digits, shown in (("all", scheme), ("three", Rounded(scheme, DIGIT))):
                found = play_episodes(shown, played)
                shares = {f"{who}_share": (found[who] / best[who]).item() for who in ("operator", "map")}
                rows.append({"scheme": scheme.name, "digits": digits, "depth": depth} | shares)
    return pl.DataFrame(rows)


def over_reactive(table: pl.DataFrame) -> pl.DataFrame:
    """Utilities over `reactive`'s on the same channels, median and interval over seeds; a row a size and scheme."""
    rows = []
    for (maps, stations), part in table.group_by("maps", "stations", maintain_order=True):
        for scheme in part["scheme"].unique(maintain_order=True):
            if scheme == "reactive":
                continue
            row = {"maps": maps, "stations": stations, "scheme": scheme}
            for who, measure in (("operator", amortised_sizes.OPERATOR), ("map", amortised_sizes.MAPS)):
                pairs = zip(by_seed(part, scheme, measure), by_seed(part, "reactive", measure), strict=True)
                ratio = median_interval([mine / theirs for mine, theirs in pairs])
                row |= {f"{who}_{name}": value for name, value in ratio._asdict().items()}
            rows.append(row)
    return pl.DataFrame(rows)


def at_depth(agents: Amortised, depth: float) -> Amortised:
    """The same policies with another step, a share of the price range."""
    other, step = copy.copy(agents), depth * agents.operator.highest_price
    other.operator, other.maps = replace(agents.operator, step=step), replace(agents.maps, step=step)
    return other


class Rounded:
    """A scheme whose prices reach the mAPs rounded to a last digit, money/MB."""

    def __init__(self, scheme: Scheme, digit: float):
        self.name, self.observation = scheme.name, scheme.observation
        self._scheme, self._digit = scheme, digit

    def begin(self, slots: Slots) -> None:
        """As the scheme does."""
        self._scheme.begin(slots)

    def price(self, slots: Slots) -> Tensor:
        """The scheme's prices, rounded, money/MB, `[..., N, M]`."""
        return torch.round(self._scheme.price(slots) / self._digit) * self._digit

    def offload(self, slots: Slots, price: Tensor) -> tuple[Tensor, Tensor]:
        """What the scheme's mAPs do at these prices."""
        return self._scheme.offload(slots, price)


@torch.no_grad()
def expected_time(agents: Amortised, slots: Slots, price: Tensor) -> Tensor:
    """Completion time of a MB in s that each mAP expects at the BS of its lowest price, float64 `[S, E, N]`."""
    own = price.argmin(-1)
    terms = at_choice(slots.terms, own)
    time = agents.maps.log_time(agents.maps_layers, terms, chosen(slots.gain, own), chosen(price, own))
    return time.double().exp()


def true_time(slots: Slots, association: Tensor) -> Tensor:
    """Completion time of a MB in s at each BS, elsewhere after moving there, `[S, E, N, M]`."""
    on = connected(association, slots.gain.shape[-1])
    return unit_delay(slots.terms, pair_rate(slots.terms, slots.gain, on))
