"""The short form of `kill.py`: a few instants of a training and of a solution."""

import random
import time

import pytest
from kill import JOBS, prepare, spree


@pytest.mark.parametrize("name", ["train", "solve"])
def test_killed_at_random_instants_nothing_is_lost(tmp_path, name):
    prepare()
    found = spree(JOBS[name](tmp_path), 3, time.monotonic() + 120.0, random.Random(7))
    assert found.kills > 0
    assert found.endings > 0
