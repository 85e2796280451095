"""State-action critics of an ensemble with their target networks: one or several of each member."""

from collections.abc import Sequence
from functools import reduce

import torch
from torch import Tensor

from twinoffload.learning import networks
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
        self.target = self.parameters.clone() if settings.bootstraps else None
        self._gradient = torch.zeros_like(self.parameters)
        self._layers = self.network.split(self.parameters)  # stay valid: weights change in place
        self._gradient_layers = self.network.split(self._gradient)
        self._target_layers = None if self.target is None else self.network.split(self.target)
        rate = per_member(settings.critic_rate, members, "critic_rate", device)
        self.optimiser = Adam(self.parameters, rate.repeat(count), clip=settings.gradient_clip)

    def evaluate(self, parameters: Tensor, *inputs: Tensor) -> Tensor:
        """Values `[count, G, B]` of inputs `[G, B, ...]`, which are joined along their last axis.

        `parameters` are the critics' own or the target's.
        """
        return self.network(parameters, joined(inputs, self.count)).view(self.count, self.members, -1)

    def future(self, *inputs: Tensor) -> Tensor:
        """The least value that the target critics give, `[G, B]`."""
        assert self._target_layers is not None
        values = networks.forward(self._target_layers, joined(inputs, self.count))[-1]
        return least(values.view(self.count, self.members, -1))

    def ascent(self, *inputs: Tensor, count: int | None = None) -> tuple[Tensor, Tensor]:
        """The least value `[G, B]` of the first `count` critics (all), and its gradient by the action `[G, B, A]`.

        The action is the last of the inputs.
        """
        count = self.count if count is None else count
        layers = [(weight[: count * self.members], bias[: count * self.members]) for weight, bias in self._layers]
        values = networks.forward(layers, joined(inputs, count))
        each = values[-1].view(count, self.members, -1)
        lowest, which = each.min(0, keepdim=True)
        chosen = torch.zeros_like(each).scatter_(0, which, 1.0).view_as(values[-1])
        slopes = networks.slopes(layers, values, chosen)
        gradient = networks.by_inputs(layers, slopes, last=inputs[-1].shape[-1])
        return lowest.squeeze(0), reduce(torch.add, gradient.chunk(count))

    def by_member(self, parameters: Tensor) -> Tensor:
        """Rows `[count * G, P]` seen as `[count, G, P]`, detached."""
        return parameters.view(self.count, self.members, -1)

    def regress(self, target: Tensor, *inputs: Tensor) -> tuple[Tensor, Tensor]:
        """One step on half the mean squared error to `target [G, B]`, for all critics.

        Returns:
            The loss `[G]` before the step, summed over a member's critics, and their mean value `[G]`.
        """
        values = networks.forward(self._layers, joined(inputs, self.count))
        each = values[-1].view(self.count, self.members, -1)
        error = each - target
        by_values = (error / error.shape[-1]).view_as(values[-1])
        networks.by_parameters(values, networks.slopes(self._layers, values, by_values), self._gradient_layers)
        self.optimiser.step(self._gradient)
        return 0.5 * error.square().mean(-1).sum(0), each.mean(-1).mean(0)

    def track(self) -> None:
        """Move the target towards the critics: target <- (1 - tau) target + tau critics."""
        if self.target is not None:
            self.target.lerp_(self.parameters, self.target_rate)

    def state(self) -> dict[str, Tensor]:
        """Weights, targets and optimiser (references, not copies)."""
        target = {} if self.target is None else {"target": self.target}
        return {"parameters": self.parameters, **target, **self.optimiser.state()}


def joined(inputs: Sequence[Tensor], count: int) -> Tensor:
    """Inputs `[G, B, ...]` side by side, once for each of `count` critics, `[count * G, B, inputs]`."""
    return torch.cat([part.expand(count, *part.shape) for part in inputs], dim=-1).flatten(0, 1)


def least(values: Tensor) -> Tensor:
    """The pessimistic value: the minimum over critics, `[count, G, B] -> [G, B]`."""
    return reduce(torch.minimum, values.unbind(0))
