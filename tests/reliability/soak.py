"""Train, solve and evaluate over and over in one process: memory, open files and speed must stay as they are.

    python tests/reliability/soak.py --minutes 20

The first quarter is warming up: what libraries keep is kept by then.
"""

import argparse
import gc
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from twinoffload import Scenario, solve
from twinoffload.experiments.comparison import compare, held_out, references
from twinoffload.learning.run_folder import RunFolder
from twinoffload.learning.training import TrainSettings

GROWTH_MB = 16.0  # from the first rounds after warming up to the last ones: what an allocator breathes
LEARNER = {"algorithm": "sac", "batch": 16, "hidden": [16], "discount": 0.5}
SETTINGS = TrainSettings.model_validate(
    {"episodes": 4, "checkpoint_every": 2, "environments": 2, "warmup": 2, "replay": 200}
    | {"operator": LEARNER, "maps": LEARNER}
)


@dataclass(frozen=True)
class Round:
    """What one round took: resident memory after it in MB, open files, processor time in s (others may be at work)."""

    memory_mb: float
    files: int
    seconds: float


def play(place: Path, count: int) -> Round:
    """One training of two seeds, a resumed one, a comparison of every reference, and 100 markets solved."""
    began = time.process_time()
    scenario = Scenario.load("paper").replace(slots=6)
    run = RunFolder.create(place / str(count), scenario, SETTINGS, [count, count + 1])
    run.train()
    run.extend(6)
    RunFolder.open(run.path).train()
    compare(references(scenario), held_out(scenario, (0,), 1), (0,))
    for concept in ("posted", "admission", "pairwise"):
        solve(scenario.market(), scenario.sample_gain(100, seed=count), concept)
    gc.collect()
    status = Path("/proc/self/status").read_text()
    resident = int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])
    return Round(resident / 1024, len(os.listdir("/proc/self/fd")), time.process_time() - began)


def soak(place: Path, seconds: float, rounds: int = 10**9) -> list[Round]:
    """As many rounds as fit."""
    until, found = time.monotonic() + seconds, []
    while time.monotonic() < until and len(found) < rounds:
        found.append(play(place, len(found)))
    return found


def growth(found: list[Round]) -> tuple[float, int, float]:
    """From the second quarter to the last: memory in MB, open files, and by what factor rounds became slower."""
    quarter = max(len(found) // 4, 1)
    before, after = found[quarter : 2 * quarter], found[-quarter:]
    memory = float(np.median([one.memory_mb for one in after]) - np.median([one.memory_mb for one in before]))
    files = max(one.files for one in after) - max(one.files for one in before)
    return memory, files, float(np.median([one.seconds for one in after]) / np.median([one.seconds for one in before]))


def main() -> int:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=20.0, help="[20]")
    with tempfile.TemporaryDirectory() as place:
        found = soak(Path(place), parser.parse_args().minutes * 60)
    memory, files, slower = growth(found)
    print(
        f"{len(found)} rounds, {found[-1].memory_mb:.0f} MB: from the second quarter to the last {memory:+.1f} MB, "
        f"{files:+d} open files, {slower:.2f} times as long a round"
    )
    return int(memory > GROWTH_MB or files > 0)


if __name__ == "__main__":
    sys.exit(main())
