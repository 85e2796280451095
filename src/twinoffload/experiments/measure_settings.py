"""How much is measured of what things cost, of the propositions and of twins: sizes and repeats.

On one core `FULL` takes about two minutes for decisions, three for growth, a second for the propositions and three
minutes for the learning curves; `QUICK` takes about a minute in all and decides nothing.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class MeasureSettings:
    """Sizes and repeats of `timing_study`, `growth_study`, `propositions`, `twin_study` and `twin_loop`.

    Repeats of all sizes take turns, so that a drift of the machine is shared by all of them. Axes of growth carry the
    paper's letters.

    Attributes:
        maps: numbers of mAPs N whose decisions are timed, on two BSs.
        decision_repeats: of each scheme and N, each on slots of its own.
        decisions: most decisions behind one repeat, whose median it is.
        window_s: seconds after which a repeat takes no further decision; the first is always finished.
        growth_repeats: of each algorithm and size.
        snapshots: solved together where Algorithm 1's N and M grow.
        algorithm_w: W, outer and inner iterations of Algorithm 1.
        algorithm_n: N under Algorithm 1.
        algorithm_m: M under Algorithm 1.
        learning_n: N under learning.
        learning_m: M under learning.
        learning_e: E, episodes; even, since operator and mAPs learn in turn.
        learning_t: T, slots of an episode.
        markets: random markets in which the propositions are tested.
        points: of the grid over amounts and over prices; 1 more than a multiple of 4.
        curve_sizes: sizes of the data on a learning curve.
        curve_seeds: models behind each of its points.
        loop_seeds: of the loop with trained twins.
        loop_slots: that each of them plays.
    """

    maps: tuple[int, ...] = (2, 4, 6, 8, 12, 16)
    decision_repeats: int = 10
    decisions: int = 9
    window_s: float = 0.25
    growth_repeats: int = 8
    snapshots: int = 192
    algorithm_w: tuple[int, ...] = (16, 25, 40, 63, 100)
    algorithm_n: tuple[int, ...] = (32, 64, 128, 256, 512)
    algorithm_m: tuple[int, ...] = (2, 4, 8, 16, 32)
    learning_n: tuple[int, ...] = (64, 128, 256, 512, 1024)
    learning_m: tuple[int, ...] = (2, 4, 8, 16, 32)
    learning_e: tuple[int, ...] = (2, 4, 8, 16, 32)
    learning_t: tuple[int, ...] = (10, 20, 40, 80, 160)
    markets: int = 600
    points: int = 1025
    curve_sizes: int = 12
    curve_seeds: int = 10
    loop_seeds: int = 10
    loop_slots: int = 3


FULL = MeasureSettings()
QUICK = MeasureSettings(
    maps=(2, 8),
    decision_repeats=2,
    decisions=3,
    growth_repeats=2,
    snapshots=64,
    algorithm_w=(4, 8, 16),
    algorithm_n=(16, 64, 256),
    algorithm_m=(2, 8, 32),
    learning_n=(16, 64, 256),
    learning_m=(2, 8, 32),
    learning_e=(2, 4, 8),
    learning_t=(10, 20, 40),
    markets=100,
    points=257,
    curve_sizes=4,
    curve_seeds=2,
    loop_seeds=2,
    loop_slots=1,
)
