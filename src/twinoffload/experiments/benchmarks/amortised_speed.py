"""How long `amortised` takes to decide: a batch of small networks, and single ones of up to 10,000 mAPs."""

import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import polars as pl
import torch
from torch import Tensor

from twinoffload.env.episodes import draw_episodes
from twinoffload.env.slots import Slots
from twinoffload.equilibrium.searching import is_exact
from twinoffload.equilibrium.solve import solve
from twinoffload.experiments.benchmarks.bars import Bar
from twinoffload.experiments.benchmarks.city import exponent
from twinoffload.experiments.benchmarks.timing import Speed, best_of, multiply
from twinoffload.experiments.benchmarks.updates import MATRIX
from twinoffload.experiments.decision_time import Stopwatch
from twinoffload.learning.amortised.scheme import Amortised
from twinoffload.learning.amortised.settings import AmortisedSettings
from twinoffload.scenario import Scenario
from twinoffload.seeding import stream

BATCH = 1000  # networks decided together
SIZES = (4, 10, 100, 1000, 10_000)  # N of a single network; M is the scenario's
SCHEMES = ("amortised", "pairwise", "posted", "admission", "gradient")
LIMIT_S = 5.0  # a search is told to end then
PATIENCE_S = 7.5  # a scheme that took longer is not tried on larger networks
TIMES_FASTER = 100.0
STEPS = 1 + len(SCHEMES)
TURNS = 5
REPEATS = 3
_LISTED = 100  # mAPs from which `pairwise` takes gains as a list of pairs, where compiled code solves it


def measure(
    scenario: Scenario, settings: AmortisedSettings, each: Callable[[str], None] = lambda name: None
) -> dict[str, Any]:
    """Times of decisions; weights are those before training, since no time depends on them.

    Args:
        scenario: whose networks are decided.
        settings: of the policy.
        each: called with a label after each step.

    Returns:
        `batch`: seconds for a batch of policy and Algorithm 1, and rates; `rows`: one a scheme and N with seconds and
        how it was solved; `exponents`: of N, for each scheme; `bars`.
    """
    batch = in_batch(scenario, settings, MATRIX)
    each(f"batch of {BATCH:,}")
    parts = []
    for name in SCHEMES:
        parts.append(alone(scenario, settings, name, SIZES))
        each(name)
    rows = pl.concat(parts)
    bars = [
        Bar(f"times Algorithm 1, batch of {BATCH:,}", [batch["times_faster"]], TIMES_FASTER),
        Bar("share of matrix rate", [batch["matrix_share"]]),
    ]
    return {"batch": batch, "rows": rows.to_dicts(), "exponents": exponents(rows), "bars": bars}


def in_batch(scenario: Scenario, settings: AmortisedSettings, matrix_order: int) -> dict[str, float]:
    """One decision for each of a batch of networks, against Algorithm 1 with its default settings on the same ones."""
    agents, slots = _ready(scenario, settings, BATCH)
    matrix = torch.rand(matrix_order, matrix_order)
    decisions, products = Speed(lambda count: _decide(agents, slots, count), 0.5), Speed(
        lambda count: multiply(matrix, count), 0.5
    )  # fmt: skip
    for _ in range(TURNS):
        decisions.take_turn()
        products.take_turn()
    gain = slots.gain.flatten(0, 1)
    began = time.perf_counter()
    solve(scenario.market(), gain, "gradient")
    algorithm_1_s = time.perf_counter() - began
    flops = decision_flops(agents, scenario.maps, scenario.stations) * BATCH * decisions.per_second
    rate = 2 * matrix_order**3 * products.per_second
    return {
        "networks": BATCH,
        "decision_s": 1.0 / decisions.per_second,
        "algorithm_1_s": algorithm_1_s,
        "times_faster": algorithm_1_s * decisions.per_second,
        "gflop_per_s": flops / 1e9,
        "matrix_gflop_per_s": rate / 1e9,
        "matrix_share": flops / rate,
    }


def decision_flops(agents: Amortised, maps: int, stations: int) -> int:
    """Floating-point operations of all linear maps in one network's decision, operator's and mAPs'.

    A product of `[B, I]` and `[I, O]` has 2 B I O; the operator's are done for every pair in every round, the mAPs'
    once for each mAP.
    """
    network = agents.operator.network
    recommending = network.rounds * sum(seen * told for seen, told in network.maps)
    widths = agents.maps.network.widths
    replying = sum(seen * told for seen, told in pairwise(widths))
    return 2 * maps * (stations * recommending + replying)


def alone(scenario: Scenario, settings: AmortisedSettings, name: str, sizes: Sequence[int]) -> pl.DataFrame:
    """Seconds of one scheme's decision for a single network, against N, as far as it goes; one row each.

    `how` says `exact`, `searched` (it took the time it was given), or, with no seconds, `refused`, or
    `too slow` where a smaller network already took longer than it may.
    """
    rows, slow = [], False
    for maps in sizes:
        sized = scenario.replace(maps=maps)
        how, seconds = ("too slow", None) if slow else _time(sized, settings, name)
        slow = slow or (seconds is not None and seconds > PATIENCE_S)
        rows.append({"scheme": name, "maps": maps, "stations": sized.stations, "how": how, "decision_s": seconds})
    return pl.DataFrame(rows, schema_overrides={"decision_s": pl.Float64})


def exponents(rows: pl.DataFrame) -> dict[str, float | None]:
    """Of each scheme the slope of ln(seconds) against ln N over what was solved without a limit; None: one size."""
    slopes = {}
    for (name,), part in rows.group_by("scheme", maintain_order=True):
        exact = part.filter(pl.col("how") == "exact")
        slopes[name] = exponent(exact, "decision_s") if exact.height > 1 else None
    return slopes


def _time(sized: Scenario, settings: AmortisedSettings, name: str) -> tuple[str, float | None]:
    agents, slots = _ready(sized, settings, 1)
    if name == "amortised":
        return "exact", _fastest(lambda: Stopwatch().decide(agents, slots))
    market, gain = sized.market(), slots.gain[0, 0]
    if name in ("posted", "admission") and not is_exact(name, sized.maps, sized.stations, market.idle_interferes):
        try:
            return "searched", _fastest(lambda: solve(market, gain, name, time_limit=LIMIT_S))
        except ValueError:  # larger than a search takes
            return "refused", None
    listed = name == "pairwise" and sized.maps >= _LISTED
    given: Tensor = gain.to_sparse() if listed else gain
    return "exact", _fastest(lambda: solve(market, given, name))


def _fastest(run: Callable[[], object]) -> float:
    """Seconds of the fastest of some runs, the first alone where it is slow."""
    _, first = best_of(run, 1)
    return first if first > LIMIT_S / 2 else best_of(run, REPEATS)[1]


def _ready(scenario: Scenario, settings: AmortisedSettings, count: int) -> tuple[Amortised, Slots]:
    """Policies of one seed, and slots of `count` networks, batch axes [1, count]."""
    agents = Amortised(scenario, settings, [0], [stream(0, "amortised")])
    return agents, Slots(draw_episodes(scenario, count, [stream(0, "speed")], slots=1))


def _decide(agents: Amortised, slots: Slots, count: int) -> None:
    clock = Stopwatch()
    for _ in range(count):
        clock.decide(agents, slots)
