"""Pricing AI training in 6G: the Stackelberg game of twin offloading, its equilibria, and agents that learn it."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from twinoffload.env.registration import register_environments

if TYPE_CHECKING:
    from twinoffload.equilibrium.gradient import GradientSettings
    from twinoffload.equilibrium.outcome import Outcome
    from twinoffload.equilibrium.solve import certificate, evaluate_prices, nash_equilibria, selection, solve
    from twinoffload.game.accuracy_law import Exponential, PowerLaw
    from twinoffload.game.market import Market
    from twinoffload.game.pairs import best_response, optimal_price, uplink_rate
    from twinoffload.scenario import Scenario

__version__ = "0.1.0"
__all__ = [
    "Exponential",
    "GradientSettings",
    "Market",
    "Outcome",
    "PowerLaw",
    "Scenario",
    "best_response",
    "certificate",
    "evaluate_prices",
    "nash_equilibria",
    "optimal_price",
    "selection",
    "solve",
    "uplink_rate",
]

_HOME = {
    "Exponential": "game.accuracy_law",
    "GradientSettings": "equilibrium.gradient",
    "Market": "game.market",
    "Outcome": "equilibrium.outcome",
    "PowerLaw": "game.accuracy_law",
    "Scenario": "scenario",
    "best_response": "game.pairs",
    "certificate": "equilibrium.solve",
    "evaluate_prices": "equilibrium.solve",
    "nash_equilibria": "equilibrium.solve",
    "optimal_price": "game.pairs",
    "selection": "equilibrium.solve",
    "solve": "equilibrium.solve",
    "uplink_rate": "game.pairs",
}


def __getattr__(name: str) -> Any:
    """Import the public face when it is first used: `twinoffload --help` need not wait for torch."""
    if name not in _HOME:
        raise AttributeError(f"module 'twinoffload' has no attribute {name!r}")
    return getattr(import_module(f"twinoffload.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])


register_environments()
