"""How a scheme of somebody's own is trained."""

from typing import Any, ClassVar, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from twinoffload.env.own_source import OwnSource, find_scheme
from twinoffload.env.slots import Observation
from twinoffload.yaml_files import explain


class OwnSettings(BaseModel):
    """How a scheme of somebody's own is trained: our loop plays, it decides and learns."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    source: str = Field(description="my_module:MyScheme, or path/to/my_file.py:MyScheme")
    digest: str | None = Field(None, description="of the file's text when training began; null: whatever it is now")
    episodes: int = Field(40, ge=1, description="training episodes")
    environments: int = Field(16, ge=1, description="episodes played at once by each seed")
    checkpoint_every: int = Field(10, ge=1, description="episodes from one checkpoint to the next")

    observation: ClassVar[Observation] = "paper"
    paced: ClassVar[bool] = False

    @property
    def label(self) -> str:
        """The scheme's name."""
        return self.found().name

    def found(self) -> OwnSource:
        """The class.

        Raises:
            ValueError: it cannot be found or used, or the file has changed since training began.
        """
        found = find_scheme(self.source)
        if self.digest not in (None, found.digest):
            raise ValueError(
                f"scheme {self.source}: {found.file.name} has changed since it was trained; restore it, or train anew"
            )
        return found

    def replace(self, **changes: Any) -> Self:
        """A copy with some fields changed, checked like a new one.

        Raises:
            ValueError: unknown field or a value out of bounds.
        """
        return self.from_values("changed", self.model_dump() | changes)

    @classmethod
    def from_values(cls, source: str, values: dict[str, Any]) -> Self:
        """Settings of some values, read from `source`, of the file as it is now.

        Raises:
            ValueError: a bad field, or a scheme that cannot be used, in one line.
        """
        try:
            settings = cls.model_validate(values)
        except ValidationError as error:
            raise ValueError(f"settings {source}: {explain(error, cls)}") from None
        return settings.model_copy(update={"digest": settings.found().digest})

    def to_yaml(self) -> str:
        """Every field as YAML text that `load` reads back."""
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False)
