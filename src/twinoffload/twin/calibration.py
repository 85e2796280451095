"""From measured learning curves to a scenario's fields: `quality`, `accuracy_weight` and `accuracy_law`."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import yaml

from twinoffload.twin.curve import Curve
from twinoffload.twin.fit_intervals import REPLICATES, Uncertain, with_intervals
from twinoffload.twin.law_choice import LEVEL, PATTERN, WORSE, Choice, choose
from twinoffload.twin.law_fit import EQ_7, LAWS, Kind, fit_law

_DIGITS = 6  # of a scenario's values
_LARGEST = 1000.0  # 1/MB, of `Scenario.accuracy_weight`


@dataclass(frozen=True, eq=False)
class Calibration:
    """What a curve says.

    Attributes:
        curve: measured.
        choice: among the laws.
        law: the chosen one.
        eq_7: the paper's, which may be the same.
    """

    curve: Curve
    choice: Choice
    law: Uncertain
    eq_7: Uncertain

    @property
    def sentence(self) -> str:
        """Whether Eq. 7 fits, in plain words."""
        choice = self.choice
        if choice.eq_7_fits:
            if choice.excess > WORSE:
                least = choice.best.title
                return f"Eq. 7 cannot be told from the law {least}, though its error is {choice.excess:.3f} higher."
            return f"Eq. 7 fits: its error at sizes left out is within {WORSE:g} of the best law's."
        if choice.excess > WORSE and choice.p < LEVEL:
            return (
                f"Eq. 7 fits badly: at sizes left out it misses φ by {choice.excess:.3f} more than the law "
                f"{choice.best.title} (p = {choice.p:.2g}, paired over {choice.paired})."
            )
        return f"Eq. 7 fits badly: neighbouring sizes lie {choice.pattern:.3f} off it, more than {PATTERN:g}."


@dataclass(frozen=True)
class Fields:
    """Fields of a scenario, and what they are worth.

    Attributes:
        values: `quality`, `accuracy_weight` and, where it is not Eq. 7, `accuracy_law`.
        error: mean by which the one law of all BSs misses sizes left out, phi.
        own_error: the same if each structure had a law chosen for it alone; it may be higher, since one curve
            tells less of its law.
    """

    values: dict[str, Any]
    error: float
    own_error: float


def calibrate(curve: Curve, *, seed: int = 0, replicates: int = REPLICATES) -> Calibration:
    """Choose a law for a curve and fit it and Eq. 7, with intervals; the same seed gives the same intervals."""
    choice = choose(curve)
    eq_7 = with_intervals(EQ_7, curve, seed=seed, replicates=replicates)
    if choice.chosen == EQ_7:
        return Calibration(curve, choice, eq_7, eq_7)
    return Calibration(curve, choice, with_intervals(choice.chosen, curve, seed=seed, replicates=replicates), eq_7)


def scenario_fields(curves: Mapping[str, Curve], stations: Sequence[str], laws: Sequence[Kind] = LAWS) -> Fields:
    """Fields of a scenario whose BSs have models of these structures.

    A scenario has one law for all BSs. So it is chosen, and its shape fitted, for all structures at once, each with an
    a of its own. Only a = rho x is measured; it is split so that x (`quality`) of the best structure is 1.

    Args:
        curves: of one task, by structure.
        stations: structure of each BS in turn; a list repeats over the BSs.
        laws: among which one is chosen.

    Raises:
        ValueError: no such structure, or a value that no scenario takes.
    """
    for name in stations:
        if name not in curves:
            raise ValueError(f"structure {name!r}: not measured; name some of {', '.join(curves)}")
    used = list(dict.fromkeys(stations))
    choice = choose(*(curves[name] for name in used), laws=laws)
    chosen = choice.chosen
    fit = fit_law(chosen, *(curves[name] for name in used))
    best = float(fit.a.max())
    if best > _LARGEST:
        raise ValueError(
            f"structure {used[int(fit.a.argmax())]!r}: ρ x = {best:.4g} 1/MB, and a scenario takes up to {_LARGEST:g}; "
            "is data_mb in MB?"
        )
    share = {name: _rounded(a / best) for name, a in zip(used, fit.a, strict=True)}
    quality = [share[name] for name in stations]
    fields: dict[str, Any] = {"quality": quality if len(used) > 1 else quality[0], "accuracy_weight": _rounded(best)}
    if chosen != EQ_7:
        law = {"kind": fit.law.kind} | {name: getattr(fit.law, name) for name in chosen.shape}
        fields["accuracy_law"] = {k: v if isinstance(v, str) else _rounded(v) for k, v in law.items()}
    own = np.concatenate(
        [one.errors[one.kinds.index(one.chosen)] for one in (choose(curves[name], laws=laws) for name in used)]
    )
    return Fields(fields, choice.error(chosen) or 0.0, float(own.mean()))


def scenario_yaml(fields: Mapping[str, Any], source: str, task: str, stations: Sequence[str]) -> str:
    """A scenario file: the preset `paper` with these fields."""
    what = ", ".join(part for part in (task, f"BSs in turn {', '.join(stations)}" if any(stations) else "") if part)
    head = f"# {source}{f': {what}' if what else ''}; written by `twinoffload calibrate`.\n"
    return head + yaml.safe_dump({"extends": "paper"} | dict(fields), sort_keys=False, default_flow_style=None)


def record(found: Calibration) -> dict[str, Any]:
    """A calibration as plain values."""
    choice = found.choice
    return {
        "task": found.curve.task,
        "structure": found.curve.structure,
        "measurements": len(found.curve.accuracy),
        "sizes": len(found.curve.sizes),
        "seeds": len(found.curve.seeds) or None,
        "law": choice.chosen.name,
        "parameters": {name: _interval(*values) for name, values in found.law.parameters.items()},
        "eq_7": {name: _interval(*values) for name, values in found.eq_7.parameters.items()},
        "errors": {kind.name: float(np.mean(row)) for kind, row in zip(choice.kinds, choice.errors, strict=True)},
        "eq_7_fits": choice.eq_7_fits,
        "eq_7_excess": choice.excess,
        "eq_7_p": choice.p,
        "eq_7_pattern": choice.pattern,
        "paired_over": choice.paired,
        "sentence": found.sentence,
        "scenario_law": asdict(found.law.fit.law),
    }


def _interval(value: float, low: float, high: float) -> dict[str, float]:
    return {"value": value, "low": low, "high": high}


def _rounded(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")
