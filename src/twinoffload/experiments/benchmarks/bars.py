"""A bar: what a figure must reach, and whether it does."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from twinoffload.experiments.interval import median_interval


@dataclass(frozen=True)
class Bar:
    """A measured figure beside what it must reach. The median over `values` is what must reach it.

    Attributes:
        name: what is measured.
        values: one for each seed, or a single one.
        bound: what the median must reach; None where the figure is only shown.
        at_least: whether it must be at least or at most `bound`.
        every: the interval's worse end must reach the bound, not the median alone.
    """

    name: str
    values: Sequence[float]
    bound: float | None = None
    at_least: bool = True
    every: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Median, interval, bound and verdict, ready for a table or JSON."""
        interval = median_interval(self.values)
        worst = (interval.low if self.at_least else interval.high) if self.every else interval.median
        met = None if self.bound is None else bool(worst >= self.bound if self.at_least else worst <= self.bound)
        return {
            "name": self.name,
            **interval._asdict(),
            "bound": self.bound,
            "at_least": self.at_least,
            "whole_interval": self.every,
            "met": met,
        }
