"""Ten seconds of known answers: whether this installation computes what it should."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch

from twinoffload.equilibrium.solve import evaluate_prices, nash_equilibria, solve
from twinoffload.game.pairs import best_response, optimal_price, uplink_rate
from twinoffload.learning.run_folder import RunFolder
from twinoffload.learning.train_settings import TrainSettings
from twinoffload.scenario import Scenario


class Check(NamedTuple):
    """What was checked.

    Attributes:
        name: in words.
        fault: what is wrong; None: nothing.
        taken_s: seconds.
    """

    name: str
    fault: str | None
    taken_s: float


def run_checks() -> list[Check]:
    """Every check, whatever becomes of the others."""
    found = []
    for name, check in CHECKS.items():
        began = time.perf_counter()
        try:
            fault = check()
        except Exception as error:
            fault = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        found.append(Check(name, fault, time.perf_counter() - began))
    return found


def _price_against_search() -> str | None:
    """The closed-form price of every pair earns as much as the best of 20,001 prices."""
    scenario = Scenario.load("open")
    market, gain = scenario.market(), scenario.sample_gain(count=1, seed=0)[0]
    rate = uplink_rate(market, gain, gain.argmax(-1))
    closed = optimal_price(market, rate)
    grid = torch.linspace(0.0, scenario.highest_price, 20_001, dtype=torch.float64)
    prices = grid[:, None, None].expand(-1, *gain.shape)
    energy_cost = market.terms(scenario.maps, scenario.stations).energy_cost
    searched = ((prices - energy_cost) * best_response(market, rate, prices).data).amax(0)
    worst = (searched - closed.profit).abs().nan_to_num(torch.inf).max().item()
    return None if worst < 1e-5 else f"closed form and search differ by {worst:.1e} money"


def _equilibria_in_order() -> str | None:
    """Pairwise <= posted <= admission, and nobody regrets."""
    scenario = Scenario.load("paper")
    market, gain = scenario.market(), scenario.sample_gain(count=200, seed=0)
    outcomes = [solve(market, gain, concept) for concept in ("pairwise", "posted", "admission")]
    lower, middle, upper = (outcome.operator_utility for outcome in outcomes)
    if not bool(((lower <= middle + 1e-9) & (middle <= upper + 1e-9)).all()):
        return "the operator's utilities are out of order"
    worst = max(outcome.regret.max().item() for outcome in outcomes)
    return None if worst < 1e-9 else f"regret {worst:.1e} money at an equilibrium"


def _every_equilibrium() -> str | None:
    """Where best replies end is among all pure equilibria, found by enumeration."""
    scenario = Scenario.load("paper")
    market, gain = scenario.market(), scenario.sample_gain(count=20, seed=1)
    price = torch.full(gain.shape, 0.9, dtype=torch.float64)
    ends = evaluate_prices(market, gain, price).association
    for end, one, at in zip(ends, gain, price, strict=True):
        if not bool((nash_equilibria(market, one, at) == end).all(-1).any()):
            return f"{end.tolist()} is no equilibrium"
    return None


def _training_repeats() -> str | None:
    """A short training, stopped and resumed, ends in the same bits as one that was not."""
    scenario = Scenario.load("paper").replace(slots=10)
    settings = TrainSettings.load("tuned").replace(episodes=4, environments=2, warmup=2, checkpoint_every=2)
    with tempfile.TemporaryDirectory() as folder:
        whole = RunFolder.create(Path(folder) / "whole", scenario, settings, [0, 1])
        whole.train()
        parts = RunFolder.create(Path(folder) / "parts", scenario, settings.replace(episodes=2), [0, 1])
        parts.train()
        parts = RunFolder.open(parts.path)
        parts.extend(4)
        parts.train()
        same = (whole.path / "checkpoint.safetensors").read_bytes() == (
            parts.path / "checkpoint.safetensors"
        ).read_bytes()
    return None if same else "a resumed training ends elsewhere"


CHECKS: dict[str, Callable[[], str | None]] = {
    "best price: closed form against search": _price_against_search,
    "equilibria: in order, without regret": _equilibria_in_order,
    "equilibria: best replies against enumeration": _every_equilibrium,
    "training: resumed to the same bit": _training_repeats,
}
