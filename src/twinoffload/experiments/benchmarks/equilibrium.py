"""`twinoffload bench equilibrium`: snapshots a second of each concept, and `pairwise` against two other ways to it."""

import math
import time
from collections.abc import Callable
from typing import Any

import polars as pl
import torch
from torch import Tensor

from twinoffload.equilibrium.gradient import GradientSettings
from twinoffload.equilibrium.solve import solve
from twinoffload.experiments.benchmarks.timing import best_of
from twinoffload.game.market import Market
from twinoffload.scenario import Scenario

SIZES = ((4, 2), (6, 2), (8, 2), (4, 3), (6, 3), (4, 4), (8, 4))
CONCEPTS = ("pairwise", "posted", "admission", "gradient")
GRADIENT_ITERATIONS = 20  # of Algorithm 1's W in the table of speeds
ITERATION_LIMIT = 64  # of Algorithm 1's W, whose cost grows with its square
PRICE_TOLERANCE = 1e-6  # money/MB, at which Algorithm 1 counts as having arrived


def throughput(
    scenario: Scenario, seconds: float = 1.0, each: Callable[[str], None] = lambda name: None
) -> pl.DataFrame:
    """Snapshots a second of every concept against N and M, one row each; Algorithm 1 with W = 20, one mAP at a time.

    The batch grows until it takes long enough to be timed; the fastest of three runs counts.

    Args:
        scenario: whose snapshots are solved.
        seconds: how long one timed run should take at least.
        each: called with a label after each row.
    """
    rows = []
    for maps, stations in SIZES:
        sized = scenario.replace(maps=maps, stations=stations)
        for concept in CONCEPTS:
            _time(sized.market(), sized.sample_gain(1), concept)  # tables of profiles are built once
            count, taken = 1, 0.0
            while taken < seconds / 4:
                count = count * 4 if taken < seconds / 40 else math.ceil(count * seconds / 2 / taken)
                taken = _time(sized.market(), sized.sample_gain(count), concept)
            best = min(taken, *(_time(sized.market(), sized.sample_gain(count), concept) for _ in range(2)))
            rows.append({"maps": maps, "stations": stations, "concept": concept, "snapshots_per_s": count / best})
            each(f"{concept} N={maps} M={stations}")
    return pl.DataFrame(rows)


def peers(scenario: Scenario, count: int = 200, scipy_count: int = 8) -> dict[str, Any]:
    """`pairwise` against Algorithm 1 and against scipy.optimize, on the same snapshots from the same start.

    Algorithm 1 runs one at a time, with kappa and nu at half their limits and the smallest W that brings every chosen
    price within 1e-6 money/MB of `pairwise`'s, over the snapshots where both end on the same BSs.

    Returns:
        Snapshots a second of each, the ratios, and Algorithm 1's W and share of equal associations.

    Raises:
        ValueError: scipy is not installed.
    """
    market, gain = scenario.market(), scenario.sample_gain(count)
    exact, exact_s = best_of(lambda: solve(market, gain, "pairwise"), 5)
    start = gain.argmax(-1)
    iterations, arrived = 2, 0.0
    while arrived < 1.0 and iterations <= ITERATION_LIMIT:
        outcome = solve(market, gain, "gradient", start=start, settings=_settings(iterations))
        arrived = _arrived(exact, outcome)
        iterations *= 2
    low, high = iterations // 4, iterations // 2
    while arrived == 1.0 and high - low > 1:
        middle = (low + high) // 2
        outcome = solve(market, gain, "gradient", start=start, settings=_settings(middle))
        low, high = (low, middle) if _arrived(exact, outcome) == 1.0 else (middle, high)
    outcome, gradient_s = best_of(
        lambda: solve(market, gain, "gradient", start=start, settings=_settings(high)), repeats=2
    )
    rounds = [_scipy_pairwise(market, gain[i], start[i]) for i in range(scipy_count)]
    scipy_s = sum(taken for _, taken in rounds) / scipy_count
    same = [torch.equal(a, exact.association[i]) for i, (a, _) in enumerate(rounds)]
    return {
        "scenario": scenario.name,
        "snapshots": count,
        "pairwise_per_s": count / exact_s,
        "algorithm_1_per_s": count / gradient_s,
        "algorithm_1_iterations": high,
        "algorithm_1_arrived": _arrived(exact, outcome),
        "algorithm_1_same_association": _same(exact, outcome).double().mean().item(),
        "times_faster_than_algorithm_1": gradient_s / exact_s,
        "scipy_per_s": 1.0 / scipy_s,
        "scipy_same_association": sum(same) / scipy_count,
        "times_faster_than_scipy": scipy_s * count / exact_s,
        "threads": torch.get_num_threads(),
    }


def _settings(iterations: int) -> GradientSettings:
    return GradientSettings(iterations=iterations, switching="sequential")


def _same(exact: Any, outcome: Any) -> Tensor:
    return (exact.association == outcome.association).all(-1)


def _arrived(exact: Any, outcome: Any) -> float:
    """Share of the snapshots of equal association whose chosen prices agree."""
    own = exact.association.unsqueeze(-1)
    apart = (exact.price.gather(-1, own) - outcome.price.gather(-1, own)).abs().amax((-2, -1))
    return (apart[_same(exact, outcome)] < PRICE_TOLERANCE).double().mean().item()


def _time(market: Market, gain: Tensor, concept: str) -> float:
    settings = _settings(GRADIENT_ITERATIONS) if concept == "gradient" else None
    began = time.perf_counter()
    solve(market, gain, concept, settings=settings)
    return time.perf_counter() - began


def _scipy_pairwise(market: Market, gain: Tensor, start: Tensor) -> tuple[Tensor, float]:
    """The same fixed point by bounded scalar searches, as one would write it without closed forms; and its seconds.

    In turn each mAP goes where its utility is highest, at the price that a search finds best for the operator given
    the amount that a search finds best for the mAP.
    """
    try:
        from scipy.optimize import minimize_scalar
    except ImportError:
        raise ValueError("bench equilibrium compares with scipy: install it (pip install scipy)") from None
    maps, stations = gain.shape
    terms = market.terms(maps, stations).map(lambda tensor: tensor.expand(maps, stations).contiguous())
    p, w, noise, time_c, e, a, value, cost, most, cap = (tensor.numpy() for tensor in terms.tensors().values())
    h, association = gain.numpy(), start.tolist()
    began = time.perf_counter()

    def utility(n: int, m: int, rate: float, price: float, data: float) -> float:
        return value[n, m] * -math.expm1(-a[n, m] * data) - (cost[n, m] * (1 / rate + time_c[n, m]) + price) * data

    def reply(n: int, m: int, rate: float, price: float) -> float:
        found: Any = minimize_scalar(
            lambda z: -utility(n, m, rate, price, z),
            bounds=(0.0, most[n, m]),
            method="bounded",
            options={"xatol": 1e-6},
        )
        return float(found.x)

    def offer(n: int, m: int) -> float:
        others = sum(p[k, m] * h[k, m] for k in range(maps) if k != n and association[k] == m)
        rate = w[n, m] / 8 * math.log1p(p[n, m] * h[n, m] / (others + noise[n, m])) / math.log(2)
        highest = min(cap[n, m], value[n, m] * a[n, m])
        found: Any = minimize_scalar(
            lambda mu: -(mu - e[n, m]) * reply(n, m, rate, mu),
            bounds=(0.0, highest),
            method="bounded",
            options={"xatol": 1e-6},
        )
        price = float(found.x)
        return utility(n, m, rate, price, reply(n, m, rate, price))

    for _ in range(100):
        before = list(association)
        for n in range(maps):
            offers = [offer(n, m) for m in range(stations)]
            best = max(range(stations), key=offers.__getitem__)
            if offers[best] > offers[association[n]] + 1e-5 * value[n, 0]:
                association[n] = best
        if association == before:
            break
    return torch.tensor(association), time.perf_counter() - began
