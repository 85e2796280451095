"""How the amortised policies learn."""

from typing import Any, ClassVar, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from twinoffload.env.slots import Observation
from twinoffload.yaml_files import explain


class AmortisedSettings(BaseModel):
    """How the amortised policies learn: operator and mAPs together, in `episodes` of `updates` each."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    scheme: Literal["amortised"] = Field("amortised", description="one policy for any network")
    maps: tuple[int, int] | None = Field(None, description="numbers of mAPs trained on, [least, most]; null: its own")
    stations: tuple[int, int] | None = Field(None, description="numbers of BSs trained on, likewise")
    width: int = Field(32, ge=1, le=1024, description="width of the hidden layers")
    rounds: int = Field(6, ge=1, le=50, description="rounds in which pairs hear of each other")
    by_gain: bool = Field(
        False, description="BSs count by their gains where pairs hear of each other: how many there are matters less"
    )
    episodes: int = Field(40, ge=1, description="parts of the training, after each of which it is measured")
    updates: int = Field(50, ge=1, description="updates an episode")
    batch: int = Field(128, ge=1, description="slots an update, for each seed")
    imitation: float = Field(
        0.25, ge=0, le=1, description="share of the updates, at the start, that do nothing else than imitate `posted`"
    )
    imitation_weight: float = Field(
        1.0, ge=0, description="weight of imitation after that; falls linearly to three tenths"
    )
    examples: int = Field(4000, ge=1, description="slots of each size in which `posted` is solved to be imitated")
    example_limit: int = Field(
        1000, ge=1, description="associations up to which `posted` is imitated; larger sizes begin without"
    )
    rate: float = Field(
        3e-3, gt=0, le=1, description="learning rate in the first half; then falls linearly to a fiftieth"
    )
    entropy: float = Field(0.05, ge=0, description="worth of a nat of entropy at the start, money; falls to 0")
    regret_weight: float = Field(1.0, ge=0, description="money the operator forgoes to spare the mAPs regret of one")
    scattered: float = Field(0.0, ge=0, le=1, description="share of the slots in which BSs stand at random places")
    proposals: int = Field(
        16, ge=1, le=1000, description="associations that the operator prices before it posts the best of them"
    )
    proposal_temperature: float = Field(
        2.0, gt=0, le=100, description="how much more evenly than the network's probabilities proposals are drawn"
    )
    credited: int = Field(4, ge=1, description="mAPs whose other choices are tried in a slot; more are taken by lot")
    price_step: float = Field(
        2e-3,
        ge=1e-9,
        le=0.5,
        description="depth of the code in prices, share of their range, 1 over a whole number",
    )
    reply_width: int = Field(32, ge=1, le=1024, description="width of the mAPs' hidden layers")
    checkpoint_every: int = Field(10, ge=1, description="episodes from one checkpoint to the next")

    label: ClassVar[str] = "amortised"
    observation: ClassVar[Observation] = "paper"
    paced: ClassVar[bool] = True  # rates and weights fall towards the last episode

    @field_validator("maps", "stations", mode="before")
    @classmethod
    def _ascending(cls, value: Any) -> Any:
        if value is None:
            return None
        whole = isinstance(value, list | tuple) and [type(end) for end in value] == [int, int]  # `true` is no number
        if not whole or not 1 <= value[0] <= value[1] <= 64:
            raise ValueError("must be [least, most], integers with 1 <= least <= most <= 64")
        return value

    @field_validator("price_step")
    @classmethod
    def _fits_the_range(cls, value: float) -> float:
        """Otherwise the end of the range, which is to tell nothing, would tell a completion time."""
        nearest = 1.0 / round(1.0 / value)
        if value != nearest:
            raise ValueError(f"must go into the price range a whole number of times; take {nearest!r}")
        return value

    def replace(self, **changes: Any) -> Self:
        """A copy with some fields changed, checked like a new one.

        Raises:
            ValueError: unknown field or a value out of bounds.
        """
        return self.from_values("changed", self.model_dump() | changes)

    @classmethod
    def from_values(cls, source: str, values: dict[str, Any]) -> Self:
        """Settings of some values, read from `source`.

        Raises:
            ValueError: a bad field, in one line.
        """
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise ValueError(f"settings {source}: {explain(error, cls)}") from None

    def to_yaml(self) -> str:
        """Every field as YAML text that `load` reads back."""
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False)
