"""What the model says of a trend or a gap, beside the verdict that it explains; docs/paper.md derives it."""

from twinoffload.experiments.claims.cells import MAPS, OPERATOR
from twinoffload.experiments.verdict import Word

EQUILIBRIUM, GAP = "equilibrium", "gap"  # what a sentence is about: a solved scheme's trend; a learned one's distance
_BOTH = (OPERATOR, MAPS)
_CAP_BINDS = (
    "the cap binds: a price that cannot follow leaves the shorter delay to the mAPs, the energy to the operator"
)
_NO_CAP = "without a cap both depend on a pair's s = e + D alone, least at f* = 12.6 Gcycle/s: past it both fall"
_INTERFERES = "an idle mAP interferes, too: a newcomer harms the others even if nothing is sold to it"
_NOTHING_WITHHELD = "no offer is withheld here: a newcomer who buys disturbs the others; `admission` could leave it out"
_BLIND = "under Eq. 34 no mAP sees how the others disturb it"

_NOTES: dict[tuple[str, str, str, str], tuple[Word, str]] = {
    **{("C5", "main", EQUILIBRIUM, measure): ("holds", _CAP_BINDS) for measure in _BOTH},
    ("C5", "uncapped", EQUILIBRIUM, OPERATOR): ("holds", _NO_CAP),
    ("C5", "uncapped", EQUILIBRIUM, MAPS): ("fails", _NO_CAP),
    **{("C6", "main", EQUILIBRIUM, measure): ("holds", _INTERFERES) for measure in _BOTH},
    ("C6", "silent", EQUILIBRIUM, OPERATOR): ("holds", _NOTHING_WITHHELD),
    **{
        ("C8", reading, GAP, measure): ("holds", _BLIND)
        for reading in ("main", "discount-0", "longer")
        for measure in _BOTH
    },
}


def note(claim: str, reading: str, about: str, measure: str) -> dict[Word, str]:
    """Sentences on a claim under a reading, by the verdict that they explain."""
    found = _NOTES.get((claim, reading, about, measure))
    return dict([found]) if found else {}
