"""A small study whose groups take no time, for other processes too."""

import os
import signal
import sys
import time
from pathlib import Path

import polars as pl

from twinoffload.experiments.execution import here
from twinoffload.experiments.study import Group, Result, Study

SEEDS = 3


def compute(work):
    """Numbers that its work fixes; leaves a mark for each time it is called, if asked to."""
    if "marks" in work:
        with open(Path(work["marks"]) / work["label"], "a") as file:
            file.write("computed\n")
    if work.get("fails") == work["label"]:
        raise ZeroDivisionError("in one group")
    time.sleep(work.get("takes_s", 0.0))
    rows = [(work["label"], seed, (work["value"] * 7919 + seed * 104729) % 1000 / 7) for seed in range(SEEDS)]
    return Result(pl.DataFrame(rows, schema=["label", "seed", "utility_money"], orient="row"), {"all": 0.5})


def groups(count, **work):
    return [
        Group(
            f"group {k}",
            {"label": f"group {k}", "value": k} | work,
            [{"value": k, "seed": seed} for seed in range(SEEDS)],
            cost=1.0 + k % 3,
        )
        for k in range(count)
    ]


def dying(write, count):
    """A writer that kills its process in the middle of its n-th file, as `kill -9` would."""
    calls = 0

    def wrapped(path, fill):
        nonlocal calls
        calls += 1
        if calls == count:
            Path(path).with_name(f".{Path(path).name}.{os.getpid()}.draft").write_text("half")
            os.kill(os.getpid(), signal.SIGKILL)
        return write(path, fill)

    return wrapped


if __name__ == "__main__":  # FOLDER MARKS GROUPS DIES: resume a study and die at some file, or not (0)
    from twinoffload import files
    from twinoffload.experiments import study

    folder, marks, count, dies = sys.argv[1:]
    if int(dies):
        files.write_whole = study.write_whole = dying(files.write_whole, int(dies))
    Study(folder, groups(int(count), marks=marks)).run(here(compute), resume=True)
