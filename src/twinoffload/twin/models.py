"""Models that BSs deploy: their structure, and the loss of Eq. 5 over many stacked members."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from twinoffload.learning.networks import Mlp
from twinoffload.twin.tasks.task import LossKind, Task


@dataclass(frozen=True)
class Structure:
    """A perceptron that a BS deploys.

    Attributes:
        name: in tables and commands.
        hidden: widths of its hidden layers; none for a linear model.
    """

    name: str
    hidden: tuple[int, ...]

    def model(self, task: Task) -> Mlp:
        """Its layout for a task."""
        return Mlp((task.layout.inputs, *self.hidden, task.outputs))


SMALL, LARGE = Structure("small", (4,)), Structure("large", (64, 64))
STRUCTURES = {structure.name: structure for structure in (SMALL, LARGE)}


def data_loss(kind: LossKind, outputs: Tensor, targets: Tensor) -> Tensor:
    """loss_i of each record, the first term of Eq. 5 before its mean, `[..., B]`.

    "squared": (answer - target)^2, mean over scaled targets `[..., B, K]`; for zero weights the answer is the mean
    that is known beforehand. "logistic": -log of the probability of the class, int64 `[..., B]`; for zero weights
    all K classes are equally likely, log K.
    """
    if kind == "squared":
        return (outputs - targets).square().mean(-1)
    flat = cross_entropy(outputs.flatten(0, -2), targets.flatten(), reduction="none")
    return flat.view(targets.shape)


def data_slopes(kind: LossKind, outputs: Tensor, targets: Tensor) -> Tensor:
    """Gradient of the mean of `data_loss` over B records by the outputs, `[..., B, K]`."""
    records = outputs.shape[-2]
    if kind == "squared":
        return (outputs - targets) * (2.0 / (records * outputs.shape[-1]))
    slopes = torch.softmax(outputs, -1)
    slopes.scatter_add_(-1, targets.unsqueeze(-1), slopes.new_full((1,), -1.0).expand(*targets.shape, 1))
    return slopes.div_(records)


def ridge(parameters: Tensor, weight: float) -> Tensor:
    """Second term of Eq. 5, xi ||w||^2 / 2 over all weights and biases, `[G, P]` to `[G]`."""
    return 0.5 * weight * parameters.square().sum(-1)
