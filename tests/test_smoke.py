"""What an installed package must do, with what it asks for and nothing else: no extras, no checkout.

`make smoke` runs this file alone in an empty environment; so it imports nothing of the other tests.
"""

import importlib.util
import json
import os
import subprocess
import sys
from importlib.metadata import requires, version
from pathlib import Path

import pytest
import torch

import twinoffload
from twinoffload import Scenario, evaluate_prices, nash_equilibria, solve
from twinoffload.cli.app import app, main

pytestmark = pytest.mark.smoke
COMMANDS = [command.callback.__name__ for command in app.registered_commands if command.callback]


def call(*words):
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    return ended.value.code or 0


@pytest.fixture
def scenario(tmp_path):
    file = tmp_path / "small.yaml"
    file.write_text("extends: paper\nslots: 4\n")
    return file


def test_it_is_the_installed_package():
    where = os.environ.get("TWINOFFLOAD_INSTALLED_IN")
    if where is None:
        pytest.skip("runs in the checkout")
    assert Path(twinoffload.__file__).is_relative_to(where)
    assert (Path(twinoffload.__file__).parent / "py.typed").is_file()
    assert version("twinoffload") == twinoffload.__version__
    extras = ("gymnasium", "pettingzoo", "ray", "sklearn", "onnx", "mlflow")
    assert not [name for name in extras if importlib.util.find_spec(name)], "the environment is not empty"
    assert [one for one in requires("twinoffload") or [] if one.startswith("torch")]


@pytest.mark.parametrize("concept", ["pairwise", "gradient", "posted", "admission"])
def test_every_concept_solves(concept):
    scenario = Scenario.load("paper")
    outcome = solve(scenario.market(), scenario.sample_gain(count=3, seed=0), concept=concept)
    assert outcome.operator_utility.shape == (3,)
    assert (outcome.operator_utility > 0).all()


@pytest.mark.parametrize("name", ["paper", "open", "private", "city"])
def test_presets_are_there(name):
    assert Scenario.load(name).name == name


def test_posted_prices_end_in_an_equilibrium():
    scenario = Scenario.load("paper")
    gain = scenario.sample_gain(count=1, seed=0)[0]
    price = torch.full((4, 2), 0.9, dtype=torch.float64)
    outcome = evaluate_prices(scenario.market(), gain, price)
    assert (nash_equilibria(scenario.market(), gain, price) == outcome.association).all(-1).any()


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command, capsys):
    assert call(command, "--help") == 0
    assert "Usage" in capsys.readouterr().out


def test_the_command_is_on_the_path():
    script = Path(sys.executable).parent / "twinoffload"
    told = subprocess.run([script, "--version"], capture_output=True, text=True, check=True).stdout
    assert told == f"twinoffload {twinoffload.__version__}\n"
    module = [sys.executable, "-m", "twinoffload", "--version"]
    assert subprocess.run(module, capture_output=True, text=True, check=True).stdout == told


def test_a_report_from_training_to_page(scenario, tmp_path):
    words = ["quick", "--scenario", scenario, "--seeds", "2", "--episodes", "1", "--held-out", "1"]
    assert call(*words, "--out", tmp_path / "quick") == 0
    assert "<svg" in (tmp_path / "quick" / "report.html").read_text(encoding="utf-8")


def test_a_run_is_trained_and_evaluated(scenario, tmp_path, capsys):
    run = tmp_path / "run"
    assert call("train", "--scenario", scenario, "--seeds", "1", "--episodes", "1", "--out", run) == 0
    capsys.readouterr()
    assert call("evaluate", run, "--episodes", "1", "--json") == 0
    assert json.loads(capsys.readouterr().out)["rows"][0]["scheme"] == "sac"


def test_gains_go_out_and_come_in(tmp_path, capsys):
    for suffix in ("csv", "parquet", "npz"):
        file = tmp_path / f"gains.{suffix}"
        assert call("gains", "--out", file, "--count", "2") == 0
        capsys.readouterr()
        assert call("solve", "--gain", file, "--json") == 0
        json.loads(capsys.readouterr().out)


@pytest.mark.skipif(importlib.util.find_spec("onnx") is not None, reason="the extra is installed")
def test_what_an_extra_brings_is_told_in_one_line(scenario, tmp_path, capsys):
    run = tmp_path / "run"
    assert call("train", "--scenario", scenario, "--seeds", "1", "--episodes", "1", "--out", run) == 0
    capsys.readouterr()
    assert call("export", run, "--out", tmp_path / "exported") == 2
    told = capsys.readouterr().err
    assert len(told.splitlines()) == 1
    assert "twinoffload[export]" in told
