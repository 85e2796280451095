"""A measured learning curve: accuracy (Eq. 8) against the data that a twin was trained on, and how far it scatters."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

SEEDS = 5  # from which on seeds alone tell how far a curve scatters
_PRIOR = 4.0  # degrees of freedom by which a size's variance is drawn to that of all sizes
_MAD = 1.4826  # standard deviations in a median absolute deviation of normal values


@dataclass(frozen=True, eq=False)
class Curve:
    """Measurements of one task on one structure.

    Attributes:
        size_mb: data of each measurement, above 0, float64 `[P]`.
        accuracy: phi of each, as measured, float64 `[P]`.
        seed: which training it belongs to, int64 `[P]`; None where nobody told.
        task: of the twin; "" where nobody told.
        structure: of the model; "" where nobody told.
    """

    size_mb: np.ndarray
    accuracy: np.ndarray
    seed: np.ndarray | None = None
    task: str = ""
    structure: str = ""

    @property
    def label(self) -> str:
        """Task and structure, as far as they are known."""
        return ", ".join(name for name in (self.task, self.structure) if name) or "curve"

    @cached_property
    def sizes(self) -> np.ndarray:
        """The different sizes in MB, ascending, `[S]`."""
        return np.unique(self.size_mb)

    @cached_property
    def place(self) -> np.ndarray:
        """Index of each measurement's size, `[P]`."""
        return np.searchsorted(self.sizes, self.size_mb)

    @cached_property
    def counts(self) -> np.ndarray:
        """Measurements at each size, `[S]`."""
        return np.bincount(self.place, minlength=len(self.sizes))

    @cached_property
    def means(self) -> np.ndarray:
        """Mean accuracy at each size, `[S]`."""
        return np.bincount(self.place, self.accuracy) / self.counts

    @cached_property
    def seeds(self) -> np.ndarray:
        """The different seeds; empty where nobody told."""
        return np.unique(self.seed) if self.seed is not None else np.empty(0, np.int64)

    @property
    def has_seeds(self) -> bool:
        """Whether there are enough seeds to resample."""
        return len(self.seeds) >= SEEDS

    @cached_property
    def variance(self) -> np.ndarray:
        """Variance of one measurement at each size, `[S]`.

        Where sizes were measured repeatedly, that of each size drawn to a power of the size through all of them (few
        seeds tell a variance badly); else one for all sizes, from how far a point lies off the line through its
        neighbours.
        """
        freedom = self.counts - 1
        if freedom.sum() < len(self.sizes):
            return np.full(len(self.sizes), self._rough_deviation() ** 2)
        off = self.accuracy - self.means[self.place]
        squares = np.bincount(self.place, off**2)
        return (squares + _PRIOR * self._trend(squares, freedom)) / (freedom + _PRIOR)

    @cached_property
    def freedom(self) -> float:
        """Degrees of freedom of `variance`; 0 where no size was measured repeatedly."""
        freedom = int((self.counts - 1).sum())
        return float(freedom) if freedom >= len(self.sizes) else 0.0

    def _trend(self, squares: np.ndarray, freedom: np.ndarray) -> np.ndarray:
        """Variance as a power of the size, so scaled that all squares together are what it expects, `[S]`."""
        usable = (freedom > 0) & (squares > 0)
        trend = np.ones(len(squares))
        if usable.sum() >= 3:
            logs, variance = np.log(self.sizes), squares[usable] / freedom[usable]
            trend = np.exp(np.polyval(np.polyfit(logs[usable], np.log(variance), 1, w=np.sqrt(freedom[usable])), logs))
        return trend * squares.sum() / (freedom * trend).sum()

    def _rough_deviation(self) -> float:
        if len(self.sizes) < 3:
            return 0.0
        x, y = np.log(self.sizes), self.means
        share = (x[1:-1] - x[:-2]) / (x[2:] - x[:-2])
        off = y[1:-1] - (1 - share) * y[:-2] - share * y[2:]
        return float(_MAD * np.median(np.abs(off) / np.sqrt(1 + share**2 + (1 - share) ** 2)))

    def at(self, sizes: Sequence[float] | np.ndarray) -> "Curve":
        """The measurements at some of the sizes."""
        return self.only(np.isin(self.size_mb, sizes))

    def of_seed(self, seed: int) -> "Curve":
        """The measurements of one seed."""
        assert self.seed is not None
        return self.only(self.seed == seed)

    def only(self, chosen: np.ndarray) -> "Curve":
        """The measurements that a mask `[P]` names."""
        seed = None if self.seed is None else self.seed[chosen]
        return Curve(self.size_mb[chosen], self.accuracy[chosen], seed, self.task, self.structure)
