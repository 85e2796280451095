"""TensorBoard: each metric of each seed as a scalar, in the run's folder."""

from typing import TYPE_CHECKING, Any

from twinoffload.learning.tracking.tracker import Status, Tracker

if TYPE_CHECKING:
    from twinoffload.learning.run_folder import RunFolder


class TensorBoard(Tracker):
    """Writes `tensorboard/`; what lies beyond the checkpoint is purged when a run goes on."""

    name = "TensorBoard"

    def start(self, run: "RunFolder", episode: int) -> None:
        """Open the events."""
        from torch.utils.tensorboard.writer import SummaryWriter  # slow to import

        self._board = SummaryWriter(str(run.path / "tensorboard"), purge_step=episode)

    def log(self, rows: list[dict[str, Any]]) -> None:
        """A scalar a metric and seed."""
        for row in rows:
            for name, value in row.items():
                if name not in ("episode", "seed"):
                    self._board.add_scalar(f"{name}/seed {row['seed']}", value, row["episode"])

    def save(self) -> None:
        """Events on disk."""
        self._board.flush()

    def finish(self, status: Status) -> None:
        """Close the events."""
        self._board.close()
