"""What `docs/equilibrium.md` shows: price curves, gaps between concepts, selection, Algorithm 1, and sizes.

Every function measures one table, one row an observation, units in the names of the columns; `measure` makes them all.
Snapshots are independent draws of the presets `paper` and `open`.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import polars as pl
import torch
from torch import Tensor

from twinoffload.equilibrium.gradient import GradientSettings, Switching, step_limits
from twinoffload.equilibrium.outcome import Outcome, play
from twinoffload.equilibrium.solve import selection, solve
from twinoffload.game.market import Market
from twinoffload.game.pairs import pair_rate
from twinoffload.game.payoff import accuracy, map_utility, profit, unit_delay_cost
from twinoffload.game.pricing import best_price, price_leaving
from twinoffload.game.response import best_data
from twinoffload.network.link import connected
from twinoffload.scenario import Scenario

PRESETS = ("paper", "open")
ORDERS: tuple[Switching, ...] = ("simultaneous", "sequential")
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
SAME = 1e-3  # relative difference of the operator's utility up to which two ends count as one
HIGH = 3.0  # kappa over its limit in the run whose prices swing

# The pair of the price curves: one mAP alone, 100 m beside and 100 m below a BS of quality 0.84.
DISTANCE_M = 20_000**0.5
PAIRS: dict[str, dict[str, Any]] = {
    "interior": {"price_cap": None, "task_size": 5.0},
    "kink": {"price_cap": None, "task_size": 0.5},
    "cap": {"price_cap": 1.25, "task_size": 5.0},
}
OUTSIDE_MONEY = 2.0  # what another BS is worth to that mAP, where it is asked for

STEPS = ((0.1, 0.1), (0.5, 0.5), (0.9, 0.9), (HIGH, 0.5), (0.5, HIGH))  # kappa and nu over their limits
NETWORKS = ((4, 2), (6, 2), (8, 2), (4, 3), (4, 4))  # N and M under which switching is counted
DEADLINES = ((8, 4), (12, 4), (16, 4), (20, 2))  # N and M that dynamic programming is timed on


@dataclass(frozen=True)
class Effort:
    """How much is drawn.

    Attributes:
        snapshots: behind each mean over concepts.
        maps: numbers of mAPs in the table of gaps.
        shown: snapshots shown one by one.
        runs: runs of Algorithm 1 behind each row.
        networks: snapshots of each network in which switching is counted.
        starts: random starts of each of these.
        iterations: W of Algorithm 1; odd, lest a cycle of two look like rest from one outer iteration to the next.
        prices: points of a price curve.
        deadlines: N and M that are timed.
    """

    snapshots: int = 1000
    maps: tuple[int, ...] = (4, 5, 6, 7, 8)
    shown: int = 100
    runs: int = 200
    networks: int = 100
    starts: int = 5
    iterations: int = 51
    prices: int = 161
    deadlines: tuple[tuple[int, int], ...] = DEADLINES


def measure(effort: Effort | None = None, each: Callable[[str], None] = lambda name: None) -> dict[str, pl.DataFrame]:
    """Every table by name; `each` is called with its name when it is done. All but `sizes` are fixed by their seeds."""
    tables, effort = {}, effort or Effort()
    for name, table in TABLES.items():
        tables[name] = table(effort)
        each(name)
    return tables


def price_curves(effort: Effort) -> pl.DataFrame:
    """Profit, mAP's utility and data of one pair against its price, in three markets."""
    rows = []
    for name in PAIRS:
        market, gain = _pair(name)
        terms, delay_cost = _costs(market, gain)
        limit = terms.first_value - delay_cost
        price = torch.linspace(0.0, 1.05, effort.prices, dtype=gain.dtype).reshape(-1, 1, 1) * limit
        data = best_data(terms, delay_cost, price)
        values = (price, data, profit(terms, price, data), map_utility(terms, delay_cost, price, data))
        rows.append(
            _columns(
                ("price_money_per_mb", "data_mb", "profit_money", "map_utility_money"),
                values,
                pair=name,
            )
        )
    return pl.concat(rows)


def best_prices(effort: Effort) -> pl.DataFrame:
    """The closed forms of those pairs: what goes in, the best price and what it brings, the price that leaves V."""
    rows = []
    for name, changes in PAIRS.items():
        market, gain = _pair(name)
        terms, delay_cost = _costs(market, gain)
        price = best_price(terms, delay_cost)
        data = best_data(terms, delay_cost, price)
        leaving = price_leaving(terms, delay_cost, torch.full_like(price, OUTSIDE_MONEY))
        values = {
            "first_value_money_per_mb": terms.first_value,
            "delay_cost_money_per_mb": delay_cost,
            "energy_cost_money_per_mb": terms.energy_cost,
            "steepness_per_mb": terms.steepness,
            "raw_data_mb": terms.raw_data,
            "price_money_per_mb": price,
            "data_mb": data,
            "accuracy": accuracy(terms, data),
            "profit_money": profit(terms, price, data),
            "map_utility_money": map_utility(terms, delay_cost, price, data),
            "leaving_price_money_per_mb": leaving,
        }
        numbers = {column: value.item() for column, value in values.items()}
        rows.append({"pair": name, "cap_money_per_mb": changes["price_cap"], "outside_money": OUTSIDE_MONEY, **numbers})
    return pl.DataFrame(rows)


def gaps(effort: Effort) -> pl.DataFrame:
    """Each concept against `admission` on the same snapshots: means, standard errors and quantiles of the share.

    `pairwise_worst` and `pairwise_best` are the extreme ones of all pairwise equilibria; `ratio` is `admission` over
    the concept: for the worst it is the price of anarchy, for the best that of stability, in operator utility.
    """
    rows = []
    for preset in PRESETS:
        for maps in effort.maps:
            scenario = Scenario.load(preset).replace(maps=maps)
            market, gain = scenario.market(), scenario.sample_gain(effort.snapshots)
            found = {concept: solve(market, gain, concept) for concept in ("pairwise", "posted", "admission")}
            calm = (found["pairwise"].status == "converged").mean()
            values = {name: (o.operator_utility, o.map_utility.mean(-1)) for name, o in found.items()}
            values |= dict(zip(("pairwise_worst", "pairwise_best"), pairwise_extremes(market, gain), strict=True))
            most = values["admission"][0]
            for concept, (operator, mean_map) in values.items():
                share = operator / most
                rows.append(
                    {"scenario": preset, "maps": maps, "stations": scenario.stations, "concept": concept}
                    | {"snapshots": effort.snapshots, "pairwise_converged": float(calm)}
                    | _mean("operator", "money", operator)
                    | _mean("map", "money", mean_map)
                    | _mean("share", "", share)
                    | {f"share_p{round(100 * q):02d}": share.quantile(q).item() for q in QUANTILES}
                    | {"share_min": share.min().item()}
                    | _mean("ratio", "", 1.0 / share)
                    | {"ratio_max": (1.0 / share).max().item()}
                )
    return pl.DataFrame(rows)


def pairwise_extremes(market: Market, gain: Tensor) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """(operator utility, mean mAP utility) at the operator's worst and best pairwise equilibrium, `[B]` each.

    `pairwise` is run from every association: it stays at an equilibrium and ends in one where it converges. NaN where
    it never does.
    """
    maps, stations = gain.shape[-2:]
    starts = torch.cartesian_prod(*[torch.arange(stations)] * maps).reshape(-1, 1, maps)
    ends = solve(market, gain, "pairwise", start=starts)
    rested = torch.from_numpy(ends.status == "converged")
    found = []
    for sign in (1.0, -1.0):
        worth = torch.where(rested, sign * ends.operator_utility, torch.inf)
        index = worth.argmin(0, keepdim=True)
        values = ends.operator_utility, ends.map_utility.mean(-1)
        found.append(tuple(torch.where(rested.any(0), v.gather(0, index).squeeze(0), torch.nan) for v in values))
    return found[0], found[1]


def selections(effort: Effort) -> pl.DataFrame:
    """The mAPs' equilibria at `posted`'s prices, snapshot by snapshot: worst, best and reached, as shares of it."""
    rows = []
    for preset in PRESETS:
        scenario = Scenario.load(preset)
        market, gain = scenario.market(), scenario.sample_gain(effort.shown)
        best = solve(market, gain, "posted")
        found = selection(market, gain, best.price)
        names = ("equilibria", "worst_share", "reached_share", "best_share")
        values = (found.operator_worst, found.reached.operator_utility, found.operator_best)
        values = (found.count, *(value / best.operator_utility for value in values))
        table = _columns(names, values, scenario=preset).with_row_index("snapshot")
        rows.append(table.with_columns(pl.col("equilibria").cast(pl.Int64), pl.col("snapshot").cast(pl.Int64)))
    return pl.concat(rows)


def selection_remedies(effort: Effort) -> pl.DataFrame:
    """The same interval in the mean, as it is and with what might narrow it; shares of the `posted` it started from."""
    rows = []
    for preset in PRESETS:
        for idle in (True, False):
            scenario = Scenario.load(preset).replace(idle_interferes=idle)
            market, gain = scenario.market(), scenario.sample_gain(effort.snapshots)
            best = solve(market, gain, "posted")
            own = connected(best.association, gain.shape[-1])
            ways = {
                "as posted": (best.price, None),
                "own price 0.001 lower": (torch.where(own, (best.price - 1e-3).clamp(min=0.0), best.price), None),
                "other offers withheld": (torch.where(own, best.price, torch.inf), None),
                "start stated with the prices": (best.price, best.association),
            }
            for way, (price, start) in ways.items():
                found = selection(market, gain, price, start=start)
                ends = {
                    "worst": found.operator_worst,
                    "reached": found.reached.operator_utility,
                    "best": found.operator_best,
                }
                rows.append(
                    {"scenario": preset, "idle_interferes": idle, "prices": way, "snapshots": effort.snapshots}
                    | {"unique": (found.count == 1).double().mean().item()}
                    | {
                        k: v
                        for n, end in ends.items()
                        for k, v in _mean(n, "share", end / best.operator_utility).items()
                    }
                )
    return pl.DataFrame(rows)


def step_table(effort: Effort) -> pl.DataFrame:
    """Algorithm 1 against its steps: how often it still moves somebody, and how far it ends from `pairwise`."""
    rows = []
    for preset in PRESETS:
        scenario = Scenario.load(preset)
        market, gain = scenario.market(), scenario.sample_gain(effort.runs)
        for switching in ORDERS:
            outcome = _run(market, gain.expand(len(STEPS), *gain.shape), switching, effort.iterations)
            assert outcome.steps is not None
            twin = solve(market, gain, "pairwise", start=outcome.start)
            share = outcome.operator_utility / twin.operator_utility
            near = (share - 1.0).abs() < SAME
            here = _rests(market, gain, outcome)
            honest = _replying(market, gain, outcome) / twin.operator_utility
            free = outcome.price.gather(-1, outcome.association.unsqueeze(-1)).flatten(1) <= 0.0
            for i, (kappa, nu) in enumerate(STEPS):
                rows.append(
                    {"scenario": preset, "switching": switching, "price_step_over_limit": kappa}
                    | {"data_step_over_limit": nu}
                    | {"price_step_money_per_mb2": outcome.steps.price_step[i, 0].item()}
                    | {"data_step_mb2_per_money": outcome.steps.data_step[i, 0].item()}
                    | {"runs": effort.runs, "iterations": effort.iterations}
                    | {"still_switching": float((outcome.status[i] == "oscillating").mean())}
                    | {"as_pairwise": near[i].double().mean().item(), "at_an_equilibrium": here[i].mean().item()}
                    | _mean("operator_share", "", share[i])
                    | _mean("replying_share", "", honest[i])
                    | _mean("largest_regret", "money", outcome.regret[i].amax(-1))
                    | {"chosen_price_zero": free[i].double().mean().item()}
                )
    return pl.DataFrame(rows)


def switching_by_size(effort: Effort) -> pl.DataFrame:
    """Algorithm 1 as printed, at half its limits, from several starts: how often it never comes to rest, by N and M."""
    rows = []
    for preset in PRESETS:
        for maps, stations in NETWORKS:
            scenario = Scenario.load(preset).replace(maps=maps, stations=stations)
            market, gain = scenario.market(), scenario.sample_gain(effort.networks)
            settings = GradientSettings(effort.iterations)
            outcome = solve(market, gain.expand(effort.starts, *gain.shape), "gradient", settings=settings)
            moving = torch.from_numpy(outcome.status == "oscillating").double()
            often = moving.mean(0)
            mine = {
                "scenario": preset,
                "maps": maps,
                "stations": stations,
                "snapshots": effort.networks,
                "starts": effort.starts,
            }
            rows.append(
                mine
                | _mean("still_switching", "", often)
                | {"from_no_start": (often == 0.0).double().mean().item()}
                | {"from_every_start": (often == 1.0).double().mean().item()}
            )
    return pl.DataFrame(rows)


def trajectories(effort: Effort) -> pl.DataFrame:
    """Algorithm 1 on one snapshot of `open` in three ways, outer iteration by outer iteration.

    The snapshot is the first on which mAPs that switch at once never rest and mAPs that switch in turn do.

    Raises:
        ValueError: there is none among those drawn.
    """
    scenario = Scenario.load("open")
    market, gain = scenario.market(), scenario.sample_gain(effort.shown)
    kappa, nu = step_limits(market.terms(gain.shape[-2], gain.shape[-1]))
    usual = GradientSettings(effort.iterations, keep_trajectory=True)
    ways = {
        "at once": usual,
        "in turn": replace(usual, switching="sequential"),
        "in turn, high kappa": replace(
            usual, switching="sequential", price_step=HIGH * kappa.item(), data_step=0.5 * nu.item()
        ),
    }
    found = {way: solve(market, gain, "gradient", settings=settings) for way, settings in ways.items()}
    apart = (found["at once"].status == "oscillating") & (found["in turn"].status == "converged")
    if not apart.any():
        raise ValueError(f"shown = {effort.shown}: none of these snapshots tells the two ways apart; draw more")
    snapshot = int(apart.argmax())
    rows = []
    for way, outcome in found.items():
        path = outcome.trajectory
        assert path is not None
        for iteration in range(len(path.price)):
            for n, station in enumerate(path.association[iteration, snapshot].tolist()):
                price, data = (x[iteration, snapshot, n, station].item() for x in (path.price, path.data))
                rows.append(
                    {"run": way, "snapshot": snapshot, "iteration": iteration, "map": n, "station": station}
                    | {"price_money_per_mb": price, "data_mb": data}
                )
    return pl.DataFrame(rows)


def sizes(effort: Effort) -> pl.DataFrame:
    """Seconds that `admission` takes for one snapshot of `paper` by dynamic programming; the faster of two runs."""
    rows = []
    for maps, stations in effort.deadlines:
        scenario = Scenario.load("paper").replace(maps=maps, stations=stations)
        market, gain = scenario.market(), scenario.sample_gain(1)
        taken = math.inf
        for _ in range(2):
            began = time.perf_counter()
            solve(market, gain, "admission")
            taken = min(taken, time.perf_counter() - began)
        rows.append({"maps": maps, "stations": stations, "associations": stations**maps, "solve_s": taken})
    return pl.DataFrame(rows)


TABLES: dict[str, Callable[[Effort], pl.DataFrame]] = {
    "price-curves": price_curves,
    "best-prices": best_prices,
    "gaps": gaps,
    "selections": selections,
    "remedies": selection_remedies,
    "trajectories": trajectories,
    "steps": step_table,
    "switching": switching_by_size,
    "sizes": sizes,
}


def _pair(name: str) -> tuple[Market, Tensor]:
    """One mAP and one BS, `[1, 1]`."""
    scenario = Scenario.load("paper").replace(maps=1, stations=1, quality=0.84, **PAIRS[name])
    distance = torch.tensor([[DISTANCE_M]], dtype=torch.float64)
    return scenario.market(), scenario.path_loss.gain(distance)


def _costs(market: Market, gain: Tensor) -> tuple[Any, Tensor]:
    """Terms and D of a pair that nobody jams."""
    terms = market.terms(gain.shape[-2], gain.shape[-1])
    alone = torch.ones_like(gain, dtype=torch.bool)
    return terms, unit_delay_cost(terms, pair_rate(terms, gain, alone))


def _run(market: Market, gain: Tensor, switching: Switching, iterations: int) -> Outcome:
    """Algorithm 1 with every row of `STEPS`, one for each entry of gain's first axis."""
    kappa, nu = step_limits(market.terms(gain.shape[-2], gain.shape[-1]))
    shares = torch.tensor(STEPS, dtype=gain.dtype)
    steps = (
        (share.unsqueeze(-1) * limit).expand(gain.shape[:2]).flatten()
        for share, limit in zip(shares.T, (kappa, nu), strict=True)
    )
    price_step, data_step = steps
    settings = GradientSettings(iterations, price_step, data_step, switching)
    return solve(market, gain, "gradient", settings=settings)


def _rests(market: Market, gain: Tensor, outcome: Outcome) -> Tensor:
    """Whether nobody would leave where Algorithm 1 ended and it earns there what `pairwise` does, 0 or 1 `[...]`."""
    there = solve(market, gain, "pairwise", start=outcome.association)
    stays = (there.association == outcome.association).all(-1)
    return (stays & ((outcome.operator_utility / there.operator_utility - 1.0).abs() < SAME)).double()


def _replying(market: Market, gain: Tensor, outcome: Outcome) -> Tensor:
    """The operator's utility at the same prices and associations once amounts are best responses, money `[...]`."""
    terms = market.terms(gain.shape[-2], gain.shape[-1])
    return play(terms, gain, outcome.association, outcome.price)["operator_utility"]


def _mean(name: str, unit: str, values: Tensor) -> dict[str, float]:
    """Mean and standard error over the snapshots that have a value."""
    values = values[~values.isnan()]
    end = f"_{unit}" if unit else ""
    error = values.std().item() / math.sqrt(len(values)) if len(values) > 1 else math.nan
    return {f"{name}{end}": values.mean().item(), f"{name}_se{end}": error}


def _columns(names: tuple[str, ...], values: tuple[Tensor, ...], **same: str) -> pl.DataFrame:
    """Tensors of one size as columns, after columns of one word each."""
    table = pl.DataFrame({name: value.flatten().double().numpy() for name, value in zip(names, values, strict=True)})
    return table.select(*(pl.lit(word).alias(name) for name, word in same.items()), pl.all())
