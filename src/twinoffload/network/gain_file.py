"""Measured or simulated channel gains in a CSV, Parquet or NPZ file: read with every fault named by place, and written.

A table of pairs, one a row. Columns: `map`, `station`, one of `gain` (linear power gain) and `gain_db` (the same in
dB), none above 1 (0 dB), and `snapshot` where there are more. A pair that is not listed, or has gain 0, is out of
reach; each mAP must reach a BS in each snapshot. Other columns are ignored, so are blank lines. Ids are numbers or
names, and come out sorted (numbers by value, names with the digits in them by value: `car-2` before `car-10`), so that
the order of the rows never matters. An NPZ file has an array for each column, or one dense `gain` `[N, M]` or
`[T, N, M]`, with the ids, where they are not map-1, ..., bs-1, ... and 0, ..., in `map`, `station` and `snapshot`.
"""

import os
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import torch
from torch import Tensor

from twinoffload.network.csv_gains import CsvSource
from twinoffload.network.gain_source import Progress
from twinoffload.network.listed_gains import DEFAULT_SNAPSHOT, ListedGains, absent_snapshot, list_pairs
from twinoffload.network.npz_gains import NpzSource
from twinoffload.network.parquet_gains import ParquetSource
from twinoffload.tables import Column, write_arrays, write_table

BYTE_LIMIT = 5_000_000_000  # the largest CSV file
ROW_LIMIT = 50_000_000  # most rows of a Parquet or NPZ file
PAIR_LIMIT = 10_000_000  # most snapshots x mAPs x BSs of a dense array


@dataclass(frozen=True, eq=False)
class Gains:
    """Gains of named mAPs and BSs in named snapshots.

    Attributes:
        gain: channel power gain h, float64 `[S, N, M]`; 0: out of reach.
        snapshots: S names.
        maps: N names.
        stations: M names.
    """

    gain: Tensor
    snapshots: tuple[str, ...]
    maps: tuple[str, ...]
    stations: tuple[str, ...]

    def only(self, snapshot: str) -> "Gains":
        """One snapshot, by name.

        Raises:
            ValueError: there is none of that name.
        """
        if snapshot not in self.snapshots:
            raise ValueError(absent_snapshot(snapshot, list(self.snapshots[:6])))
        index = self.snapshots.index(snapshot)
        return Gains(self.gain[index : index + 1], (snapshot,), self.maps, self.stations)


@dataclass(frozen=True, eq=False)
class SparseGains:
    """Gains of one snapshot in memory linear in the pairs in reach.

    Attributes:
        gain: channel power gain h of the pairs in reach, float64 sparse CSR `[N, M]`.
        maps: N names.
        stations: M names.
        snapshot: its name.
    """

    gain: Tensor
    maps: tuple[str, ...]
    stations: tuple[str, ...]
    snapshot: str = DEFAULT_SNAPSHOT


def list_gains(path: str | os.PathLike[str], snapshot: str | None = None, each: Progress | None = None) -> ListedGains:
    """Read the pairs of a file: `.parquet`, `.npz`, or CSV under any other suffix; see `dense` and `sparse`.

    Args:
        path: the file.
        snapshot: the only one that is wanted.
        each: called batch by batch with how much of the file is read and its size, in bytes or rows; the size is 0
            where it is not known.

    Raises:
        ValueError: any fault, in one line that names the file, the line or row (from 1), the column, the value and the
            remedy.
    """
    suffix = Path(path).suffix.lower()
    if suffix == ".parquet":
        source = ParquetSource(path, ROW_LIMIT, each)
    elif suffix == ".npz":
        source = NpzSource(path, ROW_LIMIT, each)
    else:
        source = CsvSource(path, BYTE_LIMIT, each)
    return list_pairs(source, snapshot)


def dense(listed: ListedGains) -> Gains:
    """Pairs as an array of all snapshots, mAPs and BSs.

    Raises:
        ValueError: it would have more than `PAIR_LIMIT` entries.
    """
    snapshots, maps, stations = listed.shape
    size = snapshots * maps * stations
    if size > PAIR_LIMIT:
        raise ValueError(
            f"{listed.path}: {snapshots:,} snapshots x {maps:,} mAPs x {stations:,} BSs are {size:,} pairs, more than "
            f"{PAIR_LIMIT:,}; split the file into several, by snapshot"
        )
    gain = torch.zeros(listed.shape, dtype=torch.float64)
    gain.numpy()[listed.snapshot, listed.map, listed.station] = listed.gain
    return Gains(gain, listed.snapshots, listed.maps, listed.stations)


def sparse(listed: ListedGains) -> SparseGains:
    """Pairs of a single snapshot as a sparse tensor.

    Raises:
        ValueError: there are several snapshots.
    """
    if len(listed.snapshots) > 1:
        known = ", ".join(listed.snapshots[:5]) + (", ..." if len(listed.snapshots) > 5 else "")
        raise ValueError(f"{listed.path}: has {len(listed.snapshots):,} snapshots ({known}); choose one of them")
    _, maps, stations = listed.shape
    offset = np.zeros(maps + 1, np.int64)
    np.cumsum(np.bincount(listed.map, minlength=maps), out=offset[1:])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # "in beta state"
        gain = torch.sparse_csr_tensor(
            torch.from_numpy(offset), torch.from_numpy(listed.station.astype(np.int64)), torch.from_numpy(listed.gain),
            (maps, stations),
        )  # fmt: skip
    return SparseGains(gain, listed.maps, listed.stations, *listed.snapshots)


def read_gains(path: str | os.PathLike[str]) -> Gains:
    """Read all snapshots of a file into a dense array.

    Raises:
        ValueError: see `list_gains` and `dense`.
    """
    return dense(list_gains(path))


def read_links(path: str | os.PathLike[str], snapshot: str | None = None, each: Progress | None = None) -> SparseGains:
    """Read one snapshot of a file, in memory linear in its rows.

    Raises:
        ValueError: see `list_gains` and `sparse`.
    """
    return sparse(list_gains(path, snapshot, each))


def write_gains(
    path: str | os.PathLike[str],
    gains: Gains | SparseGains,
    *,
    overwrite: bool = False,
    each: Progress | None = None,
) -> None:
    """Write gains by suffix as `list_gains` reads them back to the last bit, whole or not at all.

    Dense gains in an NPZ file stay dense. Elsewhere a BS that no mAP reaches stands there with one gain of 0, so that
    BSs keep their number and order.

    Raises:
        ValueError: the file exists (unless `overwrite`) or cannot be written.
    """
    if isinstance(gains, Gains) and Path(path).suffix.lower() == ".npz":
        names = {"snapshot": gains.snapshots, "map": gains.maps, "station": gains.stations}
        arrays = {name: np.array(ids, np.str_) for name, ids in names.items()}
        write_arrays(path, arrays | {"gain": gains.gain.numpy()}, overwrite=overwrite)
        return
    columns, rows = _dense_columns(gains) if isinstance(gains, Gains) else _sparse_columns(gains)
    write_table(path, columns, rows, overwrite=overwrite, each=each)


def _dense_columns(gains: Gains) -> tuple[dict[str, Column], int]:
    listed = gains.gain > 0
    listed[0, 0] |= ~listed.any(0).any(0)  # a BS out of everybody's reach is named by a gain of 0
    snapshot, n, m = (index.numpy() for index in torch.nonzero(listed, as_tuple=True))
    values = gains.gain.numpy()[snapshot, n, m]
    return {
        "snapshot": _ids(gains.snapshots, snapshot),
        "map": _ids(gains.maps, n),
        "station": _ids(gains.stations, m),
        "gain": lambda part: pl.Series(values[part]),
    }, len(values)


def _sparse_columns(gains: SparseGains) -> tuple[dict[str, Column], int]:
    offset, station = gains.gain.crow_indices().numpy(), gains.gain.col_indices().numpy()
    values = gains.gain.values().numpy()
    map_of = np.repeat(np.arange(len(gains.maps), dtype=np.int32), np.diff(offset))
    unreached = np.setdiff1d(np.arange(len(gains.stations)), station)
    if len(unreached):  # such a BS is named by a gain of 0
        place = np.searchsorted(station[: offset[1]], unreached)
        map_of, station, values = (
            np.insert(column, place, added) for column, added in ((map_of, 0), (station, unreached), (values, 0.0))
        )
    columns = {
        "snapshot": lambda part: pl.repeat(gains.snapshot, part.stop - part.start, dtype=pl.String, eager=True),
        "map": _ids(gains.maps, map_of),
        "station": _ids(gains.stations, station),
        "gain": lambda part: pl.Series(values[part]),
    }
    if gains.snapshot == DEFAULT_SNAPSHOT:
        del columns["snapshot"]
    return columns, len(values)


def _ids(names: tuple[str, ...], index: np.ndarray) -> Column:
    series = pl.Series(names, dtype=pl.String)
    return lambda part: series.gather(index[part])
