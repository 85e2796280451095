"""How sure a fitted law is of its parameters and of what will be measured, and whether that can be trusted.

Seeds are resampled as wholes where a curve has five or more: a seed's measurements share their test data. Else the
residuals are, at their own sizes, with random signs and sizes (wild bootstrap), since they need not scatter alike.
"""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from twinoffload.twin.curve import Curve
from twinoffload.twin.law_choice import FEWEST_HALVED, choose
from twinoffload.twin.law_fit import Fit, Kind, fit_law

REPLICATES = 300
_SIDES = 0.025, 0.975


@dataclass(frozen=True, eq=False)
class Uncertain:
    """A law with intervals.

    Attributes:
        fit: to the measurements.
        curve: that it was fitted to.
        replicates: (a, shape) fitted to resampled curves, `[replicates, 1 + len(shape)]`.
        misfit: variance of sizes' true means about the law, as far as it shows at sizes left out one by one.
    """

    fit: Fit
    curve: Curve
    replicates: np.ndarray
    misfit: float

    @property
    def parameters(self) -> dict[str, tuple[float, float, float]]:
        """Estimate and 95 % interval (percentiles of the replicates) of `a` in 1/MB and each of the shape's."""
        names = ("a", *self.fit.kind.shape)
        estimates = np.r_[self.fit.a, self.fit.shape]
        low, high = np.quantile(self.replicates, _SIDES, axis=0)
        return {
            name: (float(estimates[i]), float(min(low[i], estimates[i])), float(max(high[i], estimates[i])))
            for i, name in enumerate(names)
        }

    def band(self, size_mb: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """95 % interval of the law itself at some sizes, `[S]` each."""
        low, high = np.quantile(self._curves(size_mb), _SIDES, axis=0)
        value = self.fit.predict(size_mb)
        return np.minimum(low, value), np.maximum(high, value)

    def predict(self, size_mb: np.ndarray, measurements: float | np.ndarray = 1.0) -> tuple[np.ndarray, np.ndarray]:
        """95 % interval of a mean of so many new measurements at some sizes, `[S]` each.

        Three variances add up: of the law's parameters; `misfit`; and of a measurement, taken between sizes along
        log(size). Degrees of freedom are Satterthwaite's. phi cannot exceed 1, so the interval does not.
        """
        curve, fit = self.curve, self.fit
        noise = np.interp(np.log(size_mb), np.log(curve.sizes), curve.variance) / measurements
        spare = max(len(curve.sizes) - fit.kind.parameters, 1)
        shares = noise**2 / (curve.freedom or spare) + self.misfit**2 / spare
        freedom = np.maximum((noise + self.misfit) ** 2 / np.maximum(shares, 1e-300), 1.0)
        total = noise + self.misfit + self._curves(size_mb).var(0)
        reach = stats.t.ppf(_SIDES[1], freedom) * np.sqrt(total)
        value = fit.predict(size_mb)
        return value - reach, np.minimum(value + reach, 1.0)

    def _curves(self, size_mb: np.ndarray) -> np.ndarray:
        kind = self.fit.kind
        return np.stack([Fit(kind, one[:1], one[1:]).predict(size_mb) for one in self.replicates])


def with_intervals(kind: Kind, curve: Curve, *, seed: int = 0, replicates: int = REPLICATES) -> Uncertain:
    """Fit a law to a curve and to resampled ones; the same seed gives the same intervals."""
    rng = np.random.default_rng(seed)
    fit = fit_law(kind, curve)
    resample = _seeds if curve.has_seeds else _residuals
    means = resample(curve, fit, replicates, rng)
    refits = [fit_law(kind, curve, means=[one]) for one in means]
    return Uncertain(fit, curve, np.stack([np.r_[one.a, one.shape] for one in refits]), _misfit(curve, fit))


def _misfit(curve: Curve, fit: Fit) -> float:
    """Mean square by which a law misses sizes that it was not fitted to, less the noise of their means."""
    off = []
    for out in range(len(curve.sizes)):
        rest = curve.at(np.delete(curve.sizes, out))
        if len(rest.sizes) >= fit.kind.parameters:
            off.append(fit_law(fit.kind, rest).predict(curve.sizes[out]) - curve.means[out])
    return max(float(np.mean(np.square(off)) - np.mean(curve.variance / curve.counts)), 0.0) if off else 0.0


def _seeds(curve: Curve, fit: Fit, count: int, rng: np.random.Generator) -> np.ndarray:
    """Means over as many seeds drawn with replacement, `[count, S]`.

    Few seeds look alike: spread out to the variance of n - 1 degrees of freedom, and as Student's t is to the normal.
    """
    assert curve.seed is not None
    n = len(curve.seeds)
    at = np.searchsorted(curve.seeds, curve.seed)
    sums, counts = np.zeros((2, n, len(curve.sizes)))
    np.add.at(sums, (at, curve.place), curve.accuracy)
    np.add.at(counts, (at, curve.place), 1.0)
    times = rng.multinomial(n, np.full(n, 1.0 / n), size=count).astype(float)
    there = times @ counts
    means = np.where(there > 0, times @ sums / np.maximum(there, 1.0), curve.means)
    widened = np.sqrt(n / (n - 1)) * stats.t.ppf(_SIDES[1], n - 1) / stats.norm.ppf(_SIDES[1])
    return curve.means + widened * (means - curve.means)


def _residuals(curve: Curve, fit: Fit, count: int, rng: np.random.Generator) -> np.ndarray:
    """The law plus residuals times standard normal numbers, `[count, S]`; widened as in `_seeds`."""
    sizes = len(curve.sizes)
    value = fit.predict(curve.sizes)
    spare = max(sizes - fit.kind.parameters, 1)
    widened = np.sqrt(sizes / spare) * stats.t.ppf(_SIDES[1], spare) / stats.norm.ppf(_SIDES[1])
    return value + widened * (curve.means - value) * rng.standard_normal((count, sizes))


@dataclass(frozen=True)
class Coverage:
    """A law calibrated on every other size, tried on the sizes between.

    Attributes:
        kind: the law.
        singles: share of single measurements within their 95 % interval.
        reach: half of that interval's width, mean over the measurements, phi: a wide one holds much and tells little.
        means: share of sizes' means within theirs.
        measurements: how many were predicted.
        sizes: of how many sizes.
    """

    kind: Kind
    singles: float
    reach: float
    means: float
    measurements: int
    sizes: int


def coverage(curve: Curve, kind: Kind | None = None, *, seed: int = 0, replicates: int = REPLICATES) -> Coverage:
    """How often the 95 % interval holds what is measured at sizes that neither the law nor its choice has seen.

    The first, third, ... size calibrate; the second, fourth, ... are predicted, the largest of an even number among
    them.

    Args:
        curve: halved.
        kind: of law; default: the one chosen on the calibrating half alone.
        seed: of the replicates.
        replicates: of the calibrating half.

    Raises:
        ValueError: fewer than eight sizes.
    """
    if len(curve.sizes) < FEWEST_HALVED:
        raise ValueError(f"{curve.label}: {len(curve.sizes)} sizes; halves need at least {FEWEST_HALVED}")
    known, asked = curve.at(curve.sizes[::2]), curve.at(curve.sizes[1::2])
    kind = kind or choose(known).chosen
    law = with_intervals(kind, known, seed=seed, replicates=replicates)
    low, high = law.predict(asked.size_mb)
    mean_low, mean_high = law.predict(asked.sizes, asked.counts)
    singles = (low <= asked.accuracy) & (asked.accuracy <= high)
    means = (mean_low <= asked.means) & (asked.means <= mean_high)
    return Coverage(
        kind, float(singles.mean()), float(np.mean(high - low)) / 2, float(means.mean()), len(singles), len(means)
    )
