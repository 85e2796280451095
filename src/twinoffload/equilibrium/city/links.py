"""Which mAP may use which BS: a list of pairs in memory linear in their number, and a market's parameters on it."""

import math
import warnings
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from twinoffload.compiling import compiled
from twinoffload.equilibrium.city.kernel import Parameters
from twinoffload.game.accuracy_law import first_slope, need_eq_7
from twinoffload.game.inputs import gain_array
from twinoffload.game.market import Market, as_numbers
from twinoffload.game.terms import Terms
from twinoffload.units import BITS_PER_BYTE


@dataclass(frozen=True, eq=False)
class Links:
    """Candidate pairs of N mAPs and M BSs, grouped by mAP, BSs in ascending order; a pair not listed is out of reach.

    Attributes:
        offset: pairs offset[n] to offset[n + 1] are mAP n's, int64 `[N + 1]`.
        station: BS of each pair, int32 `[P]`.
        gain: channel power gain h of each pair, float64 `[P]`.
        stations: M.
    """

    offset: np.ndarray
    station: np.ndarray
    gain: np.ndarray
    stations: int

    @classmethod
    def of(cls, gain: Any) -> "Links":
        """From gains `[N, M]`: the entries stored in a sparse tensor (COO or CSR), the entries above 0 of an array.

        Raises:
            ValueError: the shape, a value, a pair listed twice, or an mAP that reaches no BS; named.
        """
        if isinstance(gain, Tensor) and gain.layout in (torch.sparse_coo, torch.sparse_csr):
            return _of_sparse(gain)
        dense = gain_array(gain)
        if dense.ndim != 2:
            raise ValueError(f"gain: has shape {list(dense.shape)}; expected [N, M], one snapshot")
        stored = dense > 0
        offset = np.zeros(len(dense) + 1, np.int64)
        np.cumsum(stored.sum(-1).numpy(), out=offset[1:])
        station = stored.nonzero()[:, 1].numpy().astype(np.int32)
        return cls(offset, station, dense[stored].numpy(), dense.shape[1])

    @classmethod
    def complete(cls, gain: Tensor, within: Tensor | None = None) -> "Links":
        """Every pair within reach of checked gains `[N, M]`, those of gain 0 too: an mAP may stand idle there."""
        within = torch.ones_like(gain, dtype=torch.bool) if within is None else within
        offset = np.zeros(len(gain) + 1, np.int64)
        np.cumsum(within.sum(-1).cpu().numpy(), out=offset[1:])
        station = within.nonzero()[:, 1].cpu().numpy().astype(np.int32)
        return cls(offset, station, gain[within].cpu().numpy(), gain.shape[1])

    @property
    def maps(self) -> int:
        """N."""
        return len(self.offset) - 1

    @property
    def pairs(self) -> int:
        """P."""
        return len(self.station)

    @cached_property
    def map_of(self) -> np.ndarray:
        """The mAP of each pair, int32 `[P]`."""
        return np.repeat(np.arange(self.maps, dtype=np.int32), np.diff(self.offset))

    @cached_property
    def by_station(self) -> tuple[np.ndarray, np.ndarray]:
        """(offset int64 `[M + 1]`, pair int64 `[P]`): pairs grouped by BS, mAPs in ascending order."""
        return _group(self.station, self.stations)

    def strongest_pair(self) -> np.ndarray:
        """The pair of each mAP's strongest gain, of lowest index among equals, int64 `[N]`."""
        return _argmax(self.offset, self.gain)

    def pair_at(self, association: np.ndarray) -> np.ndarray:
        """The pair of each mAP's BS, int64 `[N]`; -1 where it is off (-1) or on a BS out of reach."""
        return _find(self.offset, self.station, np.ascontiguousarray(association, np.int64))

    def values_of(self, name: str, tensor: Any) -> np.ndarray:
        """A sparse tensor's prices on these pairs, float64 `[P]` at least 0; inf, no offer, where it stores none.

        Raises:
            ValueError: its shape, a value, an entry twice, or an entry that is no pair; named.
        """
        if not (isinstance(tensor, Tensor) and tensor.layout in (torch.sparse_coo, torch.sparse_csr)):
            raise ValueError(f"{name}: must be a sparse tensor [N, M] like the gain")
        if list(tensor.shape) != [self.maps, self.stations]:
            raise ValueError(f"{name}: has shape {list(tensor.shape)}, but the gain has {[self.maps, self.stations]}")
        entries = tensor.to_sparse_coo()
        row, column = entries._indices().cpu().numpy()
        value = as_numbers(name, entries._values()).cpu().numpy()
        bad = np.isnan(value) | (value < 0)
        if bad.any():
            i = bad.argmax()
            raise ValueError(f"{name}[{row[i]}, {column[i]}] = {value[i]:g}: must be at least 0 (inf: not offered)")
        own = self.map_of.astype(np.int64) * self.stations + self.station
        key = row.astype(np.int64) * self.stations + column
        place = np.searchsorted(own, key)
        strange = own[np.minimum(place, len(own) - 1)] != key
        twice = np.bincount(place[~strange], minlength=len(own))[np.minimum(place, len(own) - 1)] > 1
        for fault, told in ((strange, "is no pair of the gain; leave it out"), (twice, "is listed twice; keep one")):
            if fault.any():
                i = fault.argmax()
                raise ValueError(f"{name}[{row[i]}, {column[i]}]: {told}")
        values = np.full(self.pairs, math.inf)
        values[place] = value
        return values

    def sparse(self, values: Tensor) -> Tensor:
        """A value of each pair `[P]` as a sparse CSR tensor `[N, M]`."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # "in beta state"
            return torch.sparse_csr_tensor(
                torch.from_numpy(self.offset), torch.from_numpy(self.station.astype(np.int64)), values,
                (self.maps, self.stations),
            )  # fmt: skip


def received(market: Market, links: Links) -> np.ndarray:
    """Power p h in W of each pair's mAP at its BS, float64 `[P]`.

    Raises:
        ValueError: the market has batch axes or does not fit the links.
    """
    power = _single_market(market, links)["power"]
    return _of_pairs(power, links, slice(0, links.maps)).numpy() * links.gain


def check_law(market: Market) -> None:
    """Refuse an accuracy law that compiled loops do not know.

    Raises:
        ValueError: naming the law and the remedy.
    """
    need_eq_7(market.law, "the solver of large markets", any_ceiling=True)


def parameters(market: Market, links: Links) -> Parameters:
    """A market's parameters for compiled loops, which know the exponential law: a ceiling scales gamma^A.

    Raises:
        ValueError: the market has batch axes, does not fit the links or follows another accuracy law.
    """
    check_law(market)
    given = _single_market(market, links)

    def along(name: str, size: int) -> np.ndarray:
        return given[name].reshape(-1).expand(size).contiguous().numpy()

    maps, stations = links.maps, links.stations
    cycles = _of_pairs(given["cycles"], links, slice(0, maps)).expand(links.pairs).contiguous().numpy()
    compute = along("compute", stations)
    return Parameters(
        offset=links.offset,
        station=links.station,
        received=received(market, links),
        cycles=cycles,
        accuracy_value=first_slope(market.law) * along("accuracy_value", maps),
        delay_cost=along("delay_cost", maps),
        raw_data=along("raw_data", maps),
        rate_scale=along("bandwidth", stations) / (BITS_PER_BYTE * math.log(2.0)),
        noise=along("noise", stations),
        cycle_time=1.0 / compute,
        cycle_energy=given["energy_coefficient"].item() * compute**2,
        steepness=along("accuracy_weight", stations) * along("quality", stations),
        price_cap=given["price_cap"].item(),
        idle_interferes=bool(market.idle_interferes),
    )


def terms(market: Market, links: Links, rows: slice = slice(None), device: torch.device | str = "cpu") -> Terms:
    """A market's parameters on the pairs of some mAPs, `[P]` or `[1]` each, for the elementwise functions of `game`.

    Each pair is a market of one mAP and one BS, so that `Market.terms` writes the formulas.

    Raises:
        ValueError: the market has batch axes or does not fit the links.
    """
    given = _single_market(market, links)
    rows = slice(*rows.indices(links.maps))
    field = {name: _of_pairs(value, links, rows) for name, value in given.items()}
    single = {name: field.pop(name) for name in ("energy_coefficient", "price_cap")}
    cap = single["price_cap"].item()
    pairwise = Market(
        **{name: value.unsqueeze(-1) for name, value in field.items() if name != "cycles"},
        cycles=field["cycles"][:, None, None],
        energy_coefficient=single["energy_coefficient"].item(),
        price_cap=None if math.isinf(cap) else cap,
        idle_interferes=market.idle_interferes,
        law=market.law,
    )
    return pairwise.terms(1, 1, device).map(lambda tensor: tensor.flatten())


def _single_market(market: Market, links: Links) -> dict[str, Tensor]:
    """Fields of a market without batch axes, each `[1 or N, 1 or M]`, checked against the links."""
    if not isinstance(market, Market):
        raise ValueError(f"market: expected a Market, got {type(market).__name__}")
    for axis, found, size in zip(("mAP", "BS"), market.size(), (links.maps, links.stations), strict=True):
        if found not in (None, size):
            raise ValueError(f"market: has {found} entries on its {axis} axis, but the gain has {size}")
    given = market.pairs(links.maps, links.stations)
    for name, value in given.items():
        if value.shape[:-2].numel() != 1:
            raise ValueError(f"{name}: has batch axes {list(value.shape[:-2])}; a market of links is a single one")
    return {name: value.reshape(value.shape[-2:]) for name, value in given.items()}


def _of_pairs(value: Tensor, links: Links, rows: slice) -> Tensor:
    """A field `[1 or N, 1 or M]` on the pairs of some mAPs, `[P]`, or `[1]` where it is one number."""
    if value.numel() == 1:
        return value.reshape(1)
    part = slice(links.offset[rows.start], links.offset[rows.stop])
    station = torch.from_numpy(links.station[part])
    if value.shape[0] == 1:
        return value[0, station]
    n = torch.from_numpy(links.map_of[part])
    return value[n, 0] if value.shape[1] == 1 else value[n, station]


def _of_sparse(gain: Tensor) -> Links:
    if gain.ndim != 2 or 0 in gain.shape or gain.dense_dim():
        raise ValueError(f"gain: has shape {list(gain.shape)}; expected [N, M] with mAPs in rows, BSs in columns")
    maps, stations = gain.shape
    value = as_numbers("gain", gain.values() if gain.layout == torch.sparse_csr else gain._values()).cpu().numpy()
    if gain.layout == torch.sparse_csr:
        offset = gain.crow_indices().cpu().numpy().astype(np.int64)
        column = gain.col_indices().cpu().numpy()
        if len(offset) != maps + 1 or offset[0] != 0 or offset[-1] != len(value) or (np.diff(offset) < 0).any():
            raise ValueError("gain: its row offsets do not rise from 0 to the number of entries; is it a CSR tensor?")
        row = np.repeat(np.arange(maps), np.diff(offset))
    else:
        row, column = gain._indices().cpu().numpy()
    for name, index, size in (("row", row, maps), ("column", column, stations)):
        outside = (index < 0) | (index >= size)
        if outside.any():
            raise ValueError(f"gain: {name} index {index[outside.argmax()]} is not in 0..{size - 1}")
    bad = ~np.isfinite(value) | (value < 0)
    if bad.any():
        i = bad.argmax()
        raise ValueError(f"gain[{row[i]}, {column[i]}] = {value[i]:g}: must be finite and at least 0")
    key = row.astype(np.int64) * stations + column
    if (key[1:] <= key[:-1]).any():
        order = np.argsort(key, kind="stable")
        key, row, column, value = key[order], row[order], column[order], value[order]
        twice = key[1:] == key[:-1]
        if twice.any():
            i = twice.argmax()
            raise ValueError(f"gain[{row[i]}, {column[i]}] is listed twice; keep one of them")
    offset = np.zeros(maps + 1, np.int64)
    np.cumsum(np.bincount(row, minlength=maps), out=offset[1:])
    reached = np.bincount(row[value > 0], minlength=maps) > 0
    if not reached.all():
        n = reached.argmin()
        raise ValueError(f"gain[{n}, :] is 0 at all BSs: mAP {n} reaches no BS; remove it or give it a gain")
    return Links(offset, column.astype(np.int32), np.ascontiguousarray(value), stations)


@compiled
def _group(station, stations):
    """Stable counting sort of pairs by BS."""
    offset = np.zeros(stations + 1, np.int64)
    for m in station:
        offset[m + 1] += 1
    for m in range(stations):
        offset[m + 1] += offset[m]
    pair = np.empty(len(station), np.int64)
    filled = offset[:-1].copy()
    for p in range(len(station)):
        pair[filled[station[p]]] = p
        filled[station[p]] += 1
    return offset, pair


@compiled
def _argmax(offset, gain):
    """The first largest pair of each mAP."""
    best = offset[:-1].copy()
    for n in range(len(best)):
        for p in range(offset[n] + 1, offset[n + 1]):
            if gain[p] > gain[best[n]]:
                best[n] = p
    return best


@compiled
def _find(offset, station, association):
    """The pair of each mAP on a given BS, or -1."""
    choice = np.full(len(association), -1, np.int64)
    for n in range(len(association)):
        for p in range(offset[n], offset[n + 1]):
            if station[p] == association[n]:
                choice[n] = p
    return choice
