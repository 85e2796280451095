"""Who plays the rest of the game where one agent is somebody's own: by name, by a price, or a scheme."""

import math
from typing import Any, get_args

import torch
from torch import Tensor

from twinoffload.env.references import BestReplying, Constant, Equilibrium, Fixed, Reactive
from twinoffload.env.slots import Slots
from twinoffload.equilibrium.dispatch import Concept
from twinoffload.scenario import Scenario

MAPS = ("best-replying", "reactive", "fixed")
OPERATORS = tuple(name for name in get_args(Concept) if name != "gradient")


def maps_of(given: Any, scenario: Scenario, where: str) -> Any:
    """The mAPs: one of `MAPS`, or a scheme of which `offload` is used.

    Raises:
        ValueError: neither; `where` names the argument.
    """
    if isinstance(given, str):
        if given == "reactive":
            return Reactive(_same(scenario, scenario.highest_price), seed=0)
        if given in MAPS:
            return BestReplying() if given == "best-replying" else Fixed()
    elif callable(getattr(given, "offload", None)):
        return given
    raise ValueError(f"{where} = {given!r}: must be one of {', '.join(MAPS)}, or a scheme with `offload`")


def operator_of(given: Any, scenario: Scenario, where: str) -> Any:
    """The operator: a concept that it solves in every slot, one price in money/MB for all, or a scheme with `price`.

    Raises:
        ValueError: none of these; `where` names the argument.
    """
    if isinstance(given, str):
        if given in OPERATORS:
            return Equilibrium(given)  # pyright: ignore[reportArgumentType]
    elif isinstance(given, int | float) and not isinstance(given, bool):
        if not (math.isfinite(given) and 0.0 <= given <= scenario.highest_price):
            raise ValueError(f"{where} = {given!r}: a price must be in [0, {scenario.highest_price:g}] money/MB")
        return Constant(_same(scenario, given))
    elif callable(getattr(given, "price", None)):
        return given
    raise ValueError(
        f"{where} = {given!r}: must be one of {', '.join(OPERATORS)}, a price in money/MB, or a scheme with `price`"
    )


def begin(player: Any, slots: Slots) -> None:
    """Episodes start for somebody who may remember."""
    if callable(getattr(player, "begin", None)):
        player.begin(slots)


def _same(scenario: Scenario, price: float) -> Tensor:
    return torch.full((scenario.stations,), float(price), dtype=torch.float64)
