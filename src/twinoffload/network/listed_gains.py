"""Pairs gathered from a file of gains: ids numbered, every value checked, in memory linear in the number of rows."""

from dataclasses import dataclass
from typing import NoReturn

import numpy as np
import polars as pl

from twinoffload.network.gain_source import IDS, Source, shown
from twinoffload.network.ids import same_numbers, sorted_ids
from twinoffload.units import db_to_linear

DEFAULT_SNAPSHOT = "0"  # name of the only snapshot of a file without that column
LONGEST_ID = 256  # characters; ids are printed in tables


@dataclass(frozen=True, eq=False)
class ListedGains:
    """Pairs in reach, sorted by snapshot, mAP and BS.

    Attributes:
        path: the file they come from.
        snapshot: index of each pair's snapshot, int32 `[P]`.
        map: index of its mAP, int32 `[P]`.
        station: index of its BS, int32 `[P]`.
        gain: its channel power gain h, above 0, float64 `[P]`.
        snapshots: S names.
        maps: N names.
        stations: M names.
    """

    path: str
    snapshot: np.ndarray
    map: np.ndarray
    station: np.ndarray
    gain: np.ndarray
    snapshots: tuple[str, ...]
    maps: tuple[str, ...]
    stations: tuple[str, ...]

    @property
    def shape(self) -> tuple[int, int, int]:
        """(S, N, M)."""
        return len(self.snapshots), len(self.maps), len(self.stations)

    @property
    def pairs(self) -> int:
        """P."""
        return len(self.gain)


def list_pairs(source: Source, snapshot: str | None = None) -> ListedGains:
    """Everything in a file, or one snapshot of it; its mAPs and BSs are those of the whole file all the same.

    Raises:
        ValueError: any fault, in one line that names the file, the row, the column, the value and the remedy.
    """
    listing = _Listing(source, snapshot)
    for rows in source.batches():
        listing.add(rows)
    return listing.finish()


class _Names:
    """Ids of a column, numbered batch by batch; in the end they get numbers that hold for all batches."""

    def __init__(self, column: str):
        self.column = column
        self._batches: list[pl.Series] = []
        self._count = 0

    def add(self, ids: pl.Series, unique: pl.Series) -> np.ndarray:
        """Numbers for the ids of a batch, whose different ones are given too; uint32."""
        first = self._count
        self._batches.append(unique)
        self._count += len(unique)
        return _places(ids, unique) + np.uint32(first)

    def finish(self) -> tuple[pl.Series, np.ndarray]:
        """The different ids, sorted, and the place of each number among them, int32."""
        given = pl.concat(self._batches)
        self._batches.clear()
        names = sorted_ids(given.unique())
        return names, _places(given, names).astype(np.int32)


class _Listing:
    """Rows of one file as they come."""

    def __init__(self, source: Source, only: str | None):
        self.source, self.only = source, only
        self.names = {name: _Names(name) for name in IDS}
        self.columns: dict[str, list[np.ndarray]] = {name: [] for name in ("line", *IDS, "gain")}
        self.rows = 0

    def add(self, rows: pl.DataFrame) -> None:
        """Check and keep a batch of rows."""
        if "snapshot" not in rows.columns:
            rows = rows.with_columns(snapshot=pl.lit(DEFAULT_SNAPSHOT))
        unique = {name: self._check_ids(rows, name) for name in IDS}
        rows = self._check_gains(rows)
        keep = slice(None) if self.only is None else (rows["snapshot"] == self.only).to_numpy()
        for name in IDS:
            self.columns[name].append(self.names[name].add(rows[name], unique[name])[keep])
        self.columns["line"].append(rows["line"].cast(pl.UInt32).to_numpy()[keep])
        self.columns["gain"].append(rows["gain"].to_numpy()[keep])
        self.rows += len(rows)

    def finish(self) -> ListedGains:
        """The whole file, checked for what no batch can know."""
        if not self.rows:
            self.source.refuse(
                f"has {'column names' if self.source.noun == 'line' else self.source.columns} but no rows; "
                f"add a {self.source.noun} for each pair"
            )
        names: dict[str, pl.Series] = {}
        index: dict[str, np.ndarray] = {}
        line, gain = self._take("line"), self._take("gain")
        for name in IDS:
            names[name], rank = self.names.pop(name).finish()
            index[name] = rank[self._take(name)]
        if self.only is not None and self.only not in names["snapshot"]:
            raise ValueError(absent_snapshot(self.only, names["snapshot"].head(6).to_list()))
        pairs = _Pairs(self.source, names, index, gain, line, self.only)
        return pairs.sorted()

    def _take(self, name: str) -> np.ndarray:
        return np.concatenate(self.columns.pop(name))

    def _check_ids(self, rows: pl.DataFrame, name: str) -> pl.Series:
        """The different ids of a column, in the order of the rows."""
        unique = rows[name].unique(maintain_order=True)
        if unique.null_count():
            fault = _first(rows, pl.col(name).is_null())
            self.source.refuse("the cell is empty; write a number or a name", fault["line"], name)
        longest = unique.str.len_chars().max()
        if isinstance(longest, int) and longest > LONGEST_ID:
            fault = _first(rows, pl.col(name).str.len_chars() > LONGEST_ID)
            self.source.refuse(f"an id of {longest:,} characters; give it at most {LONGEST_ID}", fault["line"], name)
        ids = unique.to_list()
        if not "".join(ids).isprintable():
            bad = next(value for value in ids if not value.isprintable())
            line = _first(rows, pl.col(name) == bad)["line"]
            self.source.refuse(f"{shown(bad)} holds a line break or a control character; remove it", line, name)
        return unique

    def _check_gains(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The rows with a linear `gain` as a number in [0, 1]."""
        name = "gain" if "gain" in rows.columns else "gain_db"
        written = pl.col(name)
        if rows.schema[name] == pl.String:
            written = written.str.strip_chars().replace("", None).str.strip_prefix("+")
        rows = rows.with_columns(number=written.cast(pl.Float64, strict=False))
        number, absent = pl.col("number"), self.source.absent
        faults = [
            (pl.col(name).is_null(), f"the cell is empty; write a number, or {absent}"),
            (number.is_null(), "{} is not a number; write it like " + ("2.5e-9" if name == "gain" else "-86.0")),
            (~number.is_finite(), "{} is not finite; write the gain, or " + absent),
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
                (db_to_linear(number) == 0, "{} is too small; " + absent),
            ]
            linear = db_to_linear(number)
        for condition, message in faults:
            if fault := _first(rows, condition):
                self.source.refuse(message.format(shown(fault[name])), fault["line"], name)
        return rows.with_columns(gain=linear)


class _Pairs:
    """All rows of a file by index of snapshot, mAP and BS."""

    def __init__(
        self,
        source: Source,
        names: dict[str, pl.Series],
        index: dict[str, np.ndarray],
        gain: np.ndarray,
        line: np.ndarray,
        only: str | None,
    ):
        self.source, self.names, self.gain, self.line = source, names, gain, line
        self.several = len(names["snapshot"]) > 1
        if only is not None:
            self.names = names | {"snapshot": pl.Series([only])}
            index = index | {"snapshot": np.zeros_like(index["snapshot"])}
        self.index = index
        self.shape = tuple(len(self.names[name]) for name in IDS)

    def sorted(self) -> ListedGains:
        """The pairs in reach."""
        if self.shape[0] * self.shape[1] > len(self.gain):  # and the keys below might overflow
            self._check_spelling()
            self._check_reach(self._slots(self.gain > 0))
        s, n, m = (self.index[name] for name in IDS)
        key = (s.astype(np.int64) * self.shape[1] + n) * self.shape[2] + m
        if (key[1:] <= key[:-1]).any():
            order = np.argsort(key, kind="stable")
            key = key[order]
            self._check_pairs(order, key)
            gain = self.gain[order]
        else:
            order, gain = None, self.gain
        self._check_spelling()
        reached = gain > 0
        if reached.all():
            reached = slice(None)
        key = key[reached]
        slot = key // self.shape[2]
        self._check_reach(slot)
        station = (key - slot * self.shape[2]).astype(np.int32)
        snapshot = slot // self.shape[1]
        return ListedGains(
            self.source.path,
            snapshot=snapshot.astype(np.int32),
            map=(slot - snapshot * self.shape[1]).astype(np.int32),
            station=station,
            gain=gain[reached],
            snapshots=tuple(self.names["snapshot"]),
            maps=tuple(self.names["map"]),
            stations=tuple(self.names["station"]),
        )

    def _slots(self, reached: np.ndarray) -> np.ndarray:
        """Snapshots times mAPs of the rows in reach, as one sorted number each, int64."""
        s, n = (self.index[name][reached].astype(np.int64) for name in IDS[:2])
        return np.sort(s * self.shape[1] + n)

    def _check_pairs(self, order: np.ndarray, key: np.ndarray) -> None:
        again = np.flatnonzero(key[1:] == key[:-1]) + 1
        if not len(again):
            return
        place = again[order[again].argmin()]
        i, earlier = order[place], order[np.searchsorted(key, key[place])]
        snapshot, name, station = (shown(self.names[column][int(self.index[column][i])]) for column in IDS)
        slot = f" in snapshot {snapshot}" if self.several else ""
        self.source.refuse(
            f"map {name} and station {station}{slot} stand already in {self.source.place(int(self.line[earlier]))}; "
            "remove one of them, or tell slots apart with a column snapshot",
            int(self.line[i]),
        )

    def _check_spelling(self) -> None:
        for column in IDS:
            if twice := same_numbers(self.names[column]):
                first, second = twice
                line = self._line(self.index[column] == second)
                one, other = (shown(self.names[column][i]) for i in (first, second))
                self.source.refuse(f"{other} and {one} are one number; write it in one way", line, column)

    def _check_reach(self, slot: np.ndarray) -> None:
        """Whether sorted numbers of snapshot and mAP leave none out."""
        found = slot[np.flatnonzero(np.diff(slot, prepend=-1))]
        wanted = self.shape[0] * self.shape[1]
        if len(found) == wanted:
            return
        gap = np.flatnonzero(found != np.arange(len(found)))
        s, n = divmod(int(gap[0]) if len(gap) else len(found), self.shape[1])
        line = self._line((self.index["snapshot"] == s) & (self.index["map"] == n))
        self._refuse_unreached(shown(self.names["snapshot"][s]), shown(self.names["map"][n]), line)

    def _refuse_unreached(self, snapshot: str, name: str, line: int | None) -> NoReturn:
        if self.several:
            self.source.refuse(
                f"map {name} reaches no BS in snapshot {snapshot}; give it a gain above 0 there, or put the snapshots "
                "without it in a file of their own",
                line,
            )
        self.source.refuse(f"map {name} reaches no BS; give it a gain above 0, or remove it", line)

    def _line(self, rows: np.ndarray) -> int | None:
        """The line of the first of some rows."""
        return int(self.line[rows.argmax()]) if rows.any() else None


def absent_snapshot(wanted: str, known: list[str]) -> str:
    """What to say of a snapshot that is not in a file."""
    told = ", ".join(known[:5]) + (", ..." if len(known) > 5 else "")
    return f"snapshot {shown(wanted)}: is not in the file; its snapshots are {told}"


def _places(ids: pl.Series, among: pl.Series) -> np.ndarray:
    """The place of each id among different ones, uint32."""
    table = among.alias("id").to_frame().lazy().with_row_index("place")
    found = ids.alias("id").to_frame().lazy().join(table, on="id", how="left", maintain_order="left").select("place")
    return found.collect()["place"].to_numpy()


def _first(rows: pl.DataFrame, condition: pl.Expr) -> dict:
    """The first row that meets a condition; empty where none does."""
    return next(rows.filter(condition).head(1).iter_rows(named=True), {})
