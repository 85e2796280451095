"""Iterations of Eq. 6 for many models of equal shape at once, each on data of its own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from twinoffload.learning import networks
from twinoffload.learning.networks import Mlp
from twinoffload.learning.optimiser import Adam
from twinoffload.learning.streams import Generators
from twinoffload.twin.models import data_loss, data_slopes
from twinoffload.twin.tasks.task import LossKind


@dataclass(frozen=True)
class Training:
    """How a BS trains; the same for all tasks, structures and amounts of data.

    Attributes:
        iterations: of Eq. 6, steps of Adam.
        batch: records in each, drawn from the member's own with replacement.
        rate: learning rate at the start; it falls linearly to 0.
        clip: largest norm of a gradient.
        ridge: xi of Eq. 5.
        most_checked: of the records that are kept aside, those that tell which iteration was best, at most.
        check_every: iterations between two checks.
    """

    iterations: int = 1200
    batch: int = 64
    rate: float = 3e-3
    clip: float = 5.0
    ridge: float = 5e-3
    most_checked: int = 256
    check_every: int = 25


USUAL = Training()


@dataclass(frozen=True, eq=False)
class OwnData:
    """The data of the members of a stack.

    Attributes:
        features: `[streams, R, inputs]`.
        targets: `[streams, R, outputs]`, or classes `[streams, R]`.
        streams: whose stream each member has, int64 `[G]`.
        trained: a member trains on records 0 ... `trained` - 1 of its stream, int64 `[G]`.
        checks: first record of those kept aside, in every stream.
        checked: how many are kept aside, int64 `[G]`; 0 is allowed, as for `trained`.
    """

    features: Tensor
    targets: Tensor
    streams: Tensor
    trained: Tensor
    checks: int
    checked: Tensor

    def take(self, records: Tensor) -> tuple[Tensor, Tensor]:
        """Features and targets of some records of each member, indices `[G, B]`."""
        flat = self.streams.unsqueeze(-1) * self.features.shape[1] + records
        return self.features.flatten(0, 1)[flat], self.targets.flatten(0, 1)[flat]


@dataclass(frozen=True, eq=False)
class Trained:
    """Models after training.

    Attributes:
        parameters: `[G, P]`, of each member's best iteration; zeros where none was better than the zero model.
        diverged: whether a member's parameters stopped being finite, `[G]`; its best iteration came before.
    """

    parameters: Tensor
    diverged: Tensor


def train(mlp: Mlp, kind: LossKind, data: OwnData, generators: Generators, settings: Training) -> Trained:
    """Minimise Eq. 5 by Eq. 6 for each member.

    Every few iterations, and for the zero model at the start, the loss on the records kept aside says whether this
    iteration is the best so far. Members with nothing kept aside, or nothing to train on, stay at zero.

    Args:
        mlp: layout of all members.
        kind: of loss.
        data: of the members.
        generators: one for each member: what it draws does not depend on who else is trained.
        settings: how.
    """
    judge = _judge(mlp, kind, data, settings.most_checked)
    parameters = mlp.initialise(len(data.trained), generators)
    adam = Adam(parameters, torch.full(parameters.shape[:1], settings.rate), clip=settings.clip)
    layers, gradient = mlp.split(parameters), torch.zeros_like(parameters)
    parts = mlp.split(gradient)
    best = torch.zeros_like(parameters)
    lowest = judge(best)
    for first in range(0, settings.iterations, settings.check_every):
        steps = range(first, min(first + settings.check_every, settings.iterations))
        batches = _draw(data.trained, len(steps) * settings.batch, generators)
        for step, records in zip(steps, batches.split(settings.batch, -1), strict=True):
            features, targets = data.take(records)
            values = networks.forward(layers, features)
            slopes = networks.slopes(layers, values, data_slopes(kind, values[-1], targets))
            networks.by_parameters(values, slopes, parts)
            adam.step(gradient.add_(parameters, alpha=settings.ridge), 1.0 - step / settings.iterations)
        loss = judge(parameters)
        better = loss < lowest  # never where either is no number
        best[better], lowest[better] = parameters[better], loss[better]
    return Trained(best, ~parameters.isfinite().all(-1))


def _judge(mlp: Mlp, kind: LossKind, data: OwnData, most: int) -> Callable[[Tensor], Tensor]:
    """What measures the mean loss of parameters `[G, P]` on what is kept aside, `[G]`; NaN where that says nothing."""
    count = torch.where(data.trained > 0, data.checked.clamp(max=most), 0)
    places = torch.arange(max(int(count.max()), 1))
    counted = places < count.unsqueeze(-1)
    features, targets = data.take(torch.where(counted, data.checks + places, 0))

    def judge(parameters: Tensor) -> Tensor:
        losses = data_loss(kind, mlp(parameters, features), targets)
        return torch.where(counted, losses, 0.0).sum(-1) / count

    return judge


def _draw(counts: Tensor, draws: int, generators: Sequence[torch.Generator]) -> Tensor:
    """Records of each member to train on, int64 `[G, draws]`, uniform over 0 ... `counts` - 1."""
    chance = torch.stack([torch.rand(draws, generator=generator) for generator in generators])
    counts = counts.unsqueeze(-1)
    return torch.minimum((chance * counts).long(), (counts - 1).clamp(min=0))
