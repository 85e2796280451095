"""Measured gains as a scenario's channel: what is drawn, what is kept apart, what is refused."""

import os
import re
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest
import torch

from twinoffload import Scenario
from twinoffload.cli import main
from twinoffload.env.episodes import draw_episodes
from twinoffload.experiments.comparison import held_out
from twinoffload.learning.export.agreement import _sizes
from twinoffload.learning.export.folder import export_run
from twinoffload.learning.kinds import kind_of
from twinoffload.learning.run_folder import RunFolder
from twinoffload.learning.training import TrainSettings
from twinoffload.seeding import stream

T, N, M = 40, 3, 2
LEARNER = {"algorithm": "sac", "batch": 8}
SHORT = TrainSettings.model_validate(
    {"episodes": 3, "environments": 2, "warmup": 2, "replay": 200, "checkpoint_every": 1,
     "operator": LEARNER, "maps": LEARNER}
)  # fmt: skip


def numbered(slots=T, maps=N, stations=M):
    """Gains that tell their slot: 1e-9 times (slot + 1) at every pair, and a little for the pair."""
    gain = 1e-9 * (1.0 + np.arange(slots))[:, None, None] * np.ones((slots, maps, stations))
    return gain + 1e-12 * np.arange(maps * stations).reshape(maps, stations)


def slot_of(gain):
    """Which slot each snapshot `[..., N, M]` is."""
    return (gain[..., 0, 0] / 1e-9).round().long() - 1


@pytest.fixture
def trace(tmp_path):
    path = tmp_path / "trace.npz"
    np.savez(path, gain=numbered())
    return path


def measured(trace, **changes):
    return Scenario.load("paper").replace(gains=trace, **{"slots": 5} | changes)


def call(*words):
    with pytest.raises(SystemExit) as stop:
        main([str(word) for word in words])
    return stop.value.code


def test_the_file_tells_the_sizes_and_a_yaml_file_names_it_beside_itself(trace, tmp_path, monkeypatch):
    path = tmp_path / "mine.yaml"
    path.write_text("extends: paper\ngains: trace.npz\n")
    monkeypatch.chdir("/")
    scenario = Scenario.load(path)
    assert (scenario.maps, scenario.stations) == (N, M)
    assert scenario.gains.file == str(trace)
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "mine.yaml").write_text("extends: ../mine.yaml\nslots: 7\n")
    assert Scenario.load(tmp_path / "sub" / "mine.yaml").gains == scenario.gains
    scenario.save(tmp_path / "sub" / "saved.yaml")
    assert Scenario.load(tmp_path / "sub" / "saved.yaml") == scenario
    assert scenario.replace(gains=None).gains is None
    assert Scenario(gains=str(trace)).maps == N


def test_episodes_are_windows_and_no_slot_serves_training_and_evaluation(trace):
    scenario = measured(trace)
    training = slot_of(draw_episodes(scenario, 300, [stream(0, "t")], slots=6).gain)
    assert (training[1:] == training[:-1] + 1).all(), "slots follow one another"
    fresh = slot_of(held_out(scenario, [0, 1], 100).gain)
    assert (fresh[1:] == fresh[:-1] + 1).all()
    assert set(training.flatten().tolist()) == set(range(32)), "every slot of the first 80 %"
    assert set(fresh.flatten().tolist()) == set(range(32, 40))
    assert set(slot_of(scenario.sample_gain(500)).tolist()) == set(range(32))
    assert set(slot_of(scenario.sample_gain(500, part="held-out")).tolist()) == set(range(32, 40))
    half = measured({"file": str(trace), "training_share": 0.5})
    assert slot_of(held_out(half, [0], 100).gain).min() == 20
    assert draw_episodes(scenario, 2, [stream(0, "t")], slots=3).positions.isnan().all()


def test_a_csv_trace_is_in_the_order_of_its_snapshots(tmp_path):
    gain, path = numbered(12), tmp_path / "trace.csv"
    rows = [(t, f"car-{n}", f"bs-{m}", gain[t, n, m]) for t in (*range(5, 12), *range(5)) for m in range(M)
            for n in reversed(range(N))]  # fmt: skip
    pl.DataFrame(rows, schema=["snapshot", "map", "station", "gain"], orient="row").write_csv(path)
    scenario = measured(path, slots=2)
    assert scenario.gains.gains.maps == ("car-0", "car-1", "car-2")
    assert torch.equal(scenario.gains.gain, torch.from_numpy(gain))


@pytest.mark.parametrize(
    ("slots", "told"),
    [
        (8, None),
        (9, "40 slots, 32 for training and 8 held out (training_share = 0.8), but slots = 9 needs 10 and 9; set slots "
            "to at most 8"),
    ],
)  # fmt: skip
def test_a_trace_too_short_is_refused_before_any_work(trace, tmp_path, slots, told):
    scenario = measured(trace, slots=slots)
    if told is None:
        scenario.check_episodes()
        return
    with pytest.raises(ValueError, match=re.escape(told)):
        RunFolder.create(tmp_path / "run", scenario, SHORT, [0])
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("total", [1, 2])
def test_a_trace_of_hardly_any_slots_is_solved_but_not_played(tmp_path, total):
    np.savez(tmp_path / "few.npz", gain=numbered(total))
    scenario = measured(tmp_path / "few.npz", slots=1)
    assert scenario.sample_gain(4).shape == (4, N, M)
    with pytest.raises(ValueError, match=r"use a longer trace \(at least 3 slots\)$"):
        scenario.check_episodes()
    np.savez(tmp_path / "three.npz", gain=numbered(3))
    measured(tmp_path / "three.npz", slots=1).check_episodes()


BAD = {
    "negative": (lambda g: g.__setitem__((3, 1, 0), -1.0), "is negative"),
    "nan": (lambda g: g.__setitem__((3, 1, 0), np.nan), "is not finite"),
    "dead": (lambda g: g.__setitem__((3, 1, 0), 0.0), "map map-2 does not reach station bs-1 in snapshot 3"),
    "alone": (lambda g: g.__setitem__((3, 1), 0.0), "map-2' reaches no BS in snapshot '3'"),
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("command", ["train", "quick"])
def test_bad_gains_are_one_line_and_leave_nothing(name, command, tmp_path, capsys):
    spoil, told = BAD[name]
    gain = numbered()
    spoil(gain)
    np.savez(tmp_path / "bad.npz", gain=gain)
    assert call(command, "--gain", tmp_path / "bad.npz", "--out", tmp_path / "out") == 2
    printed = capsys.readouterr()
    assert (printed.out, printed.err.count("\n")) == ("", 1)
    assert told in printed.err
    assert "bad.npz" in printed.err
    assert not (tmp_path / "out").exists()


def test_bad_shapes_and_conflicts_are_refused_in_one_line(trace, tmp_path):
    np.savez(tmp_path / "flat.npz", gain=np.ones(4))
    (tmp_path / "ragged.csv").write_text("map,station,gain\n1,1,1e-9\n1,2\n")
    for path, told in (
        ("flat.npz", "no arrays map, station among: gain"),
        ("ragged.csv", "line 3"),
        ("none.npz", "no such"),
    ):
        with pytest.raises(ValueError, match=re.escape(told)) as caught:
            measured(tmp_path / path)
        assert "\n" not in str(caught.value)
    (tmp_path / "mine.yaml").write_text("extends: paper\ngains: trace.npz\nmaps: 4\n")
    with pytest.raises(ValueError, match=rf"maps = 4, but {trace} has 3; leave maps out"):
        Scenario.load(tmp_path / "mine.yaml")
    with pytest.raises(ValueError, match="stations = 3, but"):
        measured(trace).replace(stations=3)
    with pytest.raises(ValueError, match="exclude each other"):
        Scenario.load("city").replace(gains=trace)
    with pytest.raises(ValueError, match="tell no positions"):
        measured(trace).layout()


def test_a_floor_makes_dead_links_playable(tmp_path):
    gain = numbered()
    gain[3, 1, 0] = 0.0
    np.savez(tmp_path / "dead.npz", gain=gain)
    scenario = measured({"file": str(tmp_path / "dead.npz"), "floor": 1e-15})
    assert scenario.gains.gain.min() == 1e-15
    rows = []
    RunFolder.create(tmp_path / "run", scenario, SHORT, [0]).train(rows.extend)
    assert all(np.isfinite(row["map_utility_money"]) for row in rows)


def test_a_run_on_a_trace_is_resumed_to_the_bit_and_notices_another_file(trace, tmp_path):
    scenario = measured(trace)
    whole, parts = [], []
    RunFolder.create(tmp_path / "whole", scenario, SHORT, [0, 1]).train(whole.extend)
    run = RunFolder.create(tmp_path / "parts", scenario, SHORT.replace(episodes=2), [0, 1])
    run.train(parts.extend)
    again = RunFolder.open(tmp_path / "parts")
    again.extend(3)
    again.train(parts.extend)
    assert parts == whole
    np.savez(trace, gain=numbered()[::-1])
    os.utime(trace, ns=(1, 1))
    with pytest.raises(ValueError, match=r"trace\.npz: has changed since its hash was noted; restore it, or train"):
        RunFolder.open(tmp_path / "parts")
    trace.unlink()
    with pytest.raises(ValueError, match="no such file"):
        RunFolder.open(tmp_path / "parts")


def test_train_evaluate_and_quick_take_gains(trace, tmp_path, capsys):
    mine, settings, out = tmp_path / "mine.yaml", tmp_path / "short.yaml", tmp_path / "run"
    mine.write_text("extends: paper\nslots: 4\n")
    settings.write_text("extends: tuned\nenvironments: 2\nwarmup: 2\noperator: {batch: 8}\nmaps: {batch: 8}\n")
    words = ["--scenario", mine, "--gain", trace, "--settings", settings, "--seeds", 1, "--episodes", 1]
    assert call("train", *words, "--out", out) == 0
    assert call("train", "--resume", "--gain", trace, "--out", out) == 2
    assert "--gain: a resumed run keeps its own" in capsys.readouterr().err
    assert call("evaluate", out, "--episodes", 1, "--json") == 0
    own = capsys.readouterr().out
    assert f'"gains": "{trace}"' in own
    other, small = tmp_path / "other.npz", tmp_path / "small.npz"
    np.savez(other, gain=2.0 * numbered())
    np.savez(small, gain=numbered(maps=2))
    assert call("evaluate", out, "--gain", other, "--episodes", 1, "--json") == 0
    assert capsys.readouterr().out != own
    assert call("evaluate", out, "--gain", small, "--episodes", 1) == 2
    assert "has 2 mAPs on 2 BSs, but the run was trained for 3 on 2" in capsys.readouterr().err
    assert call("quick", *words, "--held-out", 1, "--out", tmp_path / "quick") == 0
    page = (tmp_path / "quick" / "report.html").read_text()
    assert "tell no positions, so there is no map" in page
    assert not (tmp_path / "quick" / "figures" / "slot.svg").exists()
    assert f"--gain {trace}" in page


def test_what_was_read_is_played_whatever_becomes_of_the_file(trace):
    scenario = measured(trace)
    before = scenario.sample_gain(5)
    trace.unlink()
    assert torch.equal(scenario.sample_gain(5), before)
    with pytest.raises(ValueError, match="no such file"):
        scenario.replace(slots=4)


def test_exports_are_checked_on_other_sizes_without_the_trace(trace):
    free = SimpleNamespace(scenario=measured(trace), maps_free={"maps", "stations"})
    own, *others = _sizes(free)
    assert own.gains is not None
    assert {(one.maps, one.stations) for one in others} == {(1, M), (N + 3, M), (N, 1)}
    assert all(draw_episodes(one, 1, [stream(0, "t")], slots=1).gain.isfinite().all() for one in others)


def test_a_policy_with_an_input_for_each_pair_is_not_exported(trace, tmp_path):
    for package in ("onnx", "onnxruntime", "onnxscript"):
        pytest.importorskip(package)
    values = {"scheme": "amortised", "episodes": 1, "updates": 1, "batch": 4, "examples": 4}
    settings = kind_of(values).model_validate(values)
    rows = RunFolder.create(tmp_path / "rows", measured(trace, slots=2, cycles=[[1.0, 2.0]]), settings, [0])
    rows.train()
    with pytest.raises(ValueError, match="cycles differ from BS to BS"):
        export_run(rows, tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_solve_takes_the_parameters_of_a_scenario_with_gains(trace, tmp_path, capsys):
    (tmp_path / "mine.yaml").write_text("extends: paper\ngains: trace.npz\n")
    assert call("solve", "--gain", "examples/gains.csv", "--scenario", tmp_path / "mine.yaml", "--json") == 0
    assert capsys.readouterr().out


def test_amortised_learns_on_a_trace(trace, tmp_path):
    mine = tmp_path / "mine.yaml"
    mine.write_text("extends: amortised\nepisodes: 1\nupdates: 2\nbatch: 8\nexamples: 8\nscattered: 0.5\n")
    scenario = tmp_path / "scenario.yaml"
    scenario.write_text("extends: paper\nslots: 4\ngains: trace.npz\n")
    assert call("train", "--scenario", scenario, "--settings", mine, "--seeds", 1, "--out", tmp_path / "run") == 0
