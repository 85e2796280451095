"""The examples run as they stand, for less time."""

import runpy
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


def test_stable_baselines3_trains_as_the_operator(capsys):
    main = runpy.run_path(str(EXAMPLES / "sb3_operator.py"))["main"]
    shares = main(["--scenario", "open", "--steps", "400", "--environments", "4", "--episodes", "1"])
    assert shares["pairwise"] == 1.0
    assert 0.0 < shares["stable-baselines3 SAC"] < 1.1
    assert capsys.readouterr().out.startswith('{"steps": 400')
    with pytest.raises(ValueError, match="opne"):
        main(["--scenario", "opne", "--steps", "4"])
