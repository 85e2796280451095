"""What can be exported: one seed's policy, and what it has to be told in every slot.

Another kind of agents becomes exportable by registering a function with `policy_of`.
"""

from dataclasses import dataclass, replace
from functools import singledispatch
from typing import Protocol

from torch import Tensor

from twinoffload.env.observation import private_fields
from twinoffload.env.slots import Slots
from twinoffload.env.view import View
from twinoffload.learning.agents import Agents
from twinoffload.learning.alone import alone
from twinoffload.learning.amortised.scheme import Amortised
from twinoffload.learning.export.ports import PARAMETERS
from twinoffload.scenario import Scenario

OPERATOR_OUTPUTS = ("price",)
MAPS_OUTPUTS = ("association", "data")


class Decider(Protocol):
    """A scheme (`env.scheme`) that looks at nothing but views."""

    name: str
    observation: str

    def begin(self, slots: Slots) -> None:
        """Episodes start."""

    def price(self, slots: View) -> Tensor:
        """Posted prices in money/MB, `[..., N, M]`."""
        ...

    def offload(self, slots: View, price: Tensor) -> tuple[Tensor, Tensor]:
        """Association `[..., N]` and data in MB `[..., N]`."""
        ...


@dataclass(frozen=True)
class Policy:
    """One seed's operator and mAPs.

    Attributes:
        scheme: decides in slots of batch axes [1, B], by tensor operations without branches on their values.
        scenario: fixes every parameter of the game that is not an input, and the sizes that are not free.
        operator_inputs: names in `PORTS`; first "gain".
        maps_inputs: likewise; first "gain", then "price".
        maps_free: which of the axes "maps" and "stations" may be of any size for the mAPs. Parameters that are no
            inputs must then be the same all along them.
        operator_free: which of those the operator leaves free as well.
    """

    scheme: Decider
    scenario: Scenario
    operator_inputs: tuple[str, ...]
    maps_inputs: tuple[str, ...]
    maps_free: frozenset[str] = frozenset()
    operator_free: frozenset[str] = frozenset()


@singledispatch
def policy_of(agents: object, row: int) -> Policy:
    """The policy of one row of trained agents.

    Raises:
        TypeError: agents of a kind that nobody taught it.
    """
    raise TypeError(f"{type(agents).__name__} cannot be exported: register a function with `policy_of`")


@policy_of.register
def _(agents: Agents, row: int) -> Policy:
    """Perceptrons of a fixed size; mAPs may be any number where they share a policy and do not differ."""
    scenario, encoder = agents.encoder.scenario, agents.encoder
    drawn = (*private_fields(scenario), *(["raw_data"] if scenario.raw_data == "uniform" else []))
    last = ("last_interference",) if agents.observation == "load" else ()
    single, alike = alone(agents, row), agents.shared and not encoder.own.shape[-1] and agents.observation != "gains"
    if alike:
        single.encoder = replace(encoder, largest_task=encoder.largest_task[..., :1, :])
    return Policy(
        single,
        scenario,
        ("gain",),
        ("gain", "price", *last, *drawn),
        maps_free=frozenset(["maps"] if alike else []),
    )


@policy_of.register
def _(agents: Amortised, row: int) -> Policy:
    """One network for any number of mAPs and BSs, which are told their parameters."""
    every, free = tuple(port.name for port in PARAMETERS), frozenset(("maps", "stations"))
    return Policy(
        agents.alone(row).forgetful(), agents.scenario, ("gain", *every), ("gain", "price", *every), free, free
    )
