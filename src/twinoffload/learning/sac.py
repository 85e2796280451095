"""Soft actor-critic for stacked members (Haarnoja et al. 2018b, "Soft Actor-Critic Algorithms and Applications").

Equation numbers are that paper's. Twin evaluation critics judge the actor, twin target critics and the entropy
make the critics' target, ln (never lg) of the temperature is what is optimised.
"""

from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from twinoffload.learning import squash
from twinoffload.learning.actor_critic import ActorCritic
from twinoffload.learning.optimiser import Adam
from twinoffload.learning.replay import Transition
from twinoffload.learning.settings import LearnerSettings, Rate, per_member
from twinoffload.learning.streams import normal

Temperature = Annotated[float, Field(ge=0)]


class SACSettings(LearnerSettings):
    """Settings of soft actor-critic."""

    PER_MEMBER: ClassVar[tuple[str, ...]] = (*LearnerSettings.PER_MEMBER, "temperature", "temperature_rate")

    algorithm: Literal["sac"] = Field("sac", description="soft actor-critic")
    temperature: Literal["auto"] | Temperature | tuple[Temperature, ...] = Field(
        "auto", description="weight of the entropy in units of reward, or 'auto' to track the target entropy"
    )
    initial_temperature: float = Field(0.2, gt=0, description="where 'auto' starts")
    temperature_rate: Rate | tuple[Rate, ...] = Field(1e-3, description="learning rate of ln(temperature)")
    target_entropy: float = Field(
        -1.0, description="entropy a dimension of the action in [-1, 1] that 'auto' aims at, in nats"
    )


class SAC(ActorCritic):
    """G stacked soft actor-critic learners; see `ActorCritic` for the arguments.

    An update measures, beside the critics, `actor_loss`, `entropy` (of the policy, in nats) and `temperature` (after
    the update).
    """

    HEADS = 2  # mean and log standard deviation
    settings: SACSettings

    def __init__(self, settings: SACSettings, members: int, **given: Any) -> None:
        super().__init__(settings, members, **given)
        self.log_temperature: Tensor | None = None
        self.temperature_optimiser: Adam | None = None
        if settings.temperature == "auto":
            self._start = per_member(settings.initial_temperature, members, "initial_temperature", self.device)
            self.log_temperature = self._start.log().unsqueeze(-1)
            self.temperature_optimiser = Adam(self.log_temperature, self._spread("temperature_rate"))
        else:
            self._start = self._spread("temperature")

    @property
    def temperature(self) -> Tensor:
        """The weight of the entropy now, `[G]`."""
        return self._start if self.log_temperature is None else self.log_temperature.exp().squeeze(-1)

    def act(self, observation: Tensor, deterministic: bool = False) -> Tensor:
        """Choose actions `[G, B, A]` in [-1, 1] for `observation [G, B, o]`; deterministic: the squashed mean."""
        if deterministic:
            return squash.mode(self.policy(self.decider, observation), self.settings.output)
        outputs = self._pass(observation)[-1]
        return squash.sample(outputs, self._noise(observation), self.settings.output)[0]

    def weights(self) -> dict[str, Tensor]:
        """Those of every learner and the temperature."""
        temperature = {} if self.log_temperature is None else {"temperature": self.log_temperature}
        return super().weights() | temperature

    def _future(self, observation: Tensor, privileged: Tensor) -> Tensor:
        """The soft value min Q_target - alpha ln pi (Eqs. 2, 3)."""
        outputs = self._pass(observation)[-1]
        action, log_density = squash.sample(outputs, self._noise(observation), self.settings.output)
        value = self.critics.future(observation, privileged, action)
        return value - self.temperature.unsqueeze(-1) * log_density

    def _improve(self, observation: Tensor, privileged: Tensor, shown: Transition | None) -> dict[str, Tensor]:
        loss, entropy = self._improve_actor(observation, privileged, shown)
        self._adapt_temperature(entropy)
        self.critics.track()
        return {"actor_loss": loss, "entropy": entropy, "temperature": self.temperature.clone()}

    def _improve_actor(
        self, observation: Tensor, privileged: Tensor, shown: Transition | None = None
    ) -> tuple[Tensor, Tensor]:
        """One actor step on alpha ln pi - min Q (Eq. 9); returns the loss and the entropy, both `[G]`."""
        values, noise, output = self._pass(observation), self._noise(observation), self.settings.output
        action, log_density = squash.sample(values[-1], noise, output)
        value, ascent = self.critics.ascent(observation, privileged, action)
        share, temperature = 1 / value.shape[-1], self.temperature.unsqueeze(-1)  # of each sample in the mean
        by_density = (temperature * share).unsqueeze(-1)
        by_outputs = squash.sample_gradient(values[-1], noise, action, ascent.mul_(-share), by_density, output)
        self._climb(values, by_outputs, shown)
        return (temperature * log_density - value).mean(-1), -log_density.mean(-1)

    def _done(self, outputs: Tensor) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
        """An action as drawn: imitation narrows the policy as well as moving it."""
        noise, output = normal((*outputs.shape[:-1], self.sizes["action"]), self.generators), self.settings.output
        action, density = squash.sample(outputs, noise, output)
        free = torch.zeros_like(density).unsqueeze(-1)
        return action, lambda by_action: squash.sample_gradient(outputs, noise, action, by_action, free, output)

    def _adapt_temperature(self, entropy: Tensor) -> None:
        """One step on ln alpha (Eq. 18): its gradient is the entropy in excess of the target, `[G]`."""
        if self.temperature_optimiser is not None:
            excess = entropy - self.settings.target_entropy * self.sizes["action"]
            self.temperature_optimiser.step(excess.unsqueeze(-1))

    def _parts(self) -> dict[str, dict[str, Tensor]]:
        parts = super()._parts()
        if self.log_temperature is not None and self.temperature_optimiser is not None:
            parts["temperature"] = {"log": self.log_temperature, **self.temperature_optimiser.state()}
        return parts
