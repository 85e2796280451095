"""Gains from Parquet and NPZ, sparse gains, batches: the same answer from every form, and every fault named."""

from __future__ import annotations

import io
import os
import random
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from twinoffload.network import csv_gains, gain_file, npz_gains, parquet_gains
from twinoffload.network.gain_file import (
    Gains,
    SparseGains,
    dense,
    list_gains,
    read_gains,
    read_links,
    sparse,
    write_gains,
)

FORMS = (".csv", ".parquet", ".npz")
ROWS = {"map": ["a", "a", "b"], "station": ["x", "y", "y"], "gain": [0.1, 0.2, 0.3]}


def save(path: Path, columns: dict, order: list[str] | None = None) -> Path:
    """Columns as a file, by suffix, without the writer under test."""
    if path.suffix == ".npz":
        np.savez(path, **{name: np.array(values) for name, values in columns.items()})
    elif path.suffix == ".parquet":
        pl.DataFrame(columns).write_parquet(path)
    else:
        pl.DataFrame(columns).write_csv(path)
    return path


def sparse_of(gain: torch.Tensor) -> torch.Tensor:
    return gain.to_sparse_csr()


def small_batches(monkeypatch, size: int) -> None:
    """So that a few rows are several batches."""
    monkeypatch.setattr(csv_gains, "BLOCK_BYTES", 16 * size)
    monkeypatch.setattr(csv_gains, "RECORD_BYTES", 64 * size)
    monkeypatch.setattr(parquet_gains, "BATCH_ROWS", size)
    monkeypatch.setattr(npz_gains, "BATCH_ROWS", size)


# what is read


@pytest.mark.parametrize("form", FORMS)
def test_the_same_rows_in_every_form(tmp_path, form):
    found = read_gains(save(tmp_path / f"gains{form}", ROWS))
    assert found.gain.tolist() == [[[0.1, 0.2], [0.0, 0.3]]]
    assert (found.snapshots, found.maps, found.stations) == (("0",), ("a", "b"), ("x", "y"))


@pytest.mark.parametrize("form", FORMS)
def test_whole_numbers_snapshots_and_decibels(tmp_path, form):
    columns = {
        "snapshot": [10, 10, 9, 9],
        "map": [12, 3, 3, 12],
        "station": [-1, 5, 5, -1],
        "gain_db": [-10.0, 0.0, -20.0, -30.0],
        "ignored": ["p", "q", "r", "s"],
    }
    found = read_gains(save(tmp_path / f"gains{form}", columns))
    assert (found.snapshots, found.maps, found.stations) == (("9", "10"), ("3", "12"), ("-1", "5"))
    expected = torch.tensor([[[0, 0.01], [0.001, 0]], [[0, 1.0], [0.1, 0]]], dtype=torch.float64)
    torch.testing.assert_close(found.gain, expected, rtol=1e-15, atol=0)


def test_types_of_parquet(tmp_path):
    path = tmp_path / "gains.parquet"
    kinds = [pl.Categorical, pl.Enum(["a", "b"]), pl.String]
    for ids in kinds:
        for gain in (pl.Float32, pl.Float64, pl.String, pl.Decimal(10, 3)):
            pl.DataFrame(ROWS).with_columns(pl.col("map").cast(ids), pl.col("gain").cast(gain)).write_parquet(path)
            found = read_gains(path)
            assert found.maps == ("a", "b")
            torch.testing.assert_close(found.gain[0, 1, 1].item(), 0.3, rtol=1e-7, atol=0)


@pytest.mark.parametrize("axes", [2, 3])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("kind", [">f8", "<f8", "<f4"])
def test_dense_arrays(tmp_path, monkeypatch, axes, order, kind):
    small_batches(monkeypatch, 3)
    gain = np.arange(1, 25).reshape(2, 3, 4)[-axes + 1 :] / 32
    gain = np.asarray(gain[0] if axes == 2 else gain, dtype=kind, order=order)
    np.savez(tmp_path / "gains.npz", gain=gain)
    found = read_gains(tmp_path / "gains.npz")
    assert found.gain.tolist() == gain.reshape(-1, 3, 4).tolist()
    assert found.snapshots == tuple(map(str, range(len(found.gain))))
    assert (found.maps, found.stations) == (("map-1", "map-2", "map-3"), ("bs-1", "bs-2", "bs-3", "bs-4"))


def test_dense_arrays_with_names_come_out_sorted_and_keep_a_bs_out_of_reach(tmp_path):
    gain = np.array([[0.1, 0.0, 0.3], [0.4, 0.0, 0.6]])
    np.savez(tmp_path / "gains.npz", gain=gain, map=["car-10", "car-9"], station=[3, 2, 1])
    found = read_gains(tmp_path / "gains.npz")
    assert found.gain.tolist() == [[[0.6, 0.0, 0.4], [0.3, 0.0, 0.1]]]
    assert (found.maps, found.stations) == (("car-9", "car-10"), ("1", "2", "3"))
    assert read_links(tmp_path / "gains.npz").gain.shape == (2, 3)


def test_a_name_so_long_that_batches_get_short(tmp_path, monkeypatch):
    monkeypatch.setattr(npz_gains, "BATCH_BYTES", 100)
    found = read_gains(save(tmp_path / "gains.npz", ROWS | {"map": ["a" * 50, "a" * 50, "b"]}))
    assert found.maps == ("a" * 50, "b")


# sparse


@pytest.mark.parametrize("form", FORMS)
def test_sparse_equals_dense(tmp_path, form):
    path = save(tmp_path / f"gains{form}", {k: [*v, v[0]] for k, v in ROWS.items()} | {"station": ["x", "y", "y", "z"]})
    found = read_links(path)
    assert found.gain.layout == torch.sparse_csr
    assert torch.equal(found.gain.to_dense(), read_gains(path).gain[0])
    assert (found.snapshot, found.maps, found.stations) == ("0", ("a", "b"), ("x", "y", "z"))


def test_zero_is_not_stored(tmp_path):
    path = save(tmp_path / "gains.parquet", ROWS | {"gain": [0.0, 0.2, 0.3]})
    assert read_links(path).gain.values().tolist() == [0.2, 0.3]
    assert read_links(path).stations == ("x", "y")


@pytest.mark.parametrize("form", FORMS)
def test_one_snapshot_of_several(tmp_path, form):
    columns = {"snapshot": ["t2", "t10", "t2"], "map": [1, 1, 1], "station": [1, 2, 3], "gain": [0.1, 0.2, 0.3]}
    path = save(tmp_path / f"gains{form}", columns)
    found = read_links(path, snapshot="t2")
    assert found.gain.to_dense().tolist() == [[0.1, 0.0, 0.3]]
    assert (found.snapshot, found.stations) == ("t2", ("1", "2", "3"))
    assert torch.equal(found.gain.to_dense(), read_gains(path).only("t2").gain[0])
    with pytest.raises(ValueError, match=r"has 2 snapshots \(t2, t10\); choose one"):
        read_links(path)
    with pytest.raises(ValueError, match=r"snapshot 't1': is not in the file; its snapshots are t2, t10"):
        read_links(path, snapshot="t1")


def test_a_city_too_large_for_a_dense_array(tmp_path):
    maps, stations = 5000, 4000
    columns = {"map": np.arange(maps), "station": np.arange(maps) % stations, "gain": np.full(maps, 0.5)}
    path = save(tmp_path / "gains.parquet", columns)
    assert read_links(path).gain.shape == (maps, stations)
    listed = list_gains(path)
    assert (listed.shape, listed.pairs) == ((1, maps, stations), maps)
    with pytest.raises(ValueError, match="20,000,000 pairs, more than 10,000,000"):
        dense(listed)


def test_many_snapshots_and_maps_with_few_rows_are_refused_without_a_large_array(tmp_path):
    count = 3000
    ids = np.arange(count)
    path = save(tmp_path / "gains.npz", {"snapshot": ids, "map": ids, "station": ids, "gain": np.full(count, 0.5)})
    with pytest.raises(ValueError, match="map '1' reaches no BS in snapshot '0'"):
        list_gains(path)


# batches


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_batches_of_any_size_give_what_one_gives(tmp_path_factory, data):
    names = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S"]), min_size=1, max_size=6)
    maps = data.draw(st.lists(names, min_size=1, max_size=6, unique_by=str.strip))
    stations = data.draw(st.lists(st.integers(-99, 99).map(str), min_size=1, max_size=5, unique=True))
    snapshots = data.draw(st.lists(names, min_size=1, max_size=3, unique_by=str.strip))
    gain = data.draw(
        st.lists(
            st.floats(0, 1) | st.just(0.0),
            min_size=len(snapshots) * len(maps) * len(stations),
            max_size=len(snapshots) * len(maps) * len(stations),
        )
    )
    shape = (len(snapshots), len(maps), len(stations))
    array = torch.tensor(gain, dtype=torch.float64).reshape(shape)
    array[..., 0] = array[..., 0].clamp(min=1e-300)
    s, n, m = (index.tolist() for index in torch.nonzero(array, as_tuple=True))
    order = list(range(len(s)))
    data.draw(st.randoms()).shuffle(order)
    columns = {
        "snapshot": [snapshots[s[i]] for i in order],
        "map": [maps[n[i]] for i in order],
        "station": [stations[m[i]] for i in order],
        "gain": [array[s[i], n[i], m[i]].item() for i in order],
    }
    folder = tmp_path_factory.mktemp("batches")
    size = data.draw(st.integers(1, 9))
    try:
        whole = read_gains(save(folder / "gains.parquet", columns))
    except ValueError as error:  # such as the ids '1' and '1.0'
        assert "are one number" in str(error)  # noqa: PT017
        return
    rows = {key: i for i, key in enumerate(zip(columns["snapshot"], columns["map"], columns["station"], strict=True))}
    for a, snapshot in enumerate(whole.snapshots):
        for b, name in enumerate(whole.maps):
            for c, station in enumerate(whole.stations):
                row = rows.get((snapshot, name, station))
                assert whole.gain[a, b, c].item() == (0.0 if row is None else columns["gain"][row])
    with pytest.MonkeyPatch.context() as patched:
        small_batches(patched, size)
        for form in FORMS:
            told: list[tuple[int, int]] = []
            found = list_gains(save(folder / f"again{form}", columns), each=lambda *done, told=told: told.append(done))
            assert torch.equal(dense(found).gain, whole.gain)
            assert (found.snapshots, found.maps, found.stations) == (whole.snapshots, whole.maps, whole.stations)
            assert told == sorted(told)
            assert told[-1][0] == told[-1][1] == (os.path.getsize(folder / "again.csv") if form == ".csv" else len(s))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_blocks_end_between_records_whatever_ends_lines(tmp_path, monkeypatch, end):
    """Quoted line breaks, blank lines, letters of several bytes, at every position of a block's end."""
    lines = ["note,map,station,gain", '"x, y",é1,"東, ""1""",0.5', "", '"two' + end + 'lines",é2,"東, ""1""",0.25']
    lines += [f"{'z' * (i % 5)},é{i},s{i},0.{i}" for i in range(3, 12)]
    path = tmp_path / "gains.csv"
    path.write_bytes(end.join(["", " ", *lines]).encode())
    whole = read_links(path)
    assert whole.maps == tuple(f"é{i}" for i in range(1, 12))
    assert whole.stations == (*(f"s{i}" for i in range(3, 12)), '東, "1"')
    for size in range(1, 60):
        monkeypatch.setattr(csv_gains, "BLOCK_BYTES", size)
        found = read_links(path)
        assert torch.equal(found.gain.to_dense(), whole.gain.to_dense())
        assert (found.maps, found.stations) == (whole.maps, whole.stations)


@pytest.mark.parametrize("size", [7, 16, 40, 1000])
def test_lines_are_counted_across_blocks(tmp_path, monkeypatch, size):
    monkeypatch.setattr(csv_gains, "BLOCK_BYTES", size)
    monkeypatch.setattr(csv_gains, "RECORD_BYTES", 4 * size)
    rows = ["map,station,gain", *(f"car-{i},bs,0.5" for i in range(50))]
    path = tmp_path / "gains.csv"
    for bad, words in (
        ("car-1,bs,0.5", "line 40: map 'car-1' and station 'bs' stand already in line 3;"),
        ("car-x,bs,no", "line 40, column gain: 'no' is not a number"),
        ("car-x,bs,0,5", "line 40: has 4 cells for 3 columns"),
        ("car-x,bs,0", "line 40: map 'car-x' reaches no BS;"),
        (",bs,0.5", "line 40, column map: the cell is empty"),
        ('car-x,"bs,0.5', "line 40: cannot be split into columns; is a quotation mark left open?"),
    ):
        path.write_text("\n".join([*rows[:39], bad, *rows[40:]]))
        with pytest.raises(ValueError, match=r"gains\.csv") as caught:
            read_gains(path)
        assert f"gains.csv, {words}" in str(caught.value)
    path.write_bytes("\n".join(rows[:39]).encode() + b"\ncar-\xff,bs,0.5\n")
    with pytest.raises(ValueError, match="line 40: is not text in UTF-8"):
        read_gains(path)


def test_rows_in_a_pipe(tmp_path):
    """A file that has no size: all is read, and the size is told as what has been read."""
    told = []
    path = tmp_path / "gains.csv"
    os.mkfifo(path)
    with subprocess.Popen(["sh", "-c", f"printf 'map,station,gain\\n1,1,0.5\\n' > {path}"]):
        assert list_gains(path, each=lambda *done: told.append(done)).pairs == 1
    assert told[-1] == (25, 25)


# faults

# name: (columns, the place that is named, words that must stand in the message)
BAD_ROWS = {
    "no map": ({"station": [1], "gain": [0.1]}, "", ["map among: station, gain"]),
    "no gain": ({"map": [1], "station": [1]}, "", ["gain (or gain_db)"]),
    "both gains": (ROWS | {"gain_db": [0.0] * 3}, "", ["both", "keep one"]),
    "nan": (ROWS | {"gain": [0.1, 0.2, float("nan")]}, ", row 3, column gain", ["nan is not finite", "remove the row"]),
    "infinite": (ROWS | {"gain": [0.1, float("inf"), 0.3]}, ", row 2, column gain", ["inf is not finite"]),
    "negative": (ROWS | {"gain": [-0.5, 0.2, 0.3]}, ", row 1, column gain", ["-0.5 is negative", "gain_db"]),
    "above one": (ROWS | {"gain": [1, 2, 1]}, ", row 2, column gain", ["2 is above 1"]),
    "text": (ROWS | {"gain": ["0.1", "+.2", "loud"]}, ", row 3, column gain", ["'loud' is not a number"]),
    "above 0 dB": ({"map": [1], "station": [1], "gain_db": [86.0]}, ", row 1, column gain_db", ["86.0 is above 0 dB"]),
    "empty id": (ROWS | {"map": ["a", " ", "b"]}, ", row 2, column map", ["empty"]),
    "line break": (ROWS | {"station": ["x", "y", "y\nz"]}, ", row 3, column station", ["'y\\nz'", "line break"]),
    "duplicate": (ROWS | {"station": ["x", "x", "x"]}, ", row 2", ["'a'", "'x'", "row 1", "remove"]),
    "reaches nothing": (ROWS | {"gain": [0.1, 0.2, 0.0]}, ", row 3", ["map 'b' reaches no BS"]),
    "one number in two ways": (ROWS | {"station": ["1", "1.0", "1"]}, ", row 2, column station", ["one number"]),
    "broken numbers for ids": (ROWS | {"map": [0.5, 1.5, 2.5]}, ", column map", ["ids are whole numbers or text"]),
    "truth for gains": (ROWS | {"gain": [True, True, True]}, ", column gain", ["write numbers"]),
    "no rows": ({k: np.array(v)[:0] for k, v in ROWS.items()}, "", ["no rows"]),
}  # fmt: skip


@pytest.mark.parametrize("form", [".parquet", ".npz"])
@pytest.mark.parametrize("name", BAD_ROWS)
def test_faults_in_rows(tmp_path, name, form):
    columns, place, words = BAD_ROWS[name]
    path = save(tmp_path / f"gains{form}", columns)
    with pytest.raises(ValueError, match="gains") as caught:
        read_gains(path)
    message = str(caught.value)
    assert message.isprintable()
    assert message.startswith(f"{path}{place}: ")
    for word in words:
        assert word in message


def test_null_in_parquet(tmp_path):
    for name in ("map", "station", "gain"):
        path = save(tmp_path / "gains.parquet", ROWS | {name: [*ROWS[name][:2], None]})
        with pytest.raises(ValueError, match=rf"row 3, column {name}: the cell is empty"):
            read_gains(path)


# name: (arrays, words)
BAD_ARRAYS = {
    "lengths differ": (ROWS | {"station": ["x", "y"]}, ["column station", "[2]", "gain has [3]", "equal"]),
    "axes of an id": (ROWS | {"map": [["a"], ["a"], ["b"]]}, ["column map", "[3, 1]", "equal"]),
    "four axes": (ROWS | {"gain": np.ones((1, 1, 1, 1))}, ["column gain", "[1, 1, 1, 1]", "[T, N, M]"]),
    "no axes": (ROWS | {"gain": 0.5}, ["column gain", "[]", "[P]"]),
    "dense decibels": (ROWS | {"gain": None, "gain_db": np.zeros((2, 2))}, ["column gain_db", "[2, 2]", "[P]"]),
    "dense without elements": ({"gain": np.ones((0, 2))}, ["column gain", "no element"]),
    "dense nan": ({"gain": np.array([[0.5, 0.1], [0.2, np.nan]])}, ["element [1, 1], column gain", "write 0"]),
    "dense negative": ({"gain": np.array([[[0.5], [-0.1]]])}, ["element [0, 1, 0], column gain", "-0.1 is negative"]),
    "dense unreached": ({"gain": np.array([[0.5], [0.0]])}, ["element [1, 0]", "map 'map-2' reaches no BS"]),
    "too few names": ({"gain": np.ones((2, 1)), "map": ["a"]}, ["column map", "[1]", "[2]"]),
    "a name twice": ({"gain": np.ones((2, 1)), "map": ["a", "a"]}, ["column map", "'a' stands there twice"]),
    "objects": (ROWS | {"map": np.array(["a", "a", 3], object)}, ["column map", "objects", "not read"]),
    "bytes": (ROWS | {"map": np.array([b"a", b"a", b"b"])}, ["column map", "text"]),
    "complex": (ROWS | {"gain": np.ones(3, complex)}, ["column gain", "complex128", "numbers"]),
    "half a letter": (ROWS | {"map": ["a", "a", "\ud800"]}, ["column map", "UTF-8"]),
}


@pytest.mark.parametrize("name", BAD_ARRAYS)
def test_faults_in_arrays(tmp_path, name):
    arrays, words = BAD_ARRAYS[name]
    path = tmp_path / "gains.npz"
    np.savez(path, **{key: np.array(value) for key, value in arrays.items() if value is not None})
    with pytest.raises(ValueError, match=r"gains\.npz") as caught:
        read_gains(path)
    assert "\n" not in str(caught.value)
    for word in words:
        assert word in str(caught.value)


def test_objects_are_never_unpickled(tmp_path):
    class Bomb:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "exploded"),)

    np.savez(tmp_path / "gains.npz", map=np.array([Bomb()], object), station=[1], gain=[0.5])
    with pytest.raises(ValueError, match="Python objects"):
        read_gains(tmp_path / "gains.npz")
    assert not (tmp_path / "exploded").exists()


@pytest.mark.parametrize("form", [".parquet", ".npz"])
def test_files_that_are_none(tmp_path, form):
    whole = save(tmp_path / f"whole{form}", {k: v * 50 for k, v in ROWS.items()}).read_bytes()
    path = tmp_path / f"gains{form}"
    for content, words in (
        (b"", "is empty"),
        (b"map,station,gain\n1,1,0.5\n", "cut short"),
        (b"PAR1", "cut short"),
        (b"PK\3\4", "cut short"),
        (whole[:-20], "cut short"),
        (whole[: len(whole) // 2], "cut short"),
    ):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=words) as caught:
            read_gains(path)
        assert str(caught.value).startswith(f"{path}: ")
    for missing, words in ((tmp_path / f"none{form}", "no such file"), (tmp_path, "is a folder")):
        with pytest.raises(ValueError, match=words):
            read_gains(missing)


def test_a_parquet_file_named_csv_is_not_text(tmp_path):
    save(tmp_path / "gains.parquet", ROWS).rename(tmp_path / "gains.csv")
    with pytest.raises(ValueError, match="is not text; save it as CSV"):
        read_gains(tmp_path / "gains.csv")


def test_damaged_arrays_are_always_told_in_one_line(tmp_path):
    """Bytes changed anywhere in an archive without checksums to catch it first."""
    source, path = random.Random(0), tmp_path / "gains.npz"
    buffer = io.BytesIO()
    np.savez(buffer, **{name: np.array(values) for name, values in ROWS.items()})
    told = []
    for _ in range(300):
        name = source.choice(["map", "station", "gain"])
        with zipfile.ZipFile(buffer) as old, zipfile.ZipFile(path, "w") as new:
            for member in old.namelist():
                content = bytearray(old.read(member))
                if member == f"{name}.npy":
                    for _ in range(source.randint(1, 3)):
                        content[source.randrange(len(content))] = source.randrange(256)
                new.writestr(member, bytes(content))
        try:
            read_gains(path)
        except ValueError as error:
            told.append(str(error))
    assert 100 < len(told) < 300
    assert all(line.startswith(str(path)) and line.isprintable() for line in told)


@pytest.mark.parametrize("form", [".parquet", ".npz"])
def test_too_many_rows(tmp_path, monkeypatch, form):
    monkeypatch.setattr(gain_file, "ROW_LIMIT", 2)
    path = save(tmp_path / f"gains{form}", ROWS)
    with pytest.raises(ValueError, match="has 3 rows, more than 2; split"):
        read_gains(path)
    np.savez(tmp_path / "dense.npz", gain=np.full((1, 3), 0.5))
    with pytest.raises(ValueError, match="has 3 rows, more than 2; split"):
        read_gains(tmp_path / "dense.npz")


# what is written


def some_gains(snapshots: int = 3) -> Gains:
    generator = torch.Generator().manual_seed(0)
    gain = 10 ** (-14 * torch.rand(snapshots, 4, 2, dtype=torch.float64, generator=generator))
    gain[0, 1, 0] = 0.0
    return Gains(gain, tuple(map(str, range(snapshots))), ("a", "b,c", 'd"e', "é東"), ("1", "2"))


@pytest.mark.parametrize("form", [*FORMS, ".PARQUET", ".txt"])
def test_dense_gains_are_read_back_to_the_last_bit(tmp_path, form):
    gains, path = some_gains(), tmp_path / f"out{form}"
    write_gains(path, gains)
    again = read_gains(path)
    assert torch.equal(again.gain, gains.gain)
    assert (again.snapshots, again.maps, again.stations) == (gains.snapshots, gains.maps, gains.stations)
    assert os.listdir(tmp_path) == [path.name]


@pytest.mark.parametrize("snapshot", ["0", "noon"])
@pytest.mark.parametrize("form", FORMS)
def test_sparse_gains_are_read_back_to_the_last_bit(tmp_path, form, snapshot):
    known = some_gains(1)
    gains = SparseGains(sparse_of(known.gain[0]), known.maps, known.stations, snapshot)
    path, told = tmp_path / f"out{form}", []
    write_gains(path, gains, each=lambda *done: told.append(done))
    again = read_links(path)
    assert torch.equal(again.gain.values(), gains.gain.values())
    assert torch.equal(again.gain.to_dense(), known.gain[0])
    assert (again.snapshot, again.maps, again.stations) == (snapshot, known.maps, known.stations)
    assert told[-1] == (7, 7)


def test_arrays_are_numpys_and_the_same_each_time(tmp_path):
    known = some_gains(1)
    for gains in (known, SparseGains(sparse_of(known.gain[0]), known.maps, known.stations)):
        for _ in range(2):
            before = (tmp_path / "out.npz").read_bytes() if (tmp_path / "out.npz").exists() else None
            write_gains(tmp_path / "out.npz", gains, overwrite=True)
        assert (tmp_path / "out.npz").read_bytes() == before
        with np.load(tmp_path / "out.npz", allow_pickle=False) as found:
            expected = known.gain if isinstance(gains, Gains) else known.gain[0][known.gain[0] > 0]
            assert np.array_equal(found["gain"], expected.numpy())
            assert set(found["map"].tolist()) == set(known.maps)


@pytest.mark.parametrize("form", FORMS)
def test_a_file_is_overwritten_only_on_request(tmp_path, form):
    path = tmp_path / f"out{form}"
    path.write_text("precious")
    with pytest.raises(ValueError, match=r"exists already; .*--force"):
        write_gains(path, some_gains())
    assert path.read_text() == "precious"
    write_gains(path, some_gains(), overwrite=True)
    assert read_gains(path).gain.shape == (3, 4, 2)


@pytest.mark.parametrize("form", FORMS)
def test_a_full_disk_leaves_nothing(tmp_path, monkeypatch, form):
    if not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full on this system")
    known = some_gains(1)
    opened = open

    def full(path, mode="r", *args, **settings):
        return opened("/dev/full" if str(path).endswith(".draft") else path, mode, *args, **settings)

    monkeypatch.setattr("builtins.open", full)
    with pytest.raises(ValueError, match=r"cannot be written: .*No space left on device"):
        write_gains(tmp_path / f"out{form}", SparseGains(sparse_of(known.gain[0]), known.maps, known.stations))
    assert os.listdir(tmp_path) == []


# size

MEMORY = """
import resource, sys
import torch
from twinoffload.network.gain_file import read_links
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
found = read_links(sys.argv[1])
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(found.gain.values().numel(), before // 1024, (after - before) // 1024)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in KiB on Linux alone")
@pytest.mark.parametrize("form", FORMS)
def test_a_million_pairs_need_little_memory(tmp_path, form):
    maps, k, stations = 250_000, 4, 125_000
    generator = np.random.default_rng(0)
    station = (np.arange(maps)[:, None] // 2 + generator.integers(0, 50, (maps, 1)) + 7 * np.arange(k)) % stations
    gain = SparseGains(
        torch.sparse_coo_tensor(
            torch.stack([torch.arange(maps).repeat_interleave(k), torch.from_numpy(station.ravel())]),
            torch.from_numpy(0.1 * generator.random(maps * k) + 1e-9),
            (maps, stations),
        ).coalesce().to_sparse_csr(),
        tuple(f"map-{n}" for n in range(maps)),
        tuple(f"bs-{m}" for m in range(stations)),
    )  # fmt: skip
    path = tmp_path / f"gains{form}"
    write_gains(path, gain)
    environment = os.environ | {"OMP_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1"}
    told = subprocess.run(
        [sys.executable, "-c", MEMORY, path], check=True, capture_output=True, text=True, env=environment, timeout=120
    ).stdout
    pairs, before, more = map(int, told.split())
    assert pairs == maps * k
    assert before > 50
    assert more < 300, "MiB, of which a batch takes up to 200; a table of Python texts alone would take 120"


def test_sparse_refuses_nothing_it_can_lay_out(tmp_path):
    listed = list_gains(save(tmp_path / "gains.npz", ROWS))
    assert torch.equal(sparse(listed).gain.to_dense(), dense(listed).gain[0])
