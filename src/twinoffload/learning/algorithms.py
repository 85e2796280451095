"""The algorithms to choose from: settings name one, `learner` builds it."""

from typing import Annotated

from pydantic import Field

from twinoffload.learning.actor_critic import ActorCritic
from twinoffload.learning.sac import SAC, SACSettings
from twinoffload.learning.streams import Generators
from twinoffload.learning.td3 import TD3, TD3Settings

AlgorithmSettings = Annotated[SACSettings | TD3Settings, Field(discriminator="algorithm")]


def learner(
    settings: SACSettings | TD3Settings,
    members: int,
    *,
    observation: int,
    action: int,
    generators: Generators,
    privileged: int = 0,
) -> ActorCritic:
    """The learner that settings ask for; see `ActorCritic` for the arguments."""
    sizes = {"observation": observation, "action": action, "privileged": privileged}
    if isinstance(settings, SACSettings):
        return SAC(settings, members, **sizes, generators=generators)
    return TD3(settings, members, **sizes, generators=generators)
