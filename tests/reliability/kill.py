"""Kill trainings, studies and solutions with SIGKILL at random instants, and look at what is left.

    python tests/reliability/kill.py --instants 200 --minutes 30

After each kill every file must open. Then the command goes on, to be killed again, until it once comes to its end: what
it leaves must be what an undisturbed one leaves, to the bit. Processes are forked from one that has imported all there
is, so that instants fall on work, not on imports.
"""

import argparse
import json
import multiprocessing
import os
import random
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl
import yaml
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from twinoffload import Scenario
from twinoffload.learning import checkpoint
from twinoffload.learning.run_folder import METRICS

LEARNER = {"algorithm": "sac", "batch": 16, "hidden": [16], "discount": 0.5}
SETTINGS = {"episodes": 8, "checkpoint_every": 2, "environments": 2, "warmup": 2, "replay": 50} | {
    "operator": LEARNER,
    "maps": LEARNER,
}
_IMPORTED = ["twinoffload.cli", "twinoffload.learning.run_folder", "twinoffload.experiments.paper_groups"]


@dataclass(frozen=True)
class Job:
    """A command that is killed.

    Attributes:
        name: of it.
        words: of the command line for a folder, which may hold what a killed one left.
        left: what it leaves there at its end, to be compared.
    """

    name: str
    words: Callable[[Path], list[str]]
    left: Callable[[Path], object]


@dataclass(frozen=True)
class Tally:
    """What was seen: kills that met work, files opened after them, endings equal to the undisturbed one, seconds."""

    kills: int = 0
    files: int = 0
    endings: int = 0
    seconds: float = 0.0


def train(inputs: Path) -> Job:
    """Two seeds for eight episodes, saved every other."""
    Scenario.load("paper").replace(slots=6).save(inputs / "scenario.yaml")
    (inputs / "settings.yaml").write_text(yaml.safe_dump(SETTINGS))

    def words(folder: Path) -> list[str]:
        if (folder / "settings.yaml").exists():
            return ["train", "--resume", "--device", "cpu", "--out", str(folder)]
        asked = ["--scenario", inputs / "scenario.yaml", "--settings", inputs / "settings.yaml", "--seeds", "2"]
        return ["train", *map(str, asked), "--device", "cpu", "--out", str(folder)]

    def left(folder: Path) -> object:
        tensors = checkpoint.load(folder / checkpoint.NEWEST)
        events = EventAccumulator(str(folder / "tensorboard"), size_guidance={"scalars": 0})
        events.Reload()
        shown = {tag: [(one.step, one.value) for one in events.Scalars(tag)] for tag in events.Tags()["scalars"]}
        return (
            {name: tensor.numpy().tobytes() for name, tensor in tensors.items()},
            pl.read_parquet(folder / METRICS).rows(),
            shown,
        )

    return Job("train", words, left)


def study(_: Path) -> Job:
    """The paper's Fig. 5 at two values, with trainings of two episodes (see `run`)."""

    def left(folder: Path) -> object:
        return pl.read_parquet(folder / "table.parquet").rows(), (folder / "fig5.csv").read_bytes()

    asked = ["--quick", "--seeds", "1", "--workers", "1", "--resume", "--out"]
    return Job("study", lambda folder: ["reproduce", "fig5", *asked, str(folder)], left)


def solve(inputs: Path) -> Job:
    """Best prices of many snapshots, as a table; it is written over what an earlier one left."""
    pl.DataFrame(_gains(300), schema=["snapshot", "map", "station", "gain"], orient="row").write_csv(
        inputs / "gains.csv"
    )

    def words(folder: Path) -> list[str]:
        folder.mkdir(exist_ok=True)
        return ["solve", "--gain", str(inputs / "gains.csv"), "--out", str(folder / "who.csv"), "--force"]

    return Job("solve", words, lambda folder: (folder / "who.csv").read_bytes())


def _gains(count: int) -> list[tuple[str, str, str, float]]:
    gain = Scenario.load("paper").sample_gain(count, 1).numpy()
    return [(f"{s:03}", f"m{n}", f"b{m}", float(gain[s, n, m]))
            for s in range(count) for n in range(gain.shape[1]) for m in range(gain.shape[2])]  # fmt: skip


JOBS = {"train": train, "study": study, "solve": solve}


def run(words: list[str]) -> None:
    """The command in a process of its own, silent, with small studies."""
    from twinoffload.cli import main
    from twinoffload.experiments import paper_figures

    amortised = {"episodes": 1, "updates": 2, "rounds": 1, "examples": 20, "proposals": 4}
    paper_figures.QUICK = paper_figures.Effort(2, 2, 1, {paper_figures.AMORTISED: amortised})
    paper_figures.AXES["compute"] = replace(paper_figures.AXES["compute"], values=(20.0, 22.0))
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    main(words)


def spree(job: Job, instants: int, until: float, rng: random.Random) -> Tally:
    """Kill a command at so many instants, or until the time is over.

    Raises:
        AssertionError: a file does not open, a command fails, or an ending differs.
    """
    began, tally = time.monotonic(), Tally()
    with tempfile.TemporaryDirectory() as place:
        whole = Path(place) / "whole"
        assert _lives(job.words(whole), None) == 0, f"{job.name} fails undisturbed"
        expected, folder = job.left(whole), Path(place) / "0"
        start = time.monotonic()  # of a second one: the first reads from a cold disk
        assert _lives(job.words(folder), None) == 0
        takes = time.monotonic() - start
        assert job.left(folder) == expected, f"{job.name} is not the same twice"
        folder = Path(place) / "1"
        while tally.kills < instants and time.monotonic() < until:
            code = _lives(job.words(folder), rng.uniform(0.0, takes))
            assert code in (0, -9), f"{job.name} ends with {code} in {folder}: {job.words(folder)}"
            tally = replace(tally, kills=tally.kills + (code == -9), files=tally.files + _open_all(folder))
            if code == 0:
                assert job.left(folder) == expected, f"{job.name} ends otherwise in {folder}"
                tally = replace(tally, endings=tally.endings + 1)
                folder = Path(place) / str(tally.endings + 1)
        if tally.kills:
            assert _lives(job.words(folder), None) == 0, f"{job.name} does not go on in {folder}"
            assert job.left(folder) == expected, f"{job.name} ends otherwise in {folder}"
            tally = replace(tally, endings=tally.endings + 1)
    return replace(tally, seconds=time.monotonic() - began)


def _lives(words: list[str], seconds: float | None) -> int:
    """Exit status of a command; -9 where it was killed before its end."""
    process = _CONTEXT.Process(target=run, args=(words,))
    process.start()
    process.join(seconds)
    if process.is_alive():
        process.kill()
        process.join()
    assert process.exitcode is not None
    return process.exitcode


def _open_all(folder: Path) -> int:
    """Read every file that has got its name; how many."""
    count = 0
    for file in _named(folder):
        read = _READERS.get(file.suffix)
        if read is not None:
            read(file)
            count += 1
    return count


def _named(folder: Path) -> Iterator[Path]:
    return (file for file in folder.rglob("*") if file.is_file() and not file.name.startswith("."))


def _image(file: Path) -> None:
    with Image.open(file) as image:
        image.load()


def _ends(file: Path) -> None:
    assert file.read_bytes().rstrip().endswith(b"%%EOF"), f"{file} is cut off"


_READERS: dict[str, Callable[[Path], object]] = {
    ".parquet": pl.read_parquet,
    ".csv": lambda file: pl.read_csv(file, comment_prefix="#"),
    ".safetensors": checkpoint.load,
    ".yaml": lambda file: yaml.safe_load(file.read_text("utf-8")),
    ".json": lambda file: json.loads(file.read_text("utf-8")),
    ".svg": ElementTree.parse,
    ".png": _image,
    ".pdf": _ends,
}
_CONTEXT = multiprocessing.get_context("forkserver")


def prepare() -> None:
    """One process imports; the others are forked from it."""
    os.environ["OMP_NUM_THREADS"] = "1"
    _CONTEXT.set_forkserver_preload(_IMPORTED)


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--instants", type=int, default=200, help="kills in all [200]")
    parser.add_argument("--minutes", type=float, default=30.0, help="at most, a share for each job [30]")
    parser.add_argument("--jobs", nargs="+", choices=JOBS, default=list(JOBS), help="which [all]")
    parser.add_argument("--seed", type=int, default=0, help="of the instants [0]")
    asked = parser.parse_args()
    prepare()
    begun = time.monotonic()
    share = len(asked.jobs)
    for count, name in enumerate(asked.jobs):
        until = begun + asked.minutes * 60 * (count + 1) / share
        instants = asked.instants * (count + 1) // share - asked.instants * count // share
        with tempfile.TemporaryDirectory() as inputs:
            found = spree(JOBS[name](Path(inputs)), instants, until, random.Random(f"{asked.seed} {name}"))
        print(
            f"{name}: {found.kills} kills, {found.files} files opened, {found.endings} endings to the bit, "
            f"{found.seconds:.0f} s",
            flush=True,
        )


if __name__ == "__main__":
    sys.exit(main())
