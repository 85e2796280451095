"""`twinoffload reproduce` from the command line to the figures, with hardly any training."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import polars as pl
import pytest
from test_errors import refused, run

from twinoffload.cli.reproduce import _tell_stopped
from twinoffload.experiments import execution, measure_settings, measures, paper_figures, study
from twinoffload.experiments.execution import here


@pytest.fixture
def tiny(monkeypatch):
    """Fig. 7 in a minimum of work, in this process."""
    changes = {"environments": 2, "warmup": 2, "replay": 64}
    presets = {preset: changes for preset in paper_figures.PRESETS.values()} | {
        "amortised-sizes": {"episodes": 1, "updates": 1, "batch": 4, "examples": 8, "maps": (4, 4), "stations": (2, 2)}
    }
    monkeypatch.setattr(paper_figures, "BASE", paper_figures.BASE.replace(slots=3))
    monkeypatch.setattr(paper_figures, "QUICK", paper_figures.Effort(1, 1, 1, presets))
    monkeypatch.setattr(execution, "on_cores", lambda compute, workers: here(compute))


def test_figures_are_drawn_and_what_was_computed_is_taken_over(capfd, monkeypatch, tmp_path, tiny):
    words = ("reproduce", "fig7", "--quick", "--seeds", "2", "--out", tmp_path / "study")
    status, out, err = run(capfd, *words)
    assert status == 0
    for name in ("fig7.pdf", "fig7.png", "fig7.csv"):
        assert f"{tmp_path / 'study' / name}\n" in out
    assert "minutes of workers' time: matrix products " in out
    assert "left" in err.splitlines()[-1], "progress tells the time that is left"
    table = pl.read_parquet(tmp_path / "study" / "table.parquet")
    assert set(table["accuracy_value_money"]) >= {8.0, 9.0, 10.0, 11.0, 12.0}
    refused(run(capfd, *words), "holds a study already", "--resume")

    def nothing(groups):
        raise AssertionError("a finished group is computed again")

    monkeypatch.setattr(execution, "on_cores", lambda compute, workers: nothing)
    before = {path: path.read_bytes() for path in (tmp_path / "study").glob("*") if path.is_file()}
    assert run(capfd, *words, "--resume")[0] == 0
    assert before == {path: path.read_bytes() for path in (tmp_path / "study").glob("*") if path.is_file()} | {
        tmp_path / "study" / study.LOCK: before[tmp_path / "study" / study.LOCK]
    }


def test_measured_tables_stand_beside_a_study(capfd, monkeypatch, tmp_path, tiny):
    monkeypatch.setattr(measure_settings, "QUICK", replace(measure_settings.QUICK, markets=5, points=17))
    folder = tmp_path / "study"
    status, out, _ = run(capfd, "reproduce", "propositions", "--quick", "--out", folder)
    assert (status, out) == (0, f"{folder / 'propositions.csv'}\n")
    assert pl.read_csv(folder / "propositions.csv")["market"].n_unique() == 5
    words = ("reproduce", "fig7,propositions", "--quick", "--seeds", "1", "--out", folder)
    assert run(capfd, *words)[0] == 0
    refused(run(capfd, *words), "holds a study already", "--resume")
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "mine.txt").write_text("")
    refused(run(capfd, "reproduce", "propositions", "--out", tmp_path / "notes"), "'mine.txt', which no study wrote")


def test_a_missing_ray_is_told_of(capfd, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "ray", None)
    words = ("reproduce", "fig4", "--ray", "auto", "--out", tmp_path / "study")
    refused(run(capfd, *words), "Ray is not installed", "twinoffload[cluster]")
    assert not (tmp_path / "study").exists()


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (ValueError, 2, "error: no such thing; while computing sac, base\n"),
        (KeyboardInterrupt, 130, "--quick --out OUT --resume`\n"),
    ],
)
@pytest.mark.parametrize("names", ["fig7", "propositions"])
def test_what_stops_it_says_where_and_how_to_go_on(capfd, monkeypatch, tmp_path, tiny, error, status, words, names):
    def stop(*given):
        failure = error("no such thing")
        failure.add_note("while computing sac, base")
        raise failure

    monkeypatch.setattr(execution, "on_cores", lambda compute, workers: stop)
    monkeypatch.setattr(measures, "write_tables", stop)
    found, out, err = run(capfd, "reproduce", names, "--quick", "--out", tmp_path / "s")
    assert (found, out) == (status, "")
    assert err.endswith(words.replace("OUT", str(tmp_path / "s")))


def test_trainings_that_diverged_are_counted_once(capsys):
    rows = [
        (scheme, seed, stopped) for scheme in ("sac", "amortised") for seed in (0, 1, 1) for stopped in (True, None)
    ]
    table = pl.DataFrame(rows, ["scheme", "seed", "stopped"], orient="row").with_columns(
        reading=pl.lit("main"), learning_rate=pl.lit(None, pl.Float64), episode=pl.lit(None, pl.Int64)
    )
    _tell_stopped(table)
    sac, amortised = capsys.readouterr().out.splitlines()
    assert sac == "sac, reading main: trainings that diverged and were stopped: 3; their last good weights played"
    assert "amortised, reading main: trainings that diverged and were stopped: 2;" in amortised


def test_interrupted_it_says_how_to_go_on(tmp_path):
    program = [sys.executable, "-c", "from twinoffload.cli import main; main()"]
    words = ["reproduce", "fig4", "--quick", "--workers", "1", "--out", str(tmp_path / "a study")]
    process = subprocess.Popen(
        program + words, stderr=subprocess.PIPE, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"}
    )
    while not (tmp_path / "a study" / "manifest.json").exists():
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    again = f"twinoffload reproduce fig4 --out '{tmp_path / 'a study'}' --workers 1 --resume"
    assert err.endswith(f"error: interrupted; go on with `{again.replace('fig4', 'fig4 --quick')}`\n")
