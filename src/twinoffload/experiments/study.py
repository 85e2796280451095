"""A study: cells that are listed before anything runs, computed once each, and gathered in one table.

manifest.json      every group of cells, written before anything runs
parts/KEY.parquet  what a group gave, and how long that took; KEY is a hash of everything that fixes its numbers
table.parquet      all parts, in the order of the manifest
.lock              held while somebody computes

Every file is written under another name and then renamed, the table last. So a study that was killed at any moment, or
computed in any order, ends in the same table, to the bit. A study grows: what a later call in its folder asks is added
after what is listed there, and a group that both ask is computed once.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from twinoffload.experiments.provenance import versions
from twinoffload.files import LOCK, drafts, first_line, json_text, locked, write_text, write_whole

MANIFEST, TABLE, PARTS = "manifest.json", "table.parquet", "parts"


@dataclass(frozen=True)
class Group:
    """Cells that are computed together, in one batch.

    Attributes:
        label: says which, to people.
        work: what is computed, as JSON: with the versions of what computes, it fixes the numbers.
        cells: one entry a cell: scheme, values and seed.
        cost: about how long it takes beside other groups, in any unit.
    """

    label: str
    work: dict[str, Any]
    cells: Sequence[dict[str, Any]]
    cost: float = 1.0

    @cached_property
    def key(self) -> str:
        """Its name among the parts."""
        text = json.dumps({"work": self.work, "versions": versions()}, sort_keys=True, allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()[:24]


@dataclass(frozen=True)
class Result:
    """What a group gave.

    Attributes:
        table: its rows; of the same columns for every group of a study.
        seconds: how long its phases took; they add up to the whole.
    """

    table: pl.DataFrame
    seconds: dict[str, float] = field(default_factory=dict)


Compute = Callable[[dict[str, Any]], Result]
"""Computes a group's `work`; a function of a module, since other processes call it."""

Execute = Callable[[Sequence[Group]], Iterable[tuple[Group, Result]]]
"""Computes groups wherever it likes and gives each with its result, in any order; see `execution`."""


class Study:
    """A study's folder.

    Args:
        folder: where it is, or is to be.
        groups: what is asked of it; of equal groups one is kept.
        title: what kind of study it is; those of other titles do not mix.
        beside: names of files that others may have put there.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        groups: Sequence[Group],
        title: str = "study",
        beside: Sequence[str] = (),
    ):
        self.folder = Path(folder)
        self.groups = list({group.key: group for group in groups}.values())
        self.title, self.beside = title, beside
        self.dated: str | None = None

    def run(
        self,
        execute: Execute,
        *,
        resume: bool = False,
        begins: Callable[[Sequence[Group]], None] = lambda groups: None,
        each: Callable[[Group, bool], None] = lambda group, found: None,
    ) -> pl.DataFrame:
        """Compute what is missing and write the table.

        Args:
            execute: computes groups.
            resume: whether the folder may hold a study already; its finished groups are taken over.
            begins: called once with all groups, those that the folder lists, too, before anything runs.
            each: called with every group that is finished, and whether it was found finished.

        Returns:
            The table.

        Raises:
            ValueError: the folder holds something else, a study and `resume` was not asked for, or one that this does
                not go with; another process is at work on it; or a part is damaged. One line that names the remedy.
        """
        check_folder(self.folder, resume, self.beside)
        try:
            (self.folder / PARTS).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ValueError(f"{self.folder}: cannot be made ({error.strerror}); choose another --out") from None
        with locked(self.folder):
            self.groups = merged(listed(self.folder, self.title, self.groups), self.groups)
            self._clear_drafts()
            whole = [_is_whole(self.part(group)) for group in self.groups]
            missing = [group for group, found in zip(self.groups, whole, strict=True) if not found]
            self.dated = date.today().isoformat() if missing else _dated(self.folder)
            write_text(self.folder / MANIFEST, _manifest_text(self.manifest()))
            begins(self.groups)
            for group, found in zip(self.groups, whole, strict=True):
                if found:
                    each(group, True)
            for group, result in execute(missing) if missing else ():
                self._keep(group, result)
                each(group, False)
            table = self.gather()
            write_whole(self.folder / TABLE, table.write_parquet)
        return table

    def manifest(self) -> dict[str, Any]:
        """What will be computed, as JSON."""
        return {
            "title": self.title,
            "date": self.dated,
            "versions": versions(),
            "cells": sum(len(group.cells) for group in self.groups),
            "groups": [
                {"key": group.key, "label": group.label, "cost": group.cost, "cells": list(group.cells)}
                | {"work": group.work}
                for group in self.groups
            ],
        }

    def part(self, group: Group) -> Path:
        """Where a group's rows are kept."""
        return self.folder / PARTS / f"{group.key}.parquet"

    def gather(self) -> pl.DataFrame:
        """The parts in the order of the manifest.

        Raises:
            ValueError: one cannot be read.
        """
        files = [self.part(group) for group in self.groups]
        try:
            return pl.read_parquet(files, glob=False)
        except (pl.exceptions.PolarsError, OSError) as error:
            for file in files:
                _check_readable(file)
            raise ValueError(f"{self.folder / PARTS}: parts do not fit together ({first_line(error)})") from None

    def seconds(self) -> dict[str, float]:
        """Phases of all groups together, s; of groups that were taken over, too."""
        total: dict[str, float] = {}
        for group in self.groups:
            told = json.loads(pl.read_parquet_metadata(self.part(group))["seconds"])
            for phase, seconds in told.items():
                total[phase] = total.get(phase, 0.0) + seconds
        return total

    def _keep(self, group: Group, result: Result) -> None:
        """A part that is there is finished."""
        told = {"seconds": json.dumps({name: round(value, 3) for name, value in result.seconds.items()})}
        write_whole(  # small files: compressing one takes longer than writing it
            self.part(group),
            lambda draft: result.table.write_parquet(draft, compression="uncompressed", metadata=told),
        )

    def _clear_drafts(self) -> None:
        """Remove what writers left who were killed; nobody else writes here now."""
        for draft in (*(self.folder / PARTS).glob(".*.draft"), *drafts(self.folder / MANIFEST)):
            draft.unlink()
        for draft in drafts(self.folder / TABLE):
            draft.unlink()


def check_folder(folder: Path, resume: bool, beside: Sequence[str] = ()) -> None:
    """Refuse, before any work, a folder in which a study must not be computed.

    Args:
        folder: where.
        resume: whether it may hold a study already.
        beside: names of files that may stand where there is no study yet.

    Raises:
        ValueError: naming it and the remedy.
    """
    if not folder.exists():
        return
    if not folder.is_dir():
        raise ValueError(f"{folder}: is not a folder; choose another --out")
    begun = {folder / PARTS, folder / LOCK, *drafts(folder / MANIFEST), *(folder / name for name in beside)}
    strange = sorted(entry.name for entry in folder.iterdir() if entry not in begun)
    lost = bool(strange) and (folder / PARTS).is_dir() and (folder / LOCK).is_file()  # a study without its manifest
    if (folder / MANIFEST).is_file() or lost:
        if not resume:
            raise ValueError(f"{folder}: holds a study already; go on with --resume, or choose another --out")
    elif strange:
        raise ValueError(f"{folder}: holds {strange[0]!r}, which no study wrote; choose another --out")


def listed(folder: Path, title: str, asked: Sequence[Group]) -> list[Group]:
    """The groups that a folder's manifest lists, none where there is no manifest.

    Raises:
        ValueError: it cannot be read; it is of another study; or other versions made it and less is asked than it
            lists, so that the rest would be lost.
    """
    path = folder / MANIFEST
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        groups = [Group(one["label"], one["work"], one["cells"], one["cost"]) for one in found["groups"]]
        made_by, name = found["versions"], found["title"]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError):
        raise ValueError(
            f"{path}: cannot be read; choose another --out, or delete it and ask with --resume for all "
            "that the study held"
        ) from None
    if name != title:
        raise ValueError(f"{folder}: holds another study ({name}, not {title}); choose another --out")
    if made_by != versions():
        if _cells(groups) - _cells(asked):
            differ = next(key for key, value in versions().items() if made_by.get(key) != value)
            raise ValueError(
                f"{folder}: {differ} {made_by.get(differ)} computed it, here is {versions()[differ]}; choose another "
                "--out, or ask for all that it holds to have it computed anew"
            )
        return []
    return groups


def _cells(groups: Sequence[Group]) -> set[str]:
    return {json.dumps(cell, sort_keys=True) for group in groups for cell in group.cells}


def _manifest_text(manifest: dict[str, Any]) -> str:
    """JSON with a line for each group: there may be thousands."""
    head = json_text(manifest | {"groups": []})
    groups = ",\n".join("    " + json.dumps(group, allow_nan=False) for group in manifest["groups"])
    return head.replace('"groups": []', f'"groups": [\n{groups}\n  ]') + "\n"


def _dated(folder: Path) -> str | None:
    """When a study was computed, by its manifest."""
    try:
        return json.loads((folder / MANIFEST).read_text(encoding="utf-8")).get("date")
    except FileNotFoundError:
        return None


def merged(old: Sequence[Group], new: Sequence[Group]) -> list[Group]:
    """Old groups, then new ones, every cell in one of them: of two groups that share cells the larger is kept.

    Raises:
        ValueError: neither holds all cells of the other.
    """
    cells = {group.key: _cells([group]) for group in (*old, *new)}
    home = {cell: group.key for group in new for cell in cells[group.key]}
    needless: set[str] = set()
    for group in old:
        own = cells[group.key]
        rivals = {home[cell] for cell in own if cell in home} - {group.key}
        if rivals and all(cells[rival] < own for rival in rivals):
            needless |= rivals
        elif any(own < cells[rival] for rival in rivals):
            needless.add(group.key)
        elif rivals:
            raise ValueError(f"{group.label}: the folder holds these cells computed otherwise; choose another --out")
    return list({group.key: group for group in (*old, *new) if group.key not in needless}.values())


def _is_whole(part: Path) -> bool:
    """Whether a part is there and ends as it should; one that was cut off is computed again."""
    try:
        pl.read_parquet_metadata(part)
    except (pl.exceptions.PolarsError, OSError):
        return False
    return True


def _check_readable(file: Path) -> None:
    try:
        pl.read_parquet(file)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise ValueError(f"{file}: cannot be read ({first_line(error)}); delete it and resume") from None
