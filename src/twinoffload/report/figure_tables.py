"""The small tables that a page's pictures are drawn from: CSV files in `tables/`, all with one prefix."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import polars as pl

from twinoffload.files import write_text


def write_tables(tables: Mapping[str, pl.DataFrame], folder: Path, prefix: str, digits: int = 6) -> list[Path]:
    """The tables as CSV files under `folder/tables`; numbers have `digits` decimals."""
    (folder / "tables").mkdir(parents=True, exist_ok=True)
    return [
        write_text(folder / "tables" / f"{prefix}{name}.csv", table.write_csv(float_precision=digits))
        for name, table in tables.items()
    ]


def read_tables(names: Iterable[str], folder: Path, prefix: str, remedy: str) -> dict[str, pl.DataFrame]:
    """The tables under `folder/tables` by name.

    Raises:
        ValueError: one is missing or damaged; the message names it and the remedy.
    """
    return {name: read_table(folder / "tables" / f"{prefix}{name}.csv", remedy) for name in names}


def read_table(path: Path, remedy: str) -> pl.DataFrame:
    """A CSV file.

    Raises:
        ValueError: it is missing, damaged or without rows; the message names it and the remedy.
    """
    if not path.is_file():
        raise ValueError(f"{path}: no such table; {remedy}")
    try:
        table = pl.read_csv(path, infer_schema_length=None)
    except pl.exceptions.PolarsError as error:
        raise ValueError(f"{path}: cannot be read ({str(error).splitlines()[0]}); {remedy}") from None
    if table.is_empty():
        raise ValueError(f"{path}: has no rows; {remedy}")
    return table
