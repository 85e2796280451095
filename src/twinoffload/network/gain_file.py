"""Measured or simulated channel gains in a CSV file: read with every fault named by line and column, and written."""

import csv
import io
import os
import re
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import NoReturn

import polars as pl
import torch
from torch import Tensor

from twinoffload.files import write_text
from twinoffload.units import db_to_linear

BYTE_LIMIT = 400_000_000  # the largest file
PAIR_LIMIT = 10_000_000  # most snapshots x mAPs x BSs
DEFAULT_SNAPSHOT = "0"  # name of the only snapshot of a file without that column

_IDS = ("snapshot", "map", "station")
_VALUES = ("gain", "gain_db")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)


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
            known = ", ".join(self.snapshots[:5]) + (", ..." if len(self.snapshots) > 5 else "")
            raise ValueError(f"snapshot {_shown(snapshot)}: is not in the file; its snapshots are {known}")
        index = self.snapshots.index(snapshot)
        return Gains(self.gain[index : index + 1], (snapshot,), self.maps, self.stations)


def read_gains(path: str | os.PathLike[str]) -> Gains:
    """Read a CSV of gains: columns `map`, `station`, one of `gain` and `gain_db`, and `snapshot` where there are more.

    `gain` is the linear power gain, `gain_db` the same in dB; none is above 1 (0 dB). A pair that is not listed, or has
    gain 0, is out of reach; each mAP must reach a BS in each snapshot. Other columns are ignored, so are blank lines.
    Ids are numbers or names, and come out sorted (numbers by value, names with the digits in them by value: `car-2`
    before `car-10`), so that the order of the rows never matters.

    Raises:
        ValueError: any fault, in one line that names the file, the line, the column, the value and the remedy.
    """
    return _Reader(str(path)).read()


def write_gains(path: str | os.PathLike[str], gains: Gains, *, overwrite: bool = False) -> None:
    """Write gains as the CSV that `read_gains` reads back to the last bit, whole or not at all.

    Raises:
        ValueError: the file exists (unless `overwrite`) or cannot be written.
    """
    target = Path(path)
    if os.path.isdir(target):
        raise ValueError(f"{target}: is a folder; name a file")
    if not os.path.isdir(target.parent):
        raise ValueError(f"{target}: there is no folder {target.parent}; make it, or name another")
    if os.path.lexists(target) and not overwrite:
        raise ValueError(f"{target}: exists already; name another file, or overwrite it with --force")
    snapshot, n, m = torch.nonzero(gains.gain, as_tuple=True)
    frame = pl.DataFrame(
        {
            "snapshot": [gains.snapshots[i] for i in snapshot.tolist()],
            "map": [gains.maps[i] for i in n.tolist()],
            "station": [gains.stations[i] for i in m.tolist()],
            "gain": gains.gain[snapshot, n, m].numpy(),
        }
    )
    try:
        write_text(target, frame.write_csv())
    except OSError as error:
        raise ValueError(f"{target}: cannot be written: {error.strerror}; choose another place") from None


class _Reader:
    """One reading of one file; each step refuses what the next could not bear."""

    def __init__(self, path: str):
        self.path = path

    def read(self) -> Gains:
        rows = self._parse(self._load())
        for name in _IDS:
            self._check_ids(rows, name)
        rows = self._check_gains(rows)
        self._check_pairs(rows)
        snapshots, maps, stations = (self._names(rows, name) for name in _IDS)
        shape = (len(snapshots), len(maps), len(stations))
        pairs = shape[0] * shape[1] * shape[2]
        if pairs > PAIR_LIMIT:
            self._refuse(
                f"{shape[0]:,} snapshots x {shape[1]:,} mAPs x {shape[2]:,} BSs are {pairs:,} pairs, more than "
                f"{PAIR_LIMIT:,}; split the file into several, by snapshot"
            )
        index = [
            torch.from_numpy(rows[name].cast(pl.Enum(names)).to_physical().cast(pl.Int64).to_numpy().copy())
            for name, names in zip(_IDS, (snapshots, maps, stations), strict=True)
        ]
        gain = torch.zeros(shape, dtype=torch.float64)
        gain[tuple(index)] = torch.from_numpy(rows["gain"].to_numpy().copy())
        gains = Gains(gain, snapshots, maps, stations)
        self._check_reach(gains, rows)
        return gains

    def _refuse(self, message: str, line: int | None = None, column: str | None = None) -> NoReturn:
        place = "".join([self.path, f", line {line}" if line else "", f", column {column}" if column else ""])
        raise ValueError(f"{place}: {message}") from None

    def _load(self) -> bytes:
        """The bytes of a text file in UTF-8."""
        try:
            with open(self.path, "rb") as file:
                data = file.read(65536)
                if b"\0" not in data:
                    data += file.read(max(0, BYTE_LIMIT + 1 - len(data)))
        except FileNotFoundError:
            self._refuse("no such file; name a CSV file with the columns map, station and gain or gain_db")
        except IsADirectoryError:
            self._refuse("is a folder; name a CSV file in it")
        except OSError as error:
            self._refuse(f"cannot be read: {error.strerror}; check the path and its permissions")
        except ValueError:  # a NUL in the path
            self._refuse("is not a path")
        if b"\0" in data:
            self._refuse("is not text; save it as CSV (comma-separated, UTF-8)")
        if len(data) > BYTE_LIMIT:
            self._refuse(f"is larger than {BYTE_LIMIT:,} bytes; split the file into several, by snapshot")
        data = data.removeprefix(b"\xef\xbb\xbf")
        if b"\r" in data:
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        try:
            data.decode("utf-8")
        except UnicodeDecodeError as error:
            self._refuse("is not text in UTF-8; save it as CSV (comma-separated, UTF-8)", _line_at(data, error.start))
        if not data.strip():
            self._refuse("is empty; it must have a line of column names (map,station,gain) and a line for each pair")
        return data

    def _parse(self, data: bytes) -> pl.DataFrame:
        """The columns that matter, as text without surrounding blanks, with the `line` of each row."""
        body = data.lstrip()
        first = _line_at(data, len(data) - len(body))
        header = self._header(body, first)
        try:
            table = pl.read_csv(io.BytesIO(body), infer_schema=False)
        except pl.exceptions.PolarsError:
            self._refuse_ragged(body, first, len(header))
        found = {name: table.to_series(header.index(name)) for name in (*_IDS, *_VALUES) if name in header}
        rows = pl.DataFrame({name: column.alias(name) for name, column in found.items()})
        rows = rows.with_columns(pl.all().str.strip_chars().replace("", None)).with_row_index("line", first + 1)
        rows = rows.filter(~pl.Series(table.select(blank=pl.all_horizontal(pl.all().is_null())).to_series()))
        if rows.is_empty():
            self._refuse("has column names but no rows; add a line for each pair")
        if "snapshot" not in header:
            rows = rows.with_columns(snapshot=pl.lit(DEFAULT_SNAPSHOT))
        return rows

    def _header(self, body: bytes, line: int) -> list[str]:
        text = body[: body.find(b"\n")] if b"\n" in body else body
        header = [name.strip() for name in next(csv.reader([text.decode("utf-8").strip()]), [])]
        told = _cut(", ".join(name if name.isprintable() else repr(name) for name in header), 80)
        for name in (*_IDS, *_VALUES):
            if header.count(name) > 1:
                self._refuse("stands there twice; keep one", line, name)
        wanted = [name for name in ("map", "station") if name not in header]
        values = [name for name in _VALUES if name in header]
        if len(values) == 2:
            self._refuse("has both columns gain and gain_db; keep one of them", line)
        if not values:
            wanted.append("gain (or gain_db)")
        if wanted:
            separator = next((name for sign, name in ((";", "';'"), ("\t", "tabs")) if sign in header[0]), None)
            remedy = f"separate columns by commas, not {separator}" if separator else "the first line names the columns"
            plural = "s" if len(wanted) > 1 else ""
            self._refuse(f"no column{plural} {', '.join(wanted)} among: {told}; {remedy}", line)
        return header

    def _refuse_ragged(self, body: bytes, first: int, width: int) -> NoReturn:
        """Say where a file that cannot be split into columns goes wrong."""
        reader = csv.reader(io.StringIO(body.decode("utf-8"), newline=""), strict=True)
        try:
            for record in reader:
                if len(record) > width:
                    self._refuse(
                        f"has {len(record)} cells for {width} columns; write decimals with a point, and a comma "
                        "within a name in quotes",
                        first + reader.line_num - 1,
                    )
        except csv.Error:
            pass
        opened = next((i for i, row in enumerate(body.split(b"\n")) if row.count(b'"') % 2), None)
        line = None if opened is None else first + opened
        self._refuse("cannot be split into columns; is a quotation mark left open?", line)

    def _check_ids(self, rows: pl.DataFrame, name: str) -> None:
        if fault := _first(rows, pl.col(name).is_null()):
            self._refuse("the cell is empty; write a number or a name", fault["line"], name)
        for value in rows[name].unique(maintain_order=True):
            if not value.isprintable():
                line = _first(rows, pl.col(name) == value)["line"]
                self._refuse(f"{_shown(value)} holds a line break or a control character; remove it", line, name)

    def _check_gains(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The rows with a linear `gain` as a number in [0, 1]."""
        name = "gain" if "gain" in rows.columns else "gain_db"
        rows = rows.with_columns(number=pl.col(name).str.strip_prefix("+").cast(pl.Float64, strict=False))
        number = pl.col("number")
        faults = [
            (pl.col(name).is_null(), "the cell is empty; write a number, or remove the line of a pair out of reach"),
            (number.is_null(), "{} is not a number; write it like " + ("2.5e-9" if name == "gain" else "-86.0")),
            (~number.is_finite(), "{} is not finite; write the gain, or remove the line of a pair out of reach"),
        ]
        if name == "gain":
            faults += [
                (number < 0, "{} is negative; a power gain is in [0, 1]: if this is in dB, name the column gain_db"),
                (number > 1, "{} is above 1, more power than was sent: if this is in dB, name the column gain_db"),
            ]
            linear = number
        else:
            faults += [
                (number > 0, "{} is above 0 dB, more power than was sent; a path loss of 86 dB is a gain of -86"),
                (db_to_linear(number) == 0, "{} is too small; remove the line of a pair out of reach"),
            ]
            linear = db_to_linear(number)
        for condition, message in faults:
            if fault := _first(rows, condition):
                self._refuse(message.format(_shown(fault[name] or "")), fault["line"], name)
        return rows.with_columns(gain=linear)

    def _check_pairs(self, rows: pl.DataFrame) -> None:
        fault = _first(rows, ~pl.struct(_IDS).is_first_distinct())
        if fault:
            earlier = _first(rows, *(pl.col(name) == fault[name] for name in _IDS))["line"]
            slot = "" if rows["snapshot"].n_unique() == 1 else f" in snapshot {_shown(fault['snapshot'])}"
            self._refuse(
                f"map {_shown(fault['map'])} and station {_shown(fault['station'])}{slot} stand already in line "
                f"{earlier}; remove one of them, or tell slots apart with a column snapshot",
                fault["line"],
            )

    def _names(self, rows: pl.DataFrame, column: str) -> tuple[str, ...]:
        """The different ids of a column, sorted."""
        names = rows[column].unique().to_list()
        if not all(_NUMBER.fullmatch(name) for name in names):
            return tuple(sorted(names, key=_natural))
        names.sort(key=lambda name: (Decimal(name), name))
        for one, other in pairwise(names):
            if Decimal(one) == Decimal(other):
                line = _first(rows, pl.col(column) == other)["line"]
                self._refuse(f"{_shown(other)} and {_shown(one)} are one number; write it in one way", line, column)
        return tuple(names)

    def _check_reach(self, gains: Gains, rows: pl.DataFrame) -> None:
        lost = torch.nonzero(~(gains.gain > 0).any(-1))
        if not len(lost):
            return
        s, n = lost[0].tolist()
        snapshot, name = gains.snapshots[s], gains.maps[n]
        line = (_first(rows, pl.col("snapshot") == snapshot, pl.col("map") == name) or {}).get("line")
        if len(gains.snapshots) == 1:
            self._refuse(f"map {_shown(name)} reaches no BS; give it a gain above 0, or remove it", line)
        self._refuse(
            f"map {_shown(name)} reaches no BS in snapshot {_shown(snapshot)}; give it a gain above 0 "
            "there, or put the snapshots without it in a file of their own",
            line,
        )


def _first(rows: pl.DataFrame, *conditions: pl.Expr) -> dict:
    """The first row that meets the conditions; empty where none does."""
    return next(rows.filter(*conditions).head(1).iter_rows(named=True), {})


def _shown(value: str) -> str:
    """A cell in quotes, cut where it is long."""
    return repr(_cut(value, 40))


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[:length] + "..."


def _line_at(data: bytes, position: int) -> int:
    """The line, from 1, of a byte."""
    return data.count(b"\n", 0, position) + 1


def _natural(name: str) -> tuple[list, str]:
    """A key that sorts the digits within a name by value."""
    parts = re.split(r"([0-9]+)", name)
    return [int(part) if i % 2 else part for i, part in enumerate(parts)], name
