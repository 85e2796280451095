"""Kinds of values that a scenario's fields take: numbers, repeating lists, rows, ranges; and their bounds."""

from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np
import torch
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.fields import FieldInfo
from torch import Tensor


class Uniform(BaseModel):
    """A value drawn uniformly for each mAP and episode and seen by that mAP alone: `{uniform: [low, high]}`."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    uniform: tuple[float, float]

    @property
    def mean(self) -> float:
        """The middle of the range."""
        return sum(self.uniform) / 2

    def draw(self, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
        """Independent values, float64 of a shape."""
        low, high = self.uniform
        return low + (high - low) * torch.rand(shape, dtype=torch.float64, generator=generator)


def _plain(value: Any) -> Any:
    """Arrays as lists; YAML's yes and no are not numbers."""
    if isinstance(value, torch.Tensor | np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, bool):
        raise ValueError("must be a number, not true or false")
    return [_plain(v) for v in value] if isinstance(value, list | tuple) else value


def _rectangular(value: Any) -> Any:
    """Rows of equal length."""
    if isinstance(value, list) and any(isinstance(v, list) for v in value):
        lengths = {len(v) if isinstance(v, list) else None for v in value}
        if len(lengths) > 1 or 0 in lengths:
            raise ValueError("must be rows of equal length, one a mAP, with a number for each BS")
    return value


Number = Annotated[float, BeforeValidator(_plain)]
Series = Annotated[float | tuple[float, ...], BeforeValidator(_plain)]
Table = Annotated[
    float | tuple[float, ...] | tuple[tuple[float, ...], ...], BeforeValidator(_rectangular), BeforeValidator(_plain)
]


def series(default: Any, description: str, unit: str, low: float, high: float, *, above: bool = False) -> Any:
    """A field of values of one unit, each in [low, high]; where `above`, not `low` itself."""
    lowest = {"exclusiveMinimum" if above else "minimum": low}
    extra: dict[str, Any] = {"unit": unit, "each": lowest | {"maximum": high}}
    return Field(default, description=description, json_schema_extra=extra)


def unit_of(field: FieldInfo) -> str:
    """The unit of a field; empty where it has none."""
    return _extra(field).get("unit", "")


def limits(field: FieldInfo) -> dict[str, float]:
    """The bounds of a field's numbers, in the words of JSON Schema."""
    found = dict(_extra(field).get("each", {}))
    words = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}
    for rule in field.metadata:
        found |= {word: getattr(rule, name) for name, word in words.items() if hasattr(rule, name)}
    return found


def interval(bounds: dict[str, float]) -> str:
    """Bounds as an interval, such as `(0, 100]`; empty where there are none."""
    if not bounds:
        return ""
    low = f"[{bounds['minimum']:g}" if "minimum" in bounds else f"({bounds.get('exclusiveMinimum', float('-inf')):g}"
    high = f"{bounds['maximum']:g}]" if "maximum" in bounds else f"{bounds.get('exclusiveMaximum', float('inf')):g})"
    return f"{low}, {high}".replace("e+0", "e")


def describe(field: FieldInfo) -> str:
    """Meaning, unit and bounds of a field in words."""
    head, sign, tail = (field.description or "").partition("; ")
    unit = f", {unit_of(field)}" if unit_of(field) else ""
    bounds = f", in {interval(_extra(field)['each'])}" if {"unit", "each"} <= set(_extra(field)) else ""
    return f"{head}{unit}{sign}{tail}{bounds}"


def within(value: Any, bounds: dict[str, float]) -> Any:
    """The value, if each number in it is in its bounds.

    Raises:
        ValueError: telling the bounds.
    """
    numbers = list(_numbers(value))
    if not numbers:
        raise ValueError("must have at least one value")
    for v in numbers:
        low = v > bounds["exclusiveMinimum"] if "exclusiveMinimum" in bounds else v >= bounds["minimum"]
        if not (low and v <= bounds["maximum"]):
            raise ValueError(f"must be in {interval(bounds)}")
    return value


def repeat(value: Any, *lengths: int) -> Tensor:
    """A number, or lists that repeat along each axis, as float64 `[*lengths]`; a plain list runs along the first."""
    values = torch.tensor(value, dtype=torch.float64)
    values = values.reshape(1) if values.ndim == 0 else values
    for axis in range(values.ndim):
        index = torch.arange(lengths[axis]) % values.shape[axis]
        values = values.index_select(axis, index)
    return values


def _numbers(value: Any) -> Iterator[float]:
    if isinstance(value, tuple):
        for v in value:
            yield from _numbers(v)
    else:
        yield value


def _extra(field: FieldInfo) -> dict[str, Any]:
    return field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
