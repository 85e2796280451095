"""`twinoffload twin` from the command line to its files; twins that follow a law in the place of trained ones."""

import json
from functools import partial

import polars as pl
import pytest
from test_errors import refused, run

import known_twins
from twinoffload import Scenario
from twinoffload.experiments import execution, twin_loop
from twinoffload.experiments.execution import here
from twinoffload.twin.loop import play_seed


@pytest.fixture
def exactly(monkeypatch):
    monkeypatch.setattr(execution, "on_cores", lambda compute, workers: here(compute))
    monkeypatch.setattr(twin_loop, "play_seed", partial(play_seed, train=known_twins.train))
    monkeypatch.setattr(twin_loop, "learning_curves", known_twins.learning_curves)


def test_a_quick_loop_tells_its_story_and_leaves_its_files(capfd, tmp_path, exactly):
    words = ("twin", "--quick", "--out", tmp_path / "loop")
    status, out, err = run(capfd, *words)
    assert status == 0
    assert "seeds played 2/2" in err
    lines = out.splitlines()
    assert lines[0].startswith("Scenario paper, task antenna, BSs in turn small, large; 2 seeds of 1 slots")
    assert any(
        line.startswith("Eq. 7 as set: exponential, ceiling 1; a = ρ x of each BS 0.64, 0.84 1/MB") for line in lines
    )
    assert "Promised and realised accuracy, medians over 2 seeds: Eq. 7 as set 0." in out
    assert "…" not in out, "a table is cut"
    names = ["twin_loop.csv", "twin_loop.svg", "law.yaml"]
    assert lines[-3:] == [str(tmp_path / "loop" / name) for name in names]
    assert len(pl.read_csv(tmp_path / "loop" / "twin_loop.csv")) == 5 * 2 * 1 * 4
    assert Scenario.load(tmp_path / "loop" / "law.yaml").accuracy_law.kind in ("power", "exponential")
    refused(run(capfd, *words), "twin_loop.csv", "--force")
    before = (tmp_path / "loop" / "twin_loop.svg").read_bytes()
    assert run(capfd, *words, "--force")[0] == 0
    assert (tmp_path / "loop" / "twin_loop.svg").read_bytes() == before


def test_json_has_the_numbers(capfd, tmp_path, exactly):
    file = tmp_path / "curves.csv"
    task = twin_loop.task_named("fault")
    structures = [twin_loop.STRUCTURES[name] for name in ("small", "large")]
    known_twins.learning_curves(task, structures, known_twins.SIZES, range(2), None).write_csv(file)
    words = ("--task", "fault", "--structures", "large", "--concept", "pairwise", "--curves", file, "--quick", "--json")
    status, out, _ = run(capfd, "twin", *words)
    assert status == 0
    found = json.loads(out)
    assert (found["task"], found["structures"], found["concept"]) == ("fault", ["large", "large"], "pairwise")
    law = found["beliefs"][-1]
    assert law["accuracy_law"].pop("kind") == "power"
    assert law["accuracy_law"] == pytest.approx({"exponent": 0.6, "ceiling": 0.9}, rel=1e-3)
    assert law["accuracy_weight"] == pytest.approx(4.0, rel=1e-3)
    right = found["rows"][-1]
    assert right["map_loss_money"] == {"median": 0.0, "low": 0.0, "high": 0.0}
    assert right["accuracy_realised"]["median"] == pytest.approx(right["accuracy_promised"]["median"], abs=1e-4)
    assert len(found["sentences"]) == 3


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--task", "weather"), ("task 'weather'", "traffic, antenna, fault, digits")),
        (("--structures", "huge"), ("structure 'huge'", "small, large")),
        (("--structures", "small,large,small"), ("3 for 2 BSs", "name one, or one for each")),
        (("--curves", "nowhere.csv"), ("nowhere.csv: no such file", "data_mb")),
        (("city",), ("city",)),
        (("nowhere.yaml",), ("nowhere.yaml",)),
        (("--out", __file__), ("cannot be a folder",)),
    ],
)
def test_what_cannot_be_played_is_refused_before_any_work(capfd, monkeypatch, words, told):
    monkeypatch.setattr(execution, "on_cores", lambda *given: pytest.fail("worked"))
    refused(run(capfd, "twin", *words), *told)
