"""What the theory says about the claims, in short; the documentation has it in full."""

from typing import NamedTuple

from twinoffload.report.study.base import Earned
from twinoffload.report.study.claims import MAIN
from twinoffload.report.study.prose import slug
from twinoffload.report.wording import interval


class Note(NamedTuple):
    """A piece of theory: paragraphs of prose under a heading."""

    heading: str
    paragraphs: tuple[str, ...]

    @property
    def anchor(self) -> str:
        """Of the heading."""
        return slug(self.heading)


_PROVED = "docs/paper.md#what-is-proved-and-where-it-is-tested"
_CONTRADICTED = "docs/paper.md#where-the-paper-contradicts-itself"
_FIG_5 = Note(
    "Why Fig. 5 needs the cap",
    (
        "Let a = ρ x, K = γᴬ a, D = γᴰ (1/R + c/f), e = ε f² c and s = e + D. Without a cap the best price of a pair "
        "leaves u = a Z with s/K = (1 − u) exp(−u); the operator then earns γᴬ u² exp(−u) and the mAP "
        "γᴬ (1 − (1 + u) exp(−u)). Both depend on the one number s, d profit/ds = −Z and dU/ds = −Z/(2 − u): they "
        "rise and fall together.",
        "As a function of f, s = c (ε f² + γᴰ/f) + γᴰ/R is smallest at f* = (γᴰ/(2 ε))^(1/3), which is 12.6 Gcycle/s "
        "here. All values of Fig. 5, 16 to 24, lie beyond it: faster cores cost more energy than they save time, and "
        "both sides lose. "
        "A price cap that binds parts them: the operator cannot pass the energy on, so its profit falls with e, while "
        "the mAP pays the same price and waits less. That is the paper's figure, and nothing else gives it.",
        f"[Statement and tests]({_PROVED}), [the paper's contradictions]({_CONTRADICTED}), "
        "[the price of one pair](docs/equilibrium.md#the-price-of-one-pair).",
    ),
)
_FIG_6 = Note(
    "Why Fig. 6a needs idle mAPs that interfere",
    (
        "Where an mAP that sends nothing is silent and the operator may decline to offer, one more mAP can be left "
        "out: whatever was earned without it can still be earned, so `admission` cannot fall with N. It can fall only "
        "where a newcomer disturbs the others even while it sends nothing (Eq. 1 as written: every associated mAP is "
        "in the interference), or where prices are not the best ones.",
        "The mAPs' mean utility may fall with N in either case: a mean over more mAPs that share the same BSs.",
        f"[Statement and tests]({_PROVED}), [solution concepts](docs/equilibrium.md#what-each-concept-promises).",
    ),
)
_DISCOUNT = Note(
    "Why a discount of 0 is exact",
    (
        "Nothing that is done in a slot touches a later one: positions and channels walk by themselves, and no queue "
        "or battery is carried on. With what the paper's mAPs see (own gains and prices, Eq. 34) the learning problem "
        "is a contextual bandit: the best action is the one that is best now, and the value of what follows is the "
        "same for all actions. A discount of 0.99 adds that value, worth up to a hundred rewards and as noisy, to "
        "every target; it cannot change which action is best, only make it harder to find.",
        "Under the reading `load`, last slot's choices are seen and the discount is no longer exactly irrelevant.",
        f"[Statement and test]({_CONTRADICTED}).",
    ),
)
_INFORMATION = Note(
    "Why SAC stops short where it cannot see interference",
    (
        "An mAP's best amount of data (Eq. 15) depends on its rate, and its rate on who else sends to the same BS in "
        "this slot. The paper's mAPs see their own gains and prices (Eq. 34), neither of which tells. So they "
        "answer the average interference: too much data at a crowded BS, too little at an empty one, and often the "
        "wrong BS. What they lose is lack of information, not of learning: the same learner that sees last slot's "
        "interference, or everybody's gains, closes most of the gap "
        "([measured](docs/learning.md#what-the-learners-reach)).",
        "A price may carry what is missing: an operator that knows all gains can code each mAP's delay into its "
        "price, which `committed` does by a rule and [`amortised`](docs/amortised.md#why-it-works) by learning, both "
        "with what the paper lets mAPs see.",
    ),
)
_REGRET = Note(
    "Why regret stands beside every utility",
    (
        "Regret is what an mAP's best reply to the same prices, the others as they are, would have added. Money that "
        "mAPs pay for data that is not worth it to them goes to the operator. So a learned operator may earn more than "
        "`admission`, the most that mAPs at their best would let it earn, and no skill is in that: only mAPs who lose. "
        "A high utility of the operator beside a large regret is a fault of the mAPs' policy "
        "([how it is measured](docs/learning.md#how-evaluation-works)).",
    ),
)


def notes(table: list[Earned]) -> list[Note]:
    """All of them, with what this study measured where it did."""
    measured = _measured(table)
    information = _INFORMATION._replace(paragraphs=(*_INFORMATION.paragraphs, *measured))
    return [_FIG_5, _FIG_6, _DISCOUNT, information, _REGRET]


def _measured(table: list[Earned]) -> list[str]:
    """SAC's shares with and without the interference, and what needs no more information."""
    parts = []
    for reading, scheme, words in (
        (MAIN, "sac", "SAC as printed"),
        ("load", "sac", "SAC that sees last slot's interference"),
        (MAIN, "amortised", "`amortised`, whose mAPs see what the paper's do"),
    ):
        for row in table:
            if (row.reading, row.scheme) == (reading, scheme):
                shares = (f"{one.median:.3f} {interval(one._asdict())}" for one in (row.operator, row.maps))
                parts.append(f"{words}: operator {', mAPs '.join(shares)}")
    return [f"In this study, in shares of `admission` in the base scenario: {'; '.join(parts)}."] if parts else []
