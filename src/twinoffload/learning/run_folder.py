"""A run is a folder: what was asked, what was measured, and a checkpoint from which it goes on to the same bit.

scenario.yaml            every field of the scenario; measured gains by path and hash
settings.yaml            seeds and every training setting
versions.json            what computed it
metrics.parquet          one row an episode and seed
checkpoint.safetensors   weights, optimisers, replay and random states
*.older.*                metrics and checkpoint as they were before, used where a newer file is damaged
tensorboard/             the metrics as scalars
trackers.json            under which ids MLflow and others know the run, if they do

Killed at any moment, a run is resumed to the same bit. Every file is written under another name and then renamed. The
settings come last when a run is made, so a folder without them holds nothing yet; the metrics and the events reach the
disk before the checkpoint that vouches for them, so a resumed run drops what lies beyond it and never lacks anything.
One process trains in a folder at a time.
"""

import json
import os
import platform
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import polars as pl
import torch
import yaml
from pydantic import ValidationError
from safetensors import SafetensorError

from twinoffload.files import LOCK, drafts, first_line, locked, write_text, write_whole
from twinoffload.learning import checkpoint
from twinoffload.learning.kinds import Settings, Training, begin, check, kind_of
from twinoffload.learning.tracking.tensorboard import TensorBoard
from twinoffload.learning.tracking.tracker import Guarded, Status, Tracker
from twinoffload.scenario import Scenario
from twinoffload.yaml_files import parse

METRICS, OLDER_METRICS = "metrics.parquet", "metrics.older.parquet"
FILES = ("scenario.yaml", "versions.json", "settings.yaml", METRICS, checkpoint.NEWEST)
OLDER = (OLDER_METRICS, checkpoint.OLDER)

Found = TypeVar("Found")


class RunWarning(UserWarning):
    """A file of a run is damaged, and an older one was used."""


class RunFolder:
    """A training run on disk, new or found."""

    def __init__(self, path: str | os.PathLike[str], scenario: Scenario, settings: Settings, seeds: Sequence[int]):
        self.path, self.scenario, self.settings, self.seeds = Path(path), scenario, settings, list(seeds)

    @classmethod
    def create(
        cls, path: str | os.PathLike[str], scenario: Scenario, settings: Settings, seeds: Sequence[int]
    ) -> "RunFolder":
        """Start a run in a new or empty folder.

        Raises:
            ValueError: scenario and settings cannot be trained; the folder already holds something, or cannot be made.
        """
        check(scenario, settings, seeds)
        folder = Path(path)
        if folder.exists() and not folder.is_dir():
            raise ValueError(f"{folder}: is not a folder; choose another one")
        if folder.exists() and not _is_vacant(folder):
            raise ValueError(f"{folder}: already exists and is not empty; resume it, or choose another folder")
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ValueError(f"{folder}: cannot be made: {error.strerror}; choose another folder") from None
        run = cls(folder, scenario, settings, seeds)
        with locked(folder):
            run._write_settings()
        return run

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> "RunFolder":
        """Find a run that was begun.

        Raises:
            ValueError: the folder is no run, or a file in it is damaged; the message names it.
        """
        folder = Path(path)
        for name in ("scenario.yaml", "settings.yaml"):
            if not (folder / name).is_file():
                inside = (folder / "run" / name).is_file()
                remedy = f"its run is {folder / 'run'}" if inside else "`twinoffload train` makes one"
                raise ValueError(f"{folder}: is not a run folder ({name} is missing); {remedy}")
        try:
            stored = parse((folder / "settings.yaml").read_text(encoding="utf-8"))
            settings = kind_of(stored["settings"]).model_validate(stored["settings"])
            seeds = [int(s) for s in stored["seeds"]]
            if not seeds:
                raise ValueError("it lists no seeds")
        except (yaml.YAMLError, RecursionError, ValidationError, TypeError, KeyError, ValueError) as error:
            raise ValueError(f"{folder / 'settings.yaml'}: is damaged ({first_line(error)}); train anew") from None
        return cls(folder, Scenario.load(folder / "scenario.yaml"), settings, seeds)

    def episodes_done(self) -> int:
        """Episodes that the checkpoint contains."""
        return self._first_sound(_episode) if checkpoint.found(self.path) else 0

    def trainer(self, device: torch.device | str = "cpu") -> Training:
        """The training as the checkpoint left it; at its beginning where there is none yet.

        Raises:
            ValueError: the checkpoint is damaged or of other settings, and so is the older one, if there is one.
        """
        if not checkpoint.found(self.path):
            return begin(self.scenario, self.settings, self.seeds, device)
        return self._first_sound(lambda file: self._trainer_at(file, device))

    def _first_sound(self, read: Callable[[Path], Found]) -> Found:
        """What can be read of the newest checkpoint; of the one before it, with a warning, where it is damaged."""
        refusals: list[ValueError] = []
        for file in checkpoint.found(self.path):
            try:
                found = read(file)
            except ValueError as error:
                refusals.append(error)
                continue
            if refusals:
                warnings.warn(f"{_reason(refusals[0])}; used the one before it, {file.name}", RunWarning, stacklevel=3)
            return found
        raise refusals[0]

    def _trainer_at(self, file: Path, device: torch.device | str) -> Training:
        trainer = begin(self.scenario, self.settings, self.seeds, device)
        state = checkpoint.load(file)
        try:
            trainer.load(state)
        except (KeyError, RuntimeError, TypeError, ValueError) as error:
            raise ValueError(f"{file}: does not fit the run ({error}); restore it or train anew") from None
        return trainer

    def _begun(self, device: torch.device | str) -> tuple[Training, list[dict[str, Any]]]:
        """The training and the metrics of its episodes; damaged files are set aside, so that nothing good is lost."""

        def read(file: Path) -> tuple[Path, Training, list[dict[str, Any]]]:
            trainer = self._trainer_at(file, device)
            return file, trainer, self._rows_before(trainer.episode)

        if not checkpoint.found(self.path):
            return begin(self.scenario, self.settings, self.seeds, device), []
        file, trainer, rows = self._first_sound(read)
        if file.name == checkpoint.OLDER:
            _set_aside(self.path / checkpoint.NEWEST)
        return trainer, rows

    def train(
        self,
        each_episode: Callable[[list[dict[str, Any]]], None] = lambda rows: None,
        device: torch.device | str = "cpu",
        trackers: Sequence[Tracker] = (),
    ) -> Training:
        """Train to the end from wherever the run stands, saving every `checkpoint_every` episodes.

        Args:
            each_episode: called after each episode with its rows of metrics, one a seed.
            device: where to compute.
            trackers: who is told besides TensorBoard; one that fails is warned of and left out.

        Raises:
            ValueError: another process trains here; the checkpoint is damaged; the disk is full, or closed.
        """
        with locked(self.path):
            return self._train(each_episode, device, trackers)

    def _train(
        self,
        each_episode: Callable[[list[dict[str, Any]]], None],
        device: torch.device | str,
        trackers: Sequence[Tracker],
    ) -> Training:
        for draft in _drafts(self.path):
            draft.unlink()
        trainer, rows = self._begun(device)
        told = [TensorBoard(), *map(Guarded, trackers)]

        def finish_episode(new: list[dict[str, Any]]) -> None:
            rows.extend(new)
            with self._saving():
                for tracker in told:
                    tracker.log(new)
                if trainer.episode % self.settings.checkpoint_every == 0 or trainer.episode == self.settings.episodes:
                    for tracker in told:
                        tracker.save()
                    self._save(trainer, rows)
            each_episode(new)

        status: Status = "failed"
        with self._saving():
            for tracker in told:
                tracker.start(self, trainer.episode)
        try:
            trainer.run(finish_episode)
            status = "finished"
        except KeyboardInterrupt:
            status = "interrupted"
            raise
        finally:
            with nullcontext() if status == "finished" else suppress(OSError):  # it was told already
                for tracker in told:
                    tracker.finish(status)
        return trainer

    @contextmanager
    def _saving(self) -> Iterator[None]:
        """Tell in one line that the disk is full, or closed; what was saved before is still there."""
        try:
            yield
        except (OSError, pl.exceptions.PolarsError, SafetensorError) as error:
            told = f"{self.path}: cannot be saved ({first_line(error)}); make room, then resume what is there"
            raise ValueError(told) from None

    def extend(self, episodes: int) -> None:
        """Ask for more episodes than before.

        Raises:
            ValueError: for fewer, or where rates fall towards the end that was set; the run cannot be trained here, or
                another process trains it. Nothing is changed then.
        """
        if episodes < self.settings.episodes:
            raise ValueError(f"episodes = {episodes}: the run was begun with {self.settings.episodes}; ask for more")
        if episodes > self.settings.episodes and self.settings.paced:
            raise ValueError(
                f"episodes = {episodes}: {self.settings.label} was begun with {self.settings.episodes} and paces its "
                "rates by them; begin another run with more"
            )
        longer = self.settings.model_copy(update={"episodes": episodes})
        check(self.scenario, longer, self.seeds)
        with locked(self.path):
            self.settings = longer
            self._write_settings()

    def _write_settings(self) -> None:
        self.scenario.save(self.path / "scenario.yaml")
        write_text(self.path / "versions.json", json.dumps(versions(), indent=2) + "\n")
        stored = {"seeds": self.seeds, "settings": self.settings.model_dump(mode="json")}
        write_text(self.path / "settings.yaml", yaml.safe_dump(stored, sort_keys=False))

    def _rows_before(self, episode: int) -> list[dict[str, Any]]:
        """Metrics of the episodes that a checkpoint contains."""
        if episode == 0:
            return []
        newest, older = self.path / METRICS, self.path / OLDER_METRICS
        try:
            return _rows(newest, episode)
        except ValueError as error:
            if not older.exists():
                raise
            rows = _rows(older, episode)
            warnings.warn(f"{_reason(error)}; used the one before it, {older.name}", RunWarning, stacklevel=5)
            _set_aside(newest)
            return rows

    def _save(self, trainer: Training, rows: list[dict[str, Any]]) -> None:
        """The metrics first: rows beyond the checkpoint are dropped on resuming, missing ones could not be made."""
        metrics, table = self.path / METRICS, pl.DataFrame(rows, infer_schema_length=None)

        def write(draft: Path) -> None:
            table.write_parquet(draft)
            if metrics.exists():
                metrics.replace(self.path / OLDER_METRICS)

        write_whole(metrics, write)
        checkpoint.save(self.path, trainer.state())


def _episode(file: Path) -> int:
    """Of a checkpoint."""
    state = checkpoint.load(file)
    try:
        return int(state["episode"])
    except (KeyError, RuntimeError, ValueError) as error:
        raise ValueError(f"{file}: cannot be read ({error}); restore it or train anew") from None


def _rows(file: Path, episode: int) -> list[dict[str, Any]]:
    """Metrics of the episodes before one."""
    if not file.exists():
        raise ValueError(
            f"{file}: is missing, but the checkpoint goes on from episode {episode}; restore it or train anew"
        )
    try:
        rows = pl.read_parquet(file).filter(pl.col("episode") < episode)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise ValueError(f"{file}: cannot be read ({first_line(error)}); restore it or train anew") from None
    if rows["episode"].max() != episode - 1:
        raise ValueError(
            f"{file}: ends before episode {episode}, from which the checkpoint goes on; restore it or train anew"
        )
    return rows.to_dicts()


def _reason(error: ValueError) -> str:
    """A refusal without its remedy."""
    return str(error).rpartition(";")[0]


def _set_aside(file: Path) -> None:
    """Keep a damaged file under another name, so that the next good one does not push the older good one out."""
    if file.exists():
        file.replace(file.with_name(f"{file.stem}.damaged{file.suffix}"))


def _drafts(folder: Path) -> list[Path]:
    return [draft for name in FILES for draft in drafts(folder / name)]


def _is_vacant(folder: Path) -> bool:
    """Empty, or left by somebody who was killed before there was a run."""
    made_first = {folder / "scenario.yaml", folder / "versions.json", folder / LOCK}
    return set(folder.iterdir()) <= made_first.union(_drafts(folder))


def versions() -> dict[str, Any]:
    """What computes here and now, for the record."""
    from twinoffload import __version__

    return {
        "twinoffload": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "system": platform.system(),
        "machine": platform.machine(),
        "threads": torch.get_num_threads(),
        "started_utc": datetime.now(UTC).isoformat(timespec="seconds"),
    }
