"""The claims as data: what is claimed, where, and which function judges it under which readings."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from twinoffload.experiments import paper_figures
from twinoffload.experiments.claims import (
    accuracy_law,
    contradictions,
    convergence,
    effects,
    growth,
    propositions,
    speed,
)
from twinoffload.experiments.claims.study_folder import MAIN, Tables
from twinoffload.experiments.verdict import Verdict

Judge = Callable[[Tables, str], list[Verdict]]

READINGS = {reading.name: reading.says for reading in (paper_figures.MAIN, *paper_figures.READINGS)}
"""How the paper is read where it leaves a choice, in the order of tables; one thing differs from the main reading."""

_TRAINED = ("discount-0", "load", "uncapped", "silent", "paper-literal")
_CURVES = tuple(reading.name for reading in paper_figures.READINGS if reading.curves)
_OTHER_MARKETS = tuple(reading.name for reading in paper_figures.READINGS if reading.scenario)


@dataclass(frozen=True)
class Claim:
    """What the paper says, or what its contradictions imply.

    Attributes:
        id: "C1" ... "C12", "D1" ...
        words: of the claim.
        figure: of the paper, or its section.
        judge: from tables and a reading to a verdict for each part.
        readings: under which it is judged.
    """

    id: str
    words: str
    figure: str
    judge: Judge
    readings: tuple[str, ...]


CLAIMS = (
    Claim("C1", "The mAPs' policies converge at about 50 episodes for learning rates 0.05 and 0.005, at about 90 for "
          "0.0005", "Fig. 2", convergence.maps, (MAIN, *_CURVES)),
    Claim("C2", "The pricing policy converges at the corresponding episodes", "Fig. 3", convergence.operator,
          (MAIN, *_CURVES)),
    Claim("C3", "A small learning rate learns slowly and smoothly; a large one can end in a local optimum",
          "Figs. 2 and 3", convergence.rates, (MAIN, *_CURVES)),
    Claim("C4", "Operator's and mAPs' utility rise with bandwidth; SAC is above TD3 and DDPG", "Fig. 4",
          effects.bandwidth, (MAIN, *_TRAINED, "longer")),
    Claim("C5", "With computing capability the mAPs' utility rises and the operator's may fall; SAC is above TD3 and "
          "DDPG", "Fig. 5", effects.compute, (MAIN, *_OTHER_MARKETS)),
    Claim("C6", "Both utilities fall with the number of mAPs", "Fig. 6a", effects.number, (MAIN, *_OTHER_MARKETS)),
    Claim("C7", "Both utilities rise with the number of BSs", "Fig. 6b", effects.stations, (MAIN, *_OTHER_MARKETS)),
    Claim("C8", "Both utilities rise with the weight of accuracy; the learned scheme stays below the equilibrium",
          "Fig. 7", effects.weight, (MAIN, *_TRAINED, "longer")),
    Claim("C9", "Inference of the learned scheme costs less than Algorithm 1", "6.2", speed.decisions, (MAIN,)),
    Claim("C10", "Propositions 1 and 2: the closed forms are the unique optima", "4.3, 4.4", propositions.optima,
          (MAIN,)),
    Claim("C11", "Cost grows as stated: Algorithm 1 in W²N, learning in NET", "4.5, 5.2", growth.exponents, (MAIN,)),
    Claim("C12", "A twin trained on Z MB is accurate to 1 - exp(-ρ Z x)", "Eq. 7", accuracy_law.eq_7, (MAIN,)),
    Claim("D1", "Without a cap on prices both utilities fall with computing capability: Fig. 5's pattern needs it",
          "Fig. 5",
          contradictions.falls_without_cap, ("uncapped",)),
    Claim("D2", "With silent idle mAPs and withheld offers the operator's optimum cannot fall with N", "Fig. 6a",
          contradictions.never_falls_if_silent, ("silent", MAIN)),
    Claim("D3", "Discount 0.99 adds variance only", "Table 2", contradictions.discount_adds_variance, ("discount-0",)),
    Claim("D4", "Algorithm 1's cost grows with M, too", "4.5", growth.stations, (MAIN,)),
    Claim("D5", "As printed, Eqs. 15 and 19 are no optima, and the operator's profit is not strictly concave",
          "4.3, 4.4", propositions.printed, (MAIN,)),
    Claim("D6", "What Eq. 34 hides from the mAPs costs both sides", "5.2.1", contradictions.blindness_costs, ("load",)),
    Claim("D7", "Table 2's settings fall short of what SAC reaches", "Table 2",
          contradictions.printed_settings_fall_short, ("paper-literal",)),
)  # fmt: skip


def judge(tables: Tables, readings: Sequence[str] = tuple(READINGS), claims: Sequence[Claim] = CLAIMS) -> list[Verdict]:
    """All verdicts on some claims under some readings: claim by claim, its first reading first."""
    return [
        verdict
        for claim in claims
        for reading in claim.readings
        if reading in readings
        for verdict in claim.judge(tables, reading)
    ]
