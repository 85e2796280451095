"""What the model says of a trend or a gap, beside what the table says; docs/paper.md derives it."""

from twinoffload.experiments.claims.cells import MAPS, OPERATOR

EQUILIBRIUM, GAP = "equilibrium", "gap"  # what a sentence is about: a solved scheme's trend; a learned one's distance
_BOTH = (OPERATOR, MAPS)
_CAP_BINDS = (
    "the cap binds: a price that cannot follow leaves the shorter delay to the mAPs, the energy to the operator"
)
_NO_CAP = "without a cap both utilities depend on s = e + D alone, least at f* = 12.6 Gcycle/s: past it both fall"
_INTERFERES = "an idle mAP interferes, too: a newcomer harms the others even if nothing is sold to it"
_SILENT = "a newcomer to whom nothing is sold is silent, and harms nobody"
_BLIND = "under Eq. 34 no mAP sees how the others disturb it"

_NOTES = {
    **{("C5", "main", EQUILIBRIUM, measure): _CAP_BINDS for measure in _BOTH},
    **{("C5", "uncapped", EQUILIBRIUM, measure): _NO_CAP for measure in _BOTH},
    **{("C6", "main", EQUILIBRIUM, measure): _INTERFERES for measure in _BOTH},
    ("C6", "silent", EQUILIBRIUM, OPERATOR): _SILENT,
    **{("C8", reading, GAP, measure): _BLIND for reading in ("main", "discount-0", "longer") for measure in _BOTH},
}


def note(claim: str, reading: str, about: str, measure: str) -> str:
    """A sentence on a claim under a reading; empty where there is none."""
    return _NOTES.get((claim, reading, about, measure), "")
