"""Trackers: what they are told, that MLflow's store holds it, and that one which fails ends no training."""

import json
import sys
import types
import warnings

import polars as pl
import pytest

from twinoffload import Scenario
from twinoffload.cli.app import main
from twinoffload.learning.run_folder import RunFolder
from twinoffload.learning.tracking.mlflow import MLflow
from twinoffload.learning.tracking.named import trackers_named
from twinoffload.learning.tracking.tracker import Tracker, TrackerWarning
from twinoffload.learning.tracking.wandb import WandB
from twinoffload.learning.train_settings import TrainSettings

SCENARIO = Scenario.load("paper").replace(slots=5)
TUNED = TrainSettings.load("tuned")
SETTINGS = TUNED.replace(
    episodes=3,
    environments=2,
    warmup=2,
    checkpoint_every=2,
    **{who: getattr(TUNED, who).model_dump() | {"hidden": (8,)} for who in ("operator", "maps")},
)


class Notes(Tracker):
    name = "notes"

    def __init__(self):
        self.told = []

    def start(self, run, episode):
        self.told.append(("start", run.path.name, episode))

    def log(self, rows):
        self.told.append(("log", rows[0]["episode"], len(rows)))

    def save(self):
        self.told.append(("save",))

    def finish(self, status):
        self.told.append(("finish", status))


@pytest.fixture
def run(tmp_path):
    return RunFolder.create(tmp_path / "run", SCENARIO, SETTINGS, [0, 1])


@pytest.fixture
def store(tmp_path, monkeypatch):
    pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"file:{tmp_path / 'mlruns'}")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    from mlflow import MlflowClient

    return MlflowClient(f"file:{tmp_path / 'mlruns'}")


def test_a_tracker_is_told_of_everything_in_order(run):
    notes = Notes()
    run.train(trackers=[notes])
    assert notes.told == [
        ("start", "run", 0),
        *(("log", 0, 2), ("log", 1, 2), ("save",), ("log", 2, 2), ("save",)),
        ("finish", "finished"),
    ]


def test_an_interrupted_training_is_told_as_such(run):
    class Stop(Notes):
        def log(self, rows):
            super().log(rows)
            if rows[0]["episode"] == 1:
                raise KeyboardInterrupt

    stop, notes = Stop(), Notes()
    with pytest.raises(KeyboardInterrupt):
        run.train(trackers=[notes, stop])
    assert notes.told[-1] == stop.told[-1] == ("finish", "interrupted")


@pytest.mark.parametrize("method", ["start", "log", "save", "finish"])
def test_a_tracker_that_fails_is_told_of_once_and_ends_no_training(run, method):
    def fail(*_):
        raise OSError("the server\nis away")

    notes = Notes()
    setattr(notes, method, fail)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        run.train(trackers=[notes])
    assert run.episodes_done() == 3
    told = [str(one.message) for one in caught if one.category is TrackerWarning]
    assert told == [f"notes: {method} failed (OSError: the server is away); training goes on without it"]


def test_trackers_change_nothing_that_is_trained(run, tmp_path):
    run.train(trackers=[Notes()])
    other = RunFolder.create(tmp_path / "other", SCENARIO, SETTINGS, [0, 1])
    other.train()
    for name in ("metrics.parquet", "checkpoint.safetensors"):
        assert (run.path / name).read_bytes() == (other.path / name).read_bytes()


def test_mlflow_holds_what_the_run_does(run, store):
    run.train(trackers=[MLflow()])
    found = store.get_run(json.loads((run.path / "trackers.json").read_text())["mlflow"])
    assert found.info.status == "FINISHED"
    assert found.info.run_name == "run"
    assert found.data.params["scenario.bandwidth"] == "5.0"
    assert found.data.params["settings.operator.hidden"] == "[8]"
    table = pl.read_parquet(run.path / "metrics.parquet")
    for seed in (0, 1):
        history = store.get_metric_history(found.info.run_id, f"seed_{seed}/operator_utility_money")
        assert [metric.step for metric in history] == [0, 1, 2]
        wanted = table.filter(seed=seed)["operator_utility_money"].to_list()
        assert [metric.value for metric in history] == pytest.approx(wanted, rel=1e-12)
    mean = store.get_metric_history(found.info.run_id, "operator_utility_money")[-1].value
    assert mean == pytest.approx(table.filter(episode=2)["operator_utility_money"].mean(), rel=1e-12)
    files = {file.path for file in store.list_artifacts(found.info.run_id)}
    assert files == {"scenario.yaml", "settings.yaml", "versions.json", "metrics.parquet", "checkpoint.safetensors"}


def test_a_resumed_run_goes_on_in_mlflow_and_says_nothing_twice(run, store):
    class Stop(Tracker):
        def log(self, rows):
            if rows[0]["episode"] == 2:
                raise KeyboardInterrupt  # after the last checkpoint; MLflow has heard of the episode

    with pytest.raises(KeyboardInterrupt):
        run.train(trackers=[MLflow(), Stop()])
    known = json.loads((run.path / "trackers.json").read_text())["mlflow"]
    assert store.get_run(known).info.status == "KILLED"
    again = RunFolder.open(run.path)
    assert again.episodes_done() == 2
    again.train(trackers=[MLflow()])
    assert json.loads((run.path / "trackers.json").read_text())["mlflow"] == known
    assert store.get_run(known).info.status == "FINISHED"
    steps = [metric.step for metric in store.get_metric_history(known, "operator_utility_money")]
    assert steps == [0, 1, 2]


class FakeWandB(types.ModuleType):
    """Records calls as the library takes them."""

    def __init__(self):
        super().__init__("wandb")
        self.calls, self.api, self.step, self.id = [], types.SimpleNamespace(api_key=None), 0, "abc"

    def init(self, **given):
        self.calls.append(("init", given))
        return self

    def log(self, values, step):
        self.calls.append(("log", step, values))
        self.step = step + 1

    def finish(self, exit_code):
        self.calls.append(("finish", exit_code))


def test_weights_and_biases_is_told_the_same(run, monkeypatch):
    library = FakeWandB()
    monkeypatch.setitem(sys.modules, "wandb", library)
    monkeypatch.setenv("WANDB_MODE", "offline")
    run.train(trackers=trackers_named(["wandb"]))
    run = RunFolder.open(run.path)
    run.extend(4)
    run.train(trackers=[WandB()])
    begun = [given for what, given, *_ in library.calls if what == "init"]
    assert [given["id"] for given in begun] == [None, "abc"]
    assert begun[0]["config"]["settings.episodes"] == 3
    logged = {call[1]: call[2] for call in library.calls if call[0] == "log"}
    assert list(logged) == [0, 1, 2, 3]
    table = pl.read_parquet(run.path / "metrics.parquet")
    assert logged[3]["seed_1/operator_utility_money"] == table.filter(episode=3, seed=1)["operator_utility_money"][0]
    assert [call for call in library.calls if call[0] == "finish"] == [("finish", 0)] * 2


def test_nobody_logged_in_is_refused(monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb", FakeWandB())
    monkeypatch.delenv("WANDB_MODE", raising=False)
    with pytest.raises(ValueError, match="nobody is logged in: `wandb login`, or set WANDB_MODE=offline"):
        trackers_named(["wandb"])


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--track", "mlflw"], "--track 'mlflw': must be one of mlflow, wandb; TensorBoard is always written"),
        (["--track", "wandb"], "pip install 'twinoffload[tracking]'"),
        (["--track", "mlflow"], "--track mlflow: MLFLOW_TRACKING_URI = nonsense://x: does not answer"),
    ],
)
def test_what_cannot_be_used_is_refused_before_any_work(words, told, tmp_path, monkeypatch, capsys):
    pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "nonsense://x")
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(SystemExit) as ended:
        main(["train", *words, "--out", str(tmp_path / "run")])
    assert ended.value.code == 2
    printed = capsys.readouterr()
    assert told in printed.err
    assert len(printed.err.splitlines()) == 1
    assert not (tmp_path / "run").exists()
