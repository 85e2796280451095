"""D1 ...: what follows for results from the places where the paper contradicts itself (docs/paper.md).

Of the first two the model proves the core for every market: D1 for a pair at a held rate, and for the operator at
`posted` and `admission`; D2 at `admission`. The study's tables must agree there, or one of the two is wrong. Where mAPs
move to other BSs with f, single slots can show Fig. 5's pattern without a cap; D1 is about means. Those about cost and
about formulas stand with C11 (`growth`) and C10 (`propositions`).
"""

from dataclasses import replace

import numpy as np

from twinoffload.experiments.claims.cells import MAPS, OPERATOR, WHOSE, along, at_base, differences, level
from twinoffload.experiments.claims.effects import COMPUTE, MARGIN, NUMBER, UNIT, change, not_computed, source
from twinoffload.experiments.claims.part import Part, agreeing, all_of, shifted, verdicts
from twinoffload.experiments.claims.study_folder import MAIN, Tables
from twinoffload.experiments.claims.trend import trend
from twinoffload.experiments.paper_figures import AXES, PRESETS
from twinoffload.experiments.verdict import Verdict

SOLVED = ("pairwise", "posted", "admission")
_BASE = "fig4"  # any figure has the base scenario


def falls_without_cap(tables: Tables, reading: str) -> list[Verdict]:
    """D1: without a cap both utilities fall with f at the equilibria, in the mean over slots: not Fig. 5's pattern."""
    both_fall = replace(COMPUTE, claim="D1", signs={OPERATOR: -1, MAPS: -1})
    parts = [change(both_fall, tables, reading, scheme, measure) for scheme in SOLVED for measure in (OPERATOR, MAPS)]
    words = "without a cap both utilities fall with f at pairwise, posted and admission"
    whole = all_of(Part(words, UNIT, source("fig5", reading)), parts)
    if whole.effect is not None:
        theory = "at held rates both depend on s = e + D alone, least at f* = 12.6"
        whole = replace(whole, reason="the effect shown is the least of the six", because={"holds": theory})
    return verdicts("D1", reading, [whole])


def never_falls_if_silent(tables: Tables, reading: str) -> list[Verdict]:
    """D2: where idle mAPs are silent and offers may be withheld, the operator's optimum does not fall with N.

    Under the main reading, as a control: where they interfere it falls, as in Fig. 6a.
    """
    if reading == MAIN:
        words = "control: where idle mAPs interfere the operator's optimum, admission, falls with N"
        part = change(replace(NUMBER, claim="D2"), tables, reading, "admission", OPERATOR)
        return verdicts("D2", reading, [replace(part, words=words)])
    words = "where idle mAPs are silent the operator's optimum, admission, does not fall with N"
    part = Part(words, UNIT, source("fig6", reading), reason="a newcomer that would do harm can be left out")
    curves = along(tables.cells, reading, "admission", "maps", OPERATOR)
    if not curves:
        return verdicts("D2", reading, [replace(part, reason=not_computed("fig6", reading))])
    margin = MARGIN * level(tables.cells, reading, OPERATOR)
    return verdicts("D2", reading, [trend(part, curves, AXES["maps"].values, 1, margin, may_stay=True)])


def discount_adds_variance(tables: Tables, reading: str) -> list[Verdict]:
    """D3: with discount 0 SAC is no worse than with 0.99, and the learners spread less over seeds."""
    parts = []
    for measure in (OPERATOR, MAPS):
        words = f"SAC with discount 0 is no worse than with 0.99 in {WHOSE[measure]}, base"
        part = Part(words, UNIT, source(_BASE, reading))
        parts.append(_between(tables, part, reading, MAIN, measure, no_worse=True))
    return verdicts("D3", reading, [*parts, _less_spread(tables, reading)])


def blindness_costs(tables: Tables, reading: str) -> list[Verdict]:
    """D6: what Eq. 34 hides from the mAPs, how the others disturb them, costs both sides."""
    parts = []
    for measure in (OPERATOR, MAPS):
        words = f"SAC whose mAPs see last slot's interference is above SAC under Eq. 34 in {WHOSE[measure]}, base"
        parts.append(_between(tables, Part(words, UNIT, source(_BASE, reading)), reading, MAIN, measure))
    return verdicts("D6", reading, parts)


def printed_settings_fall_short(tables: Tables, reading: str) -> list[Verdict]:
    """D7: with Table 2's settings, whose rate for mAPs is none of those of Figs. 2 and 3, SAC reaches less.

    The preset `tuned` differs in more than what Table 2 prints: one policy for all mAPs, a fixed temperature, warm-up.
    """
    parts = []
    for measure in (OPERATOR, MAPS):
        words = f"SAC as we set it is above SAC set as printed (Table 2) in {WHOSE[measure]}, base"
        parts.append(_between(tables, Part(words, UNIT, source(_BASE, reading)), MAIN, reading, measure))
    return verdicts("D7", reading, parts)


def _between(tables: Tables, part: Part, upper: str, lower: str, measure: str, *, no_worse: bool = False) -> Part:
    """SAC under one reading less SAC under another, on the same channels: above, or not below by the margin."""
    sides = (at_base(tables.cells, reading, "sac", measure) for reading in (upper, lower))
    values = list(differences(*sides).values())
    if not values:
        return replace(part, reason=not_computed(_BASE, lower if upper == MAIN else upper))
    margin = MARGIN * level(tables.cells, MAIN, measure)
    above, size = (-margin, 0.0) if no_worse else (0.0, margin)
    return shifted(replace(part, reason=agreeing(values)), values, above=above, margin=size)


def _less_spread(tables: Tables, reading: str) -> Part:
    """By distances from the median over seeds, as shares of the level, mean over learners and sides: seed by seed."""
    words = "SAC, TD3 and DDPG spread less over seeds with discount 0, base scenario"
    part = Part(words, "% of admission's utility", source(_BASE, reading))
    gaps = []
    for scheme in PRESETS:
        for measure in (OPERATOR, MAPS):
            size = level(tables.cells, MAIN, measure)
            sides = [at_base(tables.cells, one, scheme, measure) for one in (MAIN, reading)]
            seeds = sorted(set(sides[0]) & set(sides[1]))
            if seeds and size > 0.0:
                far, near = ({seed: _distance(side, seeds)[i] for i, seed in enumerate(seeds)} for side in sides)
                gaps.append({seed: 100.0 * (far[seed] - near[seed]) / size for seed in seeds})
    common = set.intersection(*(set(gap) for gap in gaps)) if gaps else set()
    if not common:
        return replace(part, reason=not_computed(_BASE, reading))
    values = [float(np.mean([gap[seed] for gap in gaps])) for seed in sorted(common)]
    return shifted(replace(part, reason=agreeing(values, "closer")), values, above=0.0, margin=100.0 * MARGIN)


def _distance(side: dict[int, float], seeds: list[int]) -> np.ndarray:
    values = np.array([side[seed] for seed in seeds])
    return np.abs(values - np.median(values))
