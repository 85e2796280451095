"""Tasks on data of the simulated network: windows of slots along drives."""

from abc import abstractmethod

import torch
from torch import Tensor

from twinoffload.scenario import Scenario
from twinoffload.seeding import stream
from twinoffload.twin.tasks.drives import Drives, World, draw_world, drive
from twinoffload.twin.tasks.task import HELD_OUT, Streams, Task, measured_scale

LARGEST_MB = 100.0
DRIVES = 16  # behind the held-out records, and as many behind the survey that the scale comes from


class SimulatedTask(Task):
    """A record for each slot of a drive: the last `history` slots, and what comes within `ahead` slots.

    Args:
        scenario: the network and how mAPs move; its largest raw task size o is the size of a raw stream.

    Raises:
        ValueError: the scenario is a city, lacks station positions, or its raw tasks have size 0 or above `LARGEST_MB`.
    """

    history: int
    ahead: int

    def __init__(self, scenario: Scenario) -> None:
        scenario.layout()  # refuses a city
        size = scenario.task_size
        self.scenario, self._raw_mb = scenario, max(size) if isinstance(size, tuple) else size
        if not 0.0 < self._raw_mb <= LARGEST_MB:
            raise ValueError(
                f"scenario {scenario.name}: task_size = {self._raw_mb:g} MB: must be above 0 and at most "
                f"{LARGEST_MB:g} MB for twin tasks"
            )

    @abstractmethod
    def columns(self, drives: Drives) -> list[Tensor]:
        """The fields of `layout` in order, `[records, E, ...]`; record i looks back from slot i + history - 1."""

    @property
    def raw_records(self) -> int:
        """Records R in a raw stream, of o MB."""
        return max(self.layout.records(self._raw_mb), 1)

    def draw(self, streams: int, seed: int) -> Streams:
        """Streams of different mAPs, each from a drive of its own; see `Task.draw`."""
        generator = stream(seed, f"twin world, {self.name}")
        world = draw_world(self.scenario, generator)
        survey, held_out = (self._records(world, DRIVES, HELD_OUT // DRIVES, generator).flatten(0, 1) for _ in range(2))
        own = [stream(seed, f"twin drive, {self.name}, {index}") for index in range(streams)]
        raw = torch.cat([self._records(world, 1, self.raw_records, generator) for generator in own])
        return Streams(raw, held_out, measured_scale(survey))

    def _records(self, world: World, drives: int, records: int, generator: torch.Generator) -> Tensor:
        """Float32 `[drives, records, numbers]`."""
        made = drive(world, drives, records + self.history - 1 + self.ahead, generator)
        numbers = torch.cat([column.flatten(2) for column in self.columns(made)], -1)
        return numbers.transpose(0, 1).float().contiguous()

    def _past(self, series: Tensor) -> Tensor:
        """The last `history` slots of each record: `[T, E, ...]` to `[records, E, history, ...]`, oldest first."""
        return series[: len(series) - self.ahead].unfold(0, self.history, 1).movedim(-1, 2)

    def _now(self, series: Tensor) -> Tensor:
        """The slot from which each record looks back and ahead, `[records, E, ...]`."""
        return series[self.history - 1 : len(series) - self.ahead]

    def _next(self, series: Tensor) -> Tensor:
        """The `ahead` slots that follow, `[T, E, ...]` to `[records, E, ahead, ...]`, the next one first."""
        return series[self.history :].unfold(0, self.ahead, 1).movedim(-1, 2)
