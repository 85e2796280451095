"""C4 to C8: what a value of the scenario does to the utilities, and how the schemes compare (Figs. 4 to 7).

The paper's scheme is SAC, so the trends are tested of it; those of the equilibria `pairwise` and `posted` stand beside
it, since they tell what the model says whether or not anybody learns it. Another reading is computed at the base
scenario, where schemes are compared; equilibria along the axes, too, where the reading changes them.
"""

from collections.abc import Mapping
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
from twinoffload.experiments.claims.study_folder import MAIN, Tables
from twinoffload.experiments.claims.theory import EQUILIBRIUM, GAP, note
from twinoffload.experiments.claims.trend import trend
from twinoffload.experiments.interval import Interval
from twinoffload.experiments.paper_figures import AXES, REFERENCES
from twinoffload.experiments.verdict import Verdict

MARGIN = 0.01  # of the level: what is less counts as no effect
UNIT = "money a slot"
TOLD_REGRET = 0.05  # share of the mAPs' level from which their mistakes are told of
TOLD_SALES = 0.05  # share of the operator's level below which a training has come to nothing
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

    Schemes are compared along f alone: at the base, where other readings are, C4 does.
    """
    return _judge(COMPUTE, tables, reading)


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
    return _with_mistakes(found, tables, reading, effect.axis, measure, scheme)


def _judge(effect: Effect, tables: Tables, reading: str) -> list[Verdict]:
    schemes = ("sac", *EQUILIBRIA) if reading == MAIN else EQUILIBRIA if reading in OWN_REFERENCES else ()
    parts = [change(effect, tables, reading, scheme, measure) for scheme in schemes for measure in effect.signs]
    pairs = [("sac", other) for other in effect.above] + [(other, "sac") for other in effect.below]
    for base in (False, True) if reading == MAIN else (True,):
        if not (base and effect.axis == COMPUTE.axis):  # the same base as C4's
            parts += [
                _compared(effect, tables, reading, measure, *pair, base=base)
                for measure in effect.signs
                for pair in pairs
            ]
    return verdicts(effect.claim, reading, parts)


def _compared(
    effect: Effect, tables: Tables, reading: str, measure: str, upper: str, lower: str, *, base: bool
) -> Part:
    """The part that says that one scheme is above another: mean over the axis's values of each seed, or at the base."""
    where, axis = ("base scenario", None) if base else (f"mean over {effect.symbol}", effect.axis)
    learned_first = upper == "sac"
    one, verb, other = (upper, "above", lower) if learned_first else (lower, "below", upper)
    words = f"{name_of(one)} {verb} {name_of(other)} in {WHOSE[measure]}, {where}"
    part = Part(words, UNIT, source(effect.figure, reading), because=note(effect.claim, reading, GAP, measure))
    one_side, other_side = (
        {seed: float(np.mean(value)) for seed, value in _values(tables, reading, scheme, axis, measure).items()}
        for scheme in (upper, lower)
    )
    values = list(differences(one_side, other_side).values())
    if not len(values):
        return replace(part, reason=not_computed(effect.figure, reading))
    margin = MARGIN * level(tables.cells, reading, measure)
    found = shifted(replace(part, reason=agreeing(values, verb)), values, above=0.0, margin=margin)
    if not learned_first and found.effect is not None:
        value, low, high = found.effect
        found = replace(found, effect=Interval(-value, -high, -low))
    return _with_mistakes(found, tables, reading, axis, measure, one, other)


def _with_mistakes(part: Part, tables: Tables, reading: str, axis: str | None, measure: str, *schemes: str) -> Part:
    """Tells what a learned scheme's numbers hide: trainings that came to nothing or diverged, and mAPs' mistakes.

    An operator's utility that mAPs pay for by buying more than pays is no achievement.
    """
    hidden = (_mistakes, _ruined, _diverged) if measure == OPERATOR else (_ruined, _diverged)
    told = (word(tables, reading, axis, scheme) for scheme in schemes if scheme not in REFERENCES for word in hidden)
    return replace(part, reason=joined(part.reason, *told))


def _diverged(tables: Tables, reading: str, axis: str | None, scheme: str) -> str:
    stopped, of = diverged(tables.cells, reading, scheme, axis)
    if not stopped:
        return ""
    return f"{stopped} of {name_of(scheme)}'s {of} trainings diverged, their last good weights played"


def _ruined(tables: Tables, reading: str, axis: str | None, scheme: str) -> str:
    """Of seeds whose mAPs lose by taking part, or whose operator earns next to nothing."""
    told = []
    maps, operator = (_means(tables, reading, scheme, axis, measure) for measure in (MAPS, OPERATOR))
    lost = [value for value in maps if value < -MARGIN * level(tables.cells, reading, MAPS)]
    idle = sum(value < TOLD_SALES * level(tables.cells, reading, OPERATOR) for value in operator)
    if lost:
        told.append(f"in {len(lost)} of {name_of(scheme)}'s {len(maps)} seeds the mAPs lose, at worst {-min(lost):.1f}")
    if idle:
        told.append(f"in {idle} of {name_of(scheme)}'s {len(operator)} seeds next to nothing is sold")
    return joined(*told)


def _mistakes(tables: Tables, reading: str, axis: str | None, scheme: str) -> str:
    regret, bias = (float(np.median(_means(tables, reading, scheme, axis, which) or [0.0])) for which in (REGRET, BIAS))
    if regret < TOLD_REGRET * level(tables.cells, reading, MAPS):
        return ""
    told = f"{name_of(scheme)}'s mAPs regret {regret:.2f} {UNIT}"
    if bias > TOLD_MB:
        return f"{told}, buying {bias:.2f} MB more than pays, which lifts the operator"
    return f"{told}, buying {-bias:.2f} MB less than pays" if bias < -TOLD_MB else told


def _means(tables: Tables, reading: str, scheme: str, axis: str | None, measure: str) -> list[float]:
    """Of each seed, over the axis or at the base."""
    return [float(np.mean(value)) for value in _values(tables, reading, scheme, axis, measure).values()]


def _values(
    tables: Tables, reading: str, scheme: str, axis: str | None, measure: str
) -> Mapping[int, np.ndarray] | Mapping[int, float]:
    """Along an axis, or at the base, by seed."""
    if axis is None:
        return at_base(tables.cells, reading, scheme, measure)
    return along(tables.cells, reading, scheme, axis, measure)


def source(figure: str, reading: str) -> str:
    """The command that computes what a verdict reads."""
    return commands.FIGURE[figure] if reading == MAIN else commands.READINGS


def not_computed(figure: str, reading: str) -> str:
    """The reason of a verdict for which there is nothing to read."""
    return f"not computed: `{source(figure, reading)}` computes it"
