"""`twinoffload train` in a process of its own that is killed with SIGKILL."""

import os
import signal
import subprocess
import sys
from pathlib import Path

# The command line in a process that kills itself, as `kill -9` would, when a function is called for the n-th time.
DEADLY = """
import importlib, os, signal, sys
place, count, *words = sys.argv[1:]
module, _, path = place.partition(":")
*path, name = path.split(".")
owner = importlib.import_module(module)
for part in path:
    owner = getattr(owner, part)
function, calls = getattr(owner, name), 0
def deadly(*given, **named):
    global calls
    calls += 1
    if calls == int(count):
        if name == "save_file":  # let half of the draft reach the disk
            function(*given, **named)
            os.truncate(given[1], os.path.getsize(given[1]) // 2)
        os.kill(os.getpid(), signal.SIGKILL)
    return function(*given, **named)
setattr(owner, name, deadly)
from twinoffload.cli import main
main(words)
"""
METRICS = "polars:DataFrame.write_parquet"
CHECKPOINT = "twinoffload.learning.checkpoint:save_file"  # the metrics are written by then
KILLED = -signal.SIGKILL


def start(folder: Path, *deadly: object) -> subprocess.Popen:
    """`twinoffload train --resume`, to its end or to the n-th call of a function."""
    program = (
        [sys.executable, "-c", DEADLY, *map(str, deadly)] if deadly else [Path(sys.executable).with_name("twinoffload")]
    )
    words = ["train", "--resume", "--device", "cpu", "--threads", "1", "--out", folder]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen([*program, *words], env=os.environ | {"OMP_NUM_THREADS": "1"}, **quiet)
