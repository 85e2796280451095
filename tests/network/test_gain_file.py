"""Gains from CSV files: what is read, in which order, and that every fault is named by place and remedy."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
import torch

from twinoffload.network import gain_file
from twinoffload.network.gain_file import Gains, SparseGains, read_gains, read_links, write_gains
from twinoffload.tables import check_target

HEAD = "map,station,gain\n"

# name: (content, the line that is named or None, words that must stand in the message)
BAD = {
    "empty": ("", None, ["is empty", "map,station,gain"]),
    "blank": (" \n\n", None, ["is empty"]),
    "binary": (b"\x89PNG\r\n\0\0\0", None, ["not text", "CSV"]),
    "utf-16": (HEAD.encode("utf-16"), None, ["not text", "CSV"]),
    "not utf-8": (b"map,station,gain\n1,1,1e-9\nn\xffm,1,1e-9\n", 3, ["UTF-8"]),
    "no rows": (HEAD, None, ["no rows"]),
    "no value column": ("map,station\n1,1\n", 1, ["gain (or gain_db)", "map, station"]),
    "no map column": ("mast,station,gain\n1,1,1\n", 1, ["no column map", "mast"]),
    "no columns": ("1,1,1e-9\n", 1, ["map, station, gain"]),
    "semicolons": ("map;station;gain\n1;1;1e-9\n", 1, ["commas", "';'"]),
    "tabs": ("map\tstation\tgain\n1\t1\t1e-9\n", 1, ["commas", "tabs"]),
    "both gains": ("map,station,gain,gain_db\n1,1,1e-9,-90\n", 1, ["both", "gain_db", "keep one"]),
    "column twice": ("map,station,gain,map\n1,1,1e-9,1\n", 1, ["column map", "twice"]),
    "nan": (HEAD + "1,1,1e-9\n1,2,NaN\n", 3, ["column gain", "NaN", "not finite"]),
    "inf": (HEAD + "1,1,inf\n", 2, ["column gain", "not finite"]),
    "overflow": (HEAD + "1,1,1e999\n", 2, ["column gain", "not finite"]),
    "minus infinity in dB": ("map,station,gain_db\n1,1,-inf\n", 2, ["column gain_db", "not finite", "remove"]),
    "vanishing in dB": ("map,station,gain_db\n1,1,-9000\n", 2, ["column gain_db", "too small"]),
    "negative": (HEAD + "1,1,1e-9\n\n1,2,-90\n", 4, ["column gain", "-90", "negative", "gain_db"]),
    "above one": (HEAD + "1,1,90\n", 2, ["column gain", "'90'", "above 1", "gain_db"]),
    "path loss in dB": ("map,station,gain_db\n1,1,90\n", 2, ["column gain_db", "above 0 dB", "-86"]),
    "text": (HEAD + "1,1,strong\n", 2, ["column gain", "'strong'", "not a number"]),
    "decimal comma": (HEAD + '1,1,"0,5"\n', 2, ["column gain", "'0,5'", "not a number"]),
    "bare decimal comma": (HEAD + "1,1,1e-9\n1,2,0,5\n", 3, ["4 cells for 3 columns", "point"]),
    "missing value": (HEAD + "1,1,\n", 2, ["column gain", "empty"]),
    "short row": (HEAD + "1,1\n", 2, ["column gain", "empty"]),
    "missing map": (HEAD + ",1,1e-9\n", 2, ["column map", "empty"]),
    "missing snapshot": ("snapshot,map,station,gain\n0,1,1,1e-9\n,1,1,1e-9\n", 3, ["column snapshot", "empty"]),
    "open quote": (HEAD + '"1,1,1e-9\n2,1,1e-9\n', 2, ["quotation mark"]),
    "line break in a name": (HEAD + '"a\nb",1,1e-9\n', 2, ["column map", "line break"]),
    "control character": (HEAD + "a\x1b[31m,1,1e-9\n", 2, ["column map", "control character"]),
    "duplicate": (HEAD + "1,1,1e-9\n1,2,1e-9\n1,1,2e-9\n", 4, ["'1'", "line 2", "remove", "snapshot"]),
    "duplicate in a snapshot": (
        "snapshot,map,station,gain\na,x,y,1e-9\nb,x,y,1e-9\nb,x,y,1e-9\n",
        4,
        ["'x'", "'y'", "snapshot 'b'", "line 3"],
    ),
    "one number in two ways": (HEAD + "1,1,1e-9\n1.0,1,1e-9\n", 3, ["column map", "'1'", "'1.0'", "one way"]),
    "reaches nothing": (HEAD + "car,1,1e-9\nvan,1,0\nvan,2,0\n", 3, ["'van'", "reaches no BS", "remove"]),
    "absent from a snapshot": (
        "snapshot,map,station,gain\nt0,car,1,1e-9\nt0,van,1,1e-9\nt1,car,1,1e-9\n",
        None,
        ["'van'", "reaches no BS", "snapshot 't1'"],
    ),
}


def write(folder: Path, content: str | bytes) -> Path:
    path = folder / "gains.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def read(folder: Path, content: str | bytes) -> Gains:
    return read_gains(write(folder, content))


@pytest.mark.parametrize("name", BAD)
def test_a_fault_is_named_by_file_line_and_remedy(tmp_path, name):
    content, line, words = BAD[name]
    path = write(tmp_path, content)
    with pytest.raises(ValueError, match=r"gains\.csv") as caught:
        read_gains(path)
    message = str(caught.value)
    assert "\n" not in message
    assert message.isprintable()
    assert message.startswith(f"{path}:" if line is None else f"{path}, line {line}")
    for word in words:
        assert word in message


def test_paths_that_cannot_be_read(tmp_path):
    for path, words in ((tmp_path / "none.csv", "no such file"), (tmp_path, "folder"), ("a\0b", "not a path")):
        with pytest.raises(ValueError, match=words):
            read_gains(path)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="permissions do not bind this user")
def test_a_file_without_permission(tmp_path):
    path = write(tmp_path, HEAD + "1,1,1e-9\n")
    path.chmod(0)
    with pytest.raises(ValueError, match="cannot be read: Permission denied"):
        read_gains(path)


def test_files_too_large(tmp_path, monkeypatch):
    path = write(tmp_path, HEAD + "1,1,1e-9\n2,2,1e-9\n3,3,1e-9\n")
    monkeypatch.setattr(gain_file, "PAIR_LIMIT", 8)
    with pytest.raises(ValueError, match=r"1 snapshots x 3 mAPs x 3 BSs are 9 pairs, more than 8; split"):
        read_gains(path)
    monkeypatch.setattr(gain_file, "BYTE_LIMIT", 20)
    with pytest.raises(ValueError, match="larger than 20 bytes; split"):
        read_gains(path)


def test_a_plain_file(tmp_path):
    found = read(tmp_path, HEAD + "1,1,1e-9\n1,2,2e-9\n2,2,3e-9\n")
    assert found.gain.dtype == torch.float64
    assert found.gain.tolist() == [[[1e-9, 2e-9], [0.0, 3e-9]]]
    assert (found.snapshots, found.maps, found.stations) == (("0",), ("1", "2"), ("1", "2"))


def test_one_pair(tmp_path):
    assert read(tmp_path, HEAD.strip() + "\n7,x,1").gain.tolist() == [[[1.0]]]


def test_what_spreadsheets_write(tmp_path):
    """A byte order mark, carriage returns, quotes, blanks, blank lines, further columns, plus signs."""
    plain = read(tmp_path, HEAD + "a,x,1e-9\nb,x,2e-9\n")
    rows = ["\ufeffnote , map, station ,gain", '"p, q"," a",x, +1e-9 ', "", ",,,", ',b,"x",2e-9', ""]
    for end in ("\n", "\r\n", "\r"):
        found = read(tmp_path, end.join(rows))
        assert torch.equal(found.gain, plain.gain)
        assert (found.maps, found.stations) == (("a", "b"), ("x",))


def test_decibels_equal_linear(tmp_path):
    linear = read(tmp_path, HEAD + "1,1,1e-9\n1,2,0.5\n2,2,1\n")
    decibel = read(tmp_path, "gain_db,map,station\n-90,1,1\n-3.010299956639812,1,2\n0,2,2\n")
    torch.testing.assert_close(decibel.gain, linear.gain, rtol=1e-14, atol=0)


def test_zero_is_out_of_reach_like_a_pair_that_is_not_listed(tmp_path):
    listed = read(tmp_path, HEAD + "1,1,1e-9\n1,2,0\n2,1,0.0\n2,2,1e-9\n")
    absent = read(tmp_path, HEAD + "1,1,1e-9\n2,2,1e-9\n")
    assert torch.equal(listed.gain, absent.gain)


@pytest.mark.parametrize(
    ("ids", "ordered"),
    [
        (["10", "9", "-1", "1e1000", "2.5"], None),
        (["10", "2", "1"], ["1", "2", "10"]),
        (["1.5", "-2", "1e2", ".5"], ["-2", ".5", "1.5", "1e2"]),
        (["car-10", "car-2", "bus", "car"], ["bus", "car", "car-2", "car-10"]),
        (["2", "x", "10"], ["2", "10", "x"]),
        (["12345678901234567891", "12345678901234567890"], ["12345678901234567890", "12345678901234567891"]),
        (["a01", "a1"], ["a01", "a1"]),
        (["东", "é", "z"], ["z", "é", "东"]),
    ],
)
def test_ids_come_out_sorted(tmp_path, ids, ordered):
    found = read(tmp_path, HEAD + "".join(f"{name},1,0.{i + 1}\n" for i, name in enumerate(ids)))
    assert sorted(found.maps) == sorted(ids)
    if ordered:
        assert list(found.maps) == ordered
    for n, name in enumerate(found.maps):
        assert found.gain[0, n, 0] == pytest.approx((ids.index(name) + 1) / 10)


def test_the_order_of_rows_and_columns_never_matters(tmp_path):
    rows = [(s, n, m, 10.0 ** -(s + n + m)) for s in range(3) for n in range(4) for m in range(2) if n != m]
    texts = [f"t{s},car-{n},bs-{m},{gain!r}\n" for s, n, m, gain in rows]
    first = read(tmp_path, "snapshot,map,station,gain\n" + "".join(texts))
    assert first.gain.shape == (3, 4, 2)
    for s, n, m, gain in rows:
        assert first.gain[s, n, m] == gain
    assert int((first.gain == 0).sum()) == 6
    for seed in range(5):
        random.Random(seed).shuffle(texts)
        again = read(tmp_path, "snapshot,map,station,gain\n" + "".join(texts))
        assert torch.equal(again.gain, first.gain)
        assert (again.snapshots, again.maps, again.stations) == (first.snapshots, first.maps, first.stations)


def test_one_snapshot_by_name(tmp_path):
    found = read(tmp_path, "snapshot,map,station,gain\nnoon,1,1,0.1\ndusk,1,1,0.2\n")
    assert found.only("dusk").gain.tolist() == [[[0.2]]]
    assert found.only("dusk").snapshots == ("dusk",)
    with pytest.raises(ValueError, match=r"snapshot 'dawn'.*dusk, noon"):
        found.only("dawn")


def some_gains() -> Gains:
    generator = torch.Generator().manual_seed(0)
    gain = 10 ** (-14 * torch.rand(3, 4, 2, dtype=torch.float64, generator=generator))
    gain[0, 1, 0] = 0.0
    return Gains(gain, ("0", "1", "2"), ("a", "b,c", 'd"e', "é"), ("1", "2"))


def test_what_is_written_is_read_back_to_the_last_bit(tmp_path):
    gains, path = some_gains(), tmp_path / "out.csv"
    write_gains(path, gains)
    again = read_gains(path)
    assert torch.equal(again.gain, gains.gain)
    assert (again.snapshots, again.maps, again.stations) == (gains.snapshots, gains.maps, gains.stations)
    assert os.listdir(tmp_path) == ["out.csv"]


def test_a_file_is_overwritten_only_on_request(tmp_path):
    path = tmp_path / "out.csv"
    path.write_text("precious")
    with pytest.raises(ValueError, match=r"out.csv: exists already; .*--force"):
        write_gains(path, some_gains())
    assert path.read_text() == "precious"
    write_gains(path, some_gains(), overwrite=True)
    assert read_gains(path).gain.shape == (3, 4, 2)


def test_places_that_cannot_be_written(tmp_path):
    with pytest.raises(ValueError, match="is a folder; name a file"):
        write_gains(tmp_path, some_gains(), overwrite=True)
    with pytest.raises(ValueError, match=r"there is no folder .*none; make it"):
        write_gains(tmp_path / "none" / "out.csv", some_gains())
    with pytest.raises(ValueError, match="cannot be written: File name too long"):
        write_gains(tmp_path / ("x" * 300), some_gains())
    with pytest.raises(ValueError, match="cannot be written: File name too long; name another"):
        check_target(tmp_path / ("x" * 250))  # the draft's name is longer
    assert os.listdir(tmp_path) == []


def test_a_failure_in_the_middle_leaves_nothing(tmp_path, monkeypatch):
    path = tmp_path / "out.csv"
    path.write_text("before")

    def full(self: Path, target: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(ValueError, match="cannot be written: No space left on device"):
        write_gains(path, some_gains(), overwrite=True)
    assert os.listdir(tmp_path) == ["out.csv"]
    assert path.read_text() == "before"


def test_random_damage_is_always_told_in_one_line(tmp_path):
    random_source = random.Random(1)
    base = b"map,station,gain\n" + b"".join(
        b"car-%d,bs-%d,1e-%d\n" % (n, m, n + m + 5) for n in range(3) for m in (1, 2)
    )
    pieces = [b'"', b",", b"\n", b"\r", b";", b"\xff", b"\0", b"nan", b"-", b"e", b" ", b"\t", b"map", b"\xef\xbb\xbf"]
    refused = 0
    for _ in range(400):
        damaged = bytearray(base)
        for _ in range(random_source.randint(1, 4)):
            place, width = random_source.randrange(len(damaged)), random_source.choice([0, 0, 1, 5, 20])
            damaged[place : place + width] = random_source.choice(pieces)
        try:
            read(tmp_path, bytes(damaged))
        except ValueError as error:
            refused += 1
            told = str(error)
        else:
            told = f"{tmp_path}/gains.csv is as good as new"
        assert told.startswith(str(tmp_path / "gains.csv"))
        assert "\n" not in told
    assert 200 < refused < 400


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".npz"])
def test_a_station_that_nobody_reaches_keeps_its_place(tmp_path, suffix):
    """Else every BS behind it would take another one's parameters."""
    gain = torch.tensor([[0.0, 1e-9, 0.0, 2e-9], [0.0, 3e-9, 0.0, 0.0]], dtype=torch.float64)
    maps, stations = ("map-1", "map-2"), ("bs-1", "bs-2", "bs-3", "bs-4")
    for gains in (SparseGains(gain.to_sparse_csr(), maps, stations), Gains(gain.unsqueeze(0), ("t",), maps, stations)):
        path = tmp_path / f"gains{suffix}"
        write_gains(path, gains, overwrite=True)
        found = read_links(path)
        assert found.stations == stations
        assert found.maps == maps
        assert torch.equal(found.gain.to_dense(), gain)
        assert found.gain.values().numel() == 3
