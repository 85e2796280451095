"""Verdicts on a study of every kind, fabricated."""

import random

from study_folder import READINGS

from twinoffload.experiments.verdict import Verdict

ALL = "twinoffload reproduce all --out results/paper"
OTHERS = "twinoffload reproduce readings --out results/paper --resume"
TIMES = "twinoffload reproduce timing --out results/paper"


def make_verdicts(readings=READINGS) -> list[Verdict]:
    """About 120, of every kind."""
    found = []
    draw = random.Random(11)
    trend, order = "Wilcoxon signed-rank, Holm", "Wilcoxon signed-rank on the mean over the axis, Holm"

    def add(claim, part, word, effect, width, unit, test=trend, reading="main", seeds=10, reason="", source=ALL):
        p = None if test == "interval" else {"holds": 0.0059, "fails": 0.0098, "undecided": 0.23}[word]
        found.append(
            Verdict(
                claim, part, reading, word, effect, effect - width, effect + width, unit, test, p, seeds, reason, source
            )
        )

    for claim, who in (("C1", "the mAPs' utility"), ("C2", "the operator's utility")):
        for rate, when, word in ((0.05, 31, "holds"), (0.005, 47, "holds"), (0.0005, 118, "fails")):
            late = "Half of the seeds have not settled by episode 120." if word == "fails" else ""
            part = f"At learning rate {rate:g} {who} settles at about {90 if rate < 0.001 else 50} episodes (within 20)"
            add(claim, part, word, when, 8, "episodes", "interval", reason=late)
            for reading in readings:
                if reading in ("discount-0", "load", "paper-literal"):
                    other = draw.choice(["holds", "undecided", "fails"])
                    add(claim, part, other, when + 9, 14, "episodes", "interval", reading, 5, source=OTHERS)
    add("C3", "The smallest rate settles later than the largest", "holds", 71.0, 12.0, "episodes")
    add("C3", "The smallest rate's late curve is smoother than the largest's", "holds", -0.031, 0.008, "money a slot")
    add(
        "C3",
        "The largest rate ends below the best rate",
        "holds",
        -1.21,
        0.4,
        "money a slot",
        reason="8 of 10 seeds end more than 5 % below the best rate's utility.",
    )
    axes = {
        "C4": ("W", "rises"),
        "C5": ("f", "rises"),
        "C6": ("N", "falls"),
        "C7": ("M", "rises"),
        "C8": ("γᴬ", "rises"),
    }
    for claim, (symbol, way) in axes.items():
        for scheme in ("SAC", "`pairwise`", "`posted`"):
            for who in ("operator", "mAPs"):
                falls = claim == "C5" and who == "operator"
                part = f"{scheme}: the {who}' utility {'falls' if falls else way} with {symbol}".replace(
                    "operator'", "operator's"
                )
                word = "undecided" if claim == "C5" and scheme == "SAC" else "holds"
                sign = -1.0 if falls or way == "falls" else 1.0
                reason = "No successive step goes the other way." if word == "holds" else "The interval holds 0."
                add(claim, part, word, sign * 0.42, 0.1 if word == "holds" else 0.6, "money a slot", reason=reason)
                if scheme != "SAC":
                    for reading in ("uncapped", "silent"):
                        if reading in readings:
                            fails = claim == "C5" and who == "mAPs" and reading == "uncapped"
                            why = "Past f* both fall where no cap binds." if fails else ""
                            add(
                                claim,
                                part,
                                "fails" if fails else word,
                                -0.3 if fails else sign * 0.4,
                                0.1,
                                "money a slot",
                                trend,
                                reading,
                                5,
                                why,
                                OTHERS,
                            )
        if claim in ("C4", "C5"):
            for rival in ("TD3", "DDPG"):
                for who in ("operator", "mAPs"):
                    part = f"SAC is above {rival}: {who}"
                    word = "fails" if rival == "DDPG" and who == "operator" else "undecided"
                    reason = (
                        "DDPG's mAPs over-buy: their regret is larger by 0.31 money a slot." if word == "fails" else ""
                    )
                    add(
                        claim,
                        part,
                        word,
                        -0.21 if word == "fails" else 0.012,
                        0.06,
                        "money a slot",
                        order,
                        reason=reason,
                    )
                    for reading in readings:
                        add(
                            claim,
                            part,
                            draw.choice(["holds", "undecided", "fails"]),
                            0.05,
                            0.08,
                            "money a slot",
                            order,
                            reading,
                            5,
                            source=OTHERS,
                        )
    for other in ("pairwise", "admission"):
        add("C8", f"SAC: the operator stays below `{other}`", "holds", -0.83, 0.11, "money a slot")
    for n in (2, 8, 16):
        add(
            "C9",
            f"A decision of SAC takes less time than Algorithm 1's at N = {n}",
            "holds",
            0.012,
            0.003,
            "of Algorithm 1's time",
            "interval",
            seeds=20,
            source=TIMES,
        )
    add(
        "C10",
        "No other amount of data earns an mAP more than Eq. 15, clipped",
        "holds",
        3.1e-15,
        1e-15,
        "of γᴬ",
        "interval",
        seeds=4000,
        source="twinoffload reproduce propositions --out results/paper",
    )
    add(
        "C10",
        "Eq. 15 as printed, unclipped, is the best amount",
        "fails",
        0.37,
        0.02,
        "of γᴬ",
        "interval",
        seeds=4000,
        reason="Where the logarithm exceeds o or 0 the printed form is no amount at all.",
        source="twinoffload reproduce propositions --out results/paper",
    )
    for structure, word, excess in (("small", "fails", 0.09), ("large", "holds", 0.002)):
        part = f"fault, {structure}: Eq. 7 misses sizes left out by at most 0.01 more than the best rival law"
        add("C12", part, word, excess, 0.004, "of φ", source="twinoffload reproduce twin --resume")
    for algorithm, count, power in (("Algorithm 1", "W", 2.0), ("Algorithm 1", "N", 1.0), ("learning", "E", 1.0)):
        add(
            "C11",
            f"{algorithm} grows with {count} to the power {power:g}",
            "holds",
            power - 0.02,
            0.04,
            "exponent",
            "interval",
            seeds=5,
            source=TIMES,
        )
    found.append(
        Verdict(
            "C11",
            "Learning grows with T to the power 1",
            "main",
            "undecided",
            None,
            None,
            None,
            "exponent",
            "",
            None,
            0,
            "growth.csv has no rows of it.",
            TIMES,
        )
    )
    add(
        "D1",
        "Without a cap both fall past f* at `pairwise`",
        "holds",
        -0.2,
        0.02,
        "money a slot",
        trend,
        "uncapped",
        5,
        source=OTHERS,
    )
    add(
        "D2",
        "With silent idle mAPs `admission` does not fall with N",
        "holds",
        1.1,
        0.2,
        "money a slot",
        trend,
        "silent",
        5,
        source=OTHERS,
    )
    add(
        "D3",
        "Discount 0 is no worse for the operator",
        "holds",
        0.06,
        0.05,
        "money a slot",
        trend,
        "discount-0",
        5,
        source=OTHERS,
    )
    return [verdict for verdict in found if verdict.reading in ("main", *readings)]
