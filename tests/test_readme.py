"""The README is true: its example runs, its commands exist, its files are there."""

import re
from pathlib import Path

import pytest

from twinoffload.cli.app import app

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_python_example_runs(capsys):
    (example,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len([line for line in example.splitlines() if line.strip()]) <= 10
    exec(compile(example, "README.md", "exec"), {})
    first = capsys.readouterr().out.splitlines()[0]
    best, flat = (float(number) for number in re.findall(r"tensor\(([\d.]+)", first))
    assert best > flat, "the operator's best prices earn more than a flat one"


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\(([^)#]+)\)", README))))
def test_linked_files_exist(target):
    if not target.startswith("http"):
        assert (ROOT / target).is_file()


def test_named_commands_exist():
    named = set(re.findall(r"(?:bin/|`)twinoffload (\w+)", README))
    known = {command.callback.__name__ for command in app.registered_commands if command.callback}
    assert "solve" in named
    assert named <= known


def test_named_make_targets_exist():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"make (\w+) ", README):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
