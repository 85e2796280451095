"""A study's folder, read and checked: the only thing, besides the verdicts, that its report knows."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from twinoffload.experiments.claims import Tables, commands, read_tables
from twinoffload.experiments.measures import MEASURED_ON
from twinoffload.experiments.paper_figures import FIGURES
from twinoffload.experiments.study import MANIFEST, TABLE
from twinoffload.report.figure_tables import read_table

DATE = "date"  # key in the manifest, or in the table's own metadata


@dataclass(frozen=True)
class StudyFolder:
    """What `twinoffload reproduce` left behind, as far as it came.

    Attributes:
        folder: where it is.
        manifest: versions, and every group with its settings.
        tables: cells, times and growth; None where they were not computed.
        figures: of those figures that were drawn, what they show.
        dated: when it was computed; None where nothing says so.
    """

    folder: Path
    manifest: dict[str, Any]
    tables: Tables
    figures: dict[str, pl.DataFrame]
    dated: str | None

    @property
    def measured_on(self) -> list[tuple[str, str]]:
        """When the tables beside the cells were measured, where they say so."""
        found = []
        for name in ("decision_time", "growth", "propositions", "learning_curves", "twin_loop"):
            table = getattr(self.tables, name)
            if table is not None and MEASURED_ON in table.columns and len(table):
                found.append((f"{name}.csv measured on", " and ".join(sorted(set(table[MEASURED_ON].cast(str))))))
        return found

    @classmethod
    def load(cls, folder: Path, dated: str | None = None) -> "StudyFolder":
        """Read what is there.

        Args:
            folder: of the study.
            dated: when it was computed; default: what its manifest says, or its table.

        Raises:
            ValueError: it holds no study, or something damaged; one line names it and the remedy.
        """
        manifest, tables = _manifest(folder), read_tables(folder)
        metadata = pl.read_parquet_metadata(folder / TABLE) if tables.cells is not None else {}
        drawn = [name for name in FIGURES if (folder / f"{name}.png").is_file()]
        figures = {
            name: read_table(folder / f"{name}.csv", f"`{commands.FIGURE[name]}` writes it anew") for name in drawn
        }
        return cls(folder, manifest, tables, figures, dated or _dates(manifest) or metadata.get(DATE))


def _dates(manifest: dict[str, Any]) -> str | None:
    """The days on which its groups were computed; one that was added later says so itself."""
    days = {manifest.get(DATE), *(group.get(DATE) for group in manifest["groups"] if isinstance(group, dict))}
    return " and ".join(sorted(day for day in days if day)) or None


def _manifest(folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST
    if not path.is_file():
        raise ValueError(f"{folder}: holds no study ({MANIFEST} is missing); `{commands.ALL} --out {folder}` makes one")
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{path}: cannot be read ({error}); delete it, and `{commands.ALL}` writes it anew") from None
    kinds = {"versions": dict, "groups": list}
    if not isinstance(manifest, dict) or any(not isinstance(manifest.get(key), kind) for key, kind in kinds.items()):
        raise ValueError(f"{path}: lists no `versions` and `groups`; `twinoffload reproduce all` makes a study")
    return manifest
