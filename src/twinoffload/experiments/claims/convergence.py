"""C1 to C3: whether and when learning settles, at three learning rates (Figs. 2 and 3).

A seed's curve settles at an episode or, within the training, not at all; then it counts as later than the last episode.
So episodes are compared by signs, which need no more than "earlier" and "later", and "about 50" is what lies within 20
episodes of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from twinoffload.experiments.claims.cells import (
    BIAS,
    MAPS,
    OPERATOR,
    WHOSE,
    after_training,
    differences,
    training,
)
from twinoffload.experiments.claims.effects import not_computed, source
from twinoffload.experiments.claims.part import Part, joined, shifted, verdicts
from twinoffload.experiments.claims.rank_tests import p_sign
from twinoffload.experiments.claims.shares import at_least, at_least_of, share_with_interval
from twinoffload.experiments.claims.study_folder import Tables
from twinoffload.experiments.interval import Interval, median_interval
from twinoffload.experiments.paper_figures import RATES
from twinoffload.experiments.settling import WINDOW, roughness, settled
from twinoffload.experiments.verdict import Verdict

ABOUT = 20  # episodes
LATER = 5  # episodes: a smaller delay counts as none
STILL = 1e-3  # money a slot: what is less rough counts as this rough, such as a policy that earns nothing at all
SMOOTHER = 0.1  # share: a smaller difference in roughness counts as none
TRAPPED = 0.05  # share of the best rate's utility that is lost in a local optimum
SOME, OFTEN = 0.1, 0.25  # shares of trainings: more than the first can end there; fewer than the second do not
STATED = dict(zip(RATES, (50, 50, 90), strict=True))  # episodes, by learning rate
LARGE, MIDDLE, SMALL = RATES
LEVEL_CURVES = 200  # drawn to see what noise does
ROUGH = float(np.sqrt(3.0 / np.pi))  # `roughness` of independent normal episodes of deviation 1
SIGNS = "sign test, one-sided, Holm"
SHARES = "binomial and sign test, Holm"
_FIGURE = {MAPS: "fig2", OPERATOR: "fig3"}


def maps(tables: Tables, reading: str) -> list[Verdict]:
    """C1: the mAPs' policies settle at about 50, 50 and 90 episodes."""
    return verdicts("C1", reading, [_settles(tables, reading, rate, MAPS) for rate in RATES])


def operator(tables: Tables, reading: str) -> list[Verdict]:
    """C2: the pricing policy settles at the corresponding episodes."""
    return verdicts("C2", reading, [_settles(tables, reading, rate, OPERATOR) for rate in RATES])


def rates(tables: Tables, reading: str) -> list[Verdict]:
    """C3: a small rate is slow and smooth, a large one can end in a local optimum."""
    parts = []
    for measure in (MAPS, OPERATOR):
        parts += [_slower(tables, reading, measure, rate) for rate in (LARGE, MIDDLE)]
        parts += [_smoother(tables, reading, measure), _trapped(tables, reading, measure)]
    return verdicts("C3", reading, parts)


def _settles(tables: Tables, reading: str, rate: float, measure: str) -> Part:
    about = STATED[rate]
    low, high = about - ABOUT, about + ABOUT
    words = f"{WHOSE[measure]} settles at about {about} episodes at rate {rate:g}"
    part = Part(words, "episodes", source(_FIGURE[measure], reading), test=SIGNS)
    curves = training(tables.cells, reading, rate, measure)
    if not curves:
        return replace(part, reason=not_computed(_FIGURE[measure], reading))
    ends = np.array(list(_ends(curves).values()))
    places = [_place(curve, low, high) for curve in curves.values()]
    early, inside, late = (places.count(word) for word in ("early", "inside", "late"))
    chances = [late_by_chance(curve, about, high) for curve in curves.values()]
    return replace(
        part,
        effect=median_interval(ends.tolist()),
        holds=max(p_sign(inside + early, len(ends)), p_sign(inside + late, len(ends))),
        fails=min(2 * min(at_least_of([max(chance, 0.5) for chance in chances], late), p_sign(early, len(ends))), 1.0),
        seeds=len(ends),
        reason=joined(f"{inside} of {len(ends)} seeds within {low} to {high}", _never(curves), _noise(chances, about)),
    )


def _slower(tables: Tables, reading: str, measure: str, rate: float) -> Part:
    words = f"{WHOSE[measure]} settles later at rate {SMALL:g} than at {rate:g}"
    part = Part(words, "episodes", source(_FIGURE[measure], reading), test=SIGNS)
    small, large = (training(tables.cells, reading, one, measure) for one in (SMALL, rate))
    delays = np.array(list(differences(_ends(small), _ends(large)).values()))
    if not len(delays):
        return replace(part, reason=not_computed(_FIGURE[measure], reading))
    told = int((delays != 0).sum())  # a tie says nothing of the order
    both_never = sum(settled(small[seed]) is None is settled(large[seed]) for seed in small if seed in large)
    return replace(
        part,
        effect=median_interval(delays.tolist()),
        holds=p_sign(int((delays > 0).sum()), told),
        fails=p_sign(int((delays < LATER).sum()) - both_never, len(delays)),
        seeds=len(delays),
        reason=joined(
            f"later in {int((delays > 0).sum())} of {len(delays)} seeds",
            *(f"at {one:g} {never}" for one, never in ((SMALL, _never(small)), (rate, _never(large))) if never),
        ),
    )


def _smoother(tables: Tables, reading: str, measure: str) -> Part:
    """By the mean distance of an episode from the middle of its neighbours."""
    words = f"{WHOSE[measure]} is smoother at rate {SMALL:g} than at {LARGE:g}, second half of training"
    part = Part(words, "% less rough", source(_FIGURE[measure], reading))
    rough = [
        {seed: float(np.log(max(value, STILL))) for seed, curve in curves.items() if (value := roughness(curve)) >= 0.0}
        for curves in (training(tables.cells, reading, rate, measure) for rate in (LARGE, SMALL))
    ]
    ratios = np.array(list(differences(*rough).values()))  # ln(large/small)
    if not len(ratios):
        return replace(part, reason=not_computed(_FIGURE[measure], reading))
    found = shifted(part, ratios, above=0.0, margin=-float(np.log1p(-SMOOTHER)))
    assert found.effect is not None
    shares = Interval(*(100.0 * (1.0 - float(np.exp(-end))) for end in found.effect))
    return replace(found, effect=shares, reason=f"smoother in {int((ratios > 0).sum())} of {len(ratios)} seeds")


def _trapped(tables: Tables, reading: str, measure: str) -> Part:
    """That some trainings at the large rate end clearly below the best rate, and more of them than at another rate.

    "Can" speaks of some trainings, so shares are tested, not the middle one. Noise alone puts some below the best of
    three: another rate shows how many.
    """
    words = f"{WHOSE[measure]} can end {TRAPPED:.0%} or more below the best rate at rate {LARGE:g}: a local optimum"
    part = Part(words, "% of trainings", source(_FIGURE[measure], reading), test=SHARES)
    ends = {rate: found for rate in RATES if (found := after_training(tables.cells, reading, rate, measure))}
    if LARGE not in ends or len(ends) < 2:
        return replace(part, reason=not_computed(_FIGURE[measure], reading))
    seeds = sorted(set.intersection(*(set(found) for found in ends.values())))
    best = {seed: max(found[seed] for found in ends.values()) for seed in seeds}
    low = {
        rate: {seed for seed in seeds if found[seed] < best[seed] - TRAPPED * abs(best[seed])}
        for rate, found in ends.items()
    }
    worst = {
        rate: max((1.0 - found[seed] / best[seed] for seed in low[rate] if best[seed] > 0.0), default=0.0)
        for rate, found in ends.items()
    }
    trapped, others = low.pop(LARGE), low
    more = (p_sign(len(trapped - other), len(trapped ^ other)) for other in others.values())
    return replace(
        part,
        effect=Interval(*(100.0 * share for share in share_with_interval(len(trapped), len(seeds)))),
        holds=max(at_least(len(trapped), len(seeds), SOME), min(len(others) * min(more), 1.0)),
        fails=1.0 - at_least(len(trapped) + 1, len(seeds), OFTEN),
        seeds=len(seeds),
        reason=joined(
            f"{len(trapped)} of {len(seeds)} seeds, held out, the worst by {worst[LARGE]:.0%}",
            "beside " + ", ".join(f"{len(other)} at {rate:g} ({worst[rate]:.0%})" for rate, other in others.items()),
            _overbought(tables, reading) if measure == OPERATOR else "",
        ),
    )


def _overbought(tables: Tables, reading: str) -> str:
    """What lifts the operator at the large rate, if something does."""
    bought = after_training(tables.cells, reading, LARGE, BIAS)
    bias = float(np.median(list(bought.values()))) if bought else 0.0
    return f"the mAPs then buy {bias:.2f} MB more than pays" if bias > 0.1 else ""


def _place(curve: np.ndarray, low: int, high: int) -> str:
    """Where a curve settles: early, inside or late; "unknown" of one that may yet settle inside, cut off too soon."""
    end = settled(curve)
    if end is None:
        return "late" if len(curve) - WINDOW >= high else "unknown"
    return "early" if end < low else "late" if end > high else "inside"


def _ends(curves: Mapping[int, np.ndarray]) -> dict[int, float]:
    """Settled episodes by seed, of one that never settles the episode after the last."""
    return {seed: float(settled(curve) or len(curve) + 1) for seed, curve in curves.items()}


def _never(curves: Mapping[int, np.ndarray]) -> str:
    """Such as "2 of 10 never settle in 120 episodes, told as 121"; empty where all do."""
    missing = sum(settled(curve) is None for curve in curves.values())
    length = max((len(curve) for curve in curves.values()), default=0)
    return f"{missing} of {len(curves)} never settle in {length} episodes, told as {length + 1}" if missing else ""


def _noise(chances: Sequence[float], about: int) -> str:
    """How often noise alone would do it, where it is often."""
    chance = float(np.mean(chances))
    return (
        f"with their noise {chance:.0%} of curves level from episode {about} on would be late, too"
        if chance > 0.1
        else ""
    )


def late_by_chance(curve: np.ndarray, about: int, high: int) -> float:
    """The chance that a curve is called late although it is level from an episode on, by its noise alone.

    Noise is what neighbouring episodes differ by: exploring, channels, and networks that a large rate shakes. Level
    curves are drawn with as much of it, independent from episode to episode; always the same ones.
    """
    deviation, final = roughness(curve) / ROUGH, abs(float(np.mean(curve[-WINDOW:])))
    if not np.isfinite(deviation):  # diverged, which is no noise
        return 0.0
    drawn = final + deviation * np.random.default_rng(0).standard_normal((LEVEL_CURVES, len(curve)))
    drawn[:, : about - WINDOW] = 0.0  # the mean of ten is level from `about` on
    return float(np.mean([_place(one, 0, high) == "late" for one in drawn]))
