"""Trackers by the names of `--track`."""

from collections.abc import Sequence

from twinoffload.learning.tracking.mlflow import MLflow
from twinoffload.learning.tracking.tracker import Tracker
from twinoffload.learning.tracking.wandb import WandB

NAMED: dict[str, type[Tracker]] = {"mlflow": MLflow, "wandb": WandB}


def trackers_named(names: Sequence[str]) -> list[Tracker]:
    """Trackers that can be used, each once.

    Raises:
        ValueError: an unknown one, or one that cannot be used here.
    """
    for name in names:
        if name not in NAMED:
            raise ValueError(f"--track {name!r}: must be one of {', '.join(NAMED)}; TensorBoard is always written")
    found = [NAMED[name]() for name in dict.fromkeys(names)]
    for tracker in found:
        tracker.check()
    return found
