"""The JSON for marl-eval: its structure, and that its numbers are the run's and the evaluation's."""

import json

import polars as pl
import pytest

from twinoffload import Scenario
from twinoffload.cli.app import main
from twinoffload.learning.run_folder import RunFolder
from twinoffload.learning.train_settings import TrainSettings

SCENARIO = Scenario.load("paper").replace(slots=4)


def trained(folder, preset, episodes):
    settings = TrainSettings.load(preset)
    small = {who: getattr(settings, who).model_dump() | {"hidden": (8,)} for who in ("operator", "maps")}
    settings = settings.replace(episodes=episodes, environments=2, warmup=2, **small)
    run = RunFolder.create(folder, SCENARIO, settings, [0, 1])
    run.train()
    return run


def call(*words):
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    return ended.value.code or 0


def test_curves_are_the_runs_and_absolute_metrics_the_evaluations(tmp_path, capsys):
    sac, td3 = trained(tmp_path / "sac", "tuned", 2), trained(tmp_path / "td3", "tuned-td3", 2)
    out = tmp_path / "for-marl-eval.json"
    words = ["evaluate", sac.path, "--scheme", td3.path, "--episodes", "1", "--json", "--marl-eval", out]
    assert call(*words) == 0
    summary = {row["scheme"]: row for row in json.loads(capsys.readouterr().out)["rows"]}
    found = json.loads(out.read_text())["twinoffload"]["paper"]
    assert list(found)[:3] == ["sac", "td3", "pairwise"]
    for algorithm, runs in found.items():
        assert list(runs) == ["seed_0", "seed_1"]
        for steps in runs.values():
            assert list(steps) == ["step_0", "step_1", "absolute_metrics"]
            assert [steps[f"step_{k}"]["step_count"] for k in (0, 1)] == [8, 16]
            assert all(isinstance(values, list) for name, values in steps["step_1"].items() if name != "step_count")
        final = [steps["absolute_metrics"]["operator_utility"][0] for steps in runs.values()]
        told = summary[algorithm]["operator_utility"]
        assert told["low"] - 1e-9 <= min(final) <= max(final) <= told["high"] + 1e-9
    metrics = pl.read_parquet(td3.path / "metrics.parquet").filter(seed=1, episode=1)
    curve = found["td3"]["seed_1"]["step_1"]
    assert curve["operator_utility"] == metrics["operator_utility_money"].to_list()
    assert curve["map_utility"] == metrics["map_utility_money"].to_list()
    best = found["admission"]["seed_1"]["absolute_metrics"]["operator_utility"][0]
    assert curve["operator_share_of_admission"][0] == pytest.approx(curve["operator_utility"][0] / best)
    assert found["posted"]["seed_0"]["step_0"]["regret"] == found["posted"]["seed_0"]["absolute_metrics"]["regret"]
    assert call(*words) == 2
    assert "exists already; name another file, or overwrite it with --force" in capsys.readouterr().err


def test_curves_of_unequal_length_are_refused_before_any_work(tmp_path, capsys):
    long, short = trained(tmp_path / "long", "tuned", 2), trained(tmp_path / "short", "tuned-td3", 1)
    out = tmp_path / "x.json"
    assert call("evaluate", long.path, "--scheme", short.path, "--marl-eval", out) == 2
    assert "sac was trained for 2 episodes, td3 for 1: marl-eval compares step by step" in capsys.readouterr().err
    assert not out.exists()


def test_without_a_run_there_is_no_curve(tmp_path, capsys):
    mine = tmp_path / "mine.py"
    mine.write_text("class Mine:\n    def price(self, slots):\n        return 1.0\n")
    assert call("evaluate", "--scheme", f"{mine}:Mine", "--marl-eval", tmp_path / "x.json") == 2
    assert "there is no trained run among the schemes" in capsys.readouterr().err
