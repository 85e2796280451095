"""The tutorial runs, word by word: its files are written, its commands run, and what it shows is what they print."""

import os
import re
import subprocess
import sys
from pathlib import Path

from checks import printed_as

PAGE = (Path(__file__).parents[1] / "docs" / "tutorial.md").read_text(encoding="utf-8")
BLOCK = re.compile(r'^```(console|python title="([^"]+)")\n(.*?)^```$', re.DOTALL | re.MULTILINE)


def commands(block):
    """Of a console block: each command, and the lines that are shown after it."""
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, _, shown = part.partition("\n")
        yield command, [line for line in shown.splitlines() if line.strip()]


def test_the_tutorial_runs_word_by_word(tmp_path):
    source = str(Path(__file__).parents[1] / "src")
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": source,
        "COLUMNS": "96",
        "OMP_NUM_THREADS": "1",
    }
    run = 0
    for kind, name, body in BLOCK.findall(PAGE):
        if kind != "console":
            (tmp_path / name).write_text(body, encoding="utf-8")
            continue
        for command, shown in commands(body):
            done = subprocess.run(
                command, shell=True, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300
            )
            assert done.returncode == 0, f"{command}: {done.stderr}"
            printed = [line for line in done.stdout.splitlines() if line.strip()]
            for line in shown:
                assert any(printed_as(line, other) for other in printed), f"{command}: does not print {line!r}"
            run += 1
    assert run >= 11
