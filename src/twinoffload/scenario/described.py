"""A scenario field by field: value, unit, meaning, and what differs from the default."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from twinoffload.scenario.model import Scenario
from twinoffload.scenario.values import interval, limits, unit_of


@dataclass(frozen=True)
class Row:
    """One field.

    Attributes:
        name: of the field; of one inside another with a dot.
        value: as JSON has it.
        unit: empty where there is none.
        meaning: in words.
        bounds: of each number, as an interval; empty where there are none.
        default: the value of a scenario that says nothing.
        changed: whether it differs.
    """

    name: str
    value: Any
    unit: str
    meaning: str
    bounds: str
    default: Any
    changed: bool


def rows(scenario: Scenario) -> list[Row]:
    """Every field, in order; those of path loss and mobility one by one, laws and gains whole."""
    return list(_rows(scenario, Scenario.model_validate({}), ""))


def _rows(model: BaseModel, usual: BaseModel, prefix: str) -> Iterator[Row]:
    for name, field in type(model).model_fields.items():
        value, default = getattr(model, name), getattr(usual, name)
        if isinstance(value, BaseModel) and type(value) is type(default) and "kind" in type(value).model_fields:
            yield from _rows(value, default, f"{prefix}{name}.")
        else:
            yield _row(prefix + name, field, value, default)


def _row(name: str, field: FieldInfo, value: Any, default: Any) -> Row:
    meaning = field.description or ("which model" if name.endswith("kind") else "")
    return Row(
        name,
        plain(value),
        unit_of(field),
        meaning,
        interval(limits(field)),
        plain(default),
        plain(value) != plain(default),
    )


def plain(value: Any) -> Any:
    """A value of a field as JSON has it."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if hasattr(value, "__dataclass_fields__"):  # an accuracy law
        return {"kind": value.kind} | {name: getattr(value, name) for name in value.__dataclass_fields__}
    return [plain(v) for v in value] if isinstance(value, tuple) else value
