"""What every actor-critic learner may vary, and how a setting is spread over members."""

from typing import Annotated, ClassVar, Self

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from twinoffload.learning.squash import Output

Rate = Annotated[float, Field(gt=0, le=1)]
Discount = Annotated[float, Field(ge=0, lt=1)]


class LearnerSettings(BaseModel):
    """Settings common to all actor-critic learners.

    A tuple gives each member its own value; its length must be the number of members. In the settings of a training
    it gives each row (seed) its own, common to the members of that row.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    PER_MEMBER: ClassVar[tuple[str, ...]] = ("actor_rate", "critic_rate", "discount")

    algorithm: str
    hidden: tuple[Annotated[int, Field(ge=1)], ...] = Field((64, 64), description="widths of the hidden layers")
    output: Output = Field(
        "tanh",
        description="squash of the policy's last layer: tanh, or sigmoid on [0, 1] stretched to [-1, 1], "
        "which is tanh of half the pre-activation",
    )
    critics: int = Field(2, ge=1, le=10, description="critics of each member; the least of them is trusted")
    actor_rate: Rate | tuple[Rate, ...] = Field(1e-3, description="learning rate of the actor")
    critic_rate: Rate | tuple[Rate, ...] = Field(1e-3, description="learning rate of the critics")
    discount: Discount | tuple[Discount, ...] = Field(
        0.99,
        description="discount a step; where all are 0 (a contextual bandit) no target network is evaluated",
    )
    target_rate: Rate = Field(0.005, description="share of the critics that their targets take over at each update")
    batch: int = Field(128, ge=1, description="transitions a member and update")
    average: float | None = Field(
        None,
        ge=0,
        lt=1,
        description="share of itself that a running average of the actor keeps at each of its "
        "updates; the average decides wherever nothing is explored",
    )
    imitation: float = Field(
        0.0,
        ge=0,
        description="weight in the actor's loss, in units of reward, of the squared distance to what a teacher shows: "
        "an operator its demonstrations, mAPs their best replies in hindsight",
    )
    gradient_clip: float | None = Field(None, gt=0, description="largest norm of a network's gradient, or none")

    @property
    def label(self) -> str:
        """The algorithm's name in tables."""
        return self.algorithm

    @property
    def bootstraps(self) -> bool:
        """Whether any member looks beyond the current reward, and so needs next observations and targets."""
        discounts = self.discount if isinstance(self.discount, tuple) else (self.discount,)
        return any(discount > 0 for discount in discounts)

    def per_row(self, rows: int, each: int, who: str) -> Self:
        """Settings for `rows * each` members, row-major, from settings with one value a row.

        Args:
            rows: number of rows.
            each: members of a row, which share its values.
            who: whose settings these are, for the message.

        Raises:
            ValueError: a tuple has another length than `rows`.
        """
        spread = {}
        for name in self.PER_MEMBER:
            values = getattr(self, name)
            if not isinstance(values, tuple):
                continue
            if len(values) != rows:
                raise ValueError(
                    f"{who}.{name} has {len(values)} values, expected one, or {rows}: one for each row (seed)"
                )
            spread[name] = tuple(value for value in values for _ in range(each))
        return self.model_copy(update=spread)


def per_member(value: float | tuple[float, ...], members: int, name: str, device: torch.device | str) -> Tensor:
    """Spread a setting over members: a number or a tuple of `members` numbers -> float32 `[G]`."""
    values = value if isinstance(value, tuple) else (value,) * members
    if len(values) != members:
        raise ValueError(f"{name} has {len(values)} values, expected one or {members}, the number of members")
    return torch.tensor(values, dtype=torch.float32, device=device)
