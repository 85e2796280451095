"""`train`, `evaluate` and `quick` from end to end, on a scenario small enough for a test."""

import json

import pytest

from twinoffload import Scenario
from twinoffload.cli import main

SCHEMES = ["sac", "pairwise", "posted", "admission", "constant", "random", "reactive", "committed"]


@pytest.fixture(scope="module")
def scenario(tmp_path_factory):
    path = tmp_path_factory.mktemp("scenario") / "small.yaml"
    Scenario.load("paper").replace(name="small", slots=5).save(path)
    return str(path)


@pytest.fixture(scope="module")
def run(tmp_path_factory, scenario):
    folder = tmp_path_factory.mktemp("runs") / "run"
    call("train", "--scenario", scenario, "--seeds", "2", "--episodes", "2", "--out", folder)
    return folder


def call(*words):
    with pytest.raises(SystemExit) as stop:
        main([str(word) for word in words])
    return stop.value.code


def test_train_leaves_a_run_that_evaluate_reads(run, capsys):
    assert {p.name for p in run.iterdir()} == {
        "scenario.yaml",
        "settings.yaml",
        "versions.json",
        "metrics.parquet",
        "checkpoint.safetensors",
        "tensorboard",
    }
    assert call("evaluate", run, "--episodes", "2", "--json") == 0
    first = json.loads(capsys.readouterr().out)
    assert [row["scheme"] for row in first["rows"]] == SCHEMES
    assert first["episodes_trained"] == 2
    assert call("evaluate", run, "--episodes", "2", "--json") == 0
    assert json.loads(capsys.readouterr().out) == first, "the same seed gives the same channels"
    assert call("evaluate", run, "--episodes", "2", "--json", "--seed", "1") == 0
    assert json.loads(capsys.readouterr().out)["rows"] != first["rows"]


def test_evaluate_prints_a_table_that_fits(run, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert call("evaluate", run, "--episodes", "1") == 0
    printed = capsys.readouterr().out
    assert all(scheme in printed for scheme in SCHEMES)
    assert "…" not in printed, "nothing is cut off"
    assert max(map(len, printed.splitlines())) <= 80


def test_a_run_is_resumed_and_extended(run, capsys):
    assert call("train", "--resume", "--out", run, "--episodes", "3") == 0
    assert "for 3 episodes" in capsys.readouterr().out


def test_quick_writes_every_product(tmp_path, scenario, capsys):
    out = tmp_path / "quick"
    words = ["quick", "--scenario", scenario, "--seeds", "2", "--episodes", "1", "--held-out", "1", "--out", out]
    assert call(*words) == 0
    summary = json.loads((out / "summary.json").read_text())
    assert [row["scheme"] for row in summary["rows"]] == SCHEMES
    assert summary["wall_s"] > 0
    for row in summary["rows"]:
        for measure in ("operator_utility", "operator_share_of_admission", "map_utility", "map_share_of_admission"):
            assert row[measure]["low"] <= row[measure]["median"] <= row[measure]["high"]
        assert row["regret_share"]["low"] >= 0
    assert "<svg" in (out / "report.html").read_text()
    assert call(*words) == 0, "a second study replaces the first"
    (out / "mine.txt").write_text("precious")
    capsys.readouterr()
    assert call(*words) == 2
    assert "mine.txt" in capsys.readouterr().err
    assert (out / "report.html").is_file()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["train", "--scenario", "papr"], "did you mean 'paper'"),
        (["train", "--seeds", "0"], "seeds"),
        (["train", "--observation", "all"], "--observation 'all': must be one of paper, load"),
        (["train", "--device", "tpu"], "--device 'tpu': must be auto, cpu or cuda"),
        (["train", "--resume", "--out", "nowhere"], "is not a run folder"),
        (["train", "--resume", "--seeds", "3", "--out", "nowhere"], "--seeds: a resumed run keeps its own"),
        (["evaluate", "nowhere"], "is not a run folder"),
        (["evaluate"], "folder"),
        (["quick", "--episodes", "many"], "--episodes"),
        (["quick", "--scenario", "nofile.yaml"], "neither a preset nor a file"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(words, told, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert call(*words) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert len(printed.err.splitlines()) == 1
    assert printed.err.startswith("error: ")
    assert told.lower() in printed.err.lower()
    assert list(tmp_path.iterdir()) == []
