"""State-action critics of an ensemble with their target networks: one or several of each member."""

from functools import reduce

import torch
from torch import Tensor

from twinoffload.learning.networks import Mlp
from twinoffload.learning.optimiser import Adam
from twinoffload.learning.settings import LearnerSettings, per_member
from twinoffload.learning.streams import Generators


class Critics:
    """`count` independent critics of each of G members, stacked as one ensemble of `count * G` networks.

    A critic sees [observation, privileged, action] and answers one value. Twin critics (Fujimoto et al. 2018)
    are `count=2`.

    Attributes:
        parameters: `[count * G, P]`, copy-major: row `c * G + g` is critic `c` of member `g`.
        target: the same for the slowly tracking copies, or None where nothing is bootstrapped.
    """

    def __init__(
        self, members: int, inputs: int, settings: LearnerSettings, generators: Generators, *, count: int = 2
    ) -> None:
        device = generators[0].device
        self.members, self.count, self.target_rate = members, count, settings.target_rate
        self.network = Mlp((inputs, *settings.hidden, 1))
        self.parameters = self.network.initialise(members, generators, copies=count)
        self.target = self.parameters.detach().clone() if settings.bootstraps else None
        rate = per_member(settings.critic_rate, members, "critic_rate", device)
        self.optimiser = Adam(self.parameters, rate.repeat(count), clip=settings.gradient_clip)

    def evaluate(self, parameters: Tensor, *inputs: Tensor) -> Tensor:
        """Values `[count, G, B]` of inputs `[G, B, ...]`, which are joined along their last axis.

        `parameters` are the critics' own, these detached (gradients reach the inputs only) or the target's.
        """
        joined = torch.cat([part.expand(self.count, *part.shape) for part in inputs], dim=-1).flatten(0, 1)
        return self.network(parameters, joined).view(self.count, self.members, -1)

    def first(self, *inputs: Tensor) -> Tensor:
        """Values `[G, B]` of each member's first critic alone; gradients reach the inputs only."""
        return self.network(self.parameters.detach()[: self.members], torch.cat(inputs, dim=-1)).squeeze(-1)

    def by_member(self, parameters: Tensor) -> Tensor:
        """Rows `[count * G, P]` seen as `[count, G, P]`, detached."""
        return parameters.detach().view(self.count, self.members, -1)

    def regress(self, target: Tensor, *inputs: Tensor) -> tuple[Tensor, Tensor]:
        """One step on half the mean squared error to `target [G, B]`, for all critics.

        Returns:
            The loss `[G]` before the step, summed over a member's critics, and their mean value `[G]`.
        """
        values = self.evaluate(self.parameters, *inputs)
        error = values.detach() - target
        # the gradient of the loss by the values is error / B, given directly
        (gradient,) = torch.autograd.grad(values, self.parameters, error / error.shape[-1])
        self.optimiser.step(gradient)
        loss = 0.5 * error.square().mean(-1).sum(0)
        return loss, values.detach().mean((0, 2))

    def track(self) -> None:
        """Move the target towards the critics: target <- (1 - tau) target + tau critics."""
        if self.target is not None:
            self.target.lerp_(self.parameters.detach(), self.target_rate)

    def state(self) -> dict[str, Tensor]:
        """Weights, targets and optimiser (references, not copies)."""
        target = {} if self.target is None else {"target": self.target}
        return {"parameters": self.parameters.detach(), **target, **self.optimiser.state()}


def least(values: Tensor) -> Tensor:
    """The pessimistic value: the minimum over critics, `[count, G, B] -> [G, B]`."""
    return reduce(torch.minimum, values.unbind(0))
