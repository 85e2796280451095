"""The examples run as they stand, for less time."""

import runpy
from pathlib import Path

import pytest

from checks import printed_as

EXAMPLES = Path(__file__).parents[1] / "examples"


def test_stable_baselines3_trains_as_the_operator(capsys):
    main = runpy.run_path(str(EXAMPLES / "sb3_operator.py"))["main"]
    shares = main(["--scenario", "open", "--steps", "400", "--environments", "4", "--episodes", "1"])
    assert shares["pairwise"] == 1.0
    assert 0.0 < shares["stable-baselines3 SAC"] < 1.1
    assert capsys.readouterr().out.startswith('{"steps": 400')
    with pytest.raises(ValueError, match="opne"):
        main(["--scenario", "opne", "--steps", "4"])


@pytest.mark.parametrize("question", sorted((EXAMPLES / "questions").glob("*_*.py")), ids=lambda path: path.stem)
def test_a_question_is_answered_as_its_page_says_and_drawn(question, tmp_path, capsys, monkeypatch):
    out = tmp_path / "picture.svg"
    monkeypatch.setattr("sys.argv", [question.name, "--out", str(out)])
    monkeypatch.syspath_prepend(str(question.parent))
    runpy.run_path(str(question), run_name="__main__")
    page = (EXAMPLES.parent / "docs" / "questions.md").read_text(encoding="utf-8")
    printed = capsys.readouterr().out.splitlines()
    assert printed
    for line in printed:
        assert any(printed_as(shown, line, close=0.1) for shown in page.splitlines()), line
    assert "<svg" in out.read_text(encoding="utf-8")
