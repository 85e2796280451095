"""`gains` and `solve` with Parquet and NPZ: the same draw and the same answer as with CSV."""

from __future__ import annotations

import json
import os

import pytest
import torch

from twinoffload import Scenario
from twinoffload.cli import main
from twinoffload.network.gain_file import read_gains, read_links

FORMS = (".csv", ".parquet", ".npz")


def run(capfd, *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as caught:
        main([str(argument) for argument in arguments])
    out, err = capfd.readouterr()
    return caught.value.code, out, err


def test_every_form_holds_the_same_draw_and_solves_alike(capfd, tmp_path):
    gain = Scenario.load("open").sample_gain(2, seed=4)
    answers = []
    for form in FORMS:
        path = tmp_path / f"drawn{form}"
        told = run(capfd, "gains", "--scenario", "open", "--count", 2, "--seed", 4, "--out", path)
        assert told == (0, f"{path}: 16 gains of scenario open, seed 4\n", "")
        assert torch.equal(read_gains(path).gain, gain)
        status, out, err = run(capfd, "solve", "--gain", path, "--scenario", "open", "--json")
        assert (status, err) == (0, "")
        answers.append(json.loads(out))
    assert answers[0] == answers[1] == answers[2]


@pytest.mark.parametrize("form", FORMS)
def test_a_city_is_written_pair_by_pair(capfd, tmp_path, form):
    path = tmp_path / f"city{form}"
    status, out, err = run(capfd, "gains", "--scenario", "city", "--seed", 2, "--out", path)
    assert (status, out, err) == (0, f"{path}: 4,000 gains of scenario city, seed 2\n", "")
    _, gain = Scenario.load("city").sample_city(2)
    found = read_links(path)
    assert found.maps == tuple(f"map-{n}" for n in range(1, 1001))
    reached = gain.to_dense()[:, (gain.to_dense() > 0).any(0)]  # a BS that nobody reaches has no row
    assert torch.equal(found.gain.to_dense(), reached)


def test_a_city_has_one_snapshot(capfd, tmp_path):
    path = tmp_path / "city.npz"
    status, out, err = run(capfd, "gains", "--scenario", "city", "--count", 2, "--out", path)
    assert (status, out) == (2, "")
    assert err == "error: --count 2: a city is one snapshot; draw another with another --seed\n"
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("form", FORMS)
def test_what_exists_stays(capfd, tmp_path, form):
    path = tmp_path / f"drawn{form}"
    path.write_text("precious")
    status, _, err = run(capfd, "gains", "--out", path)
    assert (status, err.count("\n")) == (2, 1)
    assert "exists already" in err
    assert path.read_text() == "precious"
    assert run(capfd, "gains", "--out", path, "--force")[0] == 0
    assert read_gains(path).gain.shape == (1, 4, 2)


@pytest.mark.parametrize(("form", "content"), [(".parquet", b"PAR1"), (".npz", b"PK"), (".npz", b"")])
def test_broken_files(capfd, tmp_path, form, content):
    path = tmp_path / f"gains{form}"
    path.write_bytes(content)
    status, out, err = run(capfd, "solve", "--gain", path)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(f"error: {path}: ")


def refused(capfd, *arguments: object) -> str:
    """The one line with which a command ends before any work."""
    status, out, err = run(capfd, *arguments)
    assert (status, out, err.count("\n")) == (2, "", 1)
    return err


@pytest.mark.parametrize("concept", ["pairwise", "admission"])
def test_where_a_result_goes_is_seen_before_any_work(capfd, tmp_path, monkeypatch, concept):
    """In a market that is solved exactly and in one that is searched."""

    def worked(*_: object, **__: object) -> None:
        raise AssertionError("it worked before it looked")

    gains, kept, silent = tmp_path / "gains.csv", tmp_path / "kept.csv", tmp_path / "silent"
    write_grid(gains, 24, 3)
    kept.write_text("precious")
    silent.mkdir()
    monkeypatch.setattr("twinoffload.solve", worked)
    monkeypatch.setattr("twinoffload.network.gain_file.list_gains", worked)
    monkeypatch.setattr(Scenario, "sample_gain", worked)
    words = ("solve", "--gain", gains, "--concept", concept, "--out")
    for start in (words, ("gains", "--out")):
        assert "kept.csv: exists already" in refused(capfd, *start, kept)
        assert "make it, or name another" in refused(capfd, *start, tmp_path / "none" / "new.csv")
        assert "silent: is a folder" in refused(capfd, *start, silent)
        monkeypatch.setattr("os.access", lambda path, mode: str(path) != str(tmp_path))
        assert "is closed to us; choose another place" in refused(capfd, *start, tmp_path / "new.csv")
        monkeypatch.undo()
        monkeypatch.setattr("twinoffload.solve", worked)
        monkeypatch.setattr("twinoffload.network.gain_file.list_gains", worked)
        monkeypatch.setattr(Scenario, "sample_gain", worked)
    assert kept.read_text() == "precious"


def test_what_a_command_reads_is_not_overwritten(capfd, tmp_path):
    gains, scenario, link = tmp_path / "gains.csv", tmp_path / "mine.yaml", tmp_path / "link.csv"
    write_grid(gains, 2, 2)
    scenario.write_text("extends: paper\n")
    link.symlink_to(gains)
    before = gains.read_bytes(), scenario.read_bytes()
    words = ("solve", "--gain", gains, "--scenario", scenario, "--force", "--out")
    for out, option in ((gains, "gain"), (link, "gain"), (scenario, "scenario")):
        assert refused(capfd, *words, out) == f"error: --out {out}: is the file that --{option} reads; name another\n"
    drawn = refused(capfd, "gains", "--scenario", scenario, "--force", "--out", scenario)
    assert "is the file that --scenario reads" in drawn
    assert (gains.read_bytes(), scenario.read_bytes()) == before


def test_what_is_searched_is_one_snapshot_and_has_no_certificate(capfd, tmp_path):
    """Between an exact answer and 100,000 pairs the reason is the concept, not the size alone."""
    gains = tmp_path / "gains.csv"
    write_grid(gains, 30, 10, snapshots=2)
    words = ("solve", "--gain", gains, "--concept", "admission")
    told = refused(capfd, *words)
    assert "has 2 snapshots, but admission of 30 mAPs on 10 BSs is solved one at a time; choose one" in told
    told = refused(capfd, *words, "--snapshot", "1", "--certify")
    assert told == (
        "error: --certify: admission of 30 mAPs on 10 BSs is found by search; leave it out and see regret and bound\n"
    )
    status, out, _ = run(capfd, *words, "--snapshot", "1", "--gap", "0.5", "--json")
    assert status == 0
    assert {"largest_regret", "bound", "means"} <= set(json.loads(out))


def write_grid(path, maps: int, stations: int, snapshots: int = 1) -> None:
    """Gains of every pair, as CSV."""
    rows = [
        f"{s},{n},{m},{1e-9 * (1 + (3 * n + 5 * m + s) % 11)!r}\n"
        for s in range(snapshots)
        for n in range(maps)
        for m in range(stations)
    ]
    path.write_text("snapshot,map,station,gain\n" + "".join(rows))
