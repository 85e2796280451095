"""How the agents of a run learn: every setting of a training."""

import os
from typing import Any, ClassVar, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from twinoffload.env.slots import Observation
from twinoffload.learning.algorithms import AlgorithmSettings
from twinoffload.learning.sac import SACSettings
from twinoffload.yaml_files import Kind, explain

PRESETS = ("tuned", "tuned-td3", "tuned-ddpg", "demonstrated", "paper-literal", "amortised", "amortised-sizes")

_BANDIT = {"discount": 0.0, "temperature": 0.02}


class TrainSettings(BaseModel):
    """How the agents learn.

    In `operator` and `maps` a list of rates, discounts, temperatures or noises gives each row (seed) its own.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    paced: ClassVar[bool] = False  # nothing depends on how many episodes are to come

    observation: Observation = Field("load", description="what an mAP sees beside its own gains and prices")
    followers: Literal["independent", "shared"] = Field(
        "independent",
        description="each mAP has a policy of its own, or one serves all mAPs of a row, who then see their parameters",
    )
    map_index: bool = Field(False, description="mAPs that share a policy also see their index, one-hot")
    critic: Literal["own", "central"] = Field(
        "own", description="mAPs' critics see what the mAP sees, or also the slot's own SINR at each BS"
    )
    price_margin: float = Field(
        0.0, ge=0, le=1, description="how far the operator's actions reach beyond the price range, share of its half"
    )
    amount_margin: float = Field(
        0.0, ge=0, le=1, description="how far the mAPs' actions reach beyond the range of amounts, share of its half"
    )
    price_contrast: float = Field(
        0.0,
        ge=0,
        le=1,
        description="share of the price range in which mAPs also see how far each price is from their mean; 0: not",
    )
    schedule: Literal["simultaneous", "alternating"] = Field(
        "simultaneous", description="operator and mAPs learn at once, or in turn while the others' weights rest"
    )
    alternate_every: int = Field(5, ge=1, description="episodes of a turn, the operator's first; alternating only")
    episodes: int = Field(60, ge=1, description="episodes")
    environments: int = Field(8, ge=1, description="episodes played at once by each seed")
    replay: int = Field(20_000, ge=1, description="transitions kept for each network")
    warmup: int = Field(32, ge=1, description="slots played before the first update")
    demonstrations: int = Field(
        0, ge=0, description="slots in which the operator is shown prices that recommend `posted`'s association"
    )
    updates_per_slot: int = Field(1, ge=1, le=1000, description="updates of every network whenever it is their time")
    slots_per_update: int = Field(1, ge=1, description="slots from one such time to the next")
    reward_floor: float | None = Field(-10.0, description="mAPs' rewards are clipped below here for learning, money")
    value_bound: float = Field(1e9, gt=0, description="a row whose critics' mean exceeds this, in money, is stopped")
    checkpoint_every: int = Field(10, ge=1, description="episodes from one checkpoint to the next")
    operator: AlgorithmSettings = Field(
        SACSettings.model_validate(_BANDIT), description="operator's learner (Algorithm 2)"
    )
    maps: AlgorithmSettings = Field(SACSettings.model_validate(_BANDIT), description="mAPs' learners (Algorithm 3)")

    @classmethod
    def load(cls, source: str | os.PathLike[str]) -> "TrainSettings":
        """A preset by name, or a YAML file, which may extend either kind.

        Presets: "tuned" (ours, what the commands take), "tuned-td3", "tuned-ddpg", "demonstrated" (`tuned`
        that imitates a teacher), and "paper-literal" (what the paper prints).
        What a file says of `operator` or `maps` is put on top of what it extends, unless it names another algorithm.

        Raises:
            ValueError: unknown preset, no such file, or a bad field; one line naming the place and the remedy.
        """
        return cls.from_values(str(source), FILES.read(source))

    def replace(self, **changes: Any) -> "TrainSettings":
        """A copy with some fields changed, checked like a new one.

        Raises:
            ValueError: unknown field or a value out of bounds.
        """
        return self.from_values("changed", self.model_dump() | changes)

    def to_yaml(self) -> str:
        """Every field as YAML text that `load` reads back."""
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False)

    @classmethod
    def from_values(cls, source: str, values: dict[str, Any]) -> "TrainSettings":
        """Settings of some values, read from `source`.

        Raises:
            ValueError: a bad field, in one line.
        """
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise ValueError(f"settings {source}: {explain(error, cls)}") from None

    @property
    def label(self) -> str:
        """The algorithm's name in tables; both where operator and mAPs differ."""
        return "+".join(dict.fromkeys((self.operator.label, self.maps.label)))

    def learns(self, who: str, episode: int) -> bool:
        """Whether the "operator" or the "maps" learn in an episode."""
        turn = ("operator", "maps")[episode // self.alternate_every % 2]
        return self.schedule == "simultaneous" or who == turn


def _merge(base: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    """A file's values on top of those it extends, learner by learner; another algorithm begins afresh."""
    merged = base | values
    for who in ("operator", "maps"):
        old, new = base.get(who), values.get(who)
        if isinstance(old, dict) and isinstance(new, dict) and new.get("algorithm") in (None, old.get("algorithm")):
            merged[who] = old | new
    return merged


FILES = Kind("settings", "twinoffload.learning", PRESETS, "a preset of twinoffload.learning", merge=_merge)
