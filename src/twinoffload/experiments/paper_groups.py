"""How the groups of cells behind the paper's figures are computed: train, then play held-out episodes."""

import time
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import polars as pl
from torch import Tensor

from twinoffload.env.episodes import Episodes
from twinoffload.env.scheme import Scheme
from twinoffload.experiments.benchmarks.phases import PhaseClock
from twinoffload.experiments.comparison import DECISIONS, play_episodes, references
from twinoffload.experiments.study import Result
from twinoffload.learning.guard import DivergenceWarning
from twinoffload.learning.kinds import Training, begin, kind_of
from twinoffload.learning.own.settings import OwnSettings
from twinoffload.learning.own.training import OwnTrainer
from twinoffload.learning.rows import draw_rows
from twinoffload.learning.training import Trainer
from twinoffload.scenario import Scenario
from twinoffload.seeding import stream

CHANNELS = 7  # which held-out episodes: no trial has played them
HELD_OUT, TRAINING = "held-out", "training"
PLAYING, SOLVING = "playing held-out episodes", "equilibria and rules"
OWN = "training of one's own schemes"
AMORTISING = "amortised training"  # products and payoffs in one, which the clock cannot tell apart

SCHEMA = pl.Schema({
    "reading": pl.String,
    "phase": pl.String,
    "scheme": pl.String,
    "seed": pl.Int64,
    "maps": pl.Int64,
    "stations": pl.Int64,
    "bandwidth_mhz": pl.Float64,
    "compute_gcycle_per_s": pl.Float64,
    "accuracy_value_money": pl.Float64,
    "learning_rate": pl.Float64,
    "episode": pl.Int64,
    "operator_utility_money": pl.Float64,
    "map_utility_money": pl.Float64,
    "regret_money": pl.Float64,
    "data_mb": pl.Float64,
    "wrong_association_share": pl.Float64,
    "data_bias_mb": pl.Float64,
    "data_error_mb": pl.Float64,
    "stopped": pl.Boolean,
})  # fmt: skip
"""Columns of the table. `reading` names how the paper was read. `phase` says whether a row is what a trained or solved
scheme earned on held-out episodes, mean over slots, or what exploring policies earned in a training `episode`, from 0.
`learning_rate` is empty where a preset's own rates were taken. `stopped`: whether training diverged, and the last good
weights played."""


def compute(work: dict[str, Any]) -> Result:
    """The rows of a group, by its kind."""
    result = _KINDS[work["kind"]](work)
    reading = pl.lit(work["reading"], pl.String).alias("reading")
    return Result(result.table.with_columns(reading), result.seconds)


def describe(scenario: Scenario) -> dict[str, Any]:
    """The values that figures vary, by column."""
    return {
        "maps": scenario.maps,
        "stations": scenario.stations,
        "bandwidth_mhz": scenario.bandwidth,
        "compute_gcycle_per_s": scenario.compute,
        "accuracy_value_money": scenario.accuracy_value,
    }


def channels(scenarios: Sequence[Scenario], seeds: Sequence[int], work: dict[str, Any]) -> Episodes:
    """Held-out episodes, batch axes [rows, episodes]: those of a scenario and seed, whatever rows stand beside them."""
    generators = [stream(seed, f"held-out {work['channels']}") for seed in seeds]
    return draw_rows(scenarios, work["held_out"], generators, slots=scenarios[0].slots)


def _learned(work: dict[str, Any]) -> Result:
    """Values and seeds of equal shape as rows of one ensemble, value by value."""
    scenarios, seeds = _scenarios(work), work["seeds"]
    rows = [(scenario, seed) for scenario in scenarios for seed in seeds]
    trainer, clock = _trainer(work, rows), PhaseClock()
    _train(trainer, clock, lambda metrics: None)
    return Result(_played_by(trainer, rows, work, clock), clock.seconds)


def _curves(work: dict[str, Any]) -> Result:
    """Learning rates and seeds as rows of one ensemble; its metrics, then what the final policies earn."""
    (scenario,), seeds = _scenarios(work), work["seeds"]
    rows = [(scenario, seed) for _ in work["rates"] for seed in seeds]
    rates = tuple(rate for rate in work["rates"] for _ in seeds)
    changed = {who: work["settings"][who] | {"actor_rate": rates, "critic_rate": rates} for who in ("operator", "maps")}
    work = work | {"settings": work["settings"] | changed}
    trainer, clock = _trainer(work, rows), PhaseClock()
    told: list[dict[str, Any]] = []

    def note(metrics: list[dict[str, Any]]) -> None:
        for rate, row in zip(rates, metrics, strict=True):
            told.append(
                row
                | {"learning_rate": rate, "phase": TRAINING, "scheme": work["settings"]["operator"]["algorithm"]}
                | {"regret_money": row["map_regret_money"]}
                | describe(scenario)
            )

    _train(trainer, clock, note)
    played = _played_by(trainer, rows, work, clock, pl.Series("learning_rate", rates))
    order = pl.DataFrame(told, infer_schema_length=None).sort(
        "learning_rate", "seed", "episode", descending=[True, False, False]
    )
    return Result(pl.concat([_table(order), played]), clock.seconds)


def _amortised(work: dict[str, Any]) -> Result:
    """One training for all scenarios, which it plays one after the other."""
    scenarios, seeds = _scenarios(work), work["seeds"]
    settings = kind_of(work["settings"]).model_validate(work["settings"])
    trainer, clock = begin(scenarios[0], settings, seeds, work["device"]), PhaseClock()
    began = time.perf_counter()
    trainer.run(lambda metrics: None)
    clock.seconds[AMORTISING] = time.perf_counter() - began
    tables = [_played_by(trainer, [(scenario, seed) for seed in seeds], work, clock) for scenario in scenarios]
    return Result(pl.concat(tables), clock.seconds)


def _own(work: dict[str, Any]) -> Result:
    """A scheme of somebody's own, trained if it learns."""
    scenarios, seeds = _scenarios(work), work["seeds"]
    rows = [(scenario, seed) for scenario in scenarios for seed in seeds]
    settings, clock = OwnSettings.model_validate(work["settings"]), PhaseClock()
    trainer = OwnTrainer([scenario for scenario, _ in rows], settings, [seed for _, seed in rows])
    began = time.perf_counter()
    if trainer.source.learns:
        trainer.run(lambda metrics: None)
    clock.seconds[OWN] = time.perf_counter() - began
    return Result(_played_by(trainer, rows, work, clock), clock.seconds)


def _references(work: dict[str, Any]) -> Result:
    """Schemes that need no learning, in one scenario."""
    (scenario,), seeds = _scenarios(work), work["seeds"]
    began = time.perf_counter()
    rows = [(scenario, seed) for seed in seeds]
    episodes = channels([scenario] * len(seeds), seeds, work)
    known = {scheme.name: scheme for scheme in references(scenario)}
    tables = [_rows(known[name], episodes, rows) for name in work["schemes"]]
    return Result(pl.concat(tables), {SOLVING: time.perf_counter() - began})


_KINDS = {"learned": _learned, "curves": _curves, "amortised": _amortised, "own": _own, "references": _references}


def _scenarios(work: dict[str, Any]) -> list[Scenario]:
    return [Scenario.model_validate(values) for values in work["scenarios"]]


def _trainer(work: dict[str, Any], rows: Sequence[tuple[Scenario, int]]) -> Trainer:
    scenarios, seeds = zip(*rows, strict=True)
    settings = kind_of(work["settings"]).model_validate(work["settings"])
    return Trainer(list(scenarios), settings, list(seeds), work["device"])  # type: ignore[arg-type]


def _train(trainer: Training, clock: PhaseClock, each: Callable[[list[dict[str, Any]]], None]) -> None:
    """To the end; a row that diverges is told of in the table."""
    with clock.watching(), warnings.catch_warnings():
        warnings.simplefilter("ignore", DivergenceWarning)
        trainer.run(each)


def _played_by(
    trainer: Training, rows: Sequence[tuple[Scenario, int]], work: dict[str, Any], clock: PhaseClock, *more: pl.Series
) -> pl.DataFrame:
    """What the trained policies earn on held-out episodes."""
    began = time.perf_counter()
    scenarios, seeds = zip(*rows, strict=True)
    episodes = channels(scenarios, seeds, work)
    stopped = pl.Series("stopped", trainer.stopped)
    table = _rows(trainer.agents, episodes, rows, stopped, *more)
    clock.seconds[PLAYING] = clock.seconds.get(PLAYING, 0.0) + time.perf_counter() - began
    return table


def _rows(scheme: Scheme, episodes: Episodes, rows: Sequence[tuple[Scenario, int]], *more: pl.Series) -> pl.DataFrame:
    """One row of the table for each row of the batch."""
    means: dict[str, Tensor] = play_episodes(scheme, episodes)
    labels = [{"phase": HELD_OUT, "scheme": scheme.name, "seed": seed} | describe(scenario) for scenario, seed in rows]
    measured = {
        "operator_utility_money": means["operator"],
        "map_utility_money": means["map"],
        "regret_money": means["regret"],
        **{name: means[name] for name in DECISIONS},
    }
    columns = [pl.Series(name, value.numpy()) for name, value in measured.items()]
    return _table(pl.DataFrame(labels).with_columns(*columns, *more))


def _table(frame: pl.DataFrame) -> pl.DataFrame:
    """With all columns of the table, those that were not measured empty."""
    missing = [pl.lit(None).alias(name) for name in SCHEMA if name not in frame.columns]
    return frame.with_columns(missing).select(SCHEMA.names()).cast(dict(SCHEMA))  # type: ignore[arg-type]


def shares(seconds: dict[str, float]) -> dict[str, float]:
    """Of all time, the share of products of matrices (networks, their gradients), of payoffs and games, and the rest.

    The rest is what a faster engine could save: drawing episodes, features, replay, the optimiser and bookkeeping.
    """
    kinds = {
        "matrix products": ("acting", "critics", "actor", "critics' target"),
        "payoffs and games": ("environment, payoff", SOLVING, PLAYING),
        "both (amortised)": (AMORTISING,),
    }
    if OWN in seconds:
        kinds[OWN] = (OWN,)
    total = sum(seconds.values())
    found = {kind: sum(seconds.get(name, 0.0) for name in names) / total for kind, names in kinds.items()}
    return found | {"outside these": 1.0 - sum(found.values())}
