"""A study's folder, read and checked: the only thing, besides the verdicts, that its report knows."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from twinoffload.experiments.paper_groups import SCHEMA
from twinoffload.experiments.study import MANIFEST, TABLE
from twinoffload.report.figure_tables import read_table
from twinoffload.report.study.claims import FIGURE_COMMANDS, FIGURES, TABLE_COMMAND, TIMING_COMMAND

DATE = "date"  # key in the manifest, or in the table's own metadata
DECISION_TIME = {"scheme": pl.String, "maps": pl.Int64, "decision_ms": pl.Float64}
GROWTH = {"algorithm": pl.String, "varied": pl.String, "value": pl.Float64, "repeat": pl.Int64, "seconds": pl.Float64}


@dataclass(frozen=True)
class StudyFolder:
    """What `twinoffload reproduce` left behind, as far as it came.

    Attributes:
        folder: where it is.
        manifest: versions, and every group with its settings.
        table: all cells; None until a study has ended.
        figures: of those figures that were drawn, what they show.
        decision_time, growth: time of a decision, and of training and solving; None where they were not measured.
        dated: when it was computed; None where nothing says so.
    """

    folder: Path
    manifest: dict[str, Any]
    table: pl.DataFrame | None
    figures: dict[str, pl.DataFrame]
    decision_time: pl.DataFrame | None
    growth: pl.DataFrame | None
    dated: str | None

    @classmethod
    def load(cls, folder: Path, dated: str | None = None) -> "StudyFolder":
        """Read what is there.

        Args:
            folder: of the study.
            dated: when it was computed; default: what its manifest says, or its table.

        Raises:
            ValueError: it holds no study, or something damaged; one line names it and the remedy.
        """
        manifest = _manifest(folder)
        table, metadata = _table(folder / TABLE)
        drawn = [name for name in FIGURES if (folder / f"{name}.png").is_file()]
        figures = {name: read_table(folder / f"{name}.csv", _again(FIGURE_COMMANDS[name])) for name in drawn}
        return cls(
            folder=folder,
            manifest=manifest,
            table=table,
            figures=figures,
            decision_time=_measured(folder / "decision_time.csv", DECISION_TIME),
            growth=_measured(folder / "growth.csv", GROWTH),
            dated=dated or manifest.get(DATE) or metadata.get(DATE),
        )

    @property
    def groups(self) -> list[dict[str, Any]]:
        """What was computed together, and how."""
        return self.manifest["groups"]


def _again(command: str) -> str:
    return f"`{command}` writes it anew"


def _manifest(folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST
    if not path.is_file():
        raise ValueError(f"{folder}: holds no study ({MANIFEST} is missing); `twinoffload reproduce all` makes one")
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{path}: cannot be read ({error}); `{TABLE_COMMAND}` writes it anew") from None
    kinds = {"versions": dict, "groups": list}
    if not isinstance(manifest, dict) or any(not isinstance(manifest.get(key), kind) for key, kind in kinds.items()):
        raise ValueError(f"{path}: is no manifest of a study (`versions` and `groups`); `twinoffload reproduce` writes one")
    return manifest


def _table(path: Path) -> tuple[pl.DataFrame | None, dict[str, str]]:
    if not path.is_file():
        return None, {}
    remedy = f"`{TABLE_COMMAND}` writes it anew"
    try:
        table, metadata = pl.read_parquet(path), pl.read_parquet_metadata(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise ValueError(f"{path}: cannot be read ({str(error).splitlines()[0]}); {remedy}") from None
    missing = [name for name in SCHEMA if name not in table.columns]
    if missing:
        raise ValueError(f"{path}: lacks the column {missing[0]!r}; {remedy}")
    return table, metadata


def _measured(path: Path, columns: dict[str, Any]) -> pl.DataFrame | None:
    if not path.is_file():
        return None
    table = read_table(path, _again(TIMING_COMMAND))
    for name, kind in columns.items():
        if name not in table.columns:
            raise ValueError(f"{path}: lacks the column {name!r}; {_again(TIMING_COMMAND)}")
        try:
            table = table.with_columns(pl.col(name).cast(kind))
        except pl.exceptions.PolarsError:
            raise ValueError(f"{path}: column {name!r} is not of {kind}; {_again(TIMING_COMMAND)}") from None
    return table
