"""Measured gains as a scenario's channel: consecutive slots, of which training and evaluation see different ones.

Episodes are windows of the trace. Training draws them from the first share of its slots and held-out episodes from the
rest, so no slot serves both. Slots follow one another in the order of the snapshots' ids. A trace has no positions.
"""

import hashlib
import os
from functools import lru_cache
from typing import Any, Literal, NamedTuple

import torch
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from torch import Tensor

from twinoffload.network.gain_file import Gains, read_gains

Part = Literal["training", "held-out"]
"""Which slots of a trace: those that training may see, or those that are kept for evaluation."""


class _Content(NamedTuple):
    gains: Gains
    sha256: str


class Trace(BaseModel):
    """A file of gains `[T, N, M]` and how its slots are divided.

    Raises:
        ValueError: the file cannot be read, differs from the one that `sha256` names, or leaves a pair without gain.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    file: str = Field(
        min_length=1,
        description="CSV, Parquet or NPZ file of gains, as for `solve --gain`; relative to the file that names it",
    )
    training_share: float = Field(
        0.8, gt=0, lt=1, description="share of the slots, the first ones, that training sees; the rest is held out"
    )
    floor: float | None = Field(
        None, gt=0, le=1, description="least gain, which pairs out of reach have too; null: every pair must have a gain"
    )
    sha256: str | None = Field(
        None, pattern="^[0-9a-f]{64}$", description="hash of the file, noted when it is first read"
    )

    @field_validator("file", mode="before")
    @classmethod
    def _whole_path(cls, value: Any) -> Any:
        return os.path.abspath(value) if isinstance(value, str | os.PathLike) and str(value) else value

    @model_validator(mode="after")
    def _read(self) -> "Trace":
        found = _content(self.file)
        if self.sha256 is None:
            object.__setattr__(self, "sha256", found.sha256)
        _check_unchanged(self.file, found.sha256, self.sha256)
        dead = found.gains.gain == 0.0
        if self.floor is None and bool(dead.any()):
            t, n, m = (int(i) for i in dead.nonzero()[0])
            gains = found.gains
            raise ValueError(
                f"{self.file}: map {gains.maps[n]} does not reach station {gains.stations[m]} in snapshot "
                f"{gains.snapshots[t]}; give every pair a gain, or those out of reach a floor, such as "
                "gains: {file: ..., floor: 1.0e-15}"
            )
        return self

    @property
    def gains(self) -> Gains:
        """All slots with the names of mAPs and BSs; out of reach stays 0.

        Raises:
            ValueError: the file is gone or has changed, and was not read in this process before.
        """
        return _held(self.file, self.sha256)

    @property
    def gain(self) -> Tensor:
        """Channel power gains as they are played, float64 `[T, N, M]`."""
        gain = self.gains.gain
        return gain if self.floor is None else gain.clamp(min=self.floor)

    def size(self, part: Part) -> int:
        """How many slots a part has."""
        first, end = self._span(part)
        return end - first

    def snapshots(self, count: int, generator: torch.Generator, part: Part = "training") -> Tensor:
        """Independent slots, drawn with replacement, float64 `[count, N, M]`."""
        return self.windows(count, 1, generator, part)[0]

    def windows(self, count: int, slots: int, generator: torch.Generator, part: Part = "training") -> Tensor:
        """Runs of consecutive slots, each from a place of its own, float64 `[slots, count, N, M]`.

        Raises:
            ValueError: the part is shorter than one of them.
        """
        first, end = self._span(part)
        if end - first < slots:
            raise ValueError(
                f"gains {self.file}: {slots} slots in a row do not fit into the {end - first} of {len(self.gain)} that "
                f"are {_WORDS[part]}; lower slots, or change gains.training_share = {self.training_share:g}"
            )
        start = first + torch.randint(end - first - slots + 1, (count,), generator=generator)
        return self.gain[start + torch.arange(slots).unsqueeze(-1)]

    def check(self, slots: int) -> None:
        """See that episodes of so many slots fit into both parts; one in training is followed by one slot more.

        Raises:
            ValueError: naming the part, its length and the remedy.
        """
        training, held_out = self.size("training"), self.size("held-out")
        if training > slots and held_out >= slots:
            return
        total = training + held_out
        fitting = longest(total)
        remedy = (
            f"set slots to at most {min(training - 1, held_out)}"
            if min(training - 1, held_out) >= 1
            else f"use a longer trace (at least 3 slots){', or another training_share' if fitting else ''}"
        )
        raise ValueError(
            f"gains {self.file}: has {total} slots, {training} for training and {held_out} held out (training_share = "
            f"{self.training_share:g}), but slots = {slots} needs {slots + 1} and {slots}; {remedy}"
        )

    def _span(self, part: Part) -> tuple[int, int]:
        total = len(self.gains.snapshots)
        border = max(1, int(total * self.training_share + 1e-9))
        return (0, border) if part == "training" else (border, total)


_WORDS = {"training": "for training", "held-out": "held out"}


def longest(total: int) -> int:
    """Slots of the longest episode that fits into both parts of a trace, however it is divided."""
    return (total - 1) // 2


@lru_cache(maxsize=4)
def _held(file: str, sha256: str | None) -> Gains:
    """The gains of a trace, which a run goes on with whatever becomes of the file."""
    found = _content(file)
    _check_unchanged(file, found.sha256, sha256)
    return found.gains


def _check_unchanged(file: str, found: str, noted: str | None) -> None:
    if found != noted:
        raise ValueError(
            f"{file}: has changed since its hash was noted; restore it, or train anew (in a scenario of your own, "
            "remove sha256)"
        )


def _content(file: str) -> _Content:
    try:
        found = os.stat(file)
    except (OSError, ValueError):
        return _parse(file, 0, 0)  # says what is wrong
    return _parse(file, found.st_mtime_ns, found.st_size)


@lru_cache(maxsize=4)
def _parse(file: str, changed_ns: int, size: int) -> _Content:
    """The file's content; read anew when its time or size tell that it has changed."""
    gains = read_gains(file)
    with open(file, "rb") as opened:
        return _Content(gains, hashlib.file_digest(opened, "sha256").hexdigest())
