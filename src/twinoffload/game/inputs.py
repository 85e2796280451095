"""Checks at the door: everything a caller passes is refused or accepted here, before any work."""

from typing import Any

import torch
from torch import Tensor

from twinoffload.game.market import Market, as_numbers, first_bad
from twinoffload.game.terms import Terms


def pair_array(name: str, value: Any, *, infinite: bool = False) -> Tensor:
    """A `[..., N, M]` array of finite numbers >= 0 (`infinite`: inf too) as float64.

    Raises:
        ValueError: naming the entry and the bound.
    """
    tensor = as_numbers(name, value)
    if tensor.ndim < 2 or 0 in tensor.shape:
        raise ValueError(
            f"{name}: has shape {list(tensor.shape)}; expected [..., N, M] with mAPs in rows, BSs in columns"
        )
    bad = torch.isnan(tensor) | (tensor < 0)
    if not infinite:
        bad |= torch.isinf(tensor)
    if bad.any():
        bound = "at least 0 (inf: not offered)" if infinite else "finite and at least 0"
        raise ValueError(f"{first_bad(name, tensor, bad)}: must be {bound}")
    return tensor


def gain_array(value: Any) -> Tensor:
    """A gain `[..., N, M]` in which each mAP reaches at least one BS.

    Raises:
        ValueError: naming the entry or the mAP.
    """
    gain = pair_array("gain", value)
    unreached = (gain == 0).all(-1)
    if unreached.any():
        index = [int(i) for i in torch.nonzero(unreached)[0]]
        where = f"gain[{', '.join(map(str, index))}, :]"
        raise ValueError(f"{where} is 0 at all BSs: mAP {index[-1]} reaches no BS; remove it or give it a gain")
    return gain


def within_reach(gain: Tensor, within: Any) -> tuple[Tensor, Tensor | None]:
    """A gain `[..., N, M]`, 0 out of reach, and which pairs are within reach, booleans alike; None where all are.

    Raises:
        ValueError: `within` is no such array, or leaves an mAP without a BS; the message names the mAP.
    """
    if within is None:
        return gain, None
    maps, stations = gain.shape[-2:]
    try:
        mask = torch.as_tensor(within).to(gain.device)
    except (TypeError, ValueError, RuntimeError):
        raise ValueError(f"within: is no array; expected booleans [..., {maps}, {stations}] like the gain") from None
    if mask.dtype != torch.bool or mask.layout != torch.strided or mask.shape[-2:] != gain.shape[-2:]:
        raise ValueError(
            f"within: is {mask.layout} {mask.dtype} of shape {list(mask.shape)}; expected an array of booleans "
            f"[..., {maps}, {stations}] like the gain"
        )
    batch = joint_batch(within=mask.shape[:-2], gain=gain.shape[:-2])
    gain, mask = gain.expand(*batch, maps, stations), mask.expand(*batch, maps, stations)
    gain = torch.where(mask, gain, 0.0)
    alone = ~(gain > 0).any(-1)
    if alone.any():
        n = int(alone.nonzero()[0, -1])
        raise ValueError(f"within: leaves mAP {n} no BS with a gain above 0; let it reach one, or remove the mAP")
    return gain, mask


def check_start(start: Tensor, within: Tensor) -> None:
    """Refuse a start `[..., N]` that puts an mAP on a BS out of its reach, by name.

    Args:
        start: BS indices; -1 (off) is always within reach.
        within: whether each mAP reaches the BS that it starts on, `[..., N]`.

    Raises:
        ValueError: naming the mAP and the BS.
    """
    stray = (start >= 0) & ~within
    if stray.any():
        place = tuple(int(i) for i in stray.nonzero()[0])
        raise ValueError(
            f"start: mAP {place[-1]} is on BS {int(start[place])}, which is out of its reach; start it on a BS within "
            "reach"
        )


def association_array(value: Any, market: Market, maps: int, stations: int, name: str = "association") -> Tensor:
    """BS indices `[..., N]` as int64; -1 (off) only where idle mAPs are silent.

    Raises:
        ValueError: naming the entry and the bound.
    """
    numbers = as_numbers(name, value)
    if numbers.ndim < 1 or numbers.shape[-1] != maps:
        raise ValueError(f"{name}: has shape {list(numbers.shape)}; expected [..., {maps}], one BS for each mAP")
    lowest = 0 if market.idle_interferes else -1
    bad = (numbers != numbers.round()) | ~((numbers >= lowest) & (numbers < stations))
    if bad.any():
        off = "" if market.idle_interferes else " or -1 (off)"
        raise ValueError(f"{first_bad(name, numbers, bad)}: must be a BS index 0..{stations - 1}{off}")
    return numbers.to(torch.int64)


def order_array(value: Any, maps: int) -> list[int]:
    """The order in which mAPs move, a permutation of 0..N-1; None means 0..N-1.

    Raises:
        ValueError: it is not a permutation.
    """
    if value is None:
        return list(range(maps))
    order = as_numbers("order", value)
    if order.ndim != 1 or sorted(order.tolist()) != list(range(maps)):
        raise ValueError(f"order = {order.tolist()}: must be a permutation of 0..{maps - 1}")
    return [int(n) for n in order]


def joint_batch(**shapes: torch.Size) -> torch.Size:
    """Batch axes broadcast together.

    Raises:
        ValueError: naming the arguments whose batch axes do not broadcast.
    """
    try:
        return torch.broadcast_shapes(*shapes.values())
    except RuntimeError as error:
        told = ", ".join(f"{name} {list(shape)}" for name, shape in shapes.items() if shape)
        raise ValueError(f"batch axes do not broadcast: {told}") from error


def market_terms(market: Market, pair: Tensor) -> Terms:
    """The market's parameters on the size and the device of a `[..., N, M]` array.

    Raises:
        ValueError: the market does not fit it.
    """
    if not isinstance(market, Market):
        raise ValueError(f"market: expected a Market, got {type(market).__name__}")
    return market.terms(pair.shape[-2], pair.shape[-1], pair.device)


def same_pairs(**arrays: Tensor) -> None:
    """Refuse two `[..., N, M]` arrays that disagree on N or M, by name."""
    (name_a, a), (name_b, b) = arrays.items()
    if a.shape[-2:] != b.shape[-2:]:
        raise ValueError(f"{name_a}: is {list(a.shape[-2:])} over (mAP, BS), but {name_b} is {list(b.shape[-2:])}")
