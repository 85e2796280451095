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
