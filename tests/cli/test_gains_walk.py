"""`twinoffload gains --walk`: consecutive slots, which `train` takes as a trace."""

import pytest
import torch

from twinoffload import Scenario
from twinoffload.cli import main
from twinoffload.network.gain_file import read_gains


def call(*words):
    with pytest.raises(SystemExit) as stop:
        main([str(word) for word in words])
    return stop.value.code


def test_a_walk_is_consecutive_slots_where_a_draw_is_independent(tmp_path):
    steps = {}
    for name, words in (("walk.npz", ["--walk"]), ("draw.npz", [])):
        assert call("gains", "--count", 50, *words, "--out", tmp_path / name) == 0
        logs = read_gains(tmp_path / name).gain.log10()
        assert logs.shape == (50, 4, 2)
        steps[name] = (logs[1:] - logs[:-1]).abs().mean()
    assert steps["walk.npz"] < 0.3 * steps["draw.npz"], "15 m a slot in a square of 400 m"
    again = tmp_path / "again.npz"
    assert call("gains", "--count", 50, "--walk", "--out", again) == 0
    assert torch.equal(read_gains(again).gain, read_gains(tmp_path / "walk.npz").gain)
    scenario = Scenario.load("paper").replace(gains=again, slots=10)
    scenario.check_episodes()


def test_a_city_does_not_walk(tmp_path, capsys):
    assert call("gains", "--scenario", "city", "--walk", "--out", tmp_path / "city.csv") == 2
    assert "--walk: a city is one snapshot" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
