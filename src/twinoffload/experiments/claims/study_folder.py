"""The tables of a study's folder, read and checked."""

import os
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from twinoffload.experiments.paper_groups import SCHEMA
from twinoffload.experiments.study import TABLE

DECISION_TIME, GROWTH, PROPOSITIONS = "decision_time.csv", "growth.csv", "propositions.csv"
LEARNING_CURVES, TWIN_LOOP = "learning_curves.csv", "twin_loop.csv"
_MADE_BY = {PROPOSITIONS: "propositions", LEARNING_CURVES: "twin", TWIN_LOOP: "twin"}  # the others: timing
MAIN = "main"
_KEY = (
    "reading", "phase", "scheme", "seed", "maps", "stations", "bandwidth_mhz", "compute_gcycle_per_s",
    "accuracy_value_money", "learning_rate", "episode",
)  # fmt: skip
_NEEDED = {  # columns that verdicts read, by file
    DECISION_TIME: {
        "scheme": pl.String, "maps": pl.Int64, "stations": pl.Int64, "repeat": pl.Int64, "decision_ms": pl.Float64
    },
    GROWTH: {
        "algorithm": pl.String, "varied": pl.String, "value": pl.Float64, "repeat": pl.Int64, "seconds": pl.Float64
    },
    PROPOSITIONS: {
        "proposition": pl.Int64, "formula": pl.String, "market": pl.Int64, "trade": pl.Boolean,
        "outside_share": pl.Float64, "gain_share": pl.Float64, "maxima": pl.Int64, "flat_share": pl.Float64,
        "convex_share": pl.Float64,
    },
    LEARNING_CURVES: {
        "task": pl.String, "structure": pl.String, "seed": pl.Int64, "data_mb": pl.Float64, "accuracy": pl.Float64
    },
    TWIN_LOOP: {
        "task": pl.String, "belief": pl.String, "bought_by": pl.String, "seed": pl.Int64, "slot": pl.Int64,
        "data_mb": pl.Float64, "accuracy_promised": pl.Float64, "accuracy_realised": pl.Float64,
        "map_utility_promised_money": pl.Float64, "map_utility_realised_money": pl.Float64,
        "regret_money": pl.Float64, "profit_money": pl.Float64,
    },
}  # fmt: skip


@dataclass(frozen=True)
class Tables:
    """What a study left; None where it left nothing.

    Attributes:
        cells: `table.parquet`, of `paper_groups.SCHEMA`.
        decision_time: of schemes against N.
        growth: of cost with iterations, sizes and lengths.
        propositions: deviations from the closed forms.
        learning_curves: accuracy of trained twins against data.
        twin_loop: what was promised of twins that were sold, and what was realised.
    """

    cells: pl.DataFrame | None = None
    decision_time: pl.DataFrame | None = None
    growth: pl.DataFrame | None = None
    propositions: pl.DataFrame | None = None
    learning_curves: pl.DataFrame | None = None
    twin_loop: pl.DataFrame | None = None


def read_tables(folder: str | os.PathLike[str]) -> Tables:
    """The tables of a folder.

    Raises:
        ValueError: there is none, or one is damaged; a line that names the file and the remedy.
    """
    place = Path(folder)
    if not place.is_dir():
        raise ValueError(f"{place}: there is no such folder; `twinoffload reproduce all --out {place}` makes a study")
    files = (TABLE, DECISION_TIME, GROWTH, PROPOSITIONS, LEARNING_CURVES, TWIN_LOOP)
    if not any((place / name).is_file() for name in files):
        raise ValueError(
            f"{place}: holds none of {', '.join(files)}; `twinoffload reproduce all --resume --out {place}` makes them"
        )
    measured = (_read_csv(place / name) for name in files[1:])
    return Tables(_read_cells(place / TABLE), *measured)


def check_cells(cells: pl.DataFrame, name: object = TABLE) -> pl.DataFrame:
    """The columns that verdicts need, of their types, and each cell once.

    Raises:
        ValueError: otherwise.
    """
    checked = _typed(cells, dict(SCHEMA), name, "reproduce all --resume")
    twice = checked.filter(checked.select(_KEY).is_duplicated())
    if len(twice):
        row = twice.row(0, named=True)
        where = f"{row['reading']}, {row['phase']}, {row['scheme']}, seed {row['seed']}"
        raise ValueError(
            f"{name}: two rows for one cell ({where}); delete it, and `twinoffload reproduce all --resume` remakes it"
        )
    return checked


def _read_cells(file: Path) -> pl.DataFrame | None:
    if not file.is_file():
        return None
    try:
        cells = pl.read_parquet(file)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise _unreadable(file, error, f"reproduce all --resume --out {file.parent}") from None
    return check_cells(cells, file)


def _read_csv(file: Path) -> pl.DataFrame | None:
    if not file.is_file():
        return None
    command = f"reproduce {_MADE_BY.get(file.name, 'timing')} --resume --out {file.parent}"
    try:
        table = pl.read_csv(file, infer_schema_length=None)
    except (pl.exceptions.PolarsError, OSError, UnicodeDecodeError) as error:
        raise _unreadable(file, error, command) from None
    return _typed(table, _NEEDED[file.name], file, command)


def _typed(table: pl.DataFrame, schema: dict[str, object], name: object, command: str) -> pl.DataFrame:
    remedy = f"delete it, and `twinoffload {command}` makes it anew"
    for column, kind in schema.items():
        if column not in table.columns:
            raise ValueError(f"{name}: has no column {column!r}; {remedy}")
        try:
            table = table.with_columns(pl.col(column).cast(kind))  # type: ignore[arg-type]
        except pl.exceptions.PolarsError:
            raise ValueError(f"{name}: column {column!r} is not of type {kind}; {remedy}") from None
    return table


def _unreadable(file: Path, error: Exception, command: str) -> ValueError:
    reason = (str(error).splitlines() or [type(error).__name__])[0]
    return ValueError(f"{file}: cannot be read ({reason}); delete it, and `twinoffload {command}` makes it anew")
