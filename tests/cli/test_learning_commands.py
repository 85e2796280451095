"""`train`, `evaluate` and `quick` from end to end, on a scenario small enough for a test."""

import json

import pytest
import yaml

from twinoffload import Scenario
from twinoffload.cli import main
from twinoffload.experiments.comparison import TIMES

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
        ".lock",
    }
    assert call("evaluate", run, "--episodes", "2", "--json") == 0
    first = timeless(capsys.readouterr().out)
    assert [row["scheme"] for row in first["rows"]] == SCHEMES
    assert first["episodes_trained"] == 2
    assert call("evaluate", run, "--episodes", "2", "--json") == 0
    assert timeless(capsys.readouterr().out) == first, "the same seed gives the same channels"
    assert call("evaluate", run, "--episodes", "2", "--json", "--seed", "1") == 0
    assert timeless(capsys.readouterr().out)["rows"] != first["rows"]


def timeless(printed):
    """The document without what is measured with a clock."""
    document = json.loads(printed)
    for row in document["rows"]:
        for name in TIMES:
            assert row.pop(name)["median"] > 0
    return document


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


@pytest.mark.parametrize(("name", "label"), [("tuned-td3", "td3"), ("tuned-ddpg", "ddpg"), ("paper-literal", "sac")])
def test_train_takes_settings_by_name_or_file(name, label, tmp_path, scenario, capsys):
    mine = tmp_path / "mine.yaml"
    mine.write_text(f"extends: {name}\nwarmup: 2\noperator: {{batch: 4}}\n")
    words = ["train", "--scenario", scenario, "--settings", mine, "--seeds", "1", "--episodes", "2", "--out"]
    assert call(*words, tmp_path / "run", "--observation", "load") == 0
    stored = yaml.safe_load((tmp_path / "run" / "settings.yaml").read_text())["settings"]
    assert (stored["operator"]["batch"], stored["observation"], stored["episodes"]) == (4, "load", 2)
    capsys.readouterr()
    assert call("evaluate", tmp_path / "run", "--episodes", "1", "--json") == 0
    assert json.loads(capsys.readouterr().out)["rows"][0]["scheme"] == label


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


def test_quick_takes_any_settings(tmp_path, scenario):
    mine, out = tmp_path / "mine.yaml", tmp_path / "quick"
    mine.write_text("extends: amortised\nepisodes: 2\nupdates: 2\nbatch: 8\nexamples: 8\n")
    words = ["quick", "--scenario", scenario, "--settings", mine, "--seeds", "2", "--held-out", "1", "--out", out]
    assert call(*words) == 0
    summary = json.loads((out / "summary.json").read_text())
    assert summary["rows"][0]["scheme"] == "amortised"
    assert f"--settings {mine}" in summary["command"]
    assert "amortised" in (out / "report.html").read_text()


UNPLAYABLE = {
    "positions": ("stations: 8", "station_positions lists 4"),
    "priceless": ("price_cap: 0", "price_cap = 0 leaves the operator no price"),
    "large": ("maps: 20", "2^20 associations"),
    "slow": ("maps: 8\nstations: 4", "fewer held-out episodes"),
}


@pytest.mark.parametrize("name", UNPLAYABLE)
def test_what_cannot_be_played_is_refused_before_an_earlier_study_is_replaced(name, tmp_path, capsys):
    field, told = UNPLAYABLE[name]
    path, out = tmp_path / f"{name}.yaml", tmp_path / "study"
    path.write_text(f"extends: paper\n{field}\n")
    (out / "run").mkdir(parents=True)
    for file in ("report.html", "run/settings.yaml"):
        (out / file).write_text("precious")
    assert call("quick", "--scenario", path, "--episodes", "1", "--out", out) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(f"error: scenario {name}: ")
    assert told in printed.err
    assert (out / "report.html").read_text() == (out / "run/settings.yaml").read_text() == "precious"
    if name in ("positions", "priceless"):
        assert call("train", "--scenario", path, "--episodes", "1", "--out", tmp_path / "run") == 2
        assert not (tmp_path / "run").exists()


def test_shares_of_nothing_are_null_and_shown_as_such(tmp_path, capsys):
    """Where nobody would ever trade, `admission` earns 0 and a share of it has no value."""
    path, out = tmp_path / "dead.yaml", tmp_path / "dead"
    path.write_text("extends: open\naccuracy_value: 0.01\nslots: 3\n")
    assert call("quick", "--scenario", path, "--seeds", "2", "--episodes", "1", "--held-out", "1", "--out", out) == 0
    printed = capsys.readouterr().out
    assert "nan" not in printed
    assert "inf" not in printed

    def refuse(name):
        raise AssertionError(f"{name} is not JSON")

    summary = json.loads((out / "summary.json").read_text(), parse_constant=refuse)
    row = next(row for row in summary["rows"] if row["scheme"] == "pairwise")
    assert row["operator_share_of_admission"] == {"median": None, "low": None, "high": None}
    assert call("evaluate", out / "run", "--episodes", "1", "--json") == 0
    json.loads(capsys.readouterr().out, parse_constant=refuse)
    assert call("evaluate", out) == 2
    assert f"its run is {out / 'run'}" in capsys.readouterr().err


def test_an_interrupted_training_says_how_to_go_on(tmp_path, scenario, capsys, monkeypatch):
    from twinoffload.learning.training import Trainer

    def interrupt(self):
        raise KeyboardInterrupt

    monkeypatch.setattr(Trainer, "play_episode", interrupt)
    out = tmp_path / "my run"
    assert call("train", "--scenario", scenario, "--out", out) == 130
    assert f"twinoffload train --resume --out '{out}'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["train", "--scenario", "papr"], "did you mean 'paper'"),
        (["train", "--seeds", "0"], "seeds"),
        (["train", "--seeds", "100000000"], "1000"),
        (["train", "--observation", "all"], "--observation 'all': must be one of paper, load"),
        (["train", "--settings", "tund"], "settings tund: is neither a preset nor a file; did you mean 'tuned'"),
        (["train", "--resume", "--settings", "tuned", "--out", "nowhere"], "--settings: a resumed run keeps its own"),
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
