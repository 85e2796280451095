"""What every twin task has: data of a stated size, and a loss."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from twinoffload.twin.tasks.record import Layout

LossKind = Literal["squared", "logistic"]
HELD_OUT = 2048  # records on which accuracy is measured


@dataclass(frozen=True, eq=False)
class Scale:
    """Fixed offset and spread of each number of a record, float32 `[numbers]`."""

    offset: Tensor
    spread: Tensor

    def __call__(self, records: Tensor) -> Tensor:
        """Records `[..., numbers]` about 0, with a spread of about 1."""
        return (records - self.offset) / self.spread


@dataclass(frozen=True, eq=False)
class Streams:
    """Data of one world, the same places with the same channels.

    Attributes:
        raw: what the mAPs gather at the full sampling rate, float32 `[streams, R, numbers]`, in order of time.
        held_out: records of other drives through the same world, float32 `[H, numbers]`: nobody trains on them.
        scale: known of the world beforehand, whatever is gathered. A scale found on an mAP's own data would make
            Loss(0) of Eq. 8 depend on how much it sent.
    """

    raw: Tensor
    held_out: Tensor
    scale: Scale


class Task(ABC):
    """Something that a digital twin learns to predict. `name` and `loss` are the task's own.

    Attributes:
        name: in tables and commands.
        predicts: in words.
        loss: "squared" (of each scaled target, their mean) or "logistic" (of classes).
        classes: how many; 0 with squared loss.
    """

    name: str
    predicts: str
    loss: LossKind
    classes: int = 0

    @property
    @abstractmethod
    def layout(self) -> Layout:
        """What a record holds."""

    @property
    @abstractmethod
    def raw_records(self) -> int:
        """Records R in a raw stream, of o MB."""

    @abstractmethod
    def draw(self, streams: int, seed: int) -> Streams:
        """Streams that different mAPs gather in one world, which the seed fixes.

        What an mAP gathers does not depend on how many there are.

        Raises:
            ValueError: the seed is not an integer of at least 0.
        """

    @property
    def raw_mb(self) -> float:
        """Size o of a raw stream in MB."""
        return self.layout.data_mb(self.raw_records)

    @property
    def outputs(self) -> int:
        """Numbers that a model answers: scaled targets, or a logit for each class."""
        return self.classes or self.layout.numbers - self.layout.inputs

    def split(self, records: Tensor, scale: Scale) -> tuple[Tensor, Tensor]:
        """Scaled features `[..., inputs]`, and scaled targets `[..., outputs]` or classes, int64 `[...]`."""
        inputs = self.layout.inputs
        scaled = scale(records)
        if self.loss == "logistic":
            return scaled[..., :inputs], records[..., inputs].long()
        return scaled[..., :inputs], scaled[..., inputs:]


def measured_scale(records: Tensor) -> Scale:
    """Mean and standard deviation of each number over records `[R, numbers]`; constant numbers keep their spread."""
    numbers = records.double()
    spread = numbers.std(0)
    return Scale(numbers.mean(0).float(), torch.where(spread > 0.0, spread, 1.0).float())
