"""How cost grows with size: Algorithm 1 (section 4.5: W^2 N) and learning (section 5.2: N E T) (C11).

Table `growth.csv`, a row for each algorithm, varied size, its value and repeat:

    algorithm      "Algorithm 1"; "learning": N + 1 agents, as printed; "learning, one policy": mAPs share one
    varied         W, N, M (Algorithm 1); N, M, E, T (learning)
    value          of what is varied
    repeat         from 0
    seconds        processor time of the run
    operations     counted: see `counting.Count`; the same in all repeats and on every machine
    kernel_calls   counted likewise
    iterations     W, both of outer and of inner iterations; empty for learning
    maps, stations N, M
    episodes       E; empty for Algorithm 1
    slots          T of an episode; empty for Algorithm 1
    snapshots      markets solved, or episodes played, together

Sizes and repeats take turns in an order drawn anew for each repeat, so that a drift of the machine hits all alike.

W is the number of Algorithm 1's outer iterations and of the inner ones in each, as printed. Each inner iteration
evaluates the rates of all N M pairs twice (amounts, then the choice of a BS), each outer one once more (prices), in all
2 W^2 + W times and a few at start and end. A rate needs the interference of all others on a BS; running sums get it for
all mAPs at once, where the sums of Eq. 1, taken as they stand, would make it N^2.

A kernel call takes some microseconds however few numbers it writes. The calls of a run grow with W^2 and with E T and
not with N or M, so that seconds of a small network hardly depend on N: at N = 4 the constant part is nearly all there
is. Growth in N and M is therefore measured where arithmetic outweighs the calls: many markets at once under Algorithm
1, and up to a thousand mAPs in learning; growth in W on a single small market, as the algorithm is run. Even so
seconds are an affine function of N, not a power: the lowest sizes keep some of the constant part, which bends a fitted
exponent down, and arrays that outgrow a cache make the largest dearer, which bends it up. Counted operations have next
to no constant part, and no cache.

Learning is the preset `paper-literal` (independent mAPs, mini-batches of 64, operator and mAPs in turn), but that it
learns from the first slot on, not the 64th: short runs would not show the growth of long ones. Networks are made and
the replay allocated before the clock starts. "learning, one policy" is the preset `tuned` with one environment.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass

import polars as pl
import torch

from twinoffload.equilibrium.gradient import GradientSettings
from twinoffload.equilibrium.solve import solve
from twinoffload.experiments.counting import Count, one_thread, processor_seconds
from twinoffload.experiments.measure_settings import FULL, MeasureSettings
from twinoffload.learning.train_settings import TrainSettings
from twinoffload.learning.training import Trainer
from twinoffload.scenario import Scenario
from twinoffload.seeding import stream

FILE = "growth.csv"
ALGORITHM_1, LEARNING, SHARED = "Algorithm 1", "learning", "learning, one policy"
GRID = 8  # BSs a side of the square, where more than four are needed
_FEW_ITERATIONS = 8  # W where N and M grow
_FEW_EPISODES, _FEW_SLOTS, _SLOTS = 2, 3, 10  # E; T where N grows, and elsewhere


@dataclass(frozen=True)
class Case:
    """One size of one algorithm; the names are columns of the table."""

    algorithm: str
    varied: str
    value: int
    iterations: int | None = None
    maps: int = 4
    stations: int = 2
    episodes: int | None = None
    slots: int | None = None
    snapshots: int = 1

    def prepare(self, repeat: int) -> Callable[[], object]:
        """What is timed, with all that it needs made."""
        if self.iterations is not None:
            scenario = _scenario(self.maps, self.stations, 1)
            market, gain = scenario.market(), scenario.sample_gain(self.snapshots, seed=repeat)
            given = GradientSettings(self.iterations, seed=repeat)
            return lambda: solve(market, gain, "gradient", settings=given)
        assert self.slots is not None
        settings = TrainSettings.load("paper-literal" if self.algorithm == LEARNING else "tuned")
        changed = settings.replace(episodes=self.episodes, warmup=1, environments=self.snapshots, replay=2000)
        trainer = Trainer(_scenario(self.maps, self.stations, self.slots), changed, [repeat])
        return lambda: trainer.run(lambda metrics: None)

    def count(self) -> Count:
        """What it costs, counted."""
        run = self.prepare(0)
        with Count() as counted:
            run()
        return counted


def cases(settings: MeasureSettings = FULL) -> list[Case]:
    """Every algorithm at every size."""
    many = {"iterations": _FEW_ITERATIONS, "snapshots": settings.snapshots}
    brief = {"episodes": _FEW_EPISODES, "slots": _FEW_SLOTS}
    longer = {"episodes": _FEW_EPISODES, "slots": _SLOTS}
    return [
        *(Case(ALGORITHM_1, "W", w, iterations=w) for w in settings.algorithm_w),
        *(Case(ALGORITHM_1, "N", n, maps=n, **many) for n in settings.algorithm_n),
        *(Case(ALGORITHM_1, "M", m, maps=settings.algorithm_n[0], stations=m, **many) for m in settings.algorithm_m),
        *(Case(LEARNING, "N", n, maps=n, **brief) for n in settings.learning_n),
        *(Case(LEARNING, "M", m, stations=m, **longer) for m in settings.learning_m),
        *(Case(LEARNING, "E", e, episodes=e, slots=_SLOTS) for e in settings.learning_e),
        *(Case(LEARNING, "T", t, episodes=_FEW_EPISODES, slots=t) for t in settings.learning_t),
        *(Case(SHARED, "N", n, maps=n, **brief) for n in settings.learning_n),
    ]


def steps(settings: MeasureSettings = FULL) -> int:
    """How often `measure` calls `each`."""
    return len(cases(settings)) * (1 + settings.growth_repeats)


def measure(settings: MeasureSettings = FULL, each: Callable[[str], None] = lambda label: None) -> pl.DataFrame:
    """The table.

    Args:
        settings: sizes and repeats.
        each: called with a label such as "Algorithm 1, W = 50" after a size has been counted and after each repeat.
    """
    sizes, rows = cases(settings), []
    with one_thread():
        counts = []
        for case in sizes:  # which also warms up
            counts.append(case.count())
            each(_label(case))
        order = stream(0, "order of growth")
        for repeat in range(settings.growth_repeats):
            for index in torch.randperm(len(sizes), generator=order).tolist():
                case, counted = sizes[index], counts[index]
                columns = asdict(case)
                first = {name: columns.pop(name) for name in ("algorithm", "varied", "value")}
                measured = {"repeat": repeat, "seconds": processor_seconds(case.prepare(repeat))}
                counts_of = {"operations": counted.operations, "kernel_calls": counted.kernel_calls}
                rows.append((index, first | measured | counts_of | columns))
                each(_label(case))
    rows.sort(key=lambda row: (row[0], row[1]["repeat"]))
    return pl.DataFrame([row for _, row in rows], infer_schema_length=None)


def _label(case: Case) -> str:
    return f"{case.algorithm}, {case.varied} = {case.value}"


def _scenario(maps: int, stations: int, slots: int) -> Scenario:
    """`paper` in any size; beyond four BSs they stand on a grid, since no cost depends on where."""
    scenario = Scenario.load("paper")
    places = scenario.station_positions
    if stations > len(places):
        places = tuple(((i % GRID + 0.5) / GRID, (i // GRID + 0.5) / GRID) for i in range(GRID * GRID))
    return scenario.replace(maps=maps, stations=stations, slots=slots, station_positions=places)
