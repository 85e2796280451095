"""How much is said: nothing but results with --quiet, and where a fault arose with --verbose."""

import pytest

from twinoffload.cli.app import main
from twinoffload.cli.console import talk


@pytest.fixture(autouse=True)
def _as_it_was():
    yield
    talk(quiet=False, verbose=False)


def call(*words):
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    return ended.value.code or 0


def test_quiet_says_nothing_beside_the_result(tmp_path, capsys):
    file = tmp_path / "small.yaml"
    file.write_text("extends: paper\nslots: 3\n")
    words = ["train", "--scenario", file, "--seeds", "1", "--episodes", "1", "--out"]
    assert call(*words, tmp_path / "a") == 0
    assert "training episodes 1/1" in capsys.readouterr().err
    assert call("--quiet", *words, tmp_path / "b") == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    assert printed.out.startswith("trained 1 seed for 1 episode")
    assert call("-q", "train", "--scenario", "papr") == 2
    assert capsys.readouterr().err.count("\n") == 1, "a fault is always told"


def test_verbose_says_what_computes_and_where_a_fault_arose(capsys):
    assert call("--verbose", "presets") == 0
    assert "torch" in capsys.readouterr().err
    assert call("-v", "train", "--scenario", "papr") == 2
    told = capsys.readouterr().err
    assert "Traceback" in told
    assert told.splitlines()[-1].startswith("error: ")
    assert call("train", "--scenario", "papr") == 2, "it ends with its command"
    assert "Traceback" not in capsys.readouterr().err


def test_both_is_neither(capsys):
    assert call("-q", "-v", "presets") == 2
    assert "--quiet and --verbose: give one of them" in capsys.readouterr().err
