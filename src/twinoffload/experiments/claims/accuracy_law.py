"""C12: whether accuracy measured after training (Eq. 8) grows with data as Eq. 7 says (learning_curves.csv).

Each seed has a curve of its own, its own data and first weights, so that seeds are independent. A law's error is how
far, in phi, it misses a seed's measurements at sizes left out of its fit (`twin.law_choice`). The best rival is the law
of least mean error beside Eq. 7.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from twinoffload.experiments.claims import commands
from twinoffload.experiments.claims.part import Part, all_of, joined, shifted, verdicts
from twinoffload.experiments.claims.study_folder import Tables
from twinoffload.experiments.claims.trend import trend
from twinoffload.experiments.interval import Interval
from twinoffload.experiments.verdict import Verdict
from twinoffload.twin.curve import Curve
from twinoffload.twin.curve_table import measured
from twinoffload.twin.law_choice import WORSE, seed_errors
from twinoffload.twin.law_fit import EQ_7, LAWS, Kind, fit_law

RISE = 0.01  # of phi: what is less is no rise
BENT = 0.005  # of phi: so far below the chords of its neighbours a curve may lie on average
_FEWEST = 4  # sizes
_UNIT = "of φ"


def eq_7(tables: Tables, reading: str) -> list[Verdict]:
    """C12: Eq. 7 predicts as well as the best rival law; and, which it implies, accuracy rises and is concave."""
    if tables.learning_curves is None or tables.learning_curves.is_empty():
        part = Part(
            f"Eq. 7 misses sizes left out by at most {WORSE:g} more than the best rival law", _UNIT, commands.TWIN
        )
        return verdicts("C12", reading, [replace(part, reason=f"not measured: `{commands.TWIN}` measures it")])
    curves = measured(tables.learning_curves)
    return verdicts("C12", reading, [make(curve) for make in (_fits, _rises, _is_concave) for curve in curves])


def _fits(curve: Curve) -> Part:
    part = _part(f"{curve.label}: Eq. 7 misses sizes left out by at most {WORSE:g} more than the best rival law", curve)
    if part.reason:
        return part
    errors = {kind: seed_errors(kind, curve) for kind in LAWS}
    errors = {kind: values for kind, values in errors.items() if np.isfinite(values).all()}
    rivals = [kind for kind in errors if kind != EQ_7]
    best = min(rivals, key=lambda kind: errors[kind].mean())
    found = shifted(part, errors[best] - errors[EQ_7], above=-WORSE, margin=0.0)
    assert found.effect is not None
    middle, low, high = found.effect
    said = (_told(kind, curve, float(errors[kind].mean())) for kind in (best, EQ_7))
    return replace(found, effect=Interval(-middle, -high, -low), reason=joined(*said))


def _rises(curve: Curve) -> Part:
    part = _part(f"{curve.label}: accuracy rises with data, nowhere falls", curve)
    if part.reason:
        return part
    return trend(part, dict(enumerate(_by_seed(curve))), [float(f"{size:.3g}") for size in curve.sizes], 1, RISE)


def _is_concave(curve: Curve) -> Part:
    part = _part(f"{curve.label}: accuracy is concave in data, below and above the middle size", curve)
    if part.reason:
        return part
    values, sizes = _by_seed(curve), curve.sizes
    share = (sizes[1:-1] - sizes[:-2]) / (sizes[2:] - sizes[:-2])
    bows = values[:, 1:-1] - (1 - share) * values[:, :-2] - share * values[:, 2:]
    halves = np.array_split(bows, 2, axis=1)
    ends = (f"up to {sizes[halves[0].shape[1]]:.2g} MB", "beyond")
    said = []
    for half, where in zip(halves, ends, strict=True):
        told = replace(part, reason=f"{np.median(half.mean(1)):+.3f} {where}")
        said.append(shifted(told, half.mean(1), above=-BENT, margin=0.0))
    return all_of(part, said)


def _part(words: str, curve: Curve) -> Part:
    few = len(curve.sizes) < _FEWEST
    reason = f"{len(curve.sizes)} sizes, fewer than {_FEWEST}; `{commands.TWIN}` measures more" if few else ""
    return Part(words, _UNIT, commands.TWIN, reason=reason)


def _by_seed(curve: Curve) -> np.ndarray:
    """Accuracy `[seeds, S]`."""
    sums = np.zeros((len(curve.seeds), len(curve.sizes)))
    counts = np.zeros_like(sums)
    at = np.searchsorted(curve.seeds, curve.seed if curve.seed is not None else ()), curve.place
    np.add.at(sums, at, curve.accuracy)
    np.add.at(counts, at, 1.0)
    return sums / counts


def _told(kind: Kind, curve: Curve, error: float) -> str:
    """Such as "power: error 0.012, a = 1.2 1/MB, exponent 0.5"."""
    fit = fit_law(kind, curve)
    shape: Sequence[str] = [f"{name} {value:.2g}" for name, value in zip(kind.shape, fit.shape, strict=True)]
    if fit.is_bent_as_eq_7:
        shape = ["exponent at its bound, Eq. 7's shape", *shape[1:]]
    return ", ".join([f"{kind.title}: error {error:.3f}", f"a = {fit.a[0]:.3g} 1/MB", *shape])
