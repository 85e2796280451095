"""C4 to C8: what a value of the scenario does to the utilities, and how the schemes compare (Figs. 4 to 7).

The paper's scheme is SAC, so the trends are tested of it; those of the equilibria `pairwise` and `posted` stand beside
it, since they tell what the model says whether or not anybody learns it. Another reading is computed at the base
scenario, where schemes are compared; equilibria along the axes, too, where the reading changes them.
"""

from dataclasses import dataclass, replace

import numpy as np

from twinoffload.experiments.claims import commands
from twinoffload.experiments.claims.cells import (
    BIAS,
    MAPS,
    OPERATOR,
    OWN_REFERENCES,
    REGRET,
    WHOSE,
    along,
    at_base,
    differences,
    diverged,
    level,
    name_of,
)
from twinoffload.experiments.claims.part import Part, agreeing, joined, shifted, verdicts
from twinoffload.experiments.claims.rank_tests import hodges_lehmann
from twinoffload.experiments.claims.study_folder import MAIN, Tables
from twinoffload.experiments.claims.theory import EQUILIBRIUM, GAP, note
from twinoffload.experiments.claims.trend import trend
from twinoffload.experiments.interval import Interval
from twinoffload.experiments.paper_figures import AXES, REFERENCES
from twinoffload.experiments.verdict import Verdict

MARGIN = 0.01  # of the level: what is less counts as no effect
UNIT = "money a slot"
TOLD_REGRET = 0.05  # share of the mAPs' level from which their mistakes are told of
TOLD_MB = 0.05  # data too much or too little, likewise
EQUILIBRIA = ("pairwise", "posted")


@dataclass(frozen=True)
class Effect:
    """What a figure is said to show.

    Attributes:
        claim: its name.
        figure: that shows it.
        axis: of `AXES`.
        symbol: of the axis, with its unit.
        signs: of the change of each measure.
        above: schemes that SAC is said to be above.
        below: schemes that it is said to be below.
    """

    claim: str
    figure: str
    axis: str
    symbol: str
    signs: dict[str, int]
    above: tuple[str, ...] = ()
    below: tuple[str, ...] = ()


BOTH_RISE, BOTH_FALL = {OPERATOR: 1, MAPS: 1}, {OPERATOR: -1, MAPS: -1}
BANDWIDTH = Effect("C4", "fig4", "bandwidth", "W", BOTH_RISE, above=("td3", "ddpg"))
COMPUTE = Effect("C5", "fig5", "compute", "f", {OPERATOR: -1, MAPS: 1}, above=("td3", "ddpg"))
NUMBER = Effect("C6", "fig6", "maps", "N", BOTH_FALL)
STATIONS = Effect("C7", "fig6", "stations", "M", BOTH_RISE)
WEIGHT = Effect("C8", "fig7", "accuracy_value", "γᴬ", BOTH_RISE, below=("pairwise", "admission"))


def bandwidth(tables: Tables, reading: str) -> list[Verdict]:
    """C4: both utilities rise with W, SAC is above TD3 and DDPG."""
    return _judge(BANDWIDTH, tables, reading)


def compute(tables: Tables, reading: str) -> list[Verdict]:
    """C5: with f the mAPs' utility rises and the operator's falls, SAC is above TD3 and DDPG.

    Under other readings than the main one schemes are compared at the base alone, as in C4, and not twice.
    """
    return _judge(COMPUTE if reading == MAIN else replace(COMPUTE, above=()), tables, reading)


def number(tables: Tables, reading: str) -> list[Verdict]:
    """C6: both utilities fall with N."""
    return _judge(NUMBER, tables, reading)


def stations(tables: Tables, reading: str) -> list[Verdict]:
    """C7: both utilities rise with M."""
    return _judge(STATIONS, tables, reading)


def weight(tables: Tables, reading: str) -> list[Verdict]:
    """C8: both utilities rise with the weight of accuracy, SAC is below the equilibria."""
    return _judge(WEIGHT, tables, reading)


def change(effect: Effect, tables: Tables, reading: str, scheme: str, measure: str) -> Part:
    """The part that says how a scheme's measure changes along the axis."""
    axis, sign = AXES[effect.axis], effect.signs[measure]
    ends = f"{axis.values[0]:g} to {axis.values[-1]:g}"
    words = f"{name_of(scheme)}: {WHOSE[measure]} {'rises' if sign > 0 else 'falls'} with {effect.symbol}, {ends}"
    curves = along(tables.cells, reading, scheme, effect.axis, measure)
    theory = note(effect.claim, reading, EQUILIBRIUM, measure) if scheme in REFERENCES else {}
    part = Part(words, UNIT, source(effect.figure, reading), because=theory)
    if not curves:
        return replace(part, reason=not_computed(effect.figure, reading))
    found = trend(part, curves, axis.values, sign, MARGIN * level(tables.cells, reading, measure))
    return _with_mistakes(found, tables, reading, effect.axis, scheme) if measure == OPERATOR else found


def _judge(effect: Effect, tables: Tables, reading: str) -> list[Verdict]:
    schemes = ("sac", *EQUILIBRIA) if reading == MAIN else EQUILIBRIA if reading in OWN_REFERENCES else ()
    parts = [change(effect, tables, reading, scheme, measure) for scheme in schemes for measure in effect.signs]
    for measure in effect.signs:
        parts += [_compared(effect, tables, reading, measure, "sac", other) for other in effect.above]
        parts += [_compared(effect, tables, reading, measure, other, "sac") for other in effect.below]
    return verdicts(effect.claim, reading, parts)


def _compared(effect: Effect, tables: Tables, reading: str, measure: str, upper: str, lower: str) -> Part:
    """The part that says that one scheme is above another, mean over the axis's values of each seed.

    Its reason tells the base scenario's difference, too, at which the other readings are judged.
    """
    where = f"mean over {effect.symbol}" if reading == MAIN else "base scenario"
    learned_first = upper == "sac"
    one, verb, other = (upper, "above", lower) if learned_first else (lower, "below", upper)
    words = f"{name_of(one)} {verb} {name_of(other)} in {WHOSE[measure]}, {where}"
    part = Part(words, UNIT, source(effect.figure, reading), because=note(effect.claim, reading, GAP, measure))
    values = _gap(effect, tables, reading, measure, upper, lower)
    if not len(values):
        return replace(part, reason=not_computed(effect.figure, reading))
    margin = MARGIN * level(tables.cells, reading, measure)
    found = shifted(replace(part, reason=agreeing(values, verb)), values, above=0.0, margin=margin)
    if not learned_first and found.effect is not None:
        found = replace(found, effect=_negated(found.effect))
    if reading == MAIN:
        found = replace(found, reason=joined(found.reason, _told_at_base(tables, reading, measure, one, other)))
    return _with_mistakes(found, tables, reading, effect.axis, one, other) if measure == OPERATOR else found


def _gap(effect: Effect, tables: Tables, reading: str, measure: str, upper: str, lower: str) -> np.ndarray:
    """`upper` less `lower`, a value a seed."""
    if reading != MAIN:
        return _base_gap(tables, reading, measure, upper, lower)
    curves = (along(tables.cells, reading, scheme, effect.axis, measure) for scheme in (upper, lower))
    return np.array([difference.mean() for difference in differences(*curves).values()])


def _base_gap(tables: Tables, reading: str, measure: str, upper: str, lower: str) -> np.ndarray:
    points = (at_base(tables.cells, reading, scheme, measure) for scheme in (upper, lower))
    return np.array(list(differences(*points).values()))


def _told_at_base(tables: Tables, reading: str, measure: str, upper: str, lower: str) -> str:
    """Such as "at the base 0.12 [-0.05, 0.3]"."""
    values = _base_gap(tables, reading, measure, upper, lower)
    if not len(values):
        return ""
    middle, low, high = hodges_lehmann(values)
    return f"at the base {middle:.2f} [{low:.2f}, {high:.2f}]"


def _negated(interval: Interval) -> Interval:
    return Interval(-interval.median, -interval.high, -interval.low)


def _with_mistakes(part: Part, tables: Tables, reading: str, axis: str, *schemes: str) -> Part:
    """An operator's utility that mAPs pay for by buying more than pays is no achievement: the reason says so.

    So it does where trainings diverged, whose last good weights played.
    """
    learned = [scheme for scheme in schemes if scheme not in REFERENCES]
    told = (word(tables, reading, axis, scheme) for scheme in learned for word in (_mistakes, _diverged))
    return replace(part, reason=joined(part.reason, *told))


def _diverged(tables: Tables, reading: str, axis: str, scheme: str) -> str:
    stopped, of = diverged(tables.cells, reading, scheme, axis)
    if not stopped:
        return ""
    return f"{stopped} of {name_of(scheme)}'s {of} trainings diverged, their last good weights played"


def _mistakes(tables: Tables, reading: str, axis: str, scheme: str) -> str:
    found = {}
    for which in (REGRET, BIAS):
        at_axis = along(tables.cells, reading, scheme, axis, which) if reading == MAIN else {}
        values = at_axis or at_base(tables.cells, reading, scheme, which)
        found[which] = float(np.median([np.mean(value) for value in values.values()])) if values else 0.0
    regret, bias = found[REGRET], found[BIAS]
    if regret < TOLD_REGRET * level(tables.cells, reading, MAPS):
        return ""
    told = f"{name_of(scheme)}'s mAPs regret {regret:.2f} {UNIT}"
    if bias > TOLD_MB:
        return f"{told}, buying {bias:.2f} MB more than pays, which lifts the operator"
    return f"{told}, buying {-bias:.2f} MB less than pays" if bias < -TOLD_MB else told


def source(figure: str, reading: str) -> str:
    """The command that computes what a verdict reads."""
    return commands.FIGURE[figure] if reading == MAIN else commands.READINGS


def not_computed(figure: str, reading: str) -> str:
    """The reason of a verdict for which there is nothing to read."""
    return f"not computed: `{source(figure, reading)}` computes it"
