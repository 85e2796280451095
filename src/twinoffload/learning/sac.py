"""Soft actor-critic for stacked members (Haarnoja et al. 2018b, "Soft Actor-Critic Algorithms and Applications").

Equation numbers are that paper's. Twin evaluation critics judge the actor, twin target critics and the entropy
make the critics' target, ln (never lg) of the temperature is what is optimised.
"""

from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor

from twinoffload.learning import squash
from twinoffload.learning.critics import Critics, least
from twinoffload.learning.networks import Mlp
from twinoffload.learning.optimiser import Adam
from twinoffload.learning.replay import Transition
from twinoffload.learning.settings import LearnerSettings, Rate, per_member
from twinoffload.learning.streams import Generators, normal

Temperature = Annotated[float, Field(ge=0)]


class SACSettings(LearnerSettings):
    """Settings of soft actor-critic."""

    temperature: Literal["auto"] | Temperature | tuple[Temperature, ...] = Field(
        "auto", description="weight of the entropy in units of reward, or 'auto' to track the target entropy"
    )
    initial_temperature: float = Field(0.2, gt=0, description="where 'auto' starts")
    temperature_rate: Rate | tuple[Rate, ...] = Field(1e-3, description="learning rate of ln(temperature)")
    target_entropy: float = Field(
        -1.0, description="entropy a dimension of the action in [-1, 1] that 'auto' aims at, in nats"
    )


class SAC:
    """G stacked soft actor-critic learners; actions lie in [-1, 1].

    Args:
        settings: hyper-parameters, common to all members or one for each.
        members: number of members G, ordered generator-major.
        observation, action, privileged: sizes of what the actor sees, does, and of what only the critics see.
        generators: one for each equal block of members (usually one a seed); they determine the initial weights and
            all later noise, and their device is the learner's. The learner keeps references: whoever saves a
            learner saves their states as well.
    """

    def __init__(
        self,
        settings: SACSettings,
        members: int,
        *,
        observation: int,
        action: int,
        generators: Generators,
        privileged: int = 0,
    ) -> None:
        self.device = generators[0].device
        self.settings, self.members, self.action_size = settings, members, action
        self.sizes = {"observation": observation, "privileged": privileged, "action": action}
        self.generators = list(generators)
        self.policy = Mlp((observation, *settings.hidden, 2 * action))
        self.actor = self.policy.initialise(members, self.generators)
        self.actor_optimiser = Adam(self.actor, self._spread("actor_rate"), clip=settings.gradient_clip)
        self.critics = Critics(members, observation + privileged + action, settings, self.generators)
        self.discount = self._spread("discount").unsqueeze(-1)
        self._start_temperature()

    @property
    def temperature(self) -> Tensor:
        """The weight of the entropy now, `[G]`."""
        return self._start if self.log_temperature is None else self.log_temperature.exp().squeeze(-1)

    @torch.no_grad()
    def act(self, observation: Tensor, deterministic: bool = False) -> Tensor:
        """Choose actions `[G, B, A]` in [-1, 1] for `observation [G, B, o]`; deterministic: tanh of the mean."""
        outputs = self.policy(self.actor, observation)
        return squash.mode(outputs) if deterministic else squash.sample(outputs, self._noise(observation))[0]

    def update(self, transition: Transition) -> dict[str, Tensor]:
        """One update of critics, actor, temperature and targets, in this order, on `[G, B, ...]`.

        Returns:
            For each member `[G]`, detached: `critic_loss` (half the squared error, summed over both critics),
            `q_mean`, `actor_loss`, `entropy` (of the policy, in nats) and `temperature` (after the update).
        """
        self._check(transition)
        situation = (transition.observation, transition.privileged)
        target = self._target(transition)
        critic_loss, q_mean = self.critics.regress(target, *situation, transition.action)
        actor_loss, entropy = self._improve_actor(*situation)
        self._adapt_temperature(entropy)
        self.critics.track()
        return {
            "critic_loss": critic_loss,
            "q_mean": q_mean,
            "actor_loss": actor_loss,
            "entropy": entropy,
            "temperature": self.temperature.clone(),
        }

    def state(self) -> dict[str, Tensor]:
        """Copies of everything that `load` needs to go on to the same bit, but for the generators' states."""
        return {name: tensor.clone() for name, tensor in self._tensors().items()}

    @torch.no_grad()
    def load(self, state: dict[str, Tensor]) -> None:
        """Take over a state of a learner of the same settings and sizes, in place."""
        own = self._tensors()
        if own.keys() != state.keys():
            raise ValueError(f"state differs in {sorted(own.keys() ^ state.keys())}: other settings made it")
        for name, tensor in own.items():
            if tensor.shape != state[name].shape:
                raise ValueError(f"{name} has shape {list(state[name].shape)}, expected {list(tensor.shape)}")
        for name, tensor in own.items():
            tensor.copy_(state[name])

    @torch.no_grad()
    def _target(self, transition: Transition) -> Tensor:
        """The critics' target `[G, B]`: r + gamma (1 - terminated) (min Q_target - alpha ln pi)  (Eqs. 2, 3)."""
        if self.critics.target is None:
            return transition.reward
        following, privileged, ended = self._following(transition)
        action, log_density = squash.sample(self.policy(self.actor, following), self._noise(following))
        value = least(self.critics.evaluate(self.critics.target, following, privileged, action))
        soft_value = value - self.temperature.unsqueeze(-1) * log_density
        return transition.reward + self.discount * (1.0 - ended) * soft_value

    def _improve_actor(self, observation: Tensor, privileged: Tensor) -> tuple[Tensor, Tensor]:
        """One actor step on alpha ln pi - min Q (Eq. 9); returns the loss and the entropy, both `[G]`."""
        outputs = self.policy(self.actor, observation)
        action, log_density = squash.sample(outputs, self._noise(observation))
        value = least(self.critics.evaluate(self.critics.parameters.detach(), observation, privileged, action))
        loss = (self.temperature.unsqueeze(-1) * log_density - value).mean(-1)
        (gradient,) = torch.autograd.grad(loss.sum(), self.actor)
        self.actor_optimiser.step(gradient)
        return loss.detach(), -log_density.detach().mean(-1)

    def _adapt_temperature(self, entropy: Tensor) -> None:
        """One step on ln alpha (Eq. 18): its gradient is the entropy in excess of the target, `[G]`."""
        if self.temperature_optimiser is not None:
            excess = entropy - self.settings.target_entropy * self.sizes["action"]
            self.temperature_optimiser.step(excess.unsqueeze(-1))

    def _start_temperature(self) -> None:
        self.log_temperature: Tensor | None = None
        self.temperature_optimiser: Adam | None = None
        if self.settings.temperature == "auto":
            self._start = per_member(self.settings.initial_temperature, self.members, "temperature", self.device)
            self.log_temperature = self._start.log().unsqueeze(-1)
            self.temperature_optimiser = Adam(self.log_temperature, self._spread("temperature_rate"))
        else:
            self._start = self._spread("temperature")

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

    def _tensors(self) -> dict[str, Tensor]:
        parts = {
            "actor": {"parameters": self.actor.detach(), **self.actor_optimiser.state()},
            "critics": self.critics.state(),
        }
        if self.log_temperature is not None and self.temperature_optimiser is not None:
            parts["temperature"] = {"log": self.log_temperature, **self.temperature_optimiser.state()}
        return {f"{part}.{name}": tensor for part, tensors in parts.items() for name, tensor in tensors.items()}
