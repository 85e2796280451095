"""Fault prediction: which links will fall into outage."""

from torch import Tensor

from twinoffload.twin.tasks.drives import Drives, to_db
from twinoffload.twin.tasks.record import Field, Layout
from twinoffload.twin.tasks.simulated import SimulatedTask
from twinoffload.twin.tasks.task import LossKind

OUTAGE_DB = -5.0  # SINR below which a link is in outage


class Fault(SimulatedTask):
    """Whether the link of an mAP to its BS, the strongest, falls into outage within the next slots."""

    name = "fault"
    predicts = f"whether the link's SINR falls below {OUTAGE_DB:g} dB in any of the next 3 slots"
    loss: LossKind = "logistic"
    classes = 2
    history, ahead = 16, 3

    @property
    def layout(self) -> Layout:
        """Positions and velocities of all mAPs now; per past slot measured gains of all pairs and the link's SINR."""
        maps, cells = self.scenario.maps, self.scenario.stations
        features = (
            Field("position", "m", (maps, 2), "mAP, coordinate"),
            Field("velocity", "m/s", (maps, 2), "mAP, coordinate"),
            Field("measured gain", "dB", (self.history, maps, cells), "slot, mAP, BS"),
            Field("SINR of the link", "dB", (self.history,), "slot"),
        )
        return Layout(features, (Field("outage", "1", (1,), "0 or 1"),))

    def columns(self, drives: Drives) -> list[Tensor]:
        """See `SimulatedTask.columns`."""
        now = [self._now(series) for series in (drives.position, drives.velocity)]
        sinr = to_db(drives.sinr)
        past = [self._past(series) for series in (to_db(drives.pilots.mean(-1)), sinr)]
        return [*now, *past, self._next((sinr < OUTAGE_DB).double()).amax(-1, keepdim=True)]
