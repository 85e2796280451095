"""Ensembles of multi-layer perceptrons, their weights in one flat tensor `[members, P]`.

One flat tensor makes the optimiser, the target networks and checkpoints single tensor operations. The
forward and backward passes are written out (`forward`, `slopes`, `by_parameters`, `by_inputs`) with the fewest kernels
and with each product in the orientation that is fast: batched products with fewer than `NARROW` columns run several
times slower on a CPU than the same product transposed, and the first and last layers of small agents are all narrow.
Small networks spend as much time between the kernels as in them: autograd is left out, and the views of the weights are
made once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from twinoffload.learning.streams import Generators, uniform

NARROW = 16
WIDE = 128  # from here on a product straight into a view, member by member, is faster than a batched one and a copy
ALIGNED = 16  # P is a multiple: vectors of 16 floats then never straddle two members, see `optimiser`

Layers = Sequence[tuple[Tensor, Tensor]]  # weight [G, out, in] and bias [G, 1, out] of each, as `Mlp.split` gives them


def product(left: Tensor, right: Tensor) -> Tensor:
    """Batched matrix product `[G, I, K] @ [G, K, J] -> [G, I, J]`; the result may be a transposed view."""
    if left.shape[-1] == 1:
        return left * right
    if right.shape[-1] < NARROW:
        return torch.bmm(right.mT, left.mT).mT
    return torch.bmm(left, right)


def forward(layers: Layers, inputs: Tensor) -> list[Tensor]:
    """What each layer sees and the last one answers: `inputs [G, B, in]`, hidden values after ReLU, outputs."""
    values = [inputs]
    for weight, bias in layers:
        if len(values) > 1:
            values[-1].relu_()
        values.append(product(values[-1], weight.mT).add_(bias))
    return values


def slopes(layers: Layers, values: list[Tensor], gradient: Tensor) -> list[Tensor]:
    """Gradients by what each layer answers before ReLU, from `values` of `forward` and the `gradient` by outputs."""
    found = [gradient]
    for (weight, _), value in zip(layers[:0:-1], values[-2:0:-1], strict=True):
        gradient = product(gradient, weight)
        torch.ops.aten.threshold_backward.grad_input(gradient, value, 0, grad_input=gradient)
        found.append(gradient)
    return found[::-1]


def by_parameters(values: list[Tensor], slopes: list[Tensor], gradient: Layers) -> None:
    """Write the gradient by the parameters into `gradient`, views of a flat tensor as `Mlp.split` gives them."""
    for value, slope, (weight, bias) in zip(values, slopes, gradient, strict=False):
        torch.sum(slope, 1, keepdim=True, out=bias)
        if min(weight.shape[1:]) >= WIDE:
            torch.bmm(slope.mT, value, out=weight)
        else:
            weight.copy_(product(slope.mT, value))


def by_inputs(layers: Layers, slopes: list[Tensor], last: int = 0) -> Tensor:
    """Gradient by the inputs, `[G, B, in]`, or by the `last` of them alone."""
    columns = layers[0][0][..., -last:].mT.contiguous()  # a few rows, where as many strided columns are slow
    return product(slopes[0], columns.mT)


@dataclass(frozen=True)
class Mlp:
    """Layout of a perceptron with ReLU hidden layers and a linear output; it holds no weights.

    Attributes:
        widths: inputs, hidden widths, outputs. Layer `k` has a weight `[widths[k + 1], widths[k]]` and a bias,
            as in `torch.nn.Linear`, one after the other in the flat parameters; idle numbers fill these up to a
            multiple of `ALIGNED`.
    """

    widths: tuple[int, ...]

    @cached_property
    def sizes(self) -> list[int]:
        """Numbers of parameters of weight, bias, weight, bias, ..., filling in the order of the flat tensor."""
        pairs = zip(self.widths, self.widths[1:], strict=False)
        sizes = [size for fan_in, fan_out in pairs for size in (fan_in * fan_out, fan_out)]
        return [*sizes, -sum(sizes) % ALIGNED]

    @property
    def size(self) -> int:
        """Number of parameters P of one member."""
        return sum(self.sizes)

    def split(self, parameters: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Views of `parameters [G, P]`: for each layer the weight `[G, out, in]` and bias `[G, 1, out]`."""
        members = parameters.shape[:-1]
        *parts, _ = parameters.split_with_sizes(self.sizes, dim=-1)
        return [
            (weight.view(*members, bias.shape[-1], -1), bias.unsqueeze(-2))
            for weight, bias in zip(parts[::2], parts[1::2], strict=True)
        ]

    def initialise(self, members: int, generators: Generators, copies: int = 1) -> Tensor:
        """Draw initial parameters as PyTorch does: uniform in +-1/sqrt(fan-in), weights and biases.

        Args:
            members: number of members G, shared equally among the generators.
            generators: one for each block of members (see `streams`).
            copies: independent networks of each member, as for twin critics.

        Returns:
            `[copies * G, P]`, copy-major: row `c * G + g` is copy `c` of member `g`.
        """
        numbers = uniform((members, copies, self.size), generators)
        for layer, fan_in in zip(self.split(numbers), self.widths, strict=False):
            for part in layer:
                part.mul_(fan_in**-0.5)
        return numbers.transpose(0, 1).reshape(copies * members, self.size)

    def __call__(self, parameters: Tensor, inputs: Tensor) -> Tensor:
        """Evaluate all members: `parameters [G, P]`, `inputs [G, B, in]` -> `[G, B, out]`."""
        if inputs.dim() != 3 or inputs.shape[0] != parameters.shape[0] or inputs.shape[2] != self.widths[0]:
            raise ValueError(
                f"inputs have shape {list(inputs.shape)}, expected [{parameters.shape[0]}, batch, {self.widths[0]}]"
            )
        return forward(self.split(parameters), inputs)[-1]
