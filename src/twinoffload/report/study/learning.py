"""The learning curves of a study: what each says of the laws, as rows of a table, and their picture."""

from typing import NamedTuple

import polars as pl

from twinoffload.report import learning_curves
from twinoffload.report.wording import number
from twinoffload.twin.calibration import Calibration, calibrate
from twinoffload.twin.curve import Curve
from twinoffload.twin.curve_table import measured
from twinoffload.twin.fit_intervals import Coverage, coverage
from twinoffload.twin.law_choice import FEWEST_HALVED
from twinoffload.twin.law_fit import EQ_7, LAWS

NAMES = tuple(kind.title for kind in LAWS)
"""As tables head them."""


class Row(NamedTuple):
    """A curve in the table of fits; numbers as text.

    Attributes:
        curve: task and structure.
        law: which was chosen.
        a, exponent, ceiling: of it, with intervals; empty where it has none.
        errors: of each law at sizes left out.
        fits: whether Eq. 7 does, in a sentence.
        covered: of single measurements at the other half of the sizes, how many lie in their interval, and its reach.
        covered_by_eq_7: the same of Eq. 7.
    """

    curve: str
    law: str
    a: str
    exponent: str
    ceiling: str
    errors: list[str]
    fits: str
    covered: str
    covered_by_eq_7: str


def fitted(table: pl.DataFrame) -> list[Calibration]:
    """Each curve with at least four sizes, with its laws."""
    return [calibrate(curve) for curve in measured(table) if len(curve.sizes) >= 4]


def row(found: Calibration) -> Row:
    """What the table says of a curve."""
    curve, parameters = found.curve, found.law.parameters
    told = {name: _told(*values) for name, values in parameters.items()}
    errors = [found.choice.error(kind) for kind in LAWS]
    return Row(
        curve.label,
        found.choice.chosen.title,
        told["a"],
        told.get("exponent", ""),
        told.get("ceiling", ""),
        [number(error, 4) for error in errors],
        found.sentence,
        *_halved(curve),
    )


def draw(found: list[Calibration]) -> str:
    """An SVG element."""
    return learning_curves.svg(found)


def _told(value: float, low: float, high: float) -> str:
    return f"{value:.3g} [{low:.3g}, {high:.3g}]"


def _halved(curve: Curve) -> tuple[str, str]:
    """Of the law chosen on half of the sizes, and of Eq. 7, such as "97 %, ± 0.12 (power)" and "100 %, ± 0.36"."""
    if len(curve.sizes) < FEWEST_HALVED:
        return "–", "–"
    chosen, eq_7 = coverage(curve), coverage(curve, EQ_7)
    return f"{_covered(chosen)} ({chosen.kind.title})", _covered(eq_7)


def _covered(found: Coverage) -> str:
    return f"{100 * found.singles:.0f} %, ± {found.reach:.2f}"
