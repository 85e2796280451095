"""A run is a folder: what was asked, what was measured, and a checkpoint from which it goes on to the same bit.

scenario.yaml            every field of the scenario; measured gains by path and hash
settings.yaml            seeds and every training setting
versions.json            what computed it
metrics.parquet          one row an episode and seed
checkpoint.safetensors   weights, optimisers, replay and random states
tensorboard/             the metrics as scalars
trackers.json            under which ids MLflow and others know the run, if they do

Killed at any moment, a run is resumed to the same bit. Every file is written under another name and then renamed. The
settings come last when a run is made, so a folder without them holds nothing yet; the metrics and the events reach the
disk before the checkpoint that vouches for them, so a resumed run drops what lies beyond it and never lacks anything.
"""

import json
import os
import platform
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import torch
import yaml
from pydantic import ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file

from twinoffload.files import drafts, write_text, write_whole
from twinoffload.learning.kinds import Settings, Training, begin, check, kind_of
from twinoffload.learning.tracking.tensorboard import TensorBoard
from twinoffload.learning.tracking.tracker import Guarded, Status, Tracker
from twinoffload.scenario import Scenario

FILES = ("scenario.yaml", "versions.json", "settings.yaml", "metrics.parquet", "checkpoint.safetensors")


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
            stored = yaml.safe_load((folder / "settings.yaml").read_text(encoding="utf-8"))
            settings = kind_of(stored["settings"]).model_validate(stored["settings"])
            seeds = [int(s) for s in stored["seeds"]]
            if not seeds:
                raise ValueError("it lists no seeds")
        except (yaml.YAMLError, ValidationError, TypeError, KeyError, ValueError) as error:
            reason = str(error).splitlines()[0]
            raise ValueError(f"{folder / 'settings.yaml'}: is damaged ({reason}); train anew") from None
        return cls(folder, Scenario.load(folder / "scenario.yaml"), settings, seeds)

    def episodes_done(self) -> int:
        """Episodes that the checkpoint contains."""
        file = self.path / "checkpoint.safetensors"
        if not file.exists():
            return 0
        try:
            with safe_open(file, framework="pt") as checkpoint:
                return int(checkpoint.get_tensor("episode"))
        except (SafetensorError, OSError, RuntimeError, ValueError) as error:
            raise _unreadable(file, error) from None

    def trainer(self, device: torch.device | str = "cpu") -> Training:
        """The training as the checkpoint left it; at its beginning where there is none yet.

        Raises:
            ValueError: the checkpoint is damaged or of other settings.
        """
        trainer = begin(self.scenario, self.settings, self.seeds, device)
        file = self.path / "checkpoint.safetensors"
        if file.exists():
            checkpoint = self._checkpoint(file)
            try:
                trainer.load(checkpoint)
            except (KeyError, RuntimeError, TypeError, ValueError) as error:
                raise ValueError(f"{file}: does not fit the run ({error}); restore it or train anew") from None
        return trainer

    def _checkpoint(self, file: Path) -> dict[str, torch.Tensor]:
        try:
            return load_file(file)
        except (SafetensorError, OSError) as error:
            raise _unreadable(file, error) from None

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
        """
        for draft in _drafts(self.path):
            draft.unlink()
        trainer = self.trainer(device)
        rows = self._rows_before(trainer.episode)
        told = [TensorBoard(), *map(Guarded, trackers)]

        def finish_episode(new: list[dict[str, Any]]) -> None:
            rows.extend(new)
            for tracker in told:
                tracker.log(new)
            if trainer.episode % self.settings.checkpoint_every == 0 or trainer.episode == self.settings.episodes:
                for tracker in told:
                    tracker.save()
                self._save(trainer, rows)
            each_episode(new)

        status: Status = "failed"
        for tracker in told:
            tracker.start(self, trainer.episode)
        try:
            trainer.run(finish_episode)
            status = "finished"
        except KeyboardInterrupt:
            status = "interrupted"
            raise
        finally:
            for tracker in told:
                tracker.finish(status)
        return trainer

    def extend(self, episodes: int) -> None:
        """Ask for more episodes than before.

        Raises:
            ValueError: for fewer, or where rates fall towards the end that was set.
        """
        if episodes < self.settings.episodes:
            raise ValueError(f"episodes = {episodes}: the run was begun with {self.settings.episodes}; ask for more")
        if episodes > self.settings.episodes and self.settings.paced:
            raise ValueError(
                f"episodes = {episodes}: {self.settings.label} was begun with {self.settings.episodes} and paces its "
                "rates by them; begin another run with more"
            )
        self.settings = self.settings.model_copy(update={"episodes": episodes})
        self._write_settings()

    def _write_settings(self) -> None:
        self.scenario.save(self.path / "scenario.yaml")
        write_text(self.path / "versions.json", json.dumps(versions(), indent=2) + "\n")
        stored = {"seeds": self.seeds, "settings": self.settings.model_dump(mode="json")}
        write_text(self.path / "settings.yaml", yaml.safe_dump(stored, sort_keys=False))

    def _rows_before(self, episode: int) -> list[dict[str, Any]]:
        """Metrics of the episodes that the checkpoint contains."""
        file = self.path / "metrics.parquet"
        if episode == 0:
            return []
        if not file.exists():
            raise ValueError(f"{file}: is missing, but the checkpoint goes on from episode {episode}; restore it or "
                             "train anew")  # fmt: skip
        try:
            return pl.read_parquet(file).filter(pl.col("episode") < episode).to_dicts()
        except (pl.exceptions.PolarsError, OSError) as error:
            raise _unreadable(file, error) from None

    def _save(self, trainer: Training, rows: list[dict[str, Any]]) -> None:
        """The metrics first: rows beyond the checkpoint are dropped on resuming, missing ones could not be made."""
        table = pl.DataFrame(rows, infer_schema_length=None)
        write_whole(self.path / "metrics.parquet", table.write_parquet)
        tensors = {name: tensor.contiguous() for name, tensor in trainer.state().items()}
        write_whole(self.path / "checkpoint.safetensors", lambda draft: save_file(tensors, draft, {"format": "1"}))


def _drafts(folder: Path) -> list[Path]:
    return [draft for name in FILES for draft in drafts(folder / name)]


def _is_vacant(folder: Path) -> bool:
    """Empty, or left by somebody who was killed before there was a run."""
    made_first = {folder / "scenario.yaml", folder / "versions.json"}
    return set(folder.iterdir()) <= made_first.union(_drafts(folder))


def _unreadable(file: Path, error: Exception) -> ValueError:
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return ValueError(f"{file}: cannot be read ({reason}); restore it or train anew")


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
