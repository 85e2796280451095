"""What the agents see, as numbers of order one (Eqs. 24 and 34)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from twinoffload.env.slots import Observation
from twinoffload.env.view import View
from twinoffload.network import link
from twinoffload.scenario import Scenario, Uniform

_OWN = ("power", "cycles", "accuracy_value", "delay_cost", "raw_data")  # fields of a Market that belong to an mAP


@dataclass(frozen=True)
class Encoder:
    """Turns slots into features and actions in [-1, 1] into prices and amounts.

    Tensors are without batch axes, or `[S, 1, ., .]` where each of S rows of the batch `[S, E, N, M]` has a scenario
    of its own.

    Attributes:
        scenario: fixes the sizes (the first, of several that agree on them).
        observation: what mAPs see.
        center: mean of log10 h over the scenario's snapshots.
        spread: standard deviation of log10 h.
        highest_price: end of the operator's range, money/MB.
        largest_task: of each mAP in MB.
        private: of each value that mAPs alone know, the mean and the width of its range.
        price_margin: how far actions reach beyond the range of prices, as a share of half of it.
        amount_margin: how far actions reach beyond the range of amounts, as a share of half of it.
        price_contrast: where above 0, mAPs also see each price less the mean of theirs, in this share of the range.
        own: what tells an mAP from the others where one policy serves them all, float32 `[..., N, F]`; F may be 0.
    """

    scenario: Scenario
    observation: Observation
    center: Tensor
    spread: Tensor
    highest_price: Tensor
    largest_task: Tensor
    private: dict[str, tuple[Tensor, Tensor]]
    own: Tensor
    price_margin: float = 0.0
    amount_margin: float = 0.0
    price_contrast: float = 0.0

    @classmethod
    def of(
        cls,
        scenario: Scenario | Sequence[Scenario],
        observation: Observation,
        *,
        own: bool = False,
        index: bool = False,
        price_margin: float = 0.0,
        amount_margin: float = 0.0,
        price_contrast: float = 0.0,
    ) -> "Encoder":
        """Scaled to each scenario's own channels and ranges.

        Args:
            scenario: of all rows, or one for each row.
            observation: what mAPs see.
            own: let an mAP see its own parameters as far as they differ between mAPs.
            index: let it see its index, one-hot.
            price_margin: how far actions reach beyond the range of prices, as a share of half of it. A squashed policy
                never quite gets to the end of its own range, where the best price often is.
            price_contrast: see the attribute; small differences in price are lost on a network otherwise.
            amount_margin: the same of amounts: an mAP can then send nothing, and on a BS of its choice.
        """
        given = (scenario,) if isinstance(scenario, Scenario) else tuple(scenario)
        if all(other == given[0] for other in given):
            given = given[:1]
        scale = {id(one): _scale(one) for one in given}

        def rows(value: Callable[[Scenario], float | Tensor]) -> Tensor:
            values = [torch.as_tensor(value(one), dtype=torch.float64) for one in given]
            if len(values) == 1:
                return values[0]
            return torch.stack(values).unsqueeze(1) if values[0].ndim else torch.stack(values).view(-1, 1, 1, 1)

        private = {
            name: (
                rows(lambda one, name=name: getattr(one, name).mean),
                rows(lambda one, name=name: max(getattr(one, name).uniform[1] - getattr(one, name).uniform[0], 1e-12)),
            )
            for name in private_fields(given[0])
        }
        return cls(
            given[0],
            observation,
            rows(lambda one: scale[id(one)][0]),
            rows(lambda one: scale[id(one)][1]),
            rows(lambda one: one.highest_price),
            rows(lambda one: torch.as_tensor(one.market().raw_data).unsqueeze(-1).clamp(min=1e-12)),
            private,
            rows(lambda one: _own(one, own, index)).float(),
            price_margin,
            amount_margin,
            price_contrast,
        )

    def to(self, device: torch.device | str) -> "Encoder":
        """The same on another device."""
        return self._map(lambda tensor: tensor.to(device))

    def of_row(self, row: int) -> "Encoder":
        """The same for one row of the batch alone, `[1, E, N, M]`; `scenario` still only fixes the sizes."""
        return self._map(lambda tensor: tensor[row : row + 1] if tensor.ndim == 4 else tensor)

    @property
    def operator_size(self) -> int:
        """Features, and prices, of the operator: N M."""
        return self.scenario.maps * self.scenario.stations

    @property
    def map_size(self) -> int:
        """Features of one mAP."""
        extra = len(self.private) + (self.scenario.raw_data == "uniform") + self.own.shape[-1]
        of_station = {"paper": 2, "load": 3, "gains": 1 + self.scenario.maps}[self.observation]
        of_station += self.price_contrast > 0.0
        return self.scenario.stations * of_station + extra

    def operator_features(self, slots: View) -> Tensor:
        """All log-gains (Eq. 24), float32 `[..., N M]`."""
        return self._log_gain(slots).flatten(-2)

    def map_features(self, slots: View, price: Tensor) -> Tensor:
        """Own log-gains and prices (Eq. 34), then whatever else an mAP may see, float32 `[..., N, F]`.

        Under `load` that is `load_features`; under `gains` the log-gains of the next mAP, of the one after it, and so
        on round. With `price_contrast` its prices less their mean come before that.
        """
        terms = slots.terms
        parts = [self._log_gain(slots), (2.0 * price / self.highest_price - 1.0).float()]
        if self.price_contrast > 0.0:
            above = (price - price.mean(-1, keepdim=True)) / (self.price_contrast * self.highest_price)
            parts.append(above.tanh().float())
        if self.observation == "load":
            parts.append(self.load_features(slots))
        if self.observation == "gains":
            maps = torch.arange(self.scenario.maps, device=slots.gain.device)
            others = (maps.unsqueeze(-1) + maps[1:]) % self.scenario.maps
            parts.append(parts[0][..., others, :].flatten(-2))
        for name, (mean, width) in self.private.items():
            scaled = (getattr(terms, name) - mean) / width * 2.0
            parts.append(scaled.expand(*slots.gain.shape[:-1], 1).float())
        if self.scenario.raw_data == "uniform":
            parts.append((terms.raw_data / self.largest_task * 2.0 - 1.0).float())
        if self.own.shape[-1]:
            parts.append(self.own.expand(*slots.gain.shape[:-1], -1))
        return torch.cat(parts, dim=-1)

    def load_features(self, slots: View) -> Tensor:
        """The SINR that each BS would have offered with last slot's interference, in decades, float32 `[..., N, M]`."""
        return _decades(slots, slots.last_interference)

    def interference_features(self, slots: View, association: Tensor, data: Tensor) -> Tensor:
        """What follows from a slot's decisions: the SINR each BS offers each mAP, in decades, float32 `[..., N, M]`.

        Nobody can see it before deciding; a critic that is told judges the decision without that noise.

        Args:
            slots: the slot, not yet played.
            association: BS of each mAP, int64 `[..., N]`.
            data: MB sent there, `[..., N]`.
        """
        terms = slots.terms
        on = link.connected(association, slots.gain.shape[-1])
        if not terms.idle_interferes:
            on = on & (data > 0.0).unsqueeze(-1)
        return _decades(slots, link.interference(terms.power * slots.gain, on))

    def price(self, slots: View, action: Tensor) -> Tensor:
        """Actions `[..., N M]` in [-1, 1] to prices in [0, `highest_price`], float64 `[..., N, M]`."""
        stretched = action.double().unflatten(-1, slots.gain.shape[-2:]) * (1.0 + self.price_margin)
        share = (stretched.clamp(-1.0, 1.0) + 1.0) / 2.0
        return share * self.highest_price

    def operator_action(self, price: Tensor) -> Tensor:
        """The actions `[..., N M]`, float32, that mean prices `[..., N, M]`, those beyond the range included."""
        action = (2.0 * price / self.highest_price - 1.0) / (1.0 + self.price_margin)
        return action.clamp(-1.0, 1.0).flatten(-2).float()

    def map_action(self, slots: View, amount: Tensor) -> Tensor:
        """The actions, float32, that mean these amounts in MB, both `[..., N, M]`."""
        action = (2.0 * amount / slots.terms.raw_data.clamp(min=1e-12) - 1.0) / (1.0 + self.amount_margin)
        return action.clamp(-1.0, 1.0).float()

    def offload(self, slots: View, action: Tensor) -> tuple[Tensor, Tensor]:
        """Actions `[..., N, M]` in [-1, 1] to the BS of the largest amount and that amount in MB (Eq. 35).

        Beyond the range of amounts the largest action decides the BS.
        """
        largest, association = action.double().max(-1)
        stretched = (largest * (1.0 + self.amount_margin)).clamp(-1.0, 1.0)
        data = (stretched + 1.0) / 2.0 * slots.terms.raw_data.squeeze(-1)
        if not slots.terms.idle_interferes:
            association = torch.where(data > 0.0, association, -1)
        return association, data

    def _map(self, change: Callable[[Tensor], Tensor]) -> "Encoder":
        names = ("center", "spread", "highest_price", "largest_task", "own")
        changed = {name: change(getattr(self, name)) for name in names}
        private = {name: (change(mean), change(width)) for name, (mean, width) in self.private.items()}
        return replace(self, **changed, private=private)

    def _log_gain(self, slots: View) -> Tensor:
        return ((torch.log10(slots.gain.clamp(min=1e-30)) - self.center) / self.spread).float()


def private_fields(scenario: Scenario) -> tuple[str, ...]:
    """The values that are drawn for each mAP and episode and seen by that mAP alone."""
    names = ("accuracy_value", "delay_cost")
    return tuple(name for name in names if isinstance(getattr(scenario, name), Uniform))


def own_fields(scenario: Scenario) -> tuple[str, ...]:
    """The parameters, as fields of a `Market`, in which the mAPs of a scenario differ for good."""
    market = scenario.market()
    values = {name: torch.as_tensor(getattr(market, name)) for name in _OWN}
    return tuple(name for name, value in values.items() if value.numel() > 1 and bool((value != value[0]).any()))


def _own(scenario: Scenario, own: bool, index: bool) -> Tensor:
    """Features that tell mAPs apart, `[N, F]`: their own parameters stretched to [-1, 1], then the one-hot index."""
    market, parts = scenario.market(), [torch.zeros(scenario.maps, 0, dtype=torch.float64)]
    for name in own_fields(scenario) if own else ():
        value = torch.as_tensor(getattr(market, name), dtype=torch.float64)
        scaled = 2.0 * (value - value.min()) / (value.max() - value.min()) - 1.0
        parts.append(scaled.reshape(scenario.maps, -1))  # one value, or one for each BS
    if index:
        parts.append(torch.eye(scenario.maps, dtype=torch.float64))
    return torch.cat(parts, dim=-1)


def _scale(scenario: Scenario) -> tuple[float, float]:
    """Mean and standard deviation of log10 h."""
    logs = torch.log10(scenario.sample_gain(count=4096, seed=0))
    return logs.mean().item(), max(logs.std().item(), 1e-6)


def _decades(slots: View, interference: Tensor) -> Tensor:
    """SINR of every pair at given interference in W, as half its decades, float32 `[..., N, M]`."""
    terms = slots.terms
    sinr = link.sinr(terms.power * slots.gain, interference, terms.noise)
    return (torch.log10(sinr.clamp(min=1e-12)) / 2.0).float()
