"""The paper's agents: one operator and N mAPs for each row, as two ensembles."""

from collections.abc import Sequence

import torch
from torch import Tensor

from twinoffload.env.observation import Encoder
from twinoffload.env.slots import Slots
from twinoffload.env.view import View
from twinoffload.learning.algorithms import learner
from twinoffload.learning.rows import scenario_of_rows
from twinoffload.learning.train_settings import TrainSettings
from twinoffload.scenario import Scenario
from twinoffload.seeding import stream


class Agents:
    """Operator and mAPs of all rows; plays as a scheme with the deterministic actions of its policies.

    The operator ensemble has one member a row; the mAP ensemble has N a row, row-major, or one where they share it.

    Args:
        scenario: of all rows, or one for each.
        settings: how they learn, which fixes what they see and how large their networks are.
        seeds: one for each row.
        device: where the networks live.

    Raises:
        ValueError: rows that cannot be stacked, or settings for another number of rows.
    """

    def __init__(
        self,
        scenario: Scenario | Sequence[Scenario],
        settings: TrainSettings,
        seeds: Sequence[int],
        device: torch.device | str = "cpu",
    ):
        scenarios = scenario_of_rows(scenario, seeds)
        self.name = settings.label
        self.observation = settings.observation
        self.shared = settings.followers == "shared"
        index = self.shared and settings.map_index
        margins = {"price_margin": settings.price_margin, "amount_margin": settings.amount_margin}
        margins["price_contrast"] = settings.price_contrast
        encoder = Encoder.of(scenarios, settings.observation, own=self.shared, index=index, **margins)
        self.encoder = encoder.to(device)
        self.seeds = list(seeds)
        self.generators = {
            "operator": [stream(seed, "operator", device) for seed in seeds],
            "maps": [stream(seed, "maps", device) for seed in seeds],
        }
        rows, each = len(self.seeds), 1 if self.shared else scenarios[0].maps
        operator, maps = settings.operator.per_row(rows, 1, "operator"), settings.maps.per_row(rows, each, "maps")
        size, stations = self.encoder.operator_size, scenarios[0].stations
        self.operator = learner(operator, rows, observation=size, action=size, generators=self.generators["operator"])
        self.maps = learner(
            maps,
            rows * each,
            observation=self.encoder.map_size,
            action=stations,
            privileged=stations if settings.critic == "central" else 0,
            generators=self.generators["maps"],
        )
        self.learners = {"operator": self.operator, "maps": self.maps}

    def by_member(self, values: Tensor) -> Tensor:
        """`[S, E, N, ...]` of the mAPs to members of their ensemble, `[S N, E, ...]`; shared: `[S, E N, ...]`."""
        return values.flatten(1, 2) if self.shared else by_member(values)

    def by_row(self, values: Tensor, maps: int | None = None) -> Tensor:
        """The mAPs' ensemble members back to `[S, E, N, ...]`; N is the scenario's where it is None."""
        if self.shared:
            return values.unflatten(1, (-1, self.encoder.scenario.maps if maps is None else maps))
        return by_row(values, len(self.seeds))

    def begin(self, slots: Slots) -> None:
        """Policies remember nothing."""

    def price(self, slots: View) -> Tensor:
        """Posted prices in money/MB, `[S, E, N, M]`."""
        encoder = self._encoder(slots)
        action = self.operator.act(encoder.operator_features(slots).to(self.operator.device), deterministic=True)
        return encoder.price(slots, action.to(slots.gain.device))

    def offload(self, slots: View, price: Tensor) -> tuple[Tensor, Tensor]:
        """Association and data in MB, `[S, E, N]` each."""
        encoder = self._encoder(slots)
        features = self.by_member(encoder.map_features(slots, price)).to(self.maps.device)
        action = self.by_row(self.maps.act(features, deterministic=True), price.shape[-2])
        return encoder.offload(slots, action.to(slots.gain.device))

    def state(self) -> dict[str, Tensor]:
        """Everything needed to go on to the same bit, the states of the generators included."""
        parts = {name: each.state() for name, each in self.learners.items()}
        tensors = {f"{part}.{name}": tensor for part, state in parts.items() for name, tensor in state.items()}
        for part, generators in self.generators.items():
            tensors[f"{part}.random"] = torch.stack([generator.get_state() for generator in generators])
        return tensors

    def load(self, state: dict[str, Tensor]) -> None:
        """Take over what `state` gave.

        Raises:
            ValueError: it was made with other settings.
        """
        for part, each in self.learners.items():
            own = {k.removeprefix(f"{part}."): v for k, v in state.items() if k.startswith(f"{part}.")}
            random = own.pop("random")
            each.load(own)
            for generator, saved in zip(self.generators[part], random, strict=True):
                generator.set_state(saved.clone())  # a row of its own, aligned

    def _encoder(self, slots: View) -> Encoder:
        """The encoder where the slots are: agents trained on a GPU also play held-out episodes on the CPU."""
        here = slots.gain.device
        return self.encoder if here.type == self.operator.device.type else self.encoder.to(here)


def by_member(values: Tensor) -> Tensor:
    """`[S, E, N, ...]` of the mAPs to ensemble members, `[S N, E, ...]`."""
    return values.transpose(1, 2).flatten(0, 1)


def by_row(values: Tensor, rows: int) -> Tensor:
    """Ensemble members `[S N, E, ...]` back to `[S, E, N, ...]`."""
    return values.unflatten(0, (rows, -1)).transpose(1, 2)
