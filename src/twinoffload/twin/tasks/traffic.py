"""Traffic planning: how much will be asked of each cell."""

from torch import Tensor

from twinoffload.twin.tasks.drives import Drives, to_db
from twinoffload.twin.tasks.record import Field, Layout
from twinoffload.twin.tasks.simulated import SimulatedTask
from twinoffload.twin.tasks.task import LossKind


class Traffic(SimulatedTask):
    """Each cell's load some slots ahead, from its past and from where all mAPs were."""

    name = "traffic"
    predicts = "what is asked of each cell, in MB a slot, 3 slots ahead"
    loss: LossKind = "squared"
    history, ahead = 16, 3

    @property
    def layout(self) -> Layout:
        """Per slot: load and received power of each cell, positions of all mAPs."""
        cells, maps = self.scenario.stations, self.scenario.maps
        past = (
            Field("load", "MB", (self.history, cells), "slot, cell"),
            Field("received power", "dBW", (self.history, cells), "slot, cell"),
            Field("position", "m", (self.history, maps, 2), "slot, mAP, coordinate"),
        )
        return Layout(past, (Field("load ahead", "MB", (cells,), "cell"),))

    def columns(self, drives: Drives) -> list[Tensor]:
        """See `SimulatedTask.columns`."""
        load = drives.load
        power = to_db(drives.received.sum(-2))  # a BS hears all mAPs, also those on other BSs
        past = [self._past(series) for series in (load, power, drives.position)]
        return [*past, self._next(load)[:, :, -1]]
