"""Which accuracy law a learning curve asks for, by cross-validation over its sizes, and whether Eq. 7 is good enough.

A law's error is how far, in phi, it misses the mean at sizes that it was not fitted to. Folds are of both kinds:
contiguous ones leave out neighbouring sizes, so that laws must bridge a gap or go on beyond an end, interleaved ones
leave out sizes between others. A size's error is its mean over both kinds; a law's the mean over sizes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from twinoffload.twin.curve import Curve
from twinoffload.twin.law_fit import EQ_7, LAWS, Fit, Kind, fit_law

WORSE = 0.01  # of phi: Eq. 7 may be so much worse than the best law; twins' measured accuracy scatters by as much
PATTERN = 0.02  # of phi: residuals that lie so far off Eq. 7 side by side are its misfit, whatever other laws do
TIE = 0.002  # of phi: errors closer than this are equal, however surely one is less; nobody needs such a difference
LEVEL = 0.05  # of both tests
FEWEST_HALVED = 8  # sizes from which every other one can calibrate a law
_FOLDS = 4  # of each kind
_FEW = 8  # sizes: with fewer each is left out alone


@dataclass(frozen=True, eq=False)
class Choice:
    """What cross-validation says of one curve, or of several that share the shape of their law.

    Attributes:
        kinds: laws that there are sizes enough for, from the simplest.
        errors: of each at each size left out, phi, `[len(kinds), S]`.
        chosen: the simplest law whose errors exceed the best one's by at most one standard error of the excess, or
            `TIE`.
        excess: mean by which Eq. 7's errors exceed the best law's, phi; 0 where it is the best.
        p: of the hypothesis that they do not exceed them (t-test, one-sided, paired over seeds or else over sizes).
        paired: over what: "seeds" or "sizes".
        pattern: misfit of Eq. 7 common to neighbouring sizes, phi; 0 where the noise of the means may make so much.
    """

    kinds: tuple[Kind, ...]
    errors: np.ndarray
    chosen: Kind
    excess: float
    p: float
    paired: str
    pattern: float

    @property
    def best(self) -> Kind:
        """The law of least error."""
        return self.kinds[int(self.errors.mean(1).argmin())]

    def error(self, kind: Kind) -> float | None:
        """Mean error of a law, phi; None where sizes were too few to try it."""
        return float(self.errors[self.kinds.index(kind)].mean()) if kind in self.kinds else None

    @property
    def eq_7_fits(self) -> bool:
        """Neither is Eq. 7 worse than the best law by more than `WORSE`, nor off by a pattern above `PATTERN`."""
        return not (self.excess > WORSE and self.p < LEVEL) and self.pattern <= PATTERN


def choose(*curves: Curve, laws: Sequence[Kind] = LAWS) -> Choice:
    """Compare laws on curves that share the shape of their law, each with its own a.

    Raises:
        ValueError: fewer than four sizes in a curve.
    """
    for curve in curves:
        if len(curve.sizes) < 4:
            raise ValueError(f"{curve.label}: {len(curve.sizes)} sizes; comparing laws needs at least 4")
    fewest = min(_fewest_left(len(curve.sizes)) for curve in curves)
    kinds = tuple(kind for kind in laws if kind.parameters < fewest)
    errors = np.stack([size_errors(kind, curves) for kind in kinds])
    excess = errors - errors[errors.mean(1).argmin()]
    spread = excess.std(1, ddof=1) / np.sqrt(excess.shape[1])
    chosen = kinds[int(np.argmax(excess.mean(1) <= np.maximum(spread, TIE)))]
    p, paired = _significance(curves, kinds, excess[0], kinds[int(errors.mean(1).argmin())])
    return Choice(
        kinds, errors, chosen, float(excess[0].mean()), p, paired, _pattern(fit_law(kinds[0], *curves), curves)
    )


def size_errors(kind: Kind, curves: Sequence[Curve]) -> np.ndarray:
    """Absolute error of a law at each size of each curve when left out, mean over both kinds of folds, `[S]`."""
    found = [np.zeros(len(curve.sizes)) for curve in curves]
    splits = [list(folds(len(curve.sizes))) for curve in curves]
    count = max(map(len, splits))
    for at in range(count):
        held = [split[at % len(split)] for split in splits]
        fit = fit_law(kind, *(c.at(np.delete(c.sizes, out)) for c, out in zip(curves, held, strict=True)))
        for group, (curve, out) in enumerate(zip(curves, held, strict=True)):
            found[group][out] += np.abs(fit.predict(curve.sizes[out], group) - curve.means[out])
    times = [sum(np.isin(np.arange(len(c.sizes)), s[at % len(s)]) for at in range(count))
             for c, s in zip(curves, splits, strict=True)]  # fmt: skip
    return np.concatenate([total / np.maximum(count, 1) for total, count in zip(found, times, strict=True)])


def seed_errors(kind: Kind, curve: Curve) -> np.ndarray:
    """Error of a law within each seed's own curve, `[seeds]`: seeds share nothing, so that they are independent.

    Seeds with fewer than four sizes, or too few for the law, are NaN.
    """
    found = []
    for seed in curve.seeds:
        mine = curve.of_seed(seed)
        enough = len(mine.sizes) >= 4 and kind.parameters < _fewest_left(len(mine.sizes))
        found.append(size_errors(kind, [mine]).mean() if enough else np.nan)
    return np.array(found)


def folds(sizes: int) -> Iterator[np.ndarray]:
    """Which sizes each fold leaves out: four contiguous and four interleaved folds; below eight sizes each alone."""
    everything = np.arange(sizes)
    if sizes < _FEW:
        yield from everything[:, None]
        return
    yield from np.array_split(everything, _FOLDS)
    yield from (everything[first::_FOLDS] for first in range(_FOLDS))


def _fewest_left(sizes: int) -> int:
    """Sizes in the smallest training set."""
    return sizes - max(len(out) for out in folds(sizes))


def _significance(curves: Sequence[Curve], kinds: Sequence[Kind], excess: np.ndarray, best: Kind) -> tuple[float, str]:
    if best == EQ_7 or EQ_7 not in kinds:
        return 1.0, "sizes"
    if all(curve.has_seeds for curve in curves):
        differences = np.concatenate([seed_errors(EQ_7, curve) - seed_errors(best, curve) for curve in curves])
        differences = differences[np.isfinite(differences)]
        if len(differences) >= 5:
            return _p_above_zero(differences), "seeds"
    return _p_above_zero(excess), "sizes"


def _p_above_zero(values: np.ndarray) -> float:
    if np.ptp(values) == 0.0:
        return 0.0 if values[0] > 0 else 1.0
    return float(np.asarray(stats.ttest_1samp(values, 0.0, alternative="greater"))[1])


def _pattern(fit: Fit, curves: Sequence[Curve]) -> float:
    """Root of the covariance of neighbouring residuals, where it exceeds what the noise of the means makes; phi.

    Noise of one size tells nothing of the next, so it drops out of the product; a misfit does not.
    """
    off = [curve.means - fit.predict(curve.sizes, group) for group, curve in enumerate(curves)]
    noise = [curve.variance / curve.counts for curve in curves]
    products = np.concatenate([one[1:] * one[:-1] for one in off])
    spread = np.concatenate([one[1:] * one[:-1] for one in noise]).mean()
    by_chance = float(stats.norm.ppf(1 - LEVEL)) * np.sqrt(spread / len(products))
    return float(np.sqrt(products.mean())) if products.mean() > by_chance else 0.0
