"""Accuracy laws fitted to measured learning curves: weighted least squares that a few stray points do not bend.

Four laws, exactly the classes of `game.accuracy_law` with their ceiling at 1 or free: Eq. 7 (`exponential`), and
`exponential with ceiling`, `power`, `power with ceiling`. All are functions of v = a Z with a = rho x in 1/MB; that
product is all that a curve can tell of rho and x.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy.optimize import leastsq

from twinoffload.game.accuracy_law import Exponential, PowerLaw
from twinoffload.twin.curve import Curve

TRUSTED = 0.01  # of phi: no mean is weighted as if it were known better, since no law is true to less
_STRAY = 3.0  # standard deviations from which on a residual counts linearly, not as its square
_BOUNDS = {"ceiling": (1e-3, 1.0), "exponent": (0.02, 50.0)}  # beyond 50 a power law is Eq. 7 to 0.005 of phi
_REACH = 1e4  # a lies between 1/_REACH of what the largest size tells and _REACH times what the smallest tells
_STARTS = 33, (0.3, 1.0, 4.0)  # values of a and of the exponent among which the search begins


_CALLS = 400  # of the residuals; where parameters trade off against each other along a flat valley, any will do
_SHIFT = 2.0  # of angles, away from 0: leastsq takes its steps relative to them


@dataclass(frozen=True)
class Kind:
    """A law but for its parameters.

    Attributes:
        name: in files of results.
        shape: names of its parameters beside a, as the law's class calls them.
    """

    name: str
    shape: tuple[str, ...]

    @property
    def title(self) -> str:
        """The name for people: Eq. 7 is called by its number."""
        return self.name.replace("exponential", "Eq. 7")

    @property
    def parameters(self) -> int:
        """How many are fitted to one curve."""
        return 1 + len(self.shape)

    def law(self, shape: Sequence[float] | np.ndarray) -> Exponential | PowerLaw:
        """The law with these parameters, in the order of `shape`."""
        values = {name: min(float(one), _BOUNDS[name][1]) for name, one in zip(self.shape, shape, strict=True)}
        ceiling = values.get("ceiling", 1.0)
        return PowerLaw(values["exponent"], ceiling) if "exponent" in values else Exponential(ceiling)


EQ_7 = Kind("exponential", ())
LAWS = (
    EQ_7,
    Kind("exponential with ceiling", ("ceiling",)),
    Kind("power", ("exponent",)),
    Kind("power with ceiling", ("exponent", "ceiling")),
)
"""From the simplest; of two with as many parameters the one closer to Eq. 7 is first."""


@dataclass(frozen=True, eq=False)
class Fit:
    """A law through one curve, or through several that share its shape and have an a each.

    Attributes:
        kind: of law.
        a: rho x of each curve, 1/MB, `[G]`.
        shape: its other parameters, `[len(kind.shape)]`.
    """

    kind: Kind
    a: np.ndarray
    shape: np.ndarray

    @property
    def law(self) -> Exponential | PowerLaw:
        """Of `game.accuracy_law`."""
        return self.kind.law(self.shape)

    @property
    def is_bent_as_eq_7(self) -> bool:
        """Whether it has an exponent, and that at its upper bound: it stands for Eq. 7's shape, and is no estimate."""
        values = dict(zip(self.kind.shape, self.shape, strict=True))
        return values.get("exponent", 0.0) > 0.99 * _BOUNDS["exponent"][1]

    def predict(self, size_mb: np.ndarray, group: int = 0) -> np.ndarray:
        """Accuracy after training on so much data, MB, any shape."""
        return _value(self.kind, self.a[group] * size_mb, self.shape)


def fit_law(kind: Kind, *curves: Curve, means: Sequence[np.ndarray] | None = None) -> Fit:
    """A law through curves that share its shape, each with its own a.

    The residuals are those of the means over each size, in units of the root of (variance of the mean +
    `TRUSTED` squared); those beyond 3 count linearly, so that a run that went astray does not bend the fit. The search
    begins at the best of a grid, never at a fit to other data: along a flat valley, or at a bound, it would stay there.

    Args:
        kind: of law.
        curves: at least one.
        means: of each curve at each of its sizes, instead of the measured ones (resampled).

    Raises:
        ValueError: a curve with fewer sizes than parameters.
    """
    problem = _Problem(kind, curves, means)
    begin = problem.angles(problem.start())
    found = leastsq(problem.residuals, begin, xtol=1e-6, ftol=1e-9, maxfev=_CALLS, full_output=True)
    parameters = problem.parameters(found[0])
    return Fit(kind, parameters[: len(curves)], parameters[len(curves) :])


class _Problem:
    """What is minimised over (a of each curve, shape), their logarithms kept between bounds by a sine."""

    def __init__(self, kind: Kind, curves: Sequence[Curve], means: Sequence[np.ndarray] | None):
        for curve in curves:
            if len(curve.sizes) < kind.parameters:
                raise ValueError(
                    f"{curve.label}: {len(curve.sizes)} sizes cannot fit the {kind.parameters} parameters of the law "
                    f"{kind.name!r}; measure more"
                )
        self.kind, self.curves = kind, curves
        self.size = np.concatenate([curve.sizes for curve in curves])
        self.group = np.repeat(np.arange(len(curves)), [len(curve.sizes) for curve in curves])
        self.mean = np.concatenate([curve.means for curve in curves] if means is None else means)
        variance = np.concatenate([curve.variance / curve.counts for curve in curves])
        self.weight = 1.0 / np.sqrt(variance + TRUSTED**2)
        ends = [(1.0 / (_REACH * curve.sizes[-1]), _REACH / curve.sizes[0]) for curve in curves]
        low, high = np.log([*ends, *(_BOUNDS[name] for name in kind.shape)]).T
        self.middle, self.half = (low + high) / 2, (high - low) / 2

    def parameters(self, angles: np.ndarray) -> np.ndarray:
        """(a of each curve, shape), within their bounds whatever the angles are."""
        return np.exp(self.middle + self.half * np.sin(angles - _SHIFT))

    def angles(self, parameters: np.ndarray) -> np.ndarray:
        """The inverse of `parameters`; just inside of a bound, where the sine still has a slope."""
        return _SHIFT + np.arcsin(np.clip((np.log(parameters) - self.middle) / self.half, -0.999, 0.999))

    def residuals(self, angles: np.ndarray) -> np.ndarray:
        """`[S]`, standardised; the sum of their squares is the loss soft_l1 of scipy."""
        values = self.parameters(angles)
        a, shape = values[: len(self.curves)], values[len(self.curves) :]
        off = (_value(self.kind, a[self.group] * self.size, shape) - self.mean) * self.weight / _STRAY
        return np.copysign(np.sqrt(2.0 * (np.sqrt(1.0 + off**2) - 1.0)), off)

    def start(self) -> np.ndarray:
        """The best of a grid over a and the exponent; the best ceiling for each is linear."""
        count, exponents = _STARTS
        found: list[tuple[float, np.ndarray]] = []
        for exponent in exponents if "exponent" in self.kind.shape else (1.0,):
            error, a, ceilings = 0.0, [], []
            for g, curve in enumerate(self.curves):
                mine = self.group == g
                tried = np.geomspace(0.05 / curve.sizes[-1], 20.0 / curve.sizes[0], count)
                value = _value(self.kind, tried[:, None] * curve.sizes, _shape(self.kind, exponent, 1.0))
                y, w = self.mean[mine], self.weight[mine] ** 2
                ceiling = np.clip((value * y) @ w / np.maximum(value**2 @ w, 1e-12), 0.02, 0.98)
                fitted = value * ceiling[:, None] if "ceiling" in self.kind.shape else value
                errors = (fitted - y) ** 2 @ w
                best = int(errors.argmin())
                error += errors[best]
                a.append(tried[best])
                ceilings.append(ceiling[best])
            found.append((error, np.r_[a, _shape(self.kind, exponent, max(ceilings))]))
        return min(found, key=lambda one: one[0])[1]


def _shape(kind: Kind, exponent: float, ceiling: float) -> np.ndarray:
    values = {"exponent": exponent, "ceiling": ceiling}
    return np.array([values[name] for name in kind.shape])


def _value(kind: Kind, v: np.ndarray, shape: np.ndarray) -> np.ndarray:
    return kind.law(shape).value(torch.from_numpy(np.ascontiguousarray(v))).numpy()
