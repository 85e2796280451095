"""The whole loop: prices, associations and data by a belief; training on that data; what it was worth.

Training replaces phi alone. Delay, payment and energy are those of the game, so that an mAP's realised utility is the
promised one plus gamma^A (realised phi - promised phi), and the operator's profit, which has no phi, is what it was.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
import torch
from torch import Tensor

from twinoffload.equilibrium.outcome import Outcome, chosen, play
from twinoffload.equilibrium.solve import evaluate_prices, solve
from twinoffload.game.market import Market
from twinoffload.game.payoff import profit
from twinoffload.scenario import Scenario
from twinoffload.twin.beliefs import LAW, Belief
from twinoffload.twin.descent import USUAL, Training
from twinoffload.twin.models import STRUCTURES
from twinoffload.twin.tasks.registry import CONTROL, task_named
from twinoffload.twin.training import train_at_stations

FIRST_WORLD = 1000  # seeds below are left to the worlds whose curves tell the law
OWN, MEASURED = "belief", "law"  # by which the mAPs buy

Train = Callable[..., Tensor]
"""What trains, with the arguments of `train_at_stations`."""


@dataclass(frozen=True)
class Loop:
    """What is played.

    Attributes:
        scenario: the network and the game; see `scenario_of`.
        task: that the twins of all mAPs learn, by name.
        structures: of the models of BS 1 ... M, by name; see `deployed`.
        concept: by which the operator sets its prices.
        slots: for each seed, with channels of their own.
        training: how BSs train.
    """

    scenario: Scenario
    task: str
    structures: tuple[str, ...]
    concept: str = "posted"
    slots: int = 4
    training: Training = USUAL


@dataclass(frozen=True, eq=False)
class _Deal:
    """What a belief leads to in each slot S of a seed; NaN in slots without a solution.

    Attributes:
        belief: by which the operator prices.
        bought_by: the law by which the mAPs buy, `OWN` or `MEASURED`.
        outcome: prices, associations, data, and what that law promises.
        profit: what each mAP earns the operator, money, `[S, N]`.
        regret: what its best reply under the measured law would add, money by that law, `[S, N]`.
    """

    belief: str
    bought_by: str
    outcome: Outcome
    profit: Tensor
    regret: Tensor


def scenario_of(scenario: Scenario, task: str) -> Scenario:
    """The scenario in which a task's twins are sold: the control has a raw stream of its own size o.

    Raises:
        ValueError: an unknown task, or one that the scenario cannot have.
    """
    made = task_named(task, scenario)
    scenario.layout()  # refuses a city
    return scenario.replace(task_size=made.raw_mb) if task == CONTROL else scenario


def deployed(names: Sequence[str], stations: int) -> tuple[str, ...]:
    """The structure of each BS.

    Args:
        names: one for all BSs, or one for each.
        stations: M.

    Raises:
        ValueError: an unknown structure, or another number of them.
    """
    for name in names:
        if name not in STRUCTURES:
            raise ValueError(f"structure {name!r}: must be one of {', '.join(STRUCTURES)}")
    if len(names) not in (1, stations):
        raise ValueError(f"structures {','.join(names)}: {len(names)} for {stations} BSs; name one, or one for each")
    return tuple(names) * (1 if len(names) == stations else stations)


def play_seed(loop: Loop, believed: Sequence[Belief], seed: int, train: Train = train_at_stations) -> pl.DataFrame:
    """Play all beliefs in the same slots of one seed's world.

    Each mAP has one stream in this world, whatever it sends of it: more data keeps what less data kept, so that beliefs
    differ by what they make of it alone.

    Args:
        loop: what is played.
        believed: each is played; one of them is `law`.
        seed: from 0; the world is that of seed `FIRST_WORLD` + `seed`.
        train: what trains.

    Returns:
        A row for each belief, law by which mAPs buy, slot and mAP; see `experiments.twin_loop` for its columns.

    Raises:
        ValueError: bad input, named; a market in which the concept cannot be solved.
    """
    world = FIRST_WORLD + seed
    deals = _deals(loop, believed, world)
    task = task_named(loop.task, loop.scenario)
    data = torch.stack([deal.outcome.data.nan_to_num(0.0) for deal in deals])
    association = torch.stack([deal.outcome.association for deal in deals])
    structures = [STRUCTURES[name] for name in loop.structures]
    accuracy = train(task, data, association, structures, world, loop.training)
    return pl.concat([_rows(loop, deal, seed, phi) for deal, phi in zip(deals, accuracy, strict=True)])


def _deals(loop: Loop, believed: Sequence[Belief], world: int) -> list[_Deal]:
    """Each belief shared by operator and mAPs; then, if it is wrong, the operator's alone: the mAPs know the law."""
    markets = {one.name: one.scenario.sample_market(loop.slots, world) for one in believed}
    gain = loop.scenario.sample_gain(loop.slots, world)
    made = []
    for name, market in markets.items():
        shared = solve(market, gain, loop.concept)
        bought = {OWN: shared} if name == LAW else {OWN: shared, MEASURED: _bought(markets[LAW], gain, shared)}
        made += [_deal(name, by, outcome, shared, markets[LAW], gain) for by, outcome in bought.items()]
    return made


def _bought(market: Market, gain: Tensor, priced: Outcome) -> Outcome:
    """Where mAPs that know a law come to rest at prices made by another, from where these would have them."""
    offered = priced.price.nan_to_num(torch.inf)  # nothing is, where there is no solution
    start = priced.association.clamp(min=0 if market.idle_interferes else -1)
    return evaluate_prices(market, gain, offered, start)


def _deal(belief: str, bought_by: str, outcome: Outcome, priced: Outcome, measured: Market, gain: Tensor) -> _Deal:
    terms = measured.terms(gain.shape[-2], gain.shape[-1])
    sent = outcome.data.nan_to_num(0.0)
    earned = profit(terms, outcome.price, sent.unsqueeze(-1))  # of terms that no belief changes
    known = play(terms, gain, outcome.association, outcome.price.nan_to_num(torch.inf), sent)
    unsolved = torch.from_numpy(np.asarray(priced.status == "infeasible")).unsqueeze(-1)

    def told(values: Tensor) -> Tensor:
        return torch.where(unsolved, torch.nan, values)

    return _Deal(belief, bought_by, outcome, told(chosen(earned, outcome.association)), told(known["regret"]))


def _rows(loop: Loop, deal: _Deal, seed: int, accuracy: Tensor) -> pl.DataFrame:
    """A deal's rows; `accuracy` is that of the trained twins, `[S, N]`."""
    outcome = deal.outcome
    slots, maps = outcome.data.shape
    market = loop.scenario.sample_market(loop.slots, FIRST_WORLD + seed)
    terms = market.terms(maps, loop.scenario.stations)
    realised = torch.where(deal.profit.isnan(), torch.nan, accuracy)
    gained = terms.accuracy_value.squeeze(-1) * (realised - outcome.accuracy)
    slot, name = torch.meshgrid(torch.arange(slots), torch.arange(maps), indexing="ij")
    station = outcome.association.flatten().tolist()
    raw_mb = terms.raw_data.squeeze(-1)
    columns: dict[str, Any] = {
        "task": [loop.task] * (slots * maps),
        "belief": [deal.belief] * (slots * maps),
        "bought_by": [deal.bought_by] * (slots * maps),
        "seed": [seed] * (slots * maps),
        "slot": slot,
        "map": name,
        "station": station,
        "structure": [loop.structures[m] if m >= 0 else "" for m in station],
        "price_money_per_mb": chosen(outcome.price, outcome.association, torch.nan),
        "data_mb": outcome.data,
        "sampling_rate": torch.where(raw_mb > 0.0, outcome.data / raw_mb, 0.0),
        "accuracy_promised": outcome.accuracy,
        "accuracy_realised": realised,
        "map_utility_promised_money": outcome.map_utility,
        "map_utility_realised_money": outcome.map_utility + gained,
        "regret_money": deal.regret,
        "profit_money": deal.profit,
    }
    return pl.DataFrame(
        {key: value.flatten().tolist() if isinstance(value, Tensor) else value for key, value in columns.items()}
    )
