"""The short form of `soak.py`: no file stays open, memory does not run away."""

from soak import GROWTH_MB, growth, soak


def test_rounds_leave_nothing_behind(tmp_path):
    memory, files, _ = growth(soak(tmp_path, 120.0, rounds=12))
    assert files <= 0
    assert memory < 4 * GROWTH_MB
