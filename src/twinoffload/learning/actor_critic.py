"""What all stacked actor-critic learners share: networks, critics' regression, checks, state and frozen members."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import ClassVar

import torch
from torch import Tensor

from twinoffload.learning import networks
from twinoffload.learning.critics import Critics
from twinoffload.learning.networks import Mlp
from twinoffload.learning.optimiser import Adam
from twinoffload.learning.replay import Transition
from twinoffload.learning.settings import LearnerSettings, per_member
from twinoffload.learning.streams import Generators, normal

NEAR = 0.1  # up to here the distance to demonstrated actions counts squared, beyond in a straight line


class ActorCritic(ABC):
    """G stacked actor-critic learners; actions lie in [-1, 1].

    A subclass says how the policy acts, what the future is worth and how the actor improves.

    Args:
        settings: hyper-parameters, common to all members or one for each.
        members: number of members G, ordered generator-major.
        observation, action, privileged: sizes of what the actor sees, does, and of what only the critics see.
        generators: one for each equal block of members (usually one a seed); they determine the initial weights and
            all later noise, and their device is the learner's. The learner keeps references: whoever saves a
            learner saves their states as well.
    """

    HEADS: ClassVar[int]  # outputs of the policy network for each dimension of the action

    def __init__(
        self,
        settings: LearnerSettings,
        members: int,
        *,
        observation: int,
        action: int,
        generators: Generators,
        privileged: int = 0,
    ) -> None:
        self.device = generators[0].device
        self.settings, self.members = settings, members
        self.sizes = {"observation": observation, "privileged": privileged, "action": action}
        self.generators = list(generators)
        self.policy = Mlp((observation, *settings.hidden, self.HEADS * action))
        self.play_with(self.policy.initialise(members, self.generators))
        self._gradient = torch.zeros_like(self.actor)
        self._gradient_layers = self.policy.split(self._gradient)
        self.actor_optimiser = Adam(self.actor, self._spread("actor_rate"), clip=settings.gradient_clip)
        self.average = None if settings.average is None else self.actor.clone()
        self._averaged = torch.zeros((), device=self.device)  # steps in the average
        inputs = observation + privileged + action
        self.critics = Critics(members, inputs, settings, self.generators, count=settings.critics)
        self.discount = self._spread("discount").unsqueeze(-1)
        self._frozen: tuple[Tensor, dict[str, Tensor]] | None = None  # which members, and their weights

    @abstractmethod
    def act(self, observation: Tensor, deterministic: bool = False) -> Tensor:
        """Choose actions `[G, B, A]` in [-1, 1] for `observation [G, B, o]`, with exploration unless deterministic."""

    def play_with(self, actor: Tensor) -> None:
        """Take these for the actor's weights, `[G, P]` of so many members: a reference, changed in place only."""
        self.actor, self.members = actor, len(actor)
        self._layers = self.policy.split(actor)

    def update(self, transition: Transition, shown: Transition | None = None) -> dict[str, Tensor]:
        """One update of the critics, then of whatever the algorithm improves besides, on `[G, B, ...]`.

        Args:
            transition: what was lived through.
            shown: what a teacher saw and did, `[G, B', ...]`; the actor is drawn towards it.

        Returns:
            For each member `[G]`, detached: `critic_loss` (half the squared error, summed over its critics), `q_mean`
            and what `_improve` measures. What was not computed in this update is missing.
        """
        self._check(transition)
        situation = (transition.observation, transition.privileged)
        critic_loss, q_mean = self.critics.regress(self._target(transition), *situation, transition.action)
        measured = {"critic_loss": critic_loss, "q_mean": q_mean} | self._improve(*situation, shown)
        if self._frozen is not None:
            self._put_back(*self._frozen)
        return measured

    @property
    def decider(self) -> Tensor:
        """The weights of the policy where nothing is explored, `[G, P]`."""
        return self.actor if self.average is None else self.average

    def weights(self) -> dict[str, Tensor]:
        """All that training changes but the optimisers' memory, members along axis -2: `[G, .]` or `[count, G, .]`."""
        networks = {"actor": self.actor, "critics": self.critics.by_member(self.critics.parameters)}
        if self.average is not None:
            networks["average"] = self.average
        if self.critics.target is not None:
            networks["critic_targets"] = self.critics.by_member(self.critics.target)
        return networks

    def finite(self) -> Tensor:
        """Whether all weights of a member are finite, `[G]`."""
        each = [tensor.isfinite().all(-1).view(-1, self.members).all(0) for tensor in self.weights().values()]
        return torch.stack(each).all(0)

    def freeze(self, members: Sequence[int], weights: dict[str, Tensor]) -> None:
        """Give members the weights that they had in `weights` (copied from `weights()`) and hold them there for good.

        The members beside them are computed as before, to the same bit.
        """
        index = torch.tensor(list(members), dtype=torch.int64, device=self.device)
        self._frozen = index, {name: tensor.index_select(-2, index) for name, tensor in weights.items()}
        self._put_back(*self._frozen)

    def state(self) -> dict[str, Tensor]:
        """Copies of everything that `load` needs to go on to the same bit, but for the generators' states."""
        return {name: tensor.clone() for name, tensor in self._tensors().items()}

    def load(self, state: dict[str, Tensor]) -> None:
        """Take over a state of a learner of the same settings and sizes, in place.

        Raises:
            ValueError: other settings made it.
        """
        own = self._tensors()
        if own.keys() != state.keys():
            raise ValueError(f"state differs in {sorted(own.keys() ^ state.keys())}: other settings made it")
        for name, tensor in own.items():
            if tensor.shape != state[name].shape:
                raise ValueError(f"{name} has shape {list(state[name].shape)}, expected {list(tensor.shape)}")
        for name, tensor in own.items():
            tensor.copy_(state[name])

    def _target(self, transition: Transition) -> Tensor:
        """The critics' target `[G, B]`: r + gamma (1 - terminated) V(next)."""
        if self.critics.target is None:
            return transition.reward
        following, privileged, ended = self._following(transition)
        return transition.reward + self.discount * (1.0 - ended) * self._future(following, privileged)

    @abstractmethod
    def _future(self, observation: Tensor, privileged: Tensor) -> Tensor:
        """What the target networks hold the policy to be worth from here on, `[G, B]`."""

    @abstractmethod
    def _improve(self, observation: Tensor, privileged: Tensor, shown: Transition | None) -> dict[str, Tensor]:
        """Improve the actor, then let the targets track; returns what is measured, `[G]` each."""

    def _pass(self, observation: Tensor) -> list[Tensor]:
        """What the actor's layers see and answer, see `networks.forward`."""
        return networks.forward(self._layers, observation)

    def _climb(self, values: list[Tensor], by_outputs: Tensor, shown: Transition | None) -> None:
        """One actor step, given its `values` and the gradient of the mean loss by its outputs, and towards `shown`."""
        if shown is not None:
            answers = self._pass(shown.observation)
            by_outputs = torch.cat((by_outputs, self._towards(shown.action, answers[-1])), dim=1)
            values = [torch.cat(pair, dim=1) for pair in zip(values, answers, strict=True)]
        slopes = networks.slopes(self._layers, values, by_outputs)
        networks.by_parameters(values, slopes, self._gradient_layers)
        self.actor_optimiser.step(self._gradient)
        if self.average is not None and self.settings.average is not None:
            self._averaged += 1.0
            share = (self._averaged / (self._averaged + 9.0)).clamp(max=self.settings.average)  # forget the start soon
            self.average.lerp_(self.actor, 1.0 - share)

    def _towards(self, wanted: Tensor, outputs: Tensor) -> Tensor:
        """Gradient by the outputs `[G, B, .]` of the weighted squared distance of the policy's actions to those wanted.

        The distance is summed over an action and averaged over B.
        """
        action, gradient = self._done(outputs)
        return gradient((action - wanted).clamp(-NEAR, NEAR) * (2.0 * self.settings.imitation / wanted.shape[1]))

    @abstractmethod
    def _done(self, outputs: Tensor) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
        """What the policy does, `[G, B, A]`, and what turns a gradient by that into one by the outputs `[G, B, .]`."""

    def _spread(self, name: str) -> Tensor:
        return per_member(getattr(self.settings, name), self.members, name, self.device)

    def _noise(self, observation: Tensor) -> Tensor:
        return normal((self.members, observation.shape[1], self.sizes["action"]), self.generators)

    def _following(self, transition: Transition) -> tuple[Tensor, Tensor, Tensor]:
        following = (transition.next_observation, transition.next_privileged, transition.terminated)
        if any(part is None for part in following):
            raise ValueError("a discount above 0 needs transitions with their next fields")
        return following  # pyright: ignore[reportReturnType]

    def _check(self, transition: Transition) -> None:
        rows = [self.members, transition.action.shape[1]]
        expected = {name: [*rows, size] for name, size in self.sizes.items()} | {
            "reward": rows,
            "terminated": rows,
        }
        for name, shape in expected.items():
            field: Tensor | None = getattr(transition, name)
            if field is not None and list(field.shape) != shape:
                raise ValueError(f"{name} has shape {list(field.shape)}, expected {shape}")

    def _put_back(self, members: Tensor, weights: dict[str, Tensor]) -> None:
        for name, tensor in self.weights().items():
            tensor.index_copy_(-2, members, weights[name])

    def _parts(self) -> dict[str, dict[str, Tensor]]:
        """References to everything that training changes, by part and name."""
        average = {} if self.average is None else {"average": self.average, "averaged": self._averaged}
        return {
            "actor": {"parameters": self.actor, **average, **self.actor_optimiser.state()},
            "critics": self.critics.state(),
        }

    def _tensors(self) -> dict[str, Tensor]:
        return {f"{part}.{name}": tensor for part, tensors in self._parts().items() for name, tensor in tensors.items()}
