"""Documentation runs: the Python blocks of a page, in order, as a reader would type them."""

import re
import shlex
from pathlib import Path

import pytest
import typer

from twinoffload.cli.app import app

PAGES = sorted((Path(__file__).parents[1] / "docs").glob("*.md"))
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
WITH_BLOCKS = [page for page in PAGES if BLOCK.search(page.read_text(encoding="utf-8"))]


def test_there_is_something_to_run():
    assert "equilibrium.md" in [page.name for page in WITH_BLOCKS]


@pytest.mark.parametrize("page", WITH_BLOCKS, ids=lambda page: page.name)
def test_python_blocks_run_in_order(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text, names = page.read_text(encoding="utf-8"), {}
    for block in BLOCK.finditer(text):
        line = text.count("\n", 0, block.start(1))
        exec(compile("\n" * line + block[1], str(page), "exec"), names)  # a failure points into the page
    assert list(tmp_path.iterdir()) == [], "examples leave nothing behind"


COMMAND = re.compile(r"^\s*(?:\$ |[A-Z_]+=\S+ |(?:\.venv/bin/))*twinoffload (.+?)(?:\s+#.*)?$", re.MULTILINE)
SHOWN = [
    (page.name, found.strip())
    for page in [*PAGES, PAGES[0].parents[1] / "README.md", PAGES[0].parents[1] / "examples" / "README.md"]
    for found in dict.fromkeys(COMMAND.findall(page.read_text(encoding="utf-8")))
    if not found[0].isdigit()  # what --version prints
]


def test_commands_are_shown():
    assert len(SHOWN) > 30


@pytest.mark.parametrize(("page", "words"), SHOWN, ids=lambda value: str(value)[:60])
def test_commands_that_a_page_shows_exist_with_their_options(page, words):
    """Whatever would be refused before any work: an unknown command or option, or a word that is not taken."""
    command, context = typer.main.get_command(app), None
    arguments = [word for word in shlex.split(words.split("`")[0].split(" | ")[0]) if word != "..."]
    while isinstance(command, typer.core.TyperGroup) and arguments and not arguments[0].startswith("-"):
        context = click_context(command, context)
        name = arguments.pop(0)
        found = command.get_command(context, name)
        assert found is not None, f"{page}: twinoffload has no command {name}"
        command = found
    known = {option: parameter for parameter in command.params for option in parameter.opts}
    for word in arguments:
        if word.startswith("--"):
            option = word.partition("=")[0]
            assert option in known or option in ("--help", "--version"), f"{page}: {words}: no option {option}"


def click_context(command, parent):
    return typer.Context(command, parent=parent)
