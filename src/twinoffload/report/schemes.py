"""What every scheme is, in words and in looks: one sentence, one colour and one marker each."""

from collections.abc import Iterable
from typing import NamedTuple

from twinoffload.experiments.comparison import REFERENCES


class Scheme(NamedTuple):
    """A scheme as the report shows it.

    Attributes:
        name: as in the tables.
        kind: learned, equilibrium or rule.
        text: what it is, in a sentence or two.
        color: hexadecimal.
        marker: Matplotlib's letter.
    """

    name: str
    kind: str
    text: str
    color: str
    marker: str


_KNOWN = {
    scheme.name: scheme
    for scheme in (
        Scheme(
            "sac",
            "learned",
            "Soft actor-critic, the paper's Algorithms 2 and 3: the operator and the mAPs are agents that learned by "
            "trial. A decision is one forward pass of a network; nobody solves anything.",
            "#0072b2",
            "o",
        ),
        Scheme(
            "td3",
            "learned",
            "Twin delayed deterministic policy gradient: the same agents as sac, with deterministic policies explored "
            "by noise.",
            "#1b7f79",
            "<",
        ),
        Scheme(
            "ddpg",
            "learned",
            "Deep deterministic policy gradient: td3 with one critic and without its delay and its target noise.",
            "#7a5c3e",
            ">",
        ),
        Scheme(
            "amortised",
            "learned",
            "One learned policy for any number of mAPs and BSs: a network proposes where each mAP should go, the best "
            "proposal is priced in closed form, and the price tells the mAP how long its data will take; the mAPs' "
            "network reads that, and they answer in closed form.",
            "#2f5fb3",
            "d",
        ),
        Scheme(
            "expected",
            "rule",
            "The operator knows all gains, but of private values only how they are drawn; it solves for the best "
            "association and prices under that and codes them as committed does.",
            "#8a6d1f",
            "p",
        ),
        Scheme(
            "pairwise",
            "equilibrium",
            "The fixed point that the paper's Algorithm 1 aims at, its “Stackelberg equilibrium”: each pair has the "
            "price that is best at the current association, and mAPs move to better BSs in turn until nobody wants to.",
            "#d55e00",
            "s",
        ),
        Scheme(
            "gradient",
            "equilibrium",
            "The paper's Algorithm 1 as printed: gradient steps of all prices, and within each as many of all amounts "
            "and choices of a BS.",
            "#b5544f",
            "X",
        ),
        Scheme(
            "posted",
            "equilibrium",
            "Strong Stackelberg equilibrium: the best prices in the allowed range, and the association best for the "
            "operator among those that no mAP wants to leave. No offer is withheld.",
            "#009e73",
            "D",
        ),
        Scheme(
            "admission",
            "equilibrium",
            "As posted, but the operator may decline to offer a pair, and so decides who goes where: the best over all "
            "associations. An upper bound on what an operator can earn from mAPs that answer at their best.",
            "#6b4c9a",
            "^",
        ),
        Scheme(
            "constant",
            "rule",
            "One price for each BS, the same in every slot, found beforehand on training channels; mAPs know "
            "everything and answer at their best.",
            "#c28e0e",
            "v",
        ),
        Scheme(
            "random",
            "rule",
            "Prices drawn uniformly from the allowed range; mAPs know everything and answer at their best.",
            "#8a8a8a",
            "X",
        ),
        Scheme(
            "reactive",
            "rule",
            "The constant prices; each mAP answers last slot's interference by the closed form (Eq. 15), and moves to "
            "a better BS only with probability 1/2, so that mAPs do not chase each other. Nothing is learned.",
            "#c0579a",
            "P",
        ),
        Scheme(
            "committed",
            "rule",
            "The operator solves posted in every slot and codes each mAP's completion time into the last digits of its "
            "price by a rule that mAPs know; they read it and answer in closed form. Nothing is learned, but an "
            "equilibrium is solved in every slot.",
            "#3aa6dd",
            "*",
        ),
        Scheme(
            "expected",
            "rule",
            "As committed, but where mAPs' worth is private the association and the prices are those of the largest "
            "expected profit over how it is drawn: the best that an operator without memory can do from one offer for "
            "each mAP. What it lacks to admission is information.",
            "#4d5d9e",
            "p",
        ),
    )
}

OBSERVATIONS = {
    "full": "everything: all gains, and what the others do in the same slot",
    "paper": "its own gains and its own prices (Eq. 34)",
    "gains": "its own prices and everybody's gains",
    "load": "its own gains, its own prices, and the interference at each BS in the previous slot",
}


def scheme_named(name: str) -> Scheme:
    """The scheme of a name; one that the report does not know gets neutral words and looks."""
    kind = "rule" if name in REFERENCES else "learned"
    return _KNOWN.get(name, Scheme(name, kind, "A further scheme.", "#5f6b6d", "h"))


def learned_among(names: Iterable[str]) -> str | None:
    """The first scheme that is no reference."""
    return next((name for name in names if name not in REFERENCES), None)
