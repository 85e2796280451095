"""README and documentation are true: the example runs, commands, files and tests that they name exist."""

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
    known |= {group.typer_instance.info.name for group in app.registered_groups if group.typer_instance}
    assert "solve" in named
    assert named <= known


def test_named_make_targets_exist():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"make (\w+) ", README):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


PAGES = sorted((ROOT / "docs").glob("*.md"))
NAMED_TESTS = re.compile(r"\[`?(test_\w+)`?\]\(([^)#\s]+)\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_tests_and_files_that_a_page_links_exist(page):
    text = page.read_text(encoding="utf-8")
    for name, target in NAMED_TESTS.findall(text):
        assert re.search(rf"^def {name}\(", (page.parent / target).read_text(encoding="utf-8"), re.MULTILINE), name
    for target in re.findall(r"\]\(([^)#\s]+)\)", text):
        assert target.startswith("http") or (page.parent / target).is_file(), target


def test_every_contradiction_s_test_is_on_the_page_of_the_paper():
    linked = {name for name, _ in NAMED_TESTS.findall((ROOT / "docs" / "paper.md").read_text(encoding="utf-8"))}
    source = (ROOT / "tests" / "test_paper_contradictions.py").read_text(encoding="utf-8")
    assert set(re.findall(r"^def (test_\w+)\(", source, re.MULTILINE)) <= linked
