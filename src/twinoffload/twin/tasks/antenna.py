"""Antenna tuning: the gains to all BSs in the slots to come."""

from torch import Tensor

from twinoffload.twin.tasks.drives import SUBCARRIERS, Drives, to_db
from twinoffload.twin.tasks.record import Field, Layout
from twinoffload.twin.tasks.simulated import SimulatedTask
from twinoffload.twin.tasks.task import LossKind


class Antenna(SimulatedTask):
    """Mean log-gains to all BSs in each of the next slots, from position, speed and the history of pilots."""

    name = "antenna"
    predicts = "mean gains to all BSs, in dB, in each of the next 3 slots"
    loss: LossKind = "squared"
    history, ahead = 8, 3

    @property
    def layout(self) -> Layout:
        """Position and velocity now; pilots of each past slot."""
        cells = self.scenario.stations
        features = (
            Field("position", "m", (2,), "coordinate"),
            Field("velocity", "m/s", (2,), "coordinate"),
            Field("pilots", "dB", (self.history, cells, SUBCARRIERS), "slot, BS, subcarrier"),
        )
        return Layout(features, (Field("gain ahead", "dB", (self.ahead, cells), "slot, BS"),))

    def columns(self, drives: Drives) -> list[Tensor]:
        """See `SimulatedTask.columns`."""
        now = [self._now(series[:, :, 0]) for series in (drives.position, drives.velocity)]
        return [*now, self._past(to_db(drives.pilots[:, :, 0])), self._next(to_db(drives.gain[:, :, 0]))]
