"""What all files of gains share: the columns they must have, and how a fault in one is told."""

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import IO, Any, NoReturn

import polars as pl

BATCH_ROWS = 1 << 19

IDS = ("snapshot", "map", "station")
VALUES = ("gain", "gain_db")

Progress = Callable[[int, int], object]
"""Told how much of a file is read, and its size, in one unit; the size is 0 where it is not known."""


class Source(ABC):
    """Rows of one file, batch by batch; each step refuses what the next could not bear.

    Attributes:
        path: the file.
        noun: what a row is called.
        columns: what a column is called, in the plural.
        absent: how a pair out of reach is written.
    """

    noun = "row"
    columns = "columns"
    absent = "remove the row of a pair out of reach"

    def __init__(self, path: str | os.PathLike[str], each: Progress | None = None):
        self.path = os.fspath(path)
        self.each = each or (lambda done, total: None)

    @abstractmethod
    def batches(self) -> Iterator[pl.DataFrame]:
        """Frames of the columns that matter: `line` (from 1), ids as text, `gain` or `gain_db` as text or numbers."""

    def place(self, line: int) -> str:
        """Where a row stands, in words."""
        return f"{self.noun} {line}"

    def refuse(self, message: str, line: int | None = None, column: str | None = None) -> NoReturn:
        """Raise ValueError with one line that names the file and the place in it."""
        place = "".join([self.path, f", {self.place(line)}" if line else "", f", column {column}" if column else ""])
        raise ValueError(f"{place}: {message}") from None

    def open(self) -> IO[bytes]:
        """The file, if there is one that can be read."""
        try:
            return open(self.path, "rb")
        except FileNotFoundError:
            self.refuse(
                "no such file; name a CSV, Parquet or NPZ file with the columns map, station and gain or gain_db"
            )
        except IsADirectoryError:
            self.refuse("is a folder; name a CSV, Parquet or NPZ file in it")
        except OSError as error:
            self.refuse(f"cannot be read: {error.strerror}; check the path and its permissions")
        except ValueError:  # a NUL in the path
            self.refuse("is not a path")

    def check_columns(self, names: Sequence[str], remedy: str, line: int | None = None) -> str:
        """The column of values, if the others that must be there are, too."""
        for name in (*IDS, *VALUES):
            if names.count(name) > 1:
                self.refuse("stands there twice; keep one", line, name)
        missing = [name for name in ("map", "station") if name not in names]
        values = [name for name in VALUES if name in names]
        if len(values) == 2:
            self.refuse(f"has both {self.columns} gain and gain_db; keep one of them", line)
        if not values:
            missing.append("gain (or gain_db)")
        if missing:
            told = cut(", ".join(name if name.isprintable() else repr(name) for name in names), 80)
            one = self.columns.removesuffix("s") if len(missing) == 1 else self.columns
            self.refuse(f"no {one} {', '.join(missing)} among: {told}; {remedy}", line)
        return values[0]


def shown(value: Any) -> str:
    """A text in quotes, cut where it is long; a number as it is."""
    return repr(cut(value, 40)) if isinstance(value, str) else str(value)


def cut(text: str, length: int) -> str:
    """A text, or its beginning with an ellipsis."""
    return text if len(text) <= length else text[:length] + "..."
