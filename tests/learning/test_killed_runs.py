"""`twinoffload train` killed with SIGKILL at any moment and resumed is the undisturbed run, to the bit."""

import random
import time
from pathlib import Path

import polars as pl
import pytest
import torch
from safetensors.torch import load_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from killing import CHECKPOINT, KILLED, METRICS, start
from twinoffload import Scenario
from twinoffload.files import LOCK
from twinoffload.learning.run_folder import FILES, OLDER, RunFolder
from twinoffload.learning.training import TrainSettings

SCENARIO = Scenario.load("paper").replace(slots=6)
LEARNER = {"algorithm": "sac", "batch": 16, "hidden": [16], "discount": 0.5}
SETTINGS = TrainSettings.model_validate(
    {"episodes": 8, "checkpoint_every": 2, "environments": 2, "warmup": 2, "replay": 50}
    | {"operator": LEARNER, "maps": LEARNER}
)
SEEDS = [0, 1]

SLOT = "twinoffload.env.slots:Slots.step"


def kill_after_a_while(folder: Path, seconds: float) -> None:
    """Kill the command from outside, some time after training has begun."""
    events = folder / "tensorboard"
    before = set(events.iterdir()) if events.exists() else set()
    process = start(folder)
    while process.poll() is None and not (events.exists() and set(events.iterdir()) - before):
        time.sleep(0.005)
    time.sleep(seconds)
    process.kill()
    assert process.wait() in (KILLED, 0)


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """What TensorBoard shows: step and value of every scalar."""
    events = EventAccumulator(str(folder / "tensorboard"), size_guidance={"scalars": 0})
    events.Reload()
    return {tag: [(event.step, event.value) for event in events.Scalars(tag)] for tag in events.Tags()["scalars"]}


def test_killed_and_resumed_is_the_undisturbed_run_to_the_bit(tmp_path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    for folder in (whole, killed):
        RunFolder.create(folder, SCENARIO, SETTINGS, SEEDS)
    assert start(whole).wait() == 0

    moments, slots = random.Random(5), SCENARIO.slots * SETTINGS.checkpoint_every
    deaths = [
        ((SLOT, moments.randrange(1, slots)), 0),  # before there is any checkpoint
        ((CHECKPOINT, 1), 0),  # between the first metrics and the first checkpoint
        ((METRICS, 2), 2),
        ((SLOT, moments.randrange(slots + 1, 2 * slots)), 4),
        ((CHECKPOINT, 1), 4),  # between later ones
    ]
    for place, done in deaths:
        assert start(killed, *place).wait() == KILLED
        assert RunFolder.open(killed).episodes_done() == done
    for _ in range(2):
        kill_after_a_while(killed, moments.uniform(0.0, 0.2))
    assert start(killed).wait() == 0

    assert {path.name for path in killed.iterdir()} == {*FILES, *OLDER, LOCK, "tensorboard"}, "no draft is left"
    first, second = (load_file(folder / "checkpoint.safetensors") for folder in (whole, killed))
    assert first.keys() == second.keys()
    for name, tensor in first.items():
        assert torch.equal(tensor, second[name]), name
    tables = [pl.read_parquet(folder / "metrics.parquet") for folder in (whole, killed)]
    assert tables[0].schema == tables[1].schema
    assert tables[0].rows() == tables[1].rows()
    assert tables[0]["episode"].to_list() == [episode for episode in range(SETTINGS.episodes) for _ in SEEDS]

    shown = scalars(killed)
    assert shown == scalars(whole)
    for seed in SEEDS:
        rows = tables[0].filter(pl.col("seed") == seed)
        for name in rows.columns[2:]:
            kept = rows.select("episode", name).drop_nulls().rows()
            steps, values = zip(*shown[f"{name}/seed {seed}"], strict=True)
            assert list(steps) == [step for step, _ in kept], "each episode once"
            assert values == pytest.approx([float(value) for _, value in kept], rel=1e-6), "TensorBoard keeps float32"


def test_a_run_killed_while_it_was_made_can_be_made_again(tmp_path):
    folder = tmp_path / "run"
    RunFolder.create(folder, SCENARIO, SETTINGS, SEEDS)
    (folder / "settings.yaml").rename(folder / ".settings.yaml.17.draft")
    RunFolder.create(folder, SCENARIO, SETTINGS, SEEDS).trainer()
    (folder / "settings.yaml").unlink()
    (folder / ".mine.17.draft").write_text("not ours")
    with pytest.raises(ValueError, match="not empty"):
        RunFolder.create(folder, SCENARIO, SETTINGS, SEEDS)
