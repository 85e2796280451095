"""Weights & Biases. Where a run goes, its own variables say (WANDB_PROJECT, WANDB_MODE=offline, ...)."""

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

from twinoffload.learning.tracking.stored_ids import store_id, stored_id
from twinoffload.learning.tracking.tracker import Status, Tracker, facts, summary

if TYPE_CHECKING:
    from twinoffload.learning.run_folder import RunFolder


class WandB(Tracker):
    """The configuration is scenario and settings; each seed's metrics and their mean are logged against the episode.

    Without WANDB_PROJECT runs go to the project `twinoffload`.
    """

    name = "Weights & Biases"

    def check(self) -> None:
        """See that it is installed and knows who you are.

        Raises:
            ValueError: it is not, or does not.
        """
        library = _library()
        offline = os.environ.get("WANDB_MODE") in ("offline", "disabled", "dryrun")
        if not offline and not library.api.api_key:
            raise ValueError("--track wandb: nobody is logged in: `wandb login`, or set WANDB_MODE=offline")

    def start(self, run: "RunFolder", episode: int) -> None:
        """Begin a run, or go on with the one that the folder names."""
        known = stored_id(run.path, "wandb")
        self._run = _library().init(
            project=os.environ.get("WANDB_PROJECT", "twinoffload"),
            name=run.path.name,
            dir=str(run.path),
            config=facts(run),
            id=known,
            resume="allow",
        )
        store_id(run.path, "wandb", self._run.id)
        self.logged = int(self._run.step) - 1 if known is not None else -1

    def log(self, rows: list[dict[str, Any]]) -> None:
        """Metrics of an episode that is not there yet."""
        step = int(rows[0]["episode"])
        if step > self.logged:
            self._run.log(summary(rows), step=step)
            self.logged = step

    def finish(self, status: Status) -> None:
        """End the run."""
        self._run.finish(exit_code=0 if status == "finished" else 1)


def _library() -> Any:
    try:
        return import_module("wandb")  # not among the packages of development
    except ImportError as error:
        raise ValueError(f"--track wandb: {error}: pip install 'twinoffload[tracking]'") from None
