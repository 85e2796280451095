"""Gains in an NPZ file: arrays of rows or one dense array, read batch by batch and never unpickled."""

import lzma
import math
import os
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import IO

import numpy as np
import polars as pl

from twinoffload.network.gain_source import BATCH_ROWS, IDS, VALUES, Progress, Source, shown

BATCH_BYTES = 1 << 26
BROKEN = "is no NPZ file, or is cut short; write it with numpy.savez, or save it as CSV"
_FAULTS = (
    OSError, EOFError, ValueError, RuntimeError, NotImplementedError, zipfile.BadZipFile, zlib.error, lzma.LZMAError,
)  # fmt: skip


class NpzSource(Source):
    """An NPZ file: arrays `map`, `station`, one of `gain` and `gain_db`, `snapshot` where there are more, all `[P]`.

    Or one dense `gain` `[N, M]` or `[T, N, M]`, with the ids in `map` `[N]`, `station` `[M]` and `snapshot` `[T]` where
    they are not map-1, ..., bs-1, ... and 0, ....
    """

    columns = "arrays"

    def __init__(self, path: str | os.PathLike[str], row_limit: int, each: Progress | None = None):
        super().__init__(path, each)
        self.row_limit = row_limit
        self._shape: tuple[int, ...] = ()

    def place(self, line: int) -> str:
        """A row, or the index of an element."""
        if not self._shape:
            return super().place(line)
        return f"element {[int(i) for i in np.unravel_index(line - 1, self._shape)]}"

    def batches(self) -> Iterator[pl.DataFrame]:
        """Frames of ids as text, and of gains as they are."""
        with self.open() as file, ExitStack() as opened:
            if not file.read(1):
                self.refuse("is empty; it must have the arrays map, station and gain, an entry for each pair")
            try:
                archive = opened.enter_context(zipfile.ZipFile(file))
                names = [name.removesuffix(".npy") for name in archive.namelist()]
                arrays = {
                    name: _Array.of(opened.enter_context(archive.open(f"{name}.npy")))
                    for name in (*IDS, *VALUES)
                    if name in names
                }
            except _FAULTS:
                self.refuse(BROKEN)
            self._check_types(arrays)
            if "gain" in arrays and "gain_db" not in arrays and len(arrays["gain"].shape) in (2, 3):
                yield from self._dense(arrays)
            else:
                yield from self._rows(arrays, self.check_columns(names, "name the arrays like this"))

    def _check_types(self, arrays: dict[str, "_Array"]) -> None:
        for name, array in arrays.items():
            if array.dtype.hasobject:
                self.refuse("holds Python objects, which are not read; save it as numbers or text", column=name)
            kinds = "iuU" if name in IDS else "fiuU"
            if array.dtype.kind not in kinds:
                wanted = "ids are whole numbers or text" if name in IDS else "write numbers"
                self.refuse(f"holds {array.dtype}; {wanted}", column=name)

    def _rows(self, arrays: dict[str, "_Array"], value: str) -> Iterator[pl.DataFrame]:
        shape = arrays[value].shape
        if len(shape) != 1:
            dense = ", [N, M] or [T, N, M]" if value == "gain" else ""
            self.refuse(f"has shape {list(shape)}; it must be [P]{dense}", column=value)
        for name, array in arrays.items():
            if array.shape != shape:
                self.refuse(
                    f"has shape {list(array.shape)}, but {value} has {list(shape)}; make them equal", column=name
                )
        (rows,) = shape
        self._check_size(rows)
        batch = _batch_rows(*arrays.values())
        for start in range(0, rows, batch):
            count = min(batch, rows - start)
            found = {name: self._series(name, array, count, start) for name, array in arrays.items()}
            yield pl.DataFrame(found).with_row_index("line", start + 1)
            self.each(start + count, rows)

    def _dense(self, arrays: dict[str, "_Array"]) -> Iterator[pl.DataFrame]:
        gain = arrays["gain"]
        shape = gain.shape if len(gain.shape) == 3 else (1, *gain.shape)
        size = math.prod(shape)
        if not size:
            self.refuse(f"has shape {list(gain.shape)}, no element; give it a gain for each pair", column="gain")
        self._check_size(size)
        names = {
            name: self._names(name, arrays[name], count) if name in arrays else _default_names(name, count)
            for name, count in zip(IDS, shape, strict=True)
        }
        self._shape, self.absent = gain.shape, "write 0 for a pair out of reach"
        for start in range(0, size, BATCH_ROWS):
            count = min(BATCH_ROWS, size - start)
            index = np.unravel_index(np.arange(start, start + count), shape, order="F" if gain.fortran else "C")
            frame = {name: names[name][i] for name, i in zip(IDS, index, strict=True)}
            frame |= {"line": np.ravel_multi_index(index, shape).astype(np.uint32) + 1}
            yield pl.DataFrame(frame | {"gain": self._series("gain", gain, count, start)})
            self.each(start + count, size)

    def _check_size(self, rows: int) -> None:
        if rows > self.row_limit:
            self.refuse(f"has {rows:,} rows, more than {self.row_limit:,}; split the file into several, by snapshot")

    def _names(self, name: str, array: "_Array", count: int) -> pl.Series:
        if array.shape != (count,):
            self.refuse(f"has shape {list(array.shape)}; this gain needs [{count}]", column=name)
        names = self._series(name, array, count, 0)
        twice = names.filter(~names.is_first_distinct() & names.is_not_null())
        if len(twice):
            self.refuse(f"{shown(twice[0])} stands there twice; give each its own id", column=name)
        return names

    def _series(self, name: str, array: "_Array", count: int, start: int) -> pl.Series:
        """The next `count` entries: ids as text without surrounding blanks."""
        try:
            values = array.read(count)
            if array.dtype.kind == "U":
                series = pl.Series(name, values.tolist(), pl.String)
                return series.str.strip_chars().replace("", None)
        except (UnicodeEncodeError, SystemError):  # half a letter, or none of Unicode's
            self.refuse(
                f"holds no text that can be written in UTF-8, in rows {start + 1} to {start + count}", column=name
            )
        except _FAULTS:
            self.refuse(BROKEN)
        series = pl.Series(name, values)
        return series.cast(pl.String) if name in IDS else series


@dataclass
class _Array:
    """One array of an archive, read from front to back.

    Attributes:
        file: stands behind the header.
        shape: of the array.
        fortran: whether the first axis runs fastest.
        dtype: of an element.
    """

    file: IO[bytes]
    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype

    @classmethod
    def of(cls, file: IO[bytes]) -> "_Array":
        """What the header tells.

        Raises:
            ValueError: there is none that can be read.
        """
        try:
            version = np.lib.format.read_magic(file)
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # headers of Python 2
                return cls(file, *read(file))
        except Exception as error:  # NumPy parses Python's syntax there, and damage makes all kinds of faults in it
            raise ValueError(f"no header of an array: {error}") from None

    def read(self, count: int) -> np.ndarray:
        """The next entries, in the machine's byte order."""
        data = self.file.read(count * self.dtype.itemsize)
        return np.frombuffer(data, self.dtype, count).astype(self.dtype.newbyteorder("="))


def _batch_rows(*arrays: _Array) -> int:
    """Rows that fit into memory together, also where one long text has made all entries wide."""
    return max(1, min(BATCH_ROWS, BATCH_BYTES // max(1, sum(array.dtype.itemsize for array in arrays))))


def _default_names(name: str, count: int) -> pl.Series:
    first, prefix = {"snapshot": (0, ""), "map": (1, "map-"), "station": (1, "bs-")}[name]
    return pl.Series(name, [f"{prefix}{i}" for i in range(first, first + count)])
