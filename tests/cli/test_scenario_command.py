"""`twinoffload scenario new | show | check | schema`."""

import json
import re

import numpy as np
import pytest

from twinoffload import Scenario
from twinoffload.cli import main
from twinoffload.scenario import PRESETS
from twinoffload.scenario.schema import SCHEMA, schema_text


def call(*words):
    with pytest.raises(SystemExit) as stop:
        main([str(word) for word in words])
    return stop.value.code


@pytest.mark.parametrize("name", PRESETS)
def test_new_writes_what_load_reads_back_with_a_comment_at_every_field(name, tmp_path, capsys):
    path = tmp_path / "mine.yaml"
    assert call("scenario", "new", path, "--from", name) == 0
    assert str(path) in capsys.readouterr().out
    assert Scenario.load(path) == Scenario.load(name).replace(name="mine")
    lines = path.read_text().splitlines()
    assert lines[0] == f"# yaml-language-server: $schema={SCHEMA}"
    for i, line in enumerate(lines):
        if re.match(r"\s*\w+: ?", line):
            assert lines[i - 1].strip().startswith("# "), line
    assert max(map(len, lines[1:])) <= 120


def test_new_keeps_what_is_changed_and_never_overwrites_unasked(tmp_path, capsys):
    np.savez(tmp_path / "trace.npz", gain=np.full((5, 3, 2), 1e-9))
    base, path = tmp_path / "base.yaml", tmp_path / "mine.yaml"
    base.write_text("extends: open\ngains: trace.npz\naccuracy_law: {kind: power, exponent: 0.5}\nslots: 2\n")
    assert call("scenario", "new", path, "--from", base) == 0
    assert Scenario.load(path) == Scenario.load(base).replace(name="mine")
    before = path.read_text()
    capsys.readouterr()
    assert call("scenario", "new", path) == 2
    printed = capsys.readouterr()
    assert (printed.out, printed.err.count("\n")) == ("", 1)
    assert "--force" in printed.err
    assert path.read_text() == before
    assert call("scenario", "new", path, "--force") == 0
    assert Scenario.load(path).gains is None
    assert call("scenario", "new", tmp_path / "other.yaml", "--from", "papr") == 2
    assert not (tmp_path / "other.yaml").exists()


def test_show_marks_what_differs(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert call("scenario", "show", "private") == 0
    screen = capsys.readouterr().out
    marked = set(re.findall(r"^\* ([\w.]+) {2,}", screen, re.MULTILINE))
    assert marked == {"name", "accuracy_value", "delay_cost", "price_cap"}
    assert "Gcycle/s" in screen
    assert "s^2/Gcycle^3" in screen
    assert "…" not in screen
    assert max(map(len, screen.splitlines())) <= 80


def test_show_as_json_and_as_yaml(capsys, tmp_path):
    assert call("scenario", "show", "private", "--json") == 0
    fields = {row["name"]: row for row in json.loads(capsys.readouterr().out)["fields"]}
    assert set(Scenario.model_fields) == {name.partition(".")[0] for name in fields}
    power = fields["power"]
    assert (power["value"], power["unit"], power["bounds"], power["changed"]) == (0.2, "W", "(0, 100]", False)
    assert fields["delay_cost"]["value"] == {"uniform": [0.5, 1.5]}
    assert fields["delay_cost"]["default"] == 1.0
    assert call("scenario", "show", "private", "--yaml") == 0
    (tmp_path / "it.yaml").write_text(capsys.readouterr().out)
    assert Scenario.load(tmp_path / "it.yaml") == Scenario.load("private")
    assert call("scenario", "show", "--yaml", "--json") == 2


def test_check_tells_what_follows(capsys, tmp_path):
    assert call("scenario", "check", "paper", "city", "--json") == 0
    paper, city = json.loads(capsys.readouterr().out)
    assert paper["noise_w"] == pytest.approx([10 ** (-16.9) * 1e-3 * 5e6] * 2)
    assert paper["worth_money_per_mb"] == pytest.approx(8.4)
    assert (paper["cap_money_per_mb"], paper["associations"]) == (1.25, 16)
    assert 30 < paper["snr_db"] < paper["best_snr_db"] < 50
    assert set(paper["obstacles"].values()) == {None}
    assert city["associations"] is None
    assert "city" in city["obstacles"]["train"]
    mine = tmp_path / "mine.yaml"
    np.savez(tmp_path / "trace.npz", gain=np.full((10, 3, 2), 1e-9))
    mine.write_text("extends: paper\ngains: trace.npz\n")
    assert call("scenario", "show", mine) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "* gains file" in told
    assert "mobility.memory" not in told, "it plays no part"
    assert call("scenario", "check", mine) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "10 slots: 8 for training, 2 held out" in told
    assert "train no: gains" in told
    assert "set slots to at most 2" in told
    assert "look cycles: lists 2 values for 3 mAPs; the last round of them is cut short" in told


def test_check_names_the_first_fault_of_each_file_and_goes_on(capsys, tmp_path):
    bad, worse = tmp_path / "bad.yaml", tmp_path / "worse.yaml"
    bad.write_text("power: 0\nbandwidth: 0\n")
    worse.write_text("pwoer: 1\n")
    assert call("scenario", "check", bad, "paper", worse) == 2
    printed = capsys.readouterr()
    assert printed.err.splitlines() == [
        f"error: scenario {bad}: power = 0: must be in (0, 100]",
        f"error: scenario {worse}: unknown field 'pwoer'; did you mean 'power'?",
    ]
    assert "paper: sound" in printed.out


def test_schema_is_printed(capsys):
    assert call("scenario", "schema") == 0
    assert capsys.readouterr().out == schema_text()


@pytest.mark.parametrize("words", [["scenario", "look"], ["scenario", "check"], ["scenario", "new"]])
def test_usage_faults_are_one_line(words, capsys):
    assert call(*words) == 2
    printed = capsys.readouterr()
    assert printed.err.startswith("error: ")
    assert printed.err.count("\n") == 1
