"""What a scenario's YAML file leaves to other files: gains, and values too many for a line."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from twinoffload.network.ids import sorted_ids

VALUE_FIELDS = ("power", "bandwidth", "compute", "cycles", "quality", "accuracy_weight", "accuracy_value",
                "delay_cost", "task_size")  # fmt: skip
OF_STATION = ("bandwidth", "compute", "quality", "accuracy_weight")
VALUE_LIMIT = 1_000_000


def bring_in(values: dict[str, Any], folder: Path) -> dict[str, Any]:
    """A file's values with paths made whole, beginning at its folder, and listed values read.

    Gains tell the numbers of mAPs and BSs: what other files say of these does not count, what this one says must agree.

    Raises:
        ValueError: a file of values is missing or bad, in one line.
    """
    found = dict(values)
    gains = values.get("gains")
    if isinstance(gains, str):
        gains = {"file": gains}
    if isinstance(gains, dict) and isinstance(gains.get("file"), str):
        found["gains"] = gains | {"file": os.path.abspath(folder / gains["file"])}
        found = {"maps": None, "stations": None} | found
    for name in VALUE_FIELDS:
        value = values.get(name)
        if isinstance(value, dict) and "file" in value:
            found[name] = read_values(name, value, folder)
    return found


def read_values(name: str, given: dict[str, Any], folder: Path) -> Any:
    """Values of `{file: ..., column: ...}`: a column of a CSV or Parquet table, or an array of an NPZ file.

    A table with a column `map` (of a BS's field: `station`) is sorted by it, as gains are; else rows keep their order.

    Raises:
        ValueError: naming the file, the column and the remedy.
    """
    strange = sorted(set(given) - {"file", "column"})
    if strange or not isinstance(given["file"], str) or not isinstance(given.get("column"), str):
        raise ValueError(f"{name} = {given!r:.60}: must be {{file: PATH, column: NAME}}")
    path, column = os.path.normpath(folder / given["file"]), given["column"]
    if not os.path.isfile(path):
        raise ValueError(f"{name}: {path}: no such file; it is looked for beside the scenario's")
    place = f"{name}: {path}, column {column}"
    values = _array(path, column, place) if path.endswith(".npz") else _column(path, column, place, name)
    if not 0 < values.size <= VALUE_LIMIT:
        raise ValueError(f"{place}: has {values.size:,} values; must have 1 to {VALUE_LIMIT:,}")
    if values.dtype.kind not in "fiu" or not np.isfinite(values).all():
        raise ValueError(f"{place}: holds something else than finite numbers; write a number in each row")
    return values.tolist()


def _column(path: str, column: str, place: str, name: str) -> np.ndarray:
    try:
        table = pl.read_parquet(path) if path.endswith(".parquet") else pl.read_csv(path, infer_schema_length=None)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise ValueError(f"{place}: cannot be read ({str(error).splitlines()[0]:.80})") from None
    if column not in table.columns:
        raise ValueError(f"{place}: there is none; columns are {', '.join(table.columns):.80}")
    who = "station" if name in OF_STATION else "map"
    if who in table.columns:
        ids = table[who].cast(pl.String)
        if ids.null_count() or not ids.is_unique().all():
            raise ValueError(f"{path}, column {who}: must name each {who} once; the values of {name} go by it")
        order = {one: i for i, one in enumerate(sorted_ids(ids))}
        table = table[sorted(range(len(ids)), key=lambda i: order[ids[i]])]
    return np.full(1, np.nan) if table[column].null_count() else table[column].to_numpy()


def _array(path: str, column: str, place: str) -> np.ndarray:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            known = arrays.files
            found = arrays[column] if column in known else None
    except (OSError, ValueError, EOFError) as error:
        raise ValueError(f"{place}: cannot be read ({str(error).splitlines()[0]:.80})") from None
    if found is None:
        raise ValueError(f"{place}: there is none; arrays are {', '.join(known):.80}")
    return found
