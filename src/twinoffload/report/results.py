"""A results folder, read and checked: the only thing that a report knows."""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from twinoffload.experiments.comparison import DECISIONS, MEASURES, TIMES
from twinoffload.report.schemes import learned_among
from twinoffload.scenario import Scenario
from twinoffload.yaml_files import parse

_REMEDY = "`twinoffload quick` writes it anew"
_TEXT = ("scheme", "observation")
_INDICES = ("episode", "seed", "slot", "map", "station")

METRICS = ("episode", "seed", "operator_utility_money", "map_utility_money", "map_regret_money")
COMPARISON = (
    "scheme",
    "observation",
    "seed",
    "operator_utility_money",
    "operator_share_of_admission",
    "map_utility_money",
    "map_share_of_admission",
    "regret_money",
    "regret_share",
)
SLOT = (
    "scheme",
    "slot",
    "map",
    "station",
    "map_x_m",
    "map_y_m",
    "station_x_m",
    "station_y_m",
    "gain_db",
    "price_money_per_mb",
    "chosen",
    "data_mb",
    "map_utility_money",
    "regret_money",
)


@dataclass(frozen=True)
class Results:
    """Everything a study left behind.

    Attributes:
        scenario: what was played.
        settings: training settings, nested as they were written.
        versions: what computed it.
        metrics: training, one row an episode and seed.
        comparison: held-out episodes, one row a scheme and seed.
        slot: one slot of one held-out episode, one row a scheme, mAP and BS.
        summary: the contents of `summary.json`.
    """

    scenario: Scenario
    settings: dict[str, Any]
    versions: dict[str, Any]
    metrics: pl.DataFrame
    comparison: pl.DataFrame
    slot: pl.DataFrame
    summary: dict[str, Any]

    @classmethod
    def load(cls, folder: Path) -> "Results":
        """Read every table.

        Raises:
            ValueError: a file is missing, damaged or not what it should be; one line names it and the remedy.
        """
        if not folder.is_dir():
            raise ValueError(f"{folder}: is no folder of results; `twinoffload quick --out {folder}` makes one")
        run = folder / "run"
        stored = _mapping(run / "settings.yaml", parse)
        if not isinstance(stored.get("settings"), dict):
            raise _fault(run / "settings.yaml", "has no mapping `settings`")
        versions = _mapping(run / "versions.json", json.loads)
        _present(run / "scenario.yaml")
        return cls(
            scenario=Scenario.load(run / "scenario.yaml"),
            settings=stored["settings"],
            versions=versions,
            metrics=_table(run / "metrics.parquet", METRICS).sort("seed", "episode"),
            comparison=_table(folder / "comparison.parquet", COMPARISON),
            slot=_table(folder / "slot.parquet", SLOT),
            summary=_summary(folder / "summary.json"),
        )

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The summary's rows, one a scheme, in the order of the tables."""
        return self.summary["rows"]

    @property
    def learned(self) -> str:
        """Name of the learned scheme."""
        name = learned_among(row["scheme"] for row in self.rows)
        assert name is not None
        return name

    def row(self, scheme: str) -> dict[str, Any] | None:
        """The summary's row of a scheme."""
        return next((row for row in self.rows if row["scheme"] == scheme), None)

    def median(self, scheme: str, measure: str) -> float | None:
        """Median of a measure over seeds."""
        row = self.row(scheme)
        return None if row is None else row[measure]["median"]


def _fault(file: Path, what: str) -> ValueError:
    return ValueError(f"{file}: {what}; {_REMEDY}")


def _present(file: Path) -> None:
    if not file.is_file():
        raise _fault(file, "is missing")


def _reason(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)


def _mapping(file: Path, parse: Callable[[str], Any]) -> dict[str, Any]:
    _present(file)
    try:
        value = parse(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise _fault(file, f"cannot be read ({_reason(error)})") from None
    if not isinstance(value, dict):
        raise _fault(file, "is no mapping")
    return value


def _table(file: Path, columns: Sequence[str]) -> pl.DataFrame:
    _present(file)
    try:
        table = pl.read_parquet(file)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise _fault(file, f"cannot be read ({_reason(error)})") from None
    for name in columns:
        if name not in table.columns:
            raise _fault(file, f"lacks the column {name!r}")
        kind, wanted = table.schema[name], _wanted(name)
        if kind != wanted and not (wanted == pl.Float64 and kind.is_numeric()):
            try:
                table = table.with_columns(pl.col(name).cast(wanted))
            except pl.exceptions.PolarsError:
                raise _fault(file, f"column {name!r} holds {kind}, not {wanted}") from None
        if name in _INDICES and table[name].null_count():
            raise _fault(file, f"column {name!r} has gaps")
    if table.is_empty():
        raise _fault(file, "has no rows")
    return table


def _wanted(column: str) -> Any:
    if column in _TEXT:
        return pl.String
    if column in _INDICES:
        return pl.Int64
    return pl.Boolean if column == "chosen" else pl.Float64


def _summary(file: Path) -> dict[str, Any]:
    summary = _mapping(file, json.loads)
    for key in ("wall_s", "command", "scenario", "seeds", "held_out", "rows"):
        if key not in summary:
            raise _fault(file, f"lacks {key!r}")
    held_out = summary["held_out"]
    if not isinstance(held_out, dict) or not {"episodes", "slots"} <= held_out.keys():
        raise _fault(file, "'held_out' must have 'episodes' and 'slots'")
    if not isinstance(summary["wall_s"], int | float):
        raise _fault(file, "'wall_s' must be a number")
    if not isinstance(summary["seeds"], list) or not summary["seeds"]:
        raise _fault(file, "'seeds' must be a list of at least one")
    rows = summary["rows"]
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise _fault(file, "'rows' must be a list of mappings")
    for number, row in enumerate(rows, start=1):
        for key in ("scheme", "observation"):
            if not isinstance(row.get(key), str):
                raise _fault(file, f"row {number} has no text {key!r}")
        for measure in (*MEASURES, *(name for name in (*DECISIONS, *TIMES) if name in row)):
            value = row.get(measure)
            whole = isinstance(value, dict) and {"median", "low", "high"} <= value.keys()
            if not whole or not all(end is None or isinstance(end, int | float) for end in value.values()):
                raise _fault(file, f"row {number} ({row['scheme']}) has no median, low and high of {measure!r}")
            row[measure] = {name: math.nan if end is None else end for name, end in value.items()}
    if learned_among(row["scheme"] for row in rows) is None:
        raise _fault(file, "has no row of a learned scheme")
    return summary
