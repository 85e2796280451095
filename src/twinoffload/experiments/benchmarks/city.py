"""`twinoffload bench city`: `pairwise` from ten thousand to a million mAPs, and the machine's limits."""

import math
import resource
import sys
import time
from collections.abc import Callable, Sequence

import numpy as np
import polars as pl
import torch

from twinoffload.compiling import compiled
from twinoffload.equilibrium.city.kernel import Parameters
from twinoffload.equilibrium.city.links import Links, parameters, terms
from twinoffload.equilibrium.city.loads import exclusive
from twinoffload.equilibrium.city.replies import play, replies
from twinoffload.equilibrium.city.solve import admission
from twinoffload.equilibrium.city.sweeps import state_at, sweep_once, sweeps
from twinoffload.experiments.benchmarks.timing import best_of
from twinoffload.game.market import Market
from twinoffload.game.pricing import kink_total, trades
from twinoffload.scenario import Scenario

DENSITY = 16.0  # BSs in a km², as in the preset `city`, for scenarios that are none
SIZES = (10_000, 100_000, 1_000_000)
CERTIFIED = (  # mAPs, mAPs a BS, k, whether idle mAPs interfere
    (1_000, 2, 4, True),
    (1_000, 2, 4, False),
    (1_000, 10, 8, True),
    (1_000, 10, 8, False),
    (100_000, 2, 4, True),
)
REPEATS = 3  # of which the fastest counts
COUNTED = 100_000  # mAPs whose functions are counted


def city_links(
    scenario: Scenario, maps: int, maps_per_station: float = 2.0, k: int = 4, seed: int = 0
) -> tuple[Market, Links]:
    """A synthetic city with a scenario's parameters, and each mAP's k nearest BSs.

    Raises:
        ValueError: a number out of bounds, named.
    """
    stations = max(1, round(maps / maps_per_station))
    layout = {} if scenario.station_layout == "scattered" else {"station_layout": "scattered", "density": DENSITY}
    sized = scenario.replace(maps=maps, stations=stations, candidates=k, **layout)
    return sized.market(), Links.of(sized.sample_city(seed)[1])


def timings(
    scenario: Scenario,
    sizes: Sequence[int] = SIZES,
    maps_per_station: float = 2.0,
    k: int = 4,
    each: Callable[[str], None] = lambda name: None,
) -> pl.DataFrame:
    """Seconds, work and memory of `pairwise` against N, one row each, on the threads that are allowed.

    Compilation is not in the times. Regret is recomputed from scratch by the elementwise functions of `game`.

    Args:
        scenario: parameters, path loss and height.
        sizes: N, ascending: the peak memory of a row is that of the process so far.
        maps_per_station: N / M.
        k: BSs that an mAP may use.
        each: called with a label after each row.
    """
    market, links = city_links(scenario, 100, maps_per_station, k)
    sweeps(parameters(market, links), links)  # compiles
    rows = []
    for maps in sizes:
        began = time.perf_counter()
        market, links = city_links(scenario, maps, maps_per_station, k)
        made_s = time.perf_counter() - began
        began = time.perf_counter()
        q = parameters(market, links)
        prepared_s = time.perf_counter() - began
        rest, rest_s = best_of(lambda q=q, links=links: sweeps(q, links), REPEATS)
        _, plain_s = best_of(lambda q=q, links=links: sweeps(q, links, plain=True), REPEATS)
        began = time.perf_counter()
        found = play(market, links, torch.from_numpy(rest.association))
        outcome_s, memory_gb = time.perf_counter() - began, peak_memory_gb()
        sweep_s = _one_sweep(q, rest.association, links)
        rows.append(
            {
                "maps": maps,
                "stations": links.stations,
                "pairs": links.pairs,
                "status": rest.status,
                "sweeps": rest.sweeps,
                "moves": rest.moves,
                "city_s": made_s,
                "parameters_s": prepared_s,
                "pairwise_s": rest_s,
                "plain_sweeps_s": plain_s,
                "times_faster_than_plain": plain_s / rest_s,
                "evaluations_per_pair": rest.evaluations / links.pairs,
                "ns_per_evaluation": 1e9 * rest_s / rest.evaluations,
                "one_plain_sweep_s": sweep_s,
                "memory_limit_share": _memory_limit_s(q) / sweep_s,
                "logarithm_limit_share": _function_limit_s(market, links, q, rest.association) / sweep_s,
                "outcome_s": outcome_s,
                "largest_regret": found.regret.max().item(),
                "operator_utility": found.operator_utility,
                "peak_memory_gb": memory_gb,
            }
        )
        each(f"N={maps}")
    return pl.DataFrame(rows)


def gaps(scenario: Scenario, seconds: float = 30.0, each: Callable[[str], None] = lambda name: None) -> pl.DataFrame:
    """How far `admission`'s value is from its bound after a time, one row a city.

    Args:
        scenario: parameters, path loss and height.
        seconds: given to each city of a thousand mAPs, and four times as much to larger ones.
        each: called with a label after each row.
    """
    rows = []
    for maps, ratio, k, idle_interferes in CERTIFIED:
        chosen = scenario.replace(idle_interferes=idle_interferes)
        admission(*city_links(chosen, 100, ratio, k), 0.1, 0.0)  # compiles
        market, links = city_links(chosen, maps, ratio, k)
        limit = seconds if maps <= 1000 else 4 * seconds
        began = time.perf_counter()
        outcome = admission(market, links, limit, 0.0)
        rows.append(
            {
                "maps": maps,
                "stations": links.stations,
                "k": k,
                "idle_interferes": idle_interferes,
                "limit_s": limit,
                "taken_s": time.perf_counter() - began,
                "operator_utility": outcome.operator_utility.item(),
                "bound": outcome.bound.item(),
                "gap": outcome.gap.item(),
            }
        )
        each(f"admission N={maps}, {ratio} a BS")
    return pl.DataFrame(rows)


def exponent(table: pl.DataFrame, column: str = "pairwise_s") -> float:
    """Slope of ln(seconds) against ln N by least squares: 1 is linear."""
    return float(np.polyfit(np.log(table["maps"].to_numpy()), np.log(table[column].to_numpy()), 1)[0])


def peak_memory_gb() -> float:
    """Largest resident memory of this process so far, GB."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9


def _one_sweep(q: Parameters, association: np.ndarray, links: Links) -> float:
    """Seconds of one plain sweep at rest, where nobody moves."""
    state, order = state_at(q, association, links.pair_at(association)), np.arange(links.maps)
    return best_of(lambda: sweep_once(q, order, np.empty(0), state, 0, True), REPEATS)[1]


def _memory_limit_s(q: Parameters) -> float:
    """Seconds in which memory delivers what a plain sweep reads and writes, every array once.

    Per mAP: offset, order, own pair, association, three parameters read, time of reply written; per pair: BS, received
    power, cycles read, utility written; per BS: load, five parameters and time of change read. A write counts twice,
    since its line is read first.
    """
    maps, pairs, stations = len(q.accuracy_value), len(q.station), len(q.noise)
    moved = maps * (7 * 8 + 2 * 8) + pairs * (4 + 2 * 8 + 2 * 8) + stations * 8 * 8
    source = np.ones(16_000_000)
    target = np.empty_like(source)
    _, copied_s = best_of(lambda: np.copyto(target, source), repeats=5)
    return moved * copied_s / (3 * source.nbytes)


def _function_limit_s(market: Market, links: Links, q: Parameters, association: np.ndarray) -> float:
    """Seconds for nothing but the logarithms and exponentials of a plain sweep at rest, one after another.

    One logarithm gives the rate of a pair. Where it trades, another one tries the cap, if there is one; where the cap
    does not bind, one more gives W0, and at the kink two exponentials follow. Counted on some of the mAPs, for memory.
    """
    count = min(COUNTED, links.maps)
    rows, pairs = slice(0, count), slice(0, links.offset[count])
    t = terms(market, links, rows)
    power, choice = torch.from_numpy(q.received), torch.from_numpy(links.pair_at(association))
    interference = exclusive(power, torch.from_numpy(links.station), choice, links.stations)
    found = replies(t, power[pairs], interference[pairs])
    trade, bound = trades(t, found.delay_cost), found.price >= t.price_cap
    tried = trade & (found.delay_cost + t.price_cap < t.first_value)
    kink = trade & ~bound & (found.delay_cost + found.price <= kink_total(t) * (1.0 + 1e-12))
    logarithms = 1.0 + (tried | (bound & ~trade)).double().mean().item() + (trade & ~bound).double().mean().item()
    exponentials = 2.0 * kink.double().mean().item()
    values = np.linspace(0.1, 10.0, 1_000_000)
    each = []
    for function in (_logarithms, _exponentials):
        function(values[:1])
        each.append(best_of(lambda function=function: function(values), repeats=5)[1] / len(values))
    return links.pairs * (logarithms * each[0] + exponentials * each[1])


@compiled
def _logarithms(values):
    total = 0.0
    for value in values:
        total += math.log(value)
    return total


@compiled
def _exponentials(values):
    total = 0.0
    for value in values:
        total += math.exp(-value)
    return total
