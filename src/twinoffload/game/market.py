"""The parameters of one slot's game, as arrays."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch
from torch import Tensor

from twinoffload.game.accuracy_law import EQ_7, AccuracyLaw
from twinoffload.game.law_check import check_law
from twinoffload.game.terms import Terms

ArrayLike = float | Sequence[Any] | np.ndarray | Tensor

# field -> whether zero is meaningful, by the axis that it may carry
_PER_MAP = {"power": False, "accuracy_value": False, "delay_cost": True, "raw_data": True}
_PER_STATION = {"bandwidth": False, "noise": False, "compute": False, "quality": False, "accuracy_weight": False}
_SINGLE = {"energy_coefficient": True, "price_cap": True}
_ZERO_ALLOWED = {name for kind in (_PER_MAP, _PER_STATION, _SINGLE) for name, zero in kind.items() if zero} | {"cycles"}


def as_numbers(name: str, value: Any) -> Tensor:
    """The value as a float64 tensor.

    Raises:
        ValueError: it is not numeric or is ragged; the message names the field.
    """
    if isinstance(value, Tensor) and value.layout != torch.strided:
        raise ValueError(f"{name}: is sparse, but must be dense here; use .to_dense()")
    try:
        if isinstance(value, Tensor):
            if value.is_complex() or value.dtype == torch.bool:
                raise ValueError(str(value.dtype))
            return value.to(torch.float64, copy=True)
        if isinstance(value, list | tuple):
            value = [v.tolist() if isinstance(v, Tensor) else v for v in value]
        array = np.asarray(value)
        if array.dtype.kind not in "fiu":  # text, booleans, objects, complex numbers
            raise ValueError(str(array.dtype))
        return torch.from_numpy(array.astype(np.float64))  # never through torch's float32 default
    except (TypeError, ValueError, RuntimeError) as error:
        got = " ".join(repr(value).split())
        raise ValueError(f"{name}: expected a number or a rectangular array of numbers, got {got:.80}") from error


def first_bad(name: str, tensor: Tensor, bad: Tensor) -> str:
    """`name[i, j] = value` of the first marked entry, for error messages."""
    index = tuple(int(i) for i in torch.nonzero(bad)[0])
    return f"{name}{list(index) if index else ''} = {tensor[index].item():g}"


@dataclass(frozen=True, eq=False)
class Market:
    """Parameters of one slot, or of a batch of slots.

    Every field is a number, an array over its own axis, or carries leading batch axes that broadcast with those of
    the gain. Lists, NumPy arrays and tensors are accepted and kept as float64 tensors.

    Attributes:
        power: transmit power p in W, `[..., N]`.
        bandwidth: W in MHz, `[..., M]`.
        noise: noise power sigma^2 in W, `[..., M]`.
        compute: computing capability f of a core in Gcycle/s, `[..., M]`.
        cycles: cycles per data c in Gcycle/MB, `[..., N]` or `[..., N, M]`; axes that could be either are (mAP, BS).
        quality: model quality x, `[..., M]`.
        accuracy_weight: rho in 1/MB, `[..., M]`.
        accuracy_value: weight of accuracy gamma^A in money, `[..., N]`.
        delay_cost: weight of delay gamma^D in money/s, `[..., N]`.
        energy_coefficient: epsilon in money s^2/Gcycle^3, `[...]`.
        raw_data: data o collected at the full sampling rate, the most an mAP can send, in MB, `[..., N]`.
        price_cap: highest price the operator may post in money/MB, `[...]`, or None for no cap.
        idle_interferes: whether an mAP that sends no data still occupies its BS and interferes (Eq. 1 as written).
            If not, an mAP whose best data is 0 is off: its association is -1.
        law: accuracy phi as a function of v = rho x Z; Eq. 7 unless another is given (see `game.accuracy_law`).

    Raises:
        ValueError: an entry is NaN, infinite, negative, or zero where zero means nothing; the shapes disagree.
    """

    power: ArrayLike
    bandwidth: ArrayLike
    noise: ArrayLike
    compute: ArrayLike
    cycles: ArrayLike
    quality: ArrayLike
    accuracy_weight: ArrayLike
    accuracy_value: ArrayLike
    delay_cost: ArrayLike
    energy_coefficient: ArrayLike
    raw_data: ArrayLike
    price_cap: ArrayLike | None = None
    idle_interferes: bool = True
    law: AccuracyLaw = EQ_7

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name == "idle_interferes":
                if not isinstance(value, bool | np.bool_):
                    raise ValueError(f"idle_interferes = {value!r}: must be True or False")
                continue
            if field.name == "law":
                check_law(value)
                continue
            if field.name == "price_cap" and value is None:
                continue
            tensor = as_numbers(field.name, value)
            if tensor.numel() == 0:
                raise ValueError(f"{field.name}: has no entries")
            zero_allowed = field.name in _ZERO_ALLOWED
            bad = ~torch.isfinite(tensor) | ((tensor < 0) if zero_allowed else (tensor <= 0))
            if bad.any():
                bound = "finite and at least 0" if zero_allowed else "finite and above 0"
                hint = "; use None for no cap" if field.name == "price_cap" else ""
                raise ValueError(f"{first_bad(field.name, tensor, bad)}: must be {bound}{hint}")
            object.__setattr__(self, field.name, tensor)
        self.size()

    def _numbers(self, name: str) -> Tensor:
        """A field as the tensor that it became."""
        return getattr(self, name)

    def size(self) -> tuple[int | None, int | None]:
        """(N, M) as far as the fields tell; None where every field is a number.

        Raises:
            ValueError: two fields disagree on the number of mAPs or of BSs.
        """
        maps = _common_size("mAP", {name: self._numbers(name) for name in _PER_MAP})
        stations = _common_size("BS", {name: self._numbers(name) for name in _PER_STATION})
        if self._numbers("cycles").ndim == 1:
            maps = _common_size("mAP", {name: self._numbers(name) for name in [*_PER_MAP, "cycles"]})
        return maps, stations

    def terms(self, maps: int, stations: int, device: torch.device | str = "cpu") -> Terms:
        """Every parameter in the shape of pairs, broadcastable to `[..., N, M]`.

        Raises:
            ValueError: a field does not fit N mAPs and M BSs; the message names the axis.
        """
        for axis, size, names in (("mAP", maps, _PER_MAP), ("BS", stations, _PER_STATION)):
            for name in names:
                found = _axis_size(self._numbers(name))
                if found not in (None, size):
                    raise ValueError(f"{name}: has {found} entries on its {axis} axis, but the gain has {size}")
        terms = Terms.of(self.pairs(maps, stations), bool(self.idle_interferes), self.law)
        for value, told in (
            (terms.first_value, "accuracy_value x accuracy_weight x quality"),
            (terms.energy_cost, "energy_coefficient x compute^2 x cycles"),
        ):
            if not torch.isfinite(value).all():
                raise ValueError(f"market: {told} is beyond the largest number; take other units")
        return terms.to(device)

    def pairs(self, maps: int, stations: int) -> dict[str, Tensor]:
        """Every field by name, broadcastable to `[..., N, M]`; the cap is inf where there is none.

        Raises:
            ValueError: `cycles` does not fit N mAPs and M BSs.
        """
        return {
            **{name: _per_map(self._numbers(name)) for name in _PER_MAP},
            **{name: _per_station(self._numbers(name)) for name in _PER_STATION},
            "cycles": _pair_cycles(self._numbers("cycles"), maps, stations),
            "energy_coefficient": _single(self._numbers("energy_coefficient")),
            "price_cap": (
                torch.tensor([[torch.inf]], dtype=torch.float64)
                if self.price_cap is None
                else _single(self._numbers("price_cap"))
            ),
        }


def _axis_size(tensor: Tensor) -> int | None:
    """Entries on a field's own axis; None for a number, also one that only carries batch axes (`[..., 1]`)."""
    if tensor.ndim == 0 or (tensor.ndim > 1 and tensor.shape[-1] == 1):
        return None
    return tensor.shape[-1]


def _common_size(axis: str, tensors: dict[str, Tensor]) -> int | None:
    known = {name: size for name, tensor in tensors.items() if (size := _axis_size(tensor)) is not None}
    if len(set(known.values())) > 1:
        (name_a, size_a), *rest = known.items()
        name_b, size_b = next((name, size) for name, size in rest if size != size_a)
        raise ValueError(f"{name_b}: has {size_b} entries on its {axis} axis, but {name_a} has {size_a}")
    return next(iter(known.values()), None)


def _per_map(tensor: Tensor) -> Tensor:
    return tensor.reshape(1, 1) if tensor.ndim == 0 else tensor.unsqueeze(-1)


def _per_station(tensor: Tensor) -> Tensor:
    return tensor.reshape(1, 1) if tensor.ndim == 0 else tensor.unsqueeze(-2)


def _single(tensor: Tensor) -> Tensor:
    return tensor[..., None, None]


def _pair_cycles(cycles: Tensor, maps: int, stations: int) -> Tensor:
    """Cycles per data as `[..., N, M]` (or a broadcastable shape), from `[..., N]` or `[..., N, M]`."""
    if cycles.ndim <= 1:
        if cycles.ndim == 1 and cycles.shape[0] != maps:
            raise ValueError(f"cycles: has {cycles.shape[0]} entries on its mAP axis, but the gain has {maps}")
        return _per_map(cycles)
    if cycles.shape[-2] in (1, maps) and cycles.shape[-1] in (1, stations):
        return cycles
    if cycles.shape[-1] == maps:
        return cycles.unsqueeze(-1)
    raise ValueError(
        f"cycles: has shape {list(cycles.shape)}; expected [..., {maps}] per mAP or [..., {maps}, {stations}] per pair"
    )
