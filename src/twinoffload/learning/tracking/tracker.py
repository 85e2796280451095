"""The protocol of trackers, and what keeps one that fails from ending a training."""

import contextlib
import warnings
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from twinoffload.learning.run_folder import RunFolder

Status = Literal["finished", "interrupted", "failed"]


class Tracker:
    """Is told of a training. One of your own overrides what it needs, `log` at least:

        class Print(Tracker):
            def log(self, rows):
                print(rows[0]["episode"], rows[0]["operator_utility_money"])

        RunFolder.open("results/run").train(trackers=[Print()])

    Training is the same to the bit when it is resumed: episodes from the checkpoint on may be told of a second time.
    """  # noqa: D415

    name = "tracker"

    def check(self) -> None:
        """Before any work: raise ValueError, in one line, if this tracker cannot be used."""

    def start(self, run: "RunFolder", episode: int) -> None:
        """Training begins, or goes on at an episode; the run's folder, scenario, settings and seeds are there."""

    def log(self, rows: list[dict[str, Any]]) -> None:
        """An episode is over: its rows of metrics, one a seed, with `episode` and `seed`."""

    def save(self) -> None:
        """A checkpoint is about to vouch for what has been logged: have it on disk."""

    def finish(self, status: Status) -> None:
        """Training has ended, whatever the reason."""


class TrackerWarning(UserWarning):
    """A tracker failed and is told nothing more; training goes on."""


class Guarded(Tracker):
    """A tracker whose failures are told in one line, once; it is then left alone."""

    def __init__(self, tracker: Tracker):
        self.tracker, self.name, self.alive = tracker, tracker.name, True

    def start(self, run: "RunFolder", episode: int) -> None:
        """See `Tracker`."""
        self._tell("start", run, episode)

    def log(self, rows: list[dict[str, Any]]) -> None:
        """See `Tracker`."""
        self._tell("log", rows)

    def save(self) -> None:
        """See `Tracker`."""
        self._tell("save")

    def finish(self, status: Status) -> None:
        """See `Tracker`."""
        self._tell("finish", status)

    def _tell(self, what: str, *arguments: Any) -> None:
        if not self.alive:
            return
        try:
            getattr(self.tracker, what)(*arguments)
        except Exception as error:
            self.alive = False
            words = " ".join(str(error).split())[:200] or "no message"
            message = f"{self.name}: {what} failed ({type(error).__name__}: {words}); training goes on without it"
            warnings.warn(message, TrackerWarning, stacklevel=3)
            with contextlib.suppress(Exception):
                self.tracker.finish("failed")


def numbers(row: dict[str, Any]) -> dict[str, float]:
    """The metrics of a row that are numbers."""
    kept = {name: value for name, value in row.items() if name not in ("episode", "seed", "row")}
    return {name: float(value) for name, value in kept.items() if isinstance(value, int | float)}


def summary(rows: list[dict[str, Any]]) -> dict[str, float]:
    """What trackers of runs show of an episode: each metric's mean over seeds, and each seed's own."""
    found: dict[str, list[float]] = {}
    told: dict[str, float] = {}
    for at, row in enumerate(rows):
        for name, value in numbers(row).items():
            found.setdefault(name, []).append(value)
            told[f"seed_{row['seed']}" + (f"_row_{at}" if "row" in row else "") + f"/{name}"] = value
    return {name: sum(values) / len(values) for name, values in found.items()} | told


def facts(run: "RunFolder") -> dict[str, Any]:
    """Scenario and settings as flat names and values, with seeds."""

    def flat(prefix: str, values: dict[str, Any]) -> dict[str, Any]:
        told: dict[str, Any] = {}
        for name, value in values.items():
            told |= flat(f"{prefix}{name}.", value) if isinstance(value, dict) else {f"{prefix}{name}": value}
        return told

    told = flat("scenario.", run.scenario.model_dump(mode="json"))
    told |= flat("settings.", run.settings.model_dump(mode="json"))
    return told | {"seeds": run.seeds}
