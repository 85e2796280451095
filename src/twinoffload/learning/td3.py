"""Twin delayed deterministic policy gradient for stacked members (Fujimoto et al. 2018), and its relative DDPG.

DDPG (Lillicrap et al. 2016) is TD3 with one critic, an actor that improves at every update, and no noise on the
target's action: a preset, `ddpg`. Both explore by Gaussian noise on the action.
"""

from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from twinoffload.learning import squash
from twinoffload.learning.actor_critic import ActorCritic
from twinoffload.learning.replay import Transition
from twinoffload.learning.settings import LearnerSettings

Noise = Annotated[float, Field(ge=0, le=2)]

_DDPG = {"critics": 1, "policy_delay": 1, "target_noise": 0.0}


class TD3Settings(LearnerSettings):
    """Settings of TD3; all noise is in units of the action in [-1, 1]."""

    PER_MEMBER: ClassVar[tuple[str, ...]] = (*LearnerSettings.PER_MEMBER, "exploration_noise")

    algorithm: Literal["td3"] = Field("td3", description="twin delayed deterministic policy gradient, or DDPG")
    policy_delay: int = Field(2, ge=1, description="critics' updates for each of the actor and the targets")
    target_noise: Noise = Field(0.2, description="standard deviation of noise on the target's action")
    target_noise_clip: Noise = Field(0.5, description="largest noise on the target's action")
    exploration_noise: Noise | tuple[Noise, ...] = Field(
        0.1, description="standard deviation of noise on what the policy does while it learns"
    )

    @property
    def label(self) -> str:
        """The algorithm's name in tables: ddpg where the settings make it that, else td3."""
        return "ddpg" if all(getattr(self, name) == value for name, value in _DDPG.items()) else self.algorithm


def ddpg(**settings: Any) -> TD3Settings:
    """DDPG: one critic, no delay, no target noise, and whatever else is given of `TD3Settings`."""
    return TD3Settings.model_validate(_DDPG | settings)


class TD3(ActorCritic):
    """G stacked TD3 learners; see `ActorCritic` for the arguments.

    An update measures, beside the critics and where the actor's turn has come, `actor_loss`.

    Attributes:
        updates: critics' updates so far, which fix the actor's turns.
        actor_target: the slowly tracking actors `[G, P]`, or None where nothing is bootstrapped.
    """

    HEADS = 1
    settings: TD3Settings

    def __init__(self, settings: TD3Settings, members: int, **given: Any) -> None:
        super().__init__(settings, members, **given)
        self.updates = 0
        self.actor_target = self.actor.clone() if settings.bootstraps else None
        self._exploration = self._spread("exploration_noise").view(-1, 1, 1)

    def act(self, observation: Tensor, deterministic: bool = False) -> Tensor:
        """Choose actions `[G, B, A]` in [-1, 1] for `observation [G, B, o]`, with noise unless deterministic."""
        if deterministic:
            return self._policy(self.decider, observation)
        action = self._policy(self.actor, observation)
        return torch.addcmul(action, self._exploration, self._noise(observation)).clamp_(-1.0, 1.0)

    def weights(self) -> dict[str, Tensor]:
        """Those of every learner and the target of the actor."""
        return super().weights() | ({} if self.actor_target is None else {"actor_target": self.actor_target})

    def load(self, state: dict[str, Tensor]) -> None:
        """Take over a state of a learner of the same settings and sizes, in place.

        Raises:
            ValueError: other settings made it.
        """
        super().load(state)
        self.updates = int(state["actor.updates"])

    def _future(self, observation: Tensor, privileged: Tensor) -> Tensor:
        """The least target critic at the target actor's action, blurred by clipped noise (their Eqs. 10, 14, 15)."""
        assert self.actor_target is not None
        action = self._policy(self.actor_target, observation)
        if self.settings.target_noise > 0:
            limit = self.settings.target_noise_clip
            noise = (self._noise(observation) * self.settings.target_noise).clamp_(-limit, limit)
            action = (action + noise).clamp_(-1.0, 1.0)
        return self.critics.future(observation, privileged, action)

    def _improve(self, observation: Tensor, privileged: Tensor, shown: Transition | None) -> dict[str, Tensor]:
        self.updates += 1
        if self.updates % self.settings.policy_delay:
            return {}
        loss = self._improve_actor(observation, privileged, shown)
        self.critics.track()
        if self.actor_target is not None:
            self.actor_target.lerp_(self.actor, self.settings.target_rate)
        return {"actor_loss": loss}

    def _improve_actor(self, observation: Tensor, privileged: Tensor, shown: Transition | None = None) -> Tensor:
        """One actor step up the first critic, the only one evaluated (their Algorithm 1); returns the loss `[G]`."""
        values, output = self._pass(observation), self.settings.output
        action = squash.bound(values[-1], output)
        value, ascent = self.critics.ascent(observation, privileged, action, count=1)
        self._climb(values, squash.bound_gradient(action, ascent.div_(-value.shape[-1]), output), shown)
        return -value.mean(-1)

    def _done(self, outputs: Tensor) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
        output = self.settings.output
        action = squash.bound(outputs, output)
        return action, lambda by_action: squash.bound_gradient(action, by_action, output)

    def _policy(self, parameters: Tensor, observation: Tensor) -> Tensor:
        return squash.bound(self.policy(parameters, observation), self.settings.output)

    def _parts(self) -> dict[str, dict[str, Tensor]]:
        parts = super()._parts()
        parts["actor"]["updates"] = torch.tensor(self.updates)
        if self.actor_target is not None:
            parts["actor"]["target"] = self.actor_target
        return parts
