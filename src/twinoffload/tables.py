"""Tables of any length in files: CSV, Parquet or NPZ by suffix, written batch by batch, whole or not at all."""

import os
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
import polars as pl

from twinoffload.files import draft_of, write_whole

BATCH_ROWS = 1 << 18

Column = Callable[[slice], pl.Series]
"""Some rows of a column; of the same type for each slice, also for an empty one."""

Progress = Callable[[int, int], object]
"""Told how much is done, and of how much."""


def write_table(
    path: str | os.PathLike[str],
    columns: Mapping[str, Column],
    rows: int,
    *,
    overwrite: bool = False,
    each: Progress | None = None,
) -> Path:
    """Write a table: `.parquet`, `.npz` (an array for each column) or, whatever else the suffix, CSV.

    A missing value is an empty cell in CSV, null in Parquet, and NaN or an empty text in NPZ.

    Args:
        path: the file.
        columns: what stands in each column.
        rows: their length.
        overwrite: replace what is there.
        each: called after each batch with the rows written and their number.

    Raises:
        ValueError: the file exists (unless `overwrite`) or cannot be written.
    """

    def write(draft: Path) -> None:
        with open(draft, "wb") as file:
            _WRITERS.get(Path(path).suffix.lower(), _write_csv)(file, columns, rows, each or _ignore)

    return _write_new(path, write, overwrite)


def write_arrays(path: str | os.PathLike[str], arrays: Mapping[str, np.ndarray], *, overwrite: bool = False) -> Path:
    """Write numbers and texts, of any shapes, as NPZ; the same arrays make the same bytes.

    Raises:
        ValueError: the file exists (unless `overwrite`) or cannot be written.
    """

    def write(draft: Path) -> None:
        with zipfile.ZipFile(draft, "w") as archive:
            for name, array in arrays.items():
                with _member(archive, name) as file:
                    np.lib.format.write_array(file, array, allow_pickle=False)

    return _write_new(path, write, overwrite)


def check_target(path: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
    """The path of a file that is to be written, before any work for it.

    Raises:
        ValueError: it exists (unless `overwrite`), is a folder, its folder is missing or closed to us, or its name is
            too long.
    """
    target = Path(path)
    if os.path.isdir(target):
        raise ValueError(f"{target}: is a folder; name a file")
    if not os.path.isdir(target.parent):
        raise ValueError(f"{target}: there is no folder {target.parent}; make it, or name another")
    if os.path.lexists(target) and not overwrite:
        raise ValueError(f"{target}: exists already; name another file, or overwrite it with --force")
    if not os.access(target.parent, os.W_OK):
        raise ValueError(f"{target}: cannot be written: {target.parent} is closed to us; choose another place")
    try:
        os.lstat(draft_of(target))
    except FileNotFoundError:
        return target
    except OSError as error:
        raise ValueError(f"{target}: cannot be written: {error.strerror}; name another file") from None
    return target


def _write_new(path: str | os.PathLike[str], write: Callable[[Path], object], overwrite: bool) -> Path:
    """Write a file that is not there yet, whole or not at all."""
    target = check_target(path, overwrite=overwrite)
    try:
        return write_whole(target, write)
    except OSError as error:
        raise ValueError(f"{target}: cannot be written: {error.strerror or error}; choose another place") from None


def _write_csv(file: IO[bytes], columns: Mapping[str, Column], rows: int, each: Progress) -> None:
    for part in _parts(rows):
        frame = pl.DataFrame({name: column(part) for name, column in columns.items()})
        frame.with_columns(pl.col(pl.Float64).fill_nan(None)).write_csv(file, include_header=part.start == 0)
        each(part.stop, rows)


def _write_parquet(file: IO[bytes], columns: Mapping[str, Column], rows: int, each: Progress) -> None:
    from polars.io.plugins import register_io_source

    def batches(*_: Any) -> Iterator[pl.DataFrame]:
        for part in _parts(rows):
            frame = pl.DataFrame({name: column(part) for name, column in columns.items()})
            yield frame.with_columns(pl.col(pl.Float64).fill_nan(None))
            each(part.stop, rows)

    schema = pl.Schema({name: column(slice(0, 0)).dtype for name, column in columns.items()})
    try:
        register_io_source(batches, schema=schema).sink_parquet(file)
    except pl.exceptions.ComputeError as error:
        _, failed, reason = str(error).partition("IO error: ")
        if not failed:
            raise
        raise OSError(reason.split(" (os error")[0]) from None


def _write_npz(file: IO[bytes], columns: Mapping[str, Column], rows: int, each: Progress) -> None:
    with zipfile.ZipFile(file, "w") as archive:
        for done, (name, column) in enumerate(columns.items()):
            dtype = _array_type(column, rows)
            with _member(archive, name) as member:
                header = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": (rows,)}
                np.lib.format.write_array_header_1_0(member, header)
                for part in _parts(rows):
                    series = column(part)
                    values = series.fill_null("").to_list() if dtype.kind == "U" else series.to_numpy()
                    member.write(np.asarray(values, dtype).tobytes())
                    each((done * rows + part.stop) // len(columns), rows)


_WRITERS = {".parquet": _write_parquet, ".npz": _write_npz}


def _array_type(column: Column, rows: int) -> np.dtype:
    """The NumPy type of a column: texts have the width of the longest."""
    series = column(slice(0, 0))
    if series.dtype != pl.String:
        return series.to_numpy().dtype
    widths = [int(column(part).str.len_chars().max() or 1) for part in _parts(rows)]  # type: ignore[arg-type]
    return np.dtype(f"<U{max(widths)}")


def _member(archive: zipfile.ZipFile, name: str) -> IO[bytes]:
    """An array's place in an archive, without the time of day."""
    return archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True)


def _parts(rows: int) -> Iterator[slice]:
    """Batches of rows; a single empty one where there are no rows, so that columns get their names."""
    for start in range(0, max(rows, 1), BATCH_ROWS):
        yield slice(start, min(start + BATCH_ROWS, rows))


def _ignore(done: int, total: int) -> None:
    pass
