"""Where the time of a training run goes."""

import functools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import polars as pl

from twinoffload.env.observation import Encoder
from twinoffload.env.slots import Slots
from twinoffload.learning import rows
from twinoffload.learning.actor_critic import ActorCritic
from twinoffload.learning.critics import Critics
from twinoffload.learning.optimiser import Adam
from twinoffload.learning.replay import Replay
from twinoffload.learning.sac import SAC
from twinoffload.learning.td3 import TD3
from twinoffload.learning.train_settings import TrainSettings
from twinoffload.learning.training import Trainer
from twinoffload.scenario import Scenario

REST = "bookkeeping"
PHASES: tuple[tuple[Any, str, str], ...] = (  # where a function lives, its name, its phase
    (rows, "draw_episodes", "drawing episodes"),
    (Encoder, "operator_features", "features and actions"),
    (Encoder, "map_features", "features and actions"),
    (Encoder, "price", "features and actions"),
    (Encoder, "offload", "features and actions"),
    (Slots, "step", "environment, payoff"),
    (SAC, "act", "acting"),
    (TD3, "act", "acting"),
    (Replay, "add", "replay: storing"),
    (Replay, "sample", "replay: sampling"),
    (ActorCritic, "_target", "critics' target"),
    (Critics, "regress", "critics"),
    (SAC, "_improve", "actor"),
    (TD3, "_improve", "actor"),
    (Adam, "step", "optimiser"),
    (Critics, "track", "tracking targets"),
)


class PhaseClock:
    """Gives every moment to the innermost phase that is running."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._running = [REST]
        self._since = time.perf_counter()

    def _charge(self) -> None:
        now = time.perf_counter()
        phase = self._running[-1]
        self.seconds[phase] = self.seconds.get(phase, 0.0) + now - self._since
        self._since = now

    def timed(self, function: Callable[..., Any], phase: str) -> Callable[..., Any]:
        """The function, its time charged to a phase."""

        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            self._charge()
            self._running.append(phase)
            try:
                return function(*args, **kwargs)
            finally:
                self._charge()
                self._running.pop()

        return wrapped

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Time all phases for a while."""
        originals = [(owner, name, getattr(owner, name)) for owner, name, _ in PHASES]
        for owner, name, phase in PHASES:
            setattr(owner, name, self.timed(getattr(owner, name), phase))
        self._since = time.perf_counter()
        try:
            yield
        finally:
            self._charge()
            for owner, name, function in originals:
                setattr(owner, name, function)


def phases(
    scenario: Scenario, settings: TrainSettings, seeds: int = 10, episodes: int = 2
) -> tuple[pl.DataFrame, dict[str, float]]:
    """Seconds and share of each phase in a training run, and what the clock itself costs.

    The first episode, in which the replay fills and the machine warms up, is not timed; then episodes with and
    without the clock take turns.

    Returns:
        One row a phase, the longest first; and `slot_s`, the seconds of a slot without the clock, and `clocked`, how
        many times as long it takes with it.
    """
    trainer = Trainer(scenario, settings, range(seeds))
    trainer.play_episode()
    clock, plain, clocked = PhaseClock(), [], []
    for _ in range(episodes):
        began = time.perf_counter()
        trainer.play_episode()
        plain.append(time.perf_counter() - began)
        began = time.perf_counter()
        with clock.watching():
            trainer.play_episode()
        clocked.append(time.perf_counter() - began)
    slots = episodes * scenario.slots
    total = sum(clock.seconds.values())
    table = pl.DataFrame(
        {
            "phase": list(clock.seconds),
            "ms_per_slot": [1e3 * seconds / slots for seconds in clock.seconds.values()],
            "share": [seconds / total for seconds in clock.seconds.values()],
        }
    ).sort("share", descending=True)
    return table, {"slot_s": sum(plain) / slots, "clocked": min(clocked) / min(plain)}
