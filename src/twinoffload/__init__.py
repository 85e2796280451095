"""Pricing AI training in 6G: the Stackelberg game of twin offloading, its equilibria, and agents that learn it."""

from twinoffload.equilibrium.outcome import Outcome
from twinoffload.equilibrium.solve import evaluate_prices, nash_equilibria, solve
from twinoffload.game.market import Market
from twinoffload.game.pairs import best_response, optimal_price, uplink_rate
from twinoffload.scenario import Scenario

__version__ = "0.1.0"
__all__ = [
    "Market",
    "Outcome",
    "Scenario",
    "best_response",
    "evaluate_prices",
    "nash_equilibria",
    "optimal_price",
    "solve",
    "uplink_rate",
]
