"""Rows of gains in a CSV file, read block by block."""

import csv
import io
import os
from collections.abc import Iterator
from typing import IO, NoReturn

import numpy as np
import polars as pl

from twinoffload.network.gain_source import IDS, VALUES, Progress, Source

BLOCK_BYTES = 1 << 24
RECORD_BYTES = 4 * BLOCK_BYTES
"""Longest record: past it, a quotation mark is taken to be open."""


class CsvSource(Source):
    """A CSV file: comma-separated, UTF-8, the first line that is not blank names the columns."""

    noun = "line"
    absent = "remove the line of a pair out of reach"

    def __init__(self, path: str | os.PathLike[str], byte_limit: int, each: Progress | None = None):
        super().__init__(path, each)
        self.byte_limit = byte_limit

    def batches(self) -> Iterator[pl.DataFrame]:
        """Frames of text without surrounding blanks; blank lines are left out."""
        head, header = b"", []
        with self.open() as file:
            total = os.fstat(file.fileno()).st_size
            for line, block, done in self._blocks(file):
                self._check_text(block, line)
                if not header:
                    body = block.lstrip()
                    if not body:
                        continue
                    line += block.count(b"\n", 0, len(block) - len(body))
                    head, _, block = body.partition(b"\n")
                    header = self._header(head, line)
                    line += 1
                if block:
                    yield self._parse(head, header, block, line)
                self.each(done, max(done, total))
        if not header:
            self.refuse("is empty; it must have a line of column names (map,station,gain) and a line for each pair")

    def _blocks(self, file: IO[bytes]) -> Iterator[tuple[int, bytes, int]]:
        """(number of the first line, whole records with line feeds, bytes read so far)."""
        line, read, pending = 1, 0, b""
        carriage, more = b"", True
        while more:
            data = self._read(file)
            more, read = bool(data), read + len(data)
            if b"\0" in data:
                self.refuse("is not text; save it as CSV (comma-separated, UTF-8)")
            if read > self.byte_limit:
                self.refuse(f"is larger than {self.byte_limit:,} bytes; split the file into several, by snapshot")
            if read == len(data):
                data = data.removeprefix(b"\xef\xbb\xbf")
            data = carriage + data
            carriage = b"\r" if more and data.endswith(b"\r") else b""  # a line feed may follow
            data = data.removesuffix(carriage)
            if b"\r" in data:
                data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
            pending += data
            end = _end_of_records(pending) if more else len(pending)
            if not end and len(pending) > RECORD_BYTES:
                end = len(pending)
            if end:
                block, pending = pending[:end], pending[end:]
                yield line, block, read
                line += block.count(b"\n")

    def _read(self, file: IO[bytes]) -> bytes:
        try:
            return file.read(BLOCK_BYTES)
        except OSError as error:
            self.refuse(f"cannot be read: {error.strerror}; check the path and its permissions")

    def _check_text(self, block: bytes, line: int) -> None:
        if block.isascii():
            return
        try:
            block.decode("utf-8")
        except UnicodeDecodeError as error:
            line += block.count(b"\n", 0, error.start)
            self.refuse("is not text in UTF-8; save it as CSV (comma-separated, UTF-8)", line)

    def _header(self, head: bytes, line: int) -> list[str]:
        text = head.decode("utf-8").strip()
        try:
            header = [name.strip() for name in next(csv.reader([text]), [])] or [text]
        except csv.Error:  # a carriage return in the middle
            header = [text]
        separator = next((name for sign, name in ((";", "';'"), ("\t", "tabs")) if sign in header[0]), None)
        remedy = f"separate columns by commas, not {separator}" if separator else "the first line names the columns"
        self.check_columns(header, remedy, line)
        return header

    def _parse(self, head: bytes, header: list[str], block: bytes, line: int) -> pl.DataFrame:
        body = head + b"\n" + block
        try:
            table = pl.read_csv(io.BytesIO(body), infer_schema=False)
        except pl.exceptions.PolarsError:
            self._refuse_ragged(body, line - 1, len(header))
        found = {name: table.to_series(header.index(name)) for name in (*IDS, *VALUES) if name in header}
        rows = pl.DataFrame({name: column.alias(name) for name, column in found.items()})
        rows = rows.with_columns(pl.all().str.strip_chars().replace("", None)).with_row_index("line", line)
        return rows.filter(~pl.Series(table.select(blank=pl.all_horizontal(pl.all().is_null())).to_series()))

    def _refuse_ragged(self, body: bytes, first: int, width: int) -> NoReturn:
        """Say where records that cannot be split into columns go wrong."""
        reader = csv.reader(io.StringIO(body.decode("utf-8"), newline=""), strict=True)
        try:
            for record in reader:
                if len(record) > width:
                    self.refuse(
                        f"has {len(record)} cells for {width} columns; write decimals with a point, and a comma "
                        "within a name in quotes",
                        first + reader.line_num - 1,
                    )
        except csv.Error:
            pass
        opened = next((i for i, row in enumerate(body.split(b"\n")) if row.count(b'"') % 2), None)
        line = None if opened is None else first + opened
        self.refuse("cannot be split into columns; is a quotation mark left open?", line)


def _end_of_records(data: bytes) -> int:
    """Just behind the last line feed that is not within quotes; 0 where there is none."""
    if b'"' not in data:
        return data.rfind(b"\n") + 1
    signs = np.frombuffer(data, np.uint8)
    quotes, feeds = np.flatnonzero(signs == ord('"')), np.flatnonzero(signs == ord("\n"))
    outside = feeds[np.searchsorted(quotes, feeds) % 2 == 0]
    return int(outside[-1]) + 1 if len(outside) else 0
