"""A market's parameters in the shape of (mAP, BS) pairs: what every formula of the game is written in."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor

from twinoffload.game.accuracy_law import EQ_7, AccuracyLaw, first_slope


@dataclass(frozen=True)
class Terms:
    """Parameters that broadcast to `[..., N, M]`; the letters are those of the derivations.

    Attributes:
        power: p, W.
        bandwidth: W, MHz.
        noise: sigma^2, W.
        compute_time: c / f, s/MB.
        energy_cost: e = epsilon f^2 c, money/MB, what a MB costs the operator.
        steepness: a = rho x, 1/MB, how fast accuracy saturates.
        accuracy_value: gamma^A, money.
        delay_cost: gamma^D, money/s.
        raw_data: Zmax, MB.
        price_cap: money/MB; inf where there is none.
        idle_interferes: whether an mAP without data still interferes.
        law: accuracy phi as a function of v = a Z.
    """

    power: Tensor
    bandwidth: Tensor
    noise: Tensor
    compute_time: Tensor
    energy_cost: Tensor
    steepness: Tensor
    accuracy_value: Tensor
    delay_cost: Tensor
    raw_data: Tensor
    price_cap: Tensor
    idle_interferes: bool
    law: AccuracyLaw = EQ_7

    @classmethod
    def of(cls, given: Mapping[str, Tensor], idle_interferes: bool, law: AccuracyLaw = EQ_7) -> "Terms":
        """From the fields of a `Market` by name, each broadcastable to `[..., N, M]`."""
        kept = ("power", "bandwidth", "noise", "accuracy_value", "delay_cost", "raw_data", "price_cap")
        return cls(
            **{name: given[name] for name in kept},
            compute_time=given["cycles"] / given["compute"],
            energy_cost=given["energy_coefficient"] * given["compute"] ** 2 * given["cycles"],
            steepness=given["accuracy_weight"] * given["quality"],
            idle_interferes=idle_interferes,
            law=law,
        )

    @property
    def first_value(self) -> Tensor:
        """K = gamma^A a phi'(0), money/MB: what the first MB is worth."""
        return self.accuracy_value * self.first_slope

    @property
    def first_slope(self) -> Tensor:
        """Slope a phi'(0) in 1/MB: the accuracy that the first MB adds."""
        first = first_slope(self.law)
        return self.steepness if first == 1.0 else first * self.steepness

    @property
    def unit_value(self) -> Tensor:
        """gamma^A a, money/MB."""
        return self.accuracy_value * self.steepness

    @property
    def demand_limit(self) -> Tensor:
        """Product a Zmax, the most of v = a Z that an mAP can send."""
        return self.steepness * self.raw_data

    def marginal_value(self, v: Tensor) -> Tensor:
        """gamma^A a phi'(v), money/MB: what one more MB is worth at v = a Z."""
        return self.unit_value * self.law.slope(v)

    @property
    def price_limit(self) -> Tensor:
        """The cap where there is one, else the largest K, beyond which nobody buys; money/MB, `[..., 1, 1]`."""
        return torch.where(torch.isinf(self.price_cap), self.first_value.amax((-2, -1), keepdim=True), self.price_cap)

    @property
    def tolerance(self) -> Tensor:
        """A move needs a gain above this: 1e-12 gamma^A, money."""
        return 1e-12 * self.accuracy_value

    def batch_shape(self) -> torch.Size:
        """Leading axes of the parameters, broadcast together."""
        return torch.broadcast_shapes(*(tensor.shape[:-2] for tensor in self.tensors().values()))

    def to(self, device: torch.device | str) -> "Terms":
        """The same on another device."""
        return self.map(lambda tensor: tensor.to(device))

    def flatten(self, batch: torch.Size) -> "Terms":
        """Batch axes `batch` merged into one; parameters that do not vary keep a single row, `[B or 1, ., .]`."""

        def merge(tensor: Tensor) -> Tensor:
            if tensor.shape[:-2].numel() == 1:
                return tensor.reshape(1, *tensor.shape[-2:])
            return tensor.expand(*batch, *tensor.shape[-2:]).reshape(-1, *tensor.shape[-2:])

        return self.map(merge)

    def rows(self, index: Tensor | slice) -> "Terms":
        """Some elements of a flat batch; single rows stay single."""
        return self.map(lambda tensor: tensor if tensor.shape[0] == 1 else tensor[index])

    def of_map(self, n: int) -> "Terms":
        """Those of mAP n alone, `[..., 1, M]`."""
        return self.map(lambda tensor: tensor if tensor.shape[-2] == 1 else tensor[..., n : n + 1, :])

    def at(self, association: Tensor) -> "Terms":
        """Those of each mAP's BS alone, `[..., N, 1]`, of an association `[..., N]`; of BS 0 where it is off (-1)."""
        index = association.clamp(min=0).unsqueeze(-1)

        def pick(tensor: Tensor) -> Tensor:
            stations = tensor.shape[-1]
            return tensor if stations == 1 else tensor.expand(*association.shape, stations).gather(-1, index)

        return self.map(pick)

    def expand(self, shape: torch.Size) -> "Terms":
        """Every parameter expanded to one full shape."""
        return self.map(lambda tensor: tensor.expand(shape))

    def pick(self, index: tuple[Tensor, ...]) -> "Terms":
        """Some elements of fully expanded parameters, by advanced indexing."""
        return self.map(lambda tensor: tensor[index])

    def insert_axis(self) -> "Terms":
        """A new axis before the pair axes, for tables over hypothetical profiles: `[..., 1, N, M]`."""
        return self.map(lambda tensor: tensor.unsqueeze(-3))

    def tensors(self) -> dict[str, Tensor]:
        """Every parameter by name."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name not in ("idle_interferes", "law")}

    def map(self, function: Callable[[Tensor], Tensor]) -> "Terms":
        """The same function applied to every parameter."""
        return replace(self, **{name: function(tensor) for name, tensor in self.tensors().items()})
