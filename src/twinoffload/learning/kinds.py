"""The kinds of training to choose from: settings name one, `begin` begins it."""

import os
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

from twinoffload.env.scheme import Scheme
from twinoffload.learning.amortised.settings import AmortisedSettings
from twinoffload.learning.amortised.training import AmortisedTrainer
from twinoffload.learning.amortised.training import check_trainable as check_amortised
from twinoffload.learning.own.settings import OwnSettings
from twinoffload.learning.own.training import OwnTrainer, check_own
from twinoffload.learning.train_settings import FILES, TrainSettings
from twinoffload.learning.training import Trainer, check_trainable
from twinoffload.scenario import Scenario

Settings = TrainSettings | AmortisedSettings | OwnSettings


class Training(Protocol):
    """A training in progress, of whatever kind; see `Trainer`."""

    episode: int
    stopped: list[bool]

    @property
    def agents(self) -> Scheme:
        """The policies as they stand."""
        ...

    def run(self, each_episode: Callable[[list[dict[str, Any]]], None]) -> None:
        """Train until the episodes are done; after each, `each_episode` gets one row of metrics a seed."""

    def state(self) -> dict[str, Tensor]:
        """Everything needed to go on to the same bit; call between episodes."""
        ...

    def load(self, state: dict[str, Tensor]) -> None:
        """Take over what `state` gave."""


def load_settings(source: str | os.PathLike[str]) -> Settings:
    """Settings of any kind, a preset by name or a YAML file; see `TrainSettings.load`.

    Raises:
        ValueError: unknown preset, no such file, or a bad field; one line naming the place and the remedy.
    """
    values = FILES.read(source)
    return kind_of(values).from_values(str(source), values)


def kind_of(values: dict[str, Any]) -> type[TrainSettings] | type[AmortisedSettings] | type[OwnSettings]:
    """Which kind of settings these values are of."""
    return OwnSettings if "source" in values else AmortisedSettings if "scheme" in values else TrainSettings


def check(scenario: Scenario, settings: Settings, seeds: Sequence[int]) -> None:
    """Refuse what cannot be trained, before any work.

    Raises:
        ValueError: naming the field and the remedy.
    """
    if isinstance(settings, AmortisedSettings):
        check_amortised(scenario, settings)
    elif isinstance(settings, OwnSettings):
        check_own(scenario, settings, seeds)
    else:
        check_trainable(scenario, settings, seeds)


def begin(
    scenario: Scenario, settings: Settings, seeds: Sequence[int], device: torch.device | str = "cpu"
) -> Trainer | AmortisedTrainer | OwnTrainer:
    """A training at its beginning.

    Raises:
        ValueError: what `check` refuses.
    """
    if isinstance(settings, AmortisedSettings):
        return AmortisedTrainer(scenario, settings, seeds, device)
    if isinstance(settings, OwnSettings):
        return OwnTrainer(scenario, settings, seeds, device)
    return Trainer(scenario, settings, seeds, device)
