"""The paper's claims, its readings and the commands behind the numbers, as words."""

from collections.abc import Sequence
from typing import NamedTuple

STUDY = "results/paper"  # where the commands write, whatever folder is reported
FIGURES = ("fig2", "fig3", "fig4", "fig5", "fig6", "fig7")
FIGURE_COMMANDS = {name: f"twinoffload reproduce {name} --out {STUDY} --resume" for name in FIGURES}
TABLE_COMMAND = f"twinoffload reproduce all --out {STUDY} --resume"
READINGS_COMMAND = f"twinoffload reproduce readings --out {STUDY} --resume"
TIMING_COMMAND = f"twinoffload reproduce timing --out {STUDY}"
PROPOSITIONS_COMMAND = f"twinoffload reproduce propositions --out {STUDY}"
CLAIMS_COMMAND = f"twinoffload claims {STUDY}"


class Claim(NamedTuple):
    """A claim as the report introduces it.

    Attributes:
        id: "C1" ..., of the paper; "D1" ..., what its contradictions imply.
        title: a few words.
        words: what is claimed.
        place: in the paper.
        figures: that bear on it.
        note: what the theory says of it, whatever the tables do; prose, see `prose`.
    """

    id: str
    title: str
    words: str
    place: str
    figures: tuple[str, ...] = ()
    note: str = ""


CLAIMS = {
    claim.id: claim
    for claim in (
        Claim(
            "C1",
            "the mAPs converge",
            "The mAPs' policies converge: at about 50 episodes with learning rates 0.05 and 0.005, at about 90 with "
            "0.0005.",
            "Fig. 2",
            ("fig2",),
            "The paper has no criterion. Here a curve has settled at the first episode after which its mean over ten "
            "episodes stays within 5 % of the final value. Curves are those of exploring policies, and a settled policy "
            "need not be a good one: the regret stands beside.",
        ),
        Claim(
            "C2",
            "the operator converges",
            "The pricing policy converges at the corresponding episode.",
            "Fig. 3",
            ("fig3",),
            "Figs. 2 and 3 are two plots of the same training.",
        ),
        Claim(
            "C3",
            "small and large learning rates",
            "A small learning rate learns slowly and smoothly; a large one can end in a local optimum.",
            "section 6.2",
            ("fig2", "fig3"),
        ),
        Claim(
            "C4",
            "bandwidth",
            "The utilities of the operator and of the mAPs rise with the bandwidth W, and SAC is above TD3 and DDPG.",
            "Fig. 4",
            ("fig4",),
            "More bandwidth makes a MB arrive sooner (Eq. 1), which lowers its delay cost D and with it s = e + D, on "
            "which both utilities depend. At `admission` the operator never loses by it "
            "([proved](docs/paper.md#what-is-proved-and-where-it-is-tested)).",
        ),
        Claim(
            "C5",
            "computing capability",
            "The mAPs' utility rises with the computing capability f while the operator's may fall; SAC is above TD3 "
            "and DDPG.",
            "Fig. 5",
            ("fig5",),
            "Only a price cap that binds makes the two go different ways: see [below](#why-fig-5-needs-the-cap).",
        ),
        Claim(
            "C6",
            "number of mAPs",
            "The utilities of the operator and of the mAPs fall with the number of mAPs N.",
            "Fig. 6a",
            ("fig6",),
            "For the operator that needs mAPs that interfere even while they send nothing: see "
            "[below](#why-fig-6a-needs-idle-maps-that-interfere). More mAPs are other channels, so that here seeds are "
            "paired by their number only, not by their channels.",
        ),
        Claim(
            "C7",
            "number of BSs",
            "The utilities of the operator and of the mAPs rise with the number of BSs M.",
            "Fig. 6b",
            ("fig6",),
            "One more BS is one more place to send to: at `admission` the operator never loses by it "
            "([proved](docs/paper.md#what-is-proved-and-where-it-is-tested)).",
        ),
        Claim(
            "C8",
            "weight of accuracy",
            "The utilities of the operator and of the mAPs rise with the weight of accuracy γᴬ, and the learned scheme "
            "stays below the equilibrium.",
            "Fig. 7",
            ("fig7",),
            "The paper prints no values of γᴬ. No operator can earn more than `admission` from mAPs that answer at "
            "their best; one that does is paid by mAPs who buy too much, and their regret says how much.",
        ),
        Claim(
            "C9",
            "time of a decision",
            "A decision of the learned scheme costs less than Algorithm 1.",
            "section 6.2",
        ),
        Claim(
            "C10",
            "Propositions 1 and 2",
            "Eq. 15 is the one best amount of data, and there is one best price.",
            "sections 4.3, 4.4",
            note="As printed Eq. 15 lacks its clip and Eq. 19 the weight of delay: the closed forms that are tested "
            "are the mended ones ([what was changed](docs/paper.md#where-the-paper-contradicts-itself)).",
        ),
        Claim(
            "C11",
            "growth of cost",
            "Algorithm 1 costs O(W² N), W being its iterations; learning costs O(N E T), with E episodes of T slots.",
            "sections 4.5, 5.2",
            note="As printed Algorithm 1 has two nested loops of W steps in which N amounts at each of M BSs change: "
            "W² N M ([counted](docs/paper.md#where-the-paper-contradicts-itself)).",
        ),
        Claim(
            "D1",
            "Fig. 5 needs the cap",
            "Without a price cap the operator's and the mAPs' utilities cannot part as f grows: past f* both fall.",
            "model, Fig. 5",
            ("fig5",),
            "See [below](#why-fig-5-needs-the-cap).",
        ),
        Claim(
            "D2",
            "Fig. 6a needs idle mAPs that interfere",
            "With silent idle mAPs and offers that may be withheld, the operator's optimum cannot fall with N.",
            "model, Fig. 6a",
            ("fig6",),
            "See [below](#why-fig-6a-needs-idle-maps-that-interfere).",
        ),
        Claim(
            "D3",
            "the discount adds noise only",
            "With what the paper's mAPs see, a discount of 0.99 adds variance and nothing else: discount 0 is no worse.",
            "Table 2",
            note="See [below](#why-a-discount-of-0-is-exact).",
        ),
    )
}

MAIN = "main"
READINGS = {
    MAIN: "as printed where the paper decides: an mAP sees its own gains and prices (Eq. 34), the discount is 0.99; "
    "price cap 1.25 money/MB and idle mAPs that interfere (Eq. 1), which are ours",
    "discount-0": "discount 0 in the place of 0.99",
    "load": "an mAP also sees the interference at each BS in the previous slot",
    "uncapped": "no price cap",
    "silent": "an mAP that sends nothing does not interfere",
    "paper-literal": "the rates, batches, replay and networks of Table 2",
    "longer": "longer trainings",
}


def claim_named(name: str) -> Claim:
    """A claim of this id; one that the report does not know has no words but its parts'."""
    return CLAIMS.get(name, Claim(name, "", "", ""))


def in_order(claims: Sequence[str]) -> list[str]:
    """Each once: the paper's by number, then what its contradictions imply."""
    return sorted(set(claims), key=lambda name: (name[:1], int(name[1:]) if name[1:].isdecimal() else 0, name))


def readings_in_order(readings: Sequence[str]) -> list[str]:
    """Each once: the main one first, then those known, then the others by name."""
    known = list(READINGS)
    return sorted(set(readings), key=lambda name: (known.index(name) if name in known else len(known), name))
