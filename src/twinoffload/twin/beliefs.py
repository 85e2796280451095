"""What operator and mAPs may believe of accuracy when they price and buy: the paper's law, or one that was measured."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from twinoffload.scenario import Scenario
from twinoffload.twin.calibration import scenario_fields
from twinoffload.twin.curve import Curve
from twinoffload.twin.law_fit import EQ_7

PRINTED, CALIBRATED, LAW = "printed", "eq7", "law"


@dataclass(frozen=True)
class Belief:
    """A scenario as somebody believes it to be.

    Attributes:
        name: `printed`: Eq. 7 with the scenario's own quality and weight of accuracy (its own law, if it has another).
            `eq7`: Eq. 7 fitted to learning curves. `law`: the law that predicts them best.
        scenario: with that law.
        error: mean by which the law misses sizes left out of its fit, phi; None where it was not fitted.
    """

    name: str
    scenario: Scenario
    error: float | None = None


def beliefs(scenario: Scenario, curves: Mapping[str, Curve], structures: Sequence[str]) -> tuple[Belief, ...]:
    """The three beliefs, the measured law last.

    A scenario has one law for all BSs. So each law is fitted to the curves of all structures at once, with one shape
    and, for each BS, an a = rho x of its own.

    Args:
        scenario: what the loop is played on.
        curves: measured, by structure.
        structures: of the M BSs.

    Raises:
        ValueError: a structure without a curve, or a value that no scenario takes.
    """
    eq_7 = scenario_fields(curves, structures, (EQ_7,))
    law = scenario_fields(curves, structures)
    no_other = {"accuracy_law": {"kind": "exponential"}}
    return (
        Belief(PRINTED, scenario),
        Belief(CALIBRATED, scenario.replace(**(no_other | eq_7.values)), eq_7.error),
        Belief(LAW, scenario.replace(**(no_other | law.values)), law.error),
    )
