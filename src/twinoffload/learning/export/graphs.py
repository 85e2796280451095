"""The two graphs of a policy, operator's and mAPs': physical values in, decisions out, all of them in float64."""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from twinoffload.env.view import Seen
from twinoffload.game.terms import Terms
from twinoffload.learning.export.policies import MAPS_OUTPUTS, OPERATOR_OUTPUTS, Policy
from twinoffload.learning.export.ports import PARAMETERS, PORTS, Port


@dataclass(frozen=True)
class Graph:
    """A decision to be written as ONNX.

    Attributes:
        file: its name.
        module: the tensors that `inputs` name, in that order, to those that `outputs` name.
        inputs, outputs: names in `PORTS`.
        sizes: of each axis; None where it is free.
    """

    file: str
    module: torch.nn.Module
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    sizes: dict[str, int | None]

    @cached_property
    def ports(self) -> tuple[list[Port], list[Port]]:
        """Inputs and outputs."""
        return [PORTS[name] for name in self.inputs], [PORTS[name] for name in self.outputs]

    def shape(self, port: Port) -> list[int | str]:
        """Sizes where they are fixed, names of axes where they are free."""
        sizes = ((axis, self.sizes[axis]) for axis in port.axes)
        return [axis if size is None else size for axis, size in sizes]


def graphs_of(policy: Policy) -> tuple[Graph, Graph]:
    """Operator's and mAPs' graph.

    Raises:
        ValueError: a free axis along which the scenario's parameters differ.
    """

    def sizes(free: frozenset[str]) -> dict[str, int | None]:
        fixed = {"maps": policy.scenario.maps, "stations": policy.scenario.stations}
        return {"batch": None} | {axis: None if axis in free else size for axis, size in fixed.items()}

    operator = _Operator(policy, policy.operator_inputs, policy.operator_free)
    maps = _Maps(policy, policy.maps_inputs, policy.maps_free)
    return (
        Graph("operator.onnx", operator, policy.operator_inputs, OPERATOR_OUTPUTS, sizes(policy.operator_free)),
        Graph("maps.onnx", maps, policy.maps_inputs, MAPS_OUTPUTS, sizes(policy.maps_free)),
    )


class _Decision(torch.nn.Module):
    """Makes a view of inputs and of the scenario's parameters."""

    def __init__(self, policy: Policy, inputs: tuple[str, ...], free: frozenset[str]):
        super().__init__()
        self.scheme, self.inputs = policy.scheme, inputs
        scenario = policy.scenario
        self.idle_interferes, self.law = scenario.idle_interferes, scenario.accuracy_law
        self.fixed = scenario.market().pairs(scenario.maps, scenario.stations)
        for name in self.fixed.keys() - set(inputs):
            for dim, axis in ((-2, "maps"), (-1, "stations")):
                if axis in free:
                    self.fixed[name] = _same(name, self.fixed[name], dim, axis)

    def view(self, given: dict[str, Tensor]) -> Seen:
        """Batch axes [1, B]."""
        gain = given["gain"]
        parameters = {port.name: port for port in PARAMETERS if port.name in given}
        pairs = {
            name: given[name].unsqueeze(-1 if port.axes[-1] == "maps" else -2)[None]
            for name, port in parameters.items()
        }
        terms = Terms.of(self.fixed | pairs, self.idle_interferes, self.law)
        return Seen(gain[None], terms, given.get("last_interference", torch.zeros_like(gain))[None])


class _Operator(_Decision):
    def forward(self, *values: Tensor) -> Tensor:
        given = dict(zip(self.inputs, values, strict=True))
        return self.scheme.price(self.view(given))[0]


class _Maps(_Decision):
    def forward(self, *values: Tensor) -> tuple[Tensor, Tensor]:
        given = dict(zip(self.inputs, values, strict=True))
        association, data = self.scheme.offload(self.view(given), given["price"][None])
        return association[0], data[0]


def _same(name: str, value: Tensor, dim: int, axis: str) -> Tensor:
    first = value.narrow(dim, 0, 1)
    if not bool((value == first).all()):
        raise ValueError(f"{name}: differs along the axis {axis}, which is to be free; make it an input")
    return first
