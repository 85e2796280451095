"""Ensembles of multi-layer perceptrons, their weights in one flat tensor `[members, P]`.

One flat tensor makes the optimiser, the target networks and checkpoints single tensor operations. The
forward and backward passes are written out (`_Perceptron`) with the fewest kernels and with each product
in the orientation that is fast: batched products with fewer than `NARROW` columns run several times slower
on a CPU than the same product transposed, and the first and last layers of small agents are all narrow.
"""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from twinoffload.learning.streams import Generators, uniform

NARROW = 16


def product(left: Tensor, right: Tensor) -> Tensor:
    """Batched matrix product `[G, I, K] @ [G, K, J] -> [G, I, J]`; the result may be a transposed view."""
    if left.shape[-1] == 1:
        return left * right
    if right.shape[-1] < NARROW:
        return torch.bmm(right.mT, left.mT).mT
    return torch.bmm(left, right)


@dataclass(frozen=True)
class Mlp:
    """Layout of a perceptron with ReLU hidden layers and a linear output; it holds no weights.

    Attributes:
        widths: inputs, hidden widths, outputs. Layer `k` has a weight `[widths[k + 1], widths[k]]` and a bias,
            as in `torch.nn.Linear`, one after the other in the flat parameters.
    """

    widths: tuple[int, ...]

    @cached_property
    def sizes(self) -> list[int]:
        """Numbers of parameters of weight, bias, weight, bias, ... in the order of the flat tensor."""
        pairs = zip(self.widths, self.widths[1:], strict=False)
        return [size for fan_in, fan_out in pairs for size in (fan_in * fan_out, fan_out)]

    @property
    def size(self) -> int:
        """Number of parameters P of one member."""
        return sum(self.sizes)

    def split(self, parameters: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Views of `parameters [G, P]`: for each layer the weight `[G, out, in]` and bias `[G, 1, out]`."""
        members = parameters.shape[:-1]
        parts = parameters.split_with_sizes(self.sizes, dim=-1)
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
            A leaf `[copies * G, P]` that requires a gradient, copy-major: row `c * G + g` is copy `c` of member `g`.
        """
        numbers = uniform((members, copies, self.size), generators)
        for layer, fan_in in zip(self.split(numbers), self.widths, strict=False):
            for part in layer:
                part.mul_(fan_in**-0.5)
        return numbers.transpose(0, 1).reshape(copies * members, self.size).requires_grad_()

    def __call__(self, parameters: Tensor, inputs: Tensor) -> Tensor:
        """Evaluate all members: `parameters [G, P]`, `inputs [G, B, in]` -> `[G, B, out]`, differentiable once.

        Pass `parameters.detach()` to obtain gradients of the inputs alone, at their lower price.
        """
        if inputs.dim() != 3 or inputs.shape[0] != parameters.shape[0] or inputs.shape[2] != self.widths[0]:
            raise ValueError(
                f"inputs have shape {list(inputs.shape)}, expected [{parameters.shape[0]}, batch, {self.widths[0]}]"
            )
        return _Perceptron.apply(parameters, inputs, self)  # pyright: ignore[reportReturnType]


class _Perceptron(torch.autograd.Function):
    """Forward and backward pass of an `Mlp`; what needs no gradient costs none."""

    @staticmethod
    def forward(ctx, parameters: Tensor, inputs: Tensor, layout: Mlp) -> Tensor:  # pyright: ignore
        values = [inputs]
        *hidden, (last_weight, last_bias) = layout.split(parameters)
        for weight, bias in hidden:
            values.append(product(values[-1], weight.mT).add_(bias).relu_())
        ctx.layout = layout
        ctx.save_for_backward(parameters, *values)
        return product(values[-1], last_weight.mT).add_(last_bias)

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, None]:  # pyright: ignore
        parameters, *values = ctx.saved_tensors
        weights = [weight for weight, _ in ctx.layout.split(parameters)]
        wants_parameters, wants_inputs, _ = ctx.needs_input_grad
        parts: list[Tensor] = []
        for layer in reversed(range(len(weights))):
            if wants_parameters:
                parts += [gradient.sum(1), product(gradient.mT, values[layer]).flatten(1)]
            if layer > 0:
                gradient = product(gradient, weights[layer])
                torch.ops.aten.threshold_backward.grad_input(gradient, values[layer], 0, grad_input=gradient)
        return (
            torch.cat(parts[::-1], dim=1) if wants_parameters else None,
            product(gradient, weights[0]) if wants_inputs else None,
            None,
        )
