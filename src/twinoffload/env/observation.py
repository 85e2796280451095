"""What the agents see, as numbers of order one (Eqs. 24 and 34)."""

from dataclasses import dataclass

import torch
from torch import Tensor

from twinoffload.env.slots import Observation, Slots
from twinoffload.scenario import Scenario, Uniform


@dataclass(frozen=True)
class Encoder:
    """Turns slots into features and actions in [-1, 1] into prices and amounts.

    Attributes:
        scenario: fixes the sizes.
        observation: what mAPs see.
        center: mean of log10 h over the scenario's snapshots.
        spread: standard deviation of log10 h.
    """

    scenario: Scenario
    observation: Observation
    center: float
    spread: float

    @classmethod
    def of(cls, scenario: Scenario, observation: Observation) -> "Encoder":
        """Scaled to the scenario's own channels."""
        logs = torch.log10(scenario.sample_gain(count=4096, seed=0))
        return cls(scenario, observation, logs.mean().item(), max(logs.std().item(), 1e-6))

    @property
    def operator_size(self) -> int:
        """Features, and prices, of the operator: N M."""
        return self.scenario.maps * self.scenario.stations

    @property
    def map_size(self) -> int:
        """Features of one mAP."""
        extra = len(self._private_fields()) + (self.scenario.raw_data == "uniform")
        return self.scenario.stations * (3 if self.observation == "load" else 2) + extra

    def operator_features(self, slots: Slots) -> Tensor:
        """All log-gains (Eq. 24), float32 `[..., N M]`."""
        return self._log_gain(slots).flatten(-2)

    def map_features(self, slots: Slots, price: Tensor) -> Tensor:
        """Own log-gains and prices (Eq. 34), then whatever else an mAP may see, float32 `[..., N, F]`.

        Under `load` that is the SINR each BS would have offered with last slot's interference, in decades.
        """
        terms = slots.terms
        parts = [self._log_gain(slots), (2.0 * price / self.scenario.highest_price - 1.0).float()]
        if self.observation == "load":
            sinr = terms.power * slots.gain / (slots.last_interference + terms.noise)
            parts.append((torch.log10(sinr.clamp(min=1e-12)) / 2.0).float())
        for name in self._private_fields():
            value: Uniform = getattr(self.scenario, name)
            low, high = value.uniform
            scaled = (getattr(terms, name) - value.mean) / max(high - low, 1e-12) * 2.0
            parts.append(scaled.expand(*slots.gain.shape[:-1], 1).float())
        if self.scenario.raw_data == "uniform":
            parts.append((terms.raw_data / self._largest_task(terms.raw_data) * 2.0 - 1.0).float())
        return torch.cat(parts, dim=-1)

    def price(self, slots: Slots, action: Tensor) -> Tensor:
        """Actions `[..., N M]` in [-1, 1] to prices in [0, `highest_price`], float64 `[..., N, M]`."""
        share = (action.double().unflatten(-1, slots.gain.shape[-2:]) + 1.0) / 2.0
        return share * self.scenario.highest_price

    def offload(self, slots: Slots, action: Tensor) -> tuple[Tensor, Tensor]:
        """Actions `[..., N, M]` in [-1, 1] to the BS of the largest amount and that amount in MB (Eq. 35)."""
        amount = (action.double() + 1.0) / 2.0 * slots.terms.raw_data
        data, association = amount.max(-1)
        if not slots.terms.idle_interferes:
            association = torch.where(data > 0.0, association, -1)
        return association, data

    def _log_gain(self, slots: Slots) -> Tensor:
        return ((torch.log10(slots.gain.clamp(min=1e-30)) - self.center) / self.spread).float()

    def _private_fields(self) -> list[str]:
        return [n for n in ("accuracy_value", "delay_cost") if isinstance(getattr(self.scenario, n), Uniform)]

    def _largest_task(self, like: Tensor) -> Tensor:
        return self.scenario.market().terms(*self._sizes()).raw_data.to(like).clamp(min=1e-12)

    def _sizes(self) -> tuple[int, int]:
        return self.scenario.maps, self.scenario.stations
