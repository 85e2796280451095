"""Runs of this kind: stopped or killed and resumed to the same bit, evaluated, reported, every scalar explained."""

import json

import numpy as np
import polars as pl
import pytest
import torch
from safetensors.torch import load_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from killing import CHECKPOINT, KILLED, METRICS, start
from twinoffload import Scenario
from twinoffload.cli import main
from twinoffload.experiments.quick import quick_study
from twinoffload.learning.amortised.settings import AmortisedSettings
from twinoffload.learning.run_folder import RunFolder
from twinoffload.report.page import write_report

SCENARIO = Scenario.load("private").replace(maps=3, slots=6)
SETTINGS = AmortisedSettings(
    width=8, rounds=2, episodes=6, updates=4, batch=8, examples=30, reply_width=8, checkpoint_every=2
)
UPDATE = "twinoffload.learning.amortised.training:AmortisedTrainer._update"


def assert_same_run(one, other):
    first, second = (load_file(folder / "checkpoint.safetensors") for folder in (one, other))
    assert first.keys() == second.keys()
    for name, tensor in first.items():
        assert torch.equal(tensor, second[name]), name
    tables = [pl.read_parquet(folder / "metrics.parquet") for folder in (one, other)]
    assert tables[0].equals(tables[1])
    assert tables[0]["episode"].to_list() == [episode for episode in range(SETTINGS.episodes) for _ in range(2)]


def test_stopped_and_resumed_is_the_same_to_the_bit(tmp_path):
    whole, part = (RunFolder.create(tmp_path / name, SCENARIO, SETTINGS, [0, 1]) for name in ("whole", "part"))
    whole.train()

    class StopError(Exception):
        pass

    def stop(rows):
        if rows[0]["episode"] == 2:  # one episode beyond the checkpoint, to be played again
            raise StopError

    with pytest.raises(StopError):
        part.train(stop)
    again = RunFolder.open(tmp_path / "part")
    assert again.episodes_done() == 2
    again.train()
    assert_same_run(whole.path, part.path)


def test_a_longer_run_is_another_run(tmp_path):
    run = RunFolder.create(tmp_path / "run", SCENARIO, SETTINGS, [0])
    before = (run.path / "settings.yaml").read_text()
    with pytest.raises(ValueError, match="begin another run with more"):
        run.extend(SETTINGS.episodes + 1)
    run.extend(SETTINGS.episodes)
    assert (run.path / "settings.yaml").read_text() == before


def test_killed_and_resumed_is_the_undisturbed_run_to_the_bit(tmp_path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    for folder in (whole, killed):
        RunFolder.create(folder, SCENARIO, SETTINGS, [0, 1])
    assert start(whole).wait() == 0
    for place, done in (((UPDATE, 6), 0), ((METRICS, 2), 2), ((CHECKPOINT, 1), 2)):
        assert start(killed, *place).wait() == KILLED
        assert RunFolder.open(killed).episodes_done() == done
    assert start(killed).wait() == 0
    assert_same_run(whole, killed)


def test_every_scalar_is_a_metric_of_the_table(tmp_path):
    run = RunFolder.create(tmp_path / "run", SCENARIO, SETTINGS, [0, 1])
    run.train()
    table = pl.read_parquet(run.path / "metrics.parquet")
    events = EventAccumulator(str(run.path / "tensorboard"), size_guidance={"scalars": 0})
    events.Reload()
    names = set(table.columns) - {"episode", "seed"}
    assert set(events.Tags()["scalars"]) == {f"{name}/seed {seed}" for name in names for seed in (0, 1)}
    losses = table["imitation_loss", "recommend_loss", "maps_loss", "pricing_loss"]
    assert losses[0].row(0)[1:] == (None,) * 3, "nothing but imitation at first"
    assert None not in losses.row(-1)


@pytest.mark.parametrize("name", ["paper", "private"])
def test_a_study_is_reported(tmp_path, name):
    scenario, settings = Scenario.load(name).replace(maps=2, slots=4), SETTINGS.replace(episodes=2)
    quick_study(tmp_path / "study", scenario, settings, [0, 1], command="twinoffload quick", episodes=2)
    page = write_report(tmp_path / "study").read_text(encoding="utf-8")
    assert "amortised" in page
    assert "A further scheme." not in page
    for field in ("price_step", "regret_weight", "imitation_weight"):
        assert field in page


def told(capsys, *words: object) -> str:
    """What a command prints."""
    with pytest.raises(SystemExit) as done:
        main([*map(str, words)])
    out, err = capsys.readouterr()
    assert not done.value.code, err
    return out


@pytest.fixture(scope="module")
def small_run(tmp_path_factory):
    """A run of two mAPs and two BSs, made of files as a user writes them."""
    folder = tmp_path_factory.mktemp("user")
    small = SETTINGS.replace(episodes=1, rounds=1)
    names = ("width", "rounds", "episodes", "updates", "batch", "examples", "reply_width")
    lines = [f"{name}: {getattr(small, name)}\n" for name in names]
    (folder / "mine.yaml").write_text("extends: amortised\n" + "".join(lines))
    (folder / "scenario.yaml").write_text("extends: paper\nmaps: 2\nslots: 3\n")
    words = ["--scenario", folder / "scenario.yaml", "--settings", folder / "mine.yaml", "--seeds", 2]
    with pytest.raises(SystemExit) as done:
        main([*map(str, ["train", *words, "--out", folder / "run", "--device", "cpu"])])
    assert not done.value.code
    return folder / "run"


def test_a_trained_run_is_evaluated(small_run, capsys):
    assert '"scheme": "amortised"' in told(capsys, "evaluate", small_run, "--episodes", 1, "--json")


@pytest.mark.slow
def test_a_trained_run_is_exported_whatever_its_size(small_run, tmp_path, capsys):
    """Two mAPs and two BSs: axes of one length are not taken for one."""
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    assert "exported seed 1" in told(capsys, "export", small_run, "--seed", 1, "--out", tmp_path / "policy")
    description = json.loads((tmp_path / "policy" / "policy.json").read_text())
    assert description["files"]["operator.onnx"]["inputs"][0]["shape"] == ["batch", "maps", "stations"]
    assert {tuple(shape[1:]) for shape in description["agreement"]["shapes"]} >= {(1, 2), (2, 2), (2, 1), (5, 2)}


@pytest.mark.slow
def test_an_export_is_exact_at_the_end_of_the_price_range(tmp_path, capsys):
    """A cap that float32 rounds up, mAPs that may be off, one value private: told so, and priced to the last bit."""
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    text = "extends: private\ndelay_cost: 1.0\nprice_cap: 1.7\nidle_interferes: false\nmaps: 2\nslots: 3\n"
    (tmp_path / "scenario.yaml").write_text(text)
    scenario = Scenario.load(str(tmp_path / "scenario.yaml"))
    small = SETTINGS.replace(episodes=1, rounds=1, price_step=0.01)
    RunFolder.create(tmp_path / "run", scenario, small, [0]).train()
    told(capsys, "export", tmp_path / "run", "--out", tmp_path / "policy")
    operator = json.loads((tmp_path / "policy" / "policy.json").read_text())["files"]["operator.onnx"]
    believed = [port["name"] for port in operator["inputs"] if "as the operator believes" in port["meaning"]]
    assert believed == ["accuracy_value"]
    session = onnxruntime.InferenceSession(tmp_path / "policy" / "operator.onnx")
    market, gain = scenario.market(), scenario.sample_gain(200, seed=1).numpy()
    values = {
        name: np.asarray(getattr(market, name), dtype=np.float64)
        for name in (p["name"] for p in operator["inputs"])
        if name != "gain"
    }
    given = {p["name"]: p["shape"] for p in operator["inputs"]}
    sizes = {"batch": 200, "maps": 2, "stations": 2}
    shaped = {
        name: np.ascontiguousarray(np.broadcast_to(value, [sizes.get(axis, axis) for axis in given[name]]))
        for name, value in values.items()
    }
    (price,) = session.run(None, {"gain": gain, **shaped})
    assert price.max() == scenario.highest_price == 1.7
