"""Slots a second beside mobile-env: sizes are the peer's, and ratios those of the turns."""

import pytest

from twinoffload import Scenario
from twinoffload.experiments.benchmarks import environment, peers


def test_sizes_are_those_of_mobile_env_and_ratios_follow():
    told = []
    rows = environment.speeds(
        Scenario.load("paper").replace(slots=3), batches=(2,), turns=2, window_s=0.02, each=told.append
    )
    assert [(row["maps"], row["stations"]) for row in rows] == [(4, 2), (5, 3), (15, 7), (30, 13)]
    assert len(told) == environment.steps(turns=2)
    assert rows[0]["mobile_env_steps_per_s"] is None
    for row in rows[1:]:
        for kind in ("slots", "whole"):
            low, middle, high = (row[f"{kind}_times_faster{end}"] for end in ("_low", "", "_high"))
            assert 0 < low <= middle <= high
        assert row["whole_per_s"] < row["slots_per_s"] * 1.5


def test_a_missing_peer_is_told_in_one_line(monkeypatch):
    with pytest.raises(ValueError, match=r"compares with nowhere-env: install it \(pip install nowhere-env\)"):
        peers.import_peer("nowhere_env")
