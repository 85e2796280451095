"""`--scheme`: one's own scheme trained, evaluated, reported and in the figures, from the command line."""

import json
from pathlib import Path

import polars as pl
import pytest

from twinoffload.cli.app import main
from twinoffload.experiments import paper_figures, paper_groups
from twinoffload.experiments.execution import here
from twinoffload.experiments.paper_figures import Effort
from twinoffload.experiments.study import Study
from twinoffload.report.paper_figures import draw, shown
from twinoffload.report.print_style import SCHEMES, looks

EXAMPLES = Path(__file__).parents[2] / "examples" / "schemes"
HEURISTIC, LEARNED = f"{EXAMPLES / 'heuristic.py'}:FairShare", f"{EXAMPLES / 'learned.py'}:LinearPrices"


def call(*words):
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    return ended.value.code or 0


@pytest.fixture
def scenario(tmp_path):
    file = tmp_path / "small.yaml"
    file.write_text("extends: paper\nslots: 5\n")
    return file


def test_a_learned_scheme_is_trained_and_evaluated_beside_a_heuristic(tmp_path, scenario, capsys):
    run = tmp_path / "run"
    words = ["train", "--scenario", scenario, "--scheme", LEARNED, "--seeds", "2", "--episodes", "1", "--out", run]
    assert call(*words) == 0
    assert call("train", "--resume", "--episodes", "2", "--out", run) == 0
    capsys.readouterr()
    assert call("evaluate", run, "--scheme", HEURISTIC, "--episodes", "1", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert [row["scheme"] for row in told["rows"]][:3] == ["linear prices", "fair share", "pairwise"]
    assert told["episodes_trained"] == 2


def test_a_heuristic_is_evaluated_without_a_run(scenario, capsys):
    words = ["evaluate", "--scheme", HEURISTIC, "--scenario", scenario, "--seeds", "2", "--episodes", "1", "--json"]
    assert call(*words) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["rows"][0]["scheme"] == "fair share"
    assert told["episodes_trained"] is None
    assert told["seeds"] == [0, 1]


def test_the_report_of_a_quick_study_has_it(tmp_path, scenario):
    words = ["quick", "--scenario", scenario, "--scheme", LEARNED, "--seeds", "2", "--episodes", "1"]
    assert call(*words, "--held-out", "1", "--out", tmp_path / "quick") == 0
    assert "linear prices" in (tmp_path / "quick" / "report.html").read_text()
    assert "--scheme" in json.loads((tmp_path / "quick" / "summary.json").read_text())["command"]


def test_a_heuristic_has_a_report_without_training(tmp_path, scenario):
    words = ["quick", "--scenario", scenario, "--scheme", HEURISTIC, "--seeds", "2", "--held-out", "1"]
    assert call(*words, "--out", tmp_path / "quick") == 0
    assert "fair share" in (tmp_path / "quick" / "report.html").read_text()
    assert pl.read_parquet(tmp_path / "quick" / "run" / "metrics.parquet")["episode"].to_list() == [0, 0]


def test_own_schemes_stand_in_every_figure(tmp_path, monkeypatch):
    """Of the figures only the groups of own schemes and references are computed here; the others cost minutes."""
    small = paper_figures.BASE.replace(slots=3)
    monkeypatch.setattr(paper_figures, "BASE", small)
    monkeypatch.setattr("twinoffload.report.paper_figures.BASE", small)
    effort = Effort(episodes=1, curves=1, held_out=1)
    asked = paper_figures.groups(["fig7"], 2, effort, own=(LEARNED, HEURISTIC))
    kept = [group for group in asked if group.work["kind"] in ("own", "references")]
    assert {group.work["scheme"] for group in kept if group.work["kind"] == "own"} == {"linear prices", "fair share"}
    table = Study(tmp_path / "study", kept, "t").run(here(paper_groups.compute))
    rows = shown(table, "fig7")
    values = paper_figures.AXES["accuracy_value"].values
    for scheme in ("linear prices", "fair share"):
        assert rows.filter(pl.col("scheme") == scheme)["value"].to_list() == list(values)
    assert all(path.stat().st_size > 0 for path in draw(table, ["fig7"], tmp_path / "drawn"))
    curve = table.filter(pl.col("scheme") == "posted", pl.col("accuracy_value_money") == 10.0).with_columns(
        phase=pl.lit("training"), scheme=pl.lit("sac"), episode=pl.lit(0, pl.Int64), learning_rate=pl.lit(0.005)
    )
    beside = shown(pl.concat([table, curve]), "fig2").filter(pl.col("episode").is_null())["scheme"].to_list()
    assert beside[-2:] == ["linear prices", "fair share"]
    assert [*looks(beside)][: len(SCHEMES)] == [*SCHEMES]
    assert len({look.color for look in looks(beside).values()}) == len(SCHEMES) + 2


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["train", "--scheme", "Mine"], "scheme 'Mine': must be my_module:MyScheme"),
        (
            ["train", "--scheme", HEURISTIC, "--settings", "tuned"],
            "--settings: a scheme of your own brings what it needs",
        ),
        (["train", "--scheme", HEURISTIC, "--observation", "load"], "--observation: a scheme of your own"),
        (["train", "--scheme", HEURISTIC], "has no method `learn`, so there is nothing to train"),
        (["train", "--resume", "--scheme", HEURISTIC, "--out", "nowhere"], "--scheme: a resumed run keeps its own"),
        (["evaluate", "--scheme", LEARNED], "it learns; train it"),
        (["evaluate", "--scheme", "nowhere.py:Mine"], "there is no file nowhere.py"),
        (["evaluate", "nowhere", "--scenario", "open"], "--scenario open: a run is played in its own scenario"),
        (["reproduce", "fig7", "--scheme", "nowhere.py:Mine"], "there is no file nowhere.py"),
    ],
)
def test_bad_schemes_are_one_line_and_leave_nothing(words, told, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert call(*words) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("error: ")
    assert len(printed.err.splitlines()) == 1
    assert told in printed.err
    assert list(tmp_path.iterdir()) == []
