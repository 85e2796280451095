"""Rows of gains in a Parquet file, read batch by batch."""

import os
from collections.abc import Iterator

import polars as pl

from twinoffload.network.gain_source import BATCH_ROWS, IDS, Progress, Source

BROKEN = "is no Parquet file, or is cut short; write it anew, or save it as CSV"
_FAULTS = (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError)


class ParquetSource(Source):
    """A Parquet file whose ids are whole numbers or text."""

    def __init__(self, path: str | os.PathLike[str], row_limit: int, each: Progress | None = None):
        super().__init__(path, each)
        self.row_limit = row_limit

    def batches(self) -> Iterator[pl.DataFrame]:
        """Frames of ids as text, and of gains as they are."""
        with self.open() as file:
            signs = file.read(4)
        if not signs:
            self.refuse("is empty; it must have the columns map, station and gain, and a row for each pair")
        if signs != b"PAR1":
            self.refuse(BROKEN)
        table = pl.scan_parquet(os.path.abspath(self.path), glob=False, hive_partitioning=False)
        try:
            schema = table.collect_schema()
            rows = table.select(pl.len()).collect().item()
        except _FAULTS:
            self.refuse(BROKEN)
        value = self.check_columns(schema.names(), "rename its columns")
        if rows > self.row_limit:
            self.refuse(f"has {rows:,} rows, more than {self.row_limit:,}; split the file into several, by snapshot")
        ids = [name for name in IDS if name in schema]
        self._check_types(schema, ids, value)
        table = table.select(pl.col(ids).cast(pl.String).str.strip_chars().replace("", None), value)
        for start in range(0, rows, BATCH_ROWS):
            try:
                batch = table.slice(start, BATCH_ROWS).collect()
            except _FAULTS:
                self.refuse(BROKEN)
            yield batch.with_row_index("line", start + 1)
            self.each(min(start + BATCH_ROWS, rows), rows)

    def _check_types(self, schema: pl.Schema, ids: list[str], value: str) -> None:
        for name in ids:
            kind = schema[name]
            if not (kind.is_integer() or kind in (pl.String, pl.Categorical, pl.Enum)):
                self.refuse(f"holds {kind}; ids are whole numbers or text", column=name)
        if not (schema[value].is_numeric() or schema[value] == pl.String):
            self.refuse(f"holds {schema[value]}; write numbers", column=value)
