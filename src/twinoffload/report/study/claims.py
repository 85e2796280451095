"""How the report introduces the paper's claims and readings."""

from collections.abc import Sequence
from typing import NamedTuple

from twinoffload.experiments import claims

MAIN = "main"


class Told(NamedTuple):
    """What the report adds to a claim.

    Attributes:
        title: a few words.
        figures: that bear on it.
        note: what the theory says of it, whatever the tables do; prose, see `prose`.
    """

    title: str = ""
    figures: tuple[str, ...] = ()
    note: str = ""


class Claim(NamedTuple):
    """A claim as the report shows it.

    Attributes:
        id: "C1" ..., of the paper; "D1" ..., what its contradictions imply.
        words: what is claimed.
        place: in the paper.
        told: what the report adds.
    """

    id: str
    words: str
    place: str
    told: Told

    @property
    def name(self) -> str:
        """Such as "C4 (bandwidth)"."""
        return f"{self.id} ({self.told.title})" if self.told.title else self.id


_PROVED = "[proved](docs/paper.md#what-is-proved-and-where-it-is-tested)"
_PRINTED = "docs/paper.md#where-the-paper-contradicts-itself"
TOLD = {
    "C1": Told(
        "the mAPs converge",
        ("fig2",),
        "The paper has no criterion. Here a curve has settled at the first episode after which its mean over ten "
        "episodes stays within 5 % of the final value; one that may still drift at the end has not. Curves are those "
        "of exploring policies, and a settled policy need not be a good one: the regret stands beside.",
    ),
    "C2": Told("the operator converges", ("fig3",), "Figs. 2 and 3 are two plots of the same training."),
    "C3": Told("small and large learning rates", ("fig2", "fig3")),
    "C4": Told(
        "bandwidth",
        ("fig4",),
        "More bandwidth makes a MB arrive sooner (Eq. 1), which lowers its delay cost D and with it s = e + D, on "
        f"which both utilities depend. At `admission` the operator never loses by it ({_PROVED}).",
    ),
    "C5": Told(
        "computing capability",
        ("fig5",),
        "For a pair at a held rate only a price cap that binds makes the two go different ways: see "
        "[below](#why-fig-5-needs-the-cap).",
    ),
    "C6": Told(
        "number of mAPs",
        ("fig6",),
        "At the operator's optimum, `admission`, that needs mAPs that interfere even while they send nothing: see "
        "[below](#why-the-optimum-falls-with-n-only-if-idle-maps-interfere). Other numbers of mAPs have other "
        "channels: seeds are paired by their number here, which takes nothing out.",
    ),
    "C7": Told(
        "number of BSs",
        ("fig6",),
        f"One more BS is one more place to send to: at `admission` the operator never loses by it ({_PROVED}).",
    ),
    "C8": Told(
        "weight of accuracy",
        ("fig7",),
        "The paper prints no values of γᴬ. No operator can earn more than `admission` from mAPs that answer at their "
        "best; one that does is paid by mAPs who buy too much, and their regret says how much.",
    ),
    "C9": Told("time of a decision", (), "All times: [below](#timing)."),
    "C10": Told(
        "Propositions 1 and 2",
        (),
        "As printed, Eq. 15 lacks its clip and Eq. 19 the weight of delay: what is tested are the mended forms "
        f"([what was changed]({_PRINTED})). D5 has the printed ones.",
    ),
    "C11": Told(
        "growth of cost",
        (),
        "All times and fits: [below](#timing). Algorithm 1 as printed has two nested loops of W steps, in which N "
        f"amounts at each of M BSs change: W² N M ([counted]({_PRINTED}), D4).",
    ),
    "C12": Told(
        "accuracy against data",
        (),
        "The paper assumes Eq. 7 and trains nothing. Here models were trained on data of the simulated network; all "
        "curves and fits: [below](#the-ai-training-that-is-sold). How laws are fitted and compared: "
        "[calibration](docs/calibrate.md#how-laws-are-fitted-and-compared).",
    ),
    "D1": Told("Fig. 5 needs the cap", ("fig5",), "See [below](#why-fig-5-needs-the-cap)."),
    "D2": Told(
        "the optimum and the number of mAPs",
        ("fig6",),
        "See [below](#why-the-optimum-falls-with-n-only-if-idle-maps-interfere).",
    ),
    "D3": Told("the discount adds noise", (), "See [below](#why-a-discount-of-0-is-exact)."),
    "D4": Told("Algorithm 1 and the number of BSs", (), f"[The paper's contradictions]({_PRINTED})."),
    "D5": Told("Eqs. 15 and 19 as printed", (), f"[The paper's contradictions]({_PRINTED})."),
    "D6": Told("what Eq. 34 hides", (), "See [below](#what-maps-that-cannot-see-interference-lose)."),
    "D7": Told("Table 2's settings", (), "[What the learners reach](docs/learning.md#what-the-learners-reach)."),
}
_KNOWN = {claim.id: claim for claim in claims.CLAIMS}
READINGS = claims.READINGS


def claim_named(name: str) -> Claim:
    """A claim of this id; one that nobody registered has no words but its parts'."""
    told = TOLD.get(name, Told())
    known = _KNOWN.get(name)
    if known is None:
        return Claim(name, "", "", told)
    sections = "sections" if "," in known.figure else "section"
    place = f"{sections} {known.figure}" if known.figure[:1].isdecimal() else known.figure
    return Claim(name, known.words, place, told)


def in_order(claims: Sequence[str]) -> list[str]:
    """Each once: the paper's by number, then what its contradictions imply."""
    return sorted(set(claims), key=lambda name: (name[:1], int(name[1:]) if name[1:].isdecimal() else 0, name))


def readings_in_order(readings: Sequence[str]) -> list[str]:
    """Each once: the main one first, then those known, then the others by name."""
    known = list(READINGS)
    return sorted(set(readings), key=lambda name: (known.index(name) if name in known else len(known), name))
