"""The paper's agents: one operator and N mAPs for each seed, as two ensembles."""

from collections.abc import Sequence

import torch
from torch import Tensor

from twinoffload.env.observation import Encoder
from twinoffload.env.slots import Observation, Slots
from twinoffload.learning.sac import SAC, SACSettings
from twinoffload.scenario import Scenario
from twinoffload.seeding import stream


class Agents:
    """Operator and mAPs of all seeds; plays as a scheme with the means of its policies.

    The operator ensemble has one member a seed; the mAP ensemble has N a seed, seed-major.
    """

    def __init__(
        self,
        scenario: Scenario,
        observation: Observation,
        seeds: Sequence[int],
        operator: SACSettings,
        maps: SACSettings,
        device: torch.device | str = "cpu",
    ):
        self.name = "sac"
        self.observation = observation
        self.encoder = Encoder.of(scenario, observation)
        self.seeds = list(seeds)
        self.generators = {
            "operator": [stream(seed, "operator", device) for seed in seeds],
            "maps": [stream(seed, "maps", device) for seed in seeds],
        }
        count = len(self.seeds)
        sizes = {"observation": self.encoder.operator_size, "action": self.encoder.operator_size}
        self.operator = SAC(operator, count, **sizes, generators=self.generators["operator"])
        sizes = {"observation": self.encoder.map_size, "action": scenario.stations}
        self.maps = SAC(maps, count * scenario.maps, **sizes, generators=self.generators["maps"])

    def begin(self, slots: Slots) -> None:
        """Policies remember nothing."""

    def price(self, slots: Slots) -> Tensor:
        """Posted prices in money/MB, `[S, E, N, M]`."""
        action = self.operator.act(self.encoder.operator_features(slots), deterministic=True)
        return self.encoder.price(slots, action)

    def offload(self, slots: Slots, price: Tensor) -> tuple[Tensor, Tensor]:
        """Association and data in MB, `[S, E, N]` each."""
        features = by_member(self.encoder.map_features(slots, price))
        action = self.maps.act(features, deterministic=True)
        return self.encoder.offload(slots, by_seed(action, len(self.seeds)))

    def state(self) -> dict[str, Tensor]:
        """Everything needed to go on to the same bit, the states of the generators included."""
        parts = {"operator": self.operator.state(), "maps": self.maps.state()}
        tensors = {f"{part}.{name}": tensor for part, state in parts.items() for name, tensor in state.items()}
        for part, generators in self.generators.items():
            tensors[f"{part}.random"] = torch.stack([generator.get_state() for generator in generators])
        return tensors

    def load(self, state: dict[str, Tensor]) -> None:
        """Take over what `state` gave.

        Raises:
            ValueError: it was made with other settings.
        """
        for part, learner in (("operator", self.operator), ("maps", self.maps)):
            own = {k.removeprefix(f"{part}."): v for k, v in state.items() if k.startswith(f"{part}.")}
            random = own.pop("random")
            learner.load(own)
            for generator, saved in zip(self.generators[part], random, strict=True):
                generator.set_state(saved.clone())  # a row of its own, aligned


def by_member(values: Tensor) -> Tensor:
    """`[S, E, N, ...]` of the mAPs to ensemble members, `[S N, E, ...]`."""
    return values.transpose(1, 2).flatten(0, 1)


def by_seed(values: Tensor, seeds: int) -> Tensor:
    """Ensemble members `[S N, E, ...]` back to `[S, E, N, ...]`."""
    return values.unflatten(0, (seeds, -1)).transpose(1, 2)
