"""A disk that is full when a run is saved: one line, and the run goes on from what was there before."""

import errno

import polars as pl
import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from twinoffload import Scenario
from twinoffload.files import write_folder, write_text
from twinoffload.learning import checkpoint
from twinoffload.learning.run_folder import METRICS, RunFolder
from twinoffload.learning.tracking.tensorboard import TensorBoard
from twinoffload.learning.training import TrainSettings

SCENARIO = Scenario.load("paper").replace(slots=4)
SETTINGS = TrainSettings(episodes=4, checkpoint_every=1, environments=1, warmup=1, replay=100)
FULL = OSError(errno.ENOSPC, "No space left on device")


def fail_at(monkeypatch, owner, name, count, error):
    """Let the n-th call of a function fail; calls before it work."""
    function, calls = getattr(owner, name), []

    def failing(*given, **named):
        calls.append(name)
        if len(calls) == count:
            raise error
        return function(*given, **named)

    monkeypatch.setattr(owner, name, failing)


@pytest.mark.parametrize(
    ("owner", "name", "error"),
    [
        (checkpoint, "save_file", SafetensorError("I/O error: No space left on device (os error 28)")),
        (pl.DataFrame, "write_parquet", pl.exceptions.ComputeError("No space left on device (os error 28)")),
        (pl.DataFrame, "write_parquet", FULL),
        (TensorBoard, "save", FULL),
        (TensorBoard, "log", FULL),
    ],
)
def test_a_run_is_saved_again_when_there_is_room(tmp_path, monkeypatch, owner, name, error):
    whole, full = (RunFolder.create(tmp_path / name, SCENARIO, SETTINGS, [0]) for name in ("whole", "full"))
    whole.train()
    with monkeypatch.context() as now:
        fail_at(now, owner, name, 3, error)
        with pytest.raises(
            ValueError, match=r"full: cannot be saved .*No space left on device.*; make room, then resume"
        ):
            full.train()
    assert not list(full.path.glob("*.draft"))
    again = RunFolder.open(full.path)
    assert again.episodes_done() == 2
    again.train()
    tensors = [load_file(run.path / checkpoint.NEWEST) for run in (whole, again)]
    assert all(torch.equal(value, tensors[1][key]) for key, value in tensors[0].items())
    assert pl.read_parquet(again.path / METRICS).rows() == pl.read_parquet(whole.path / METRICS).rows()


def test_the_refusal_names_the_file(tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_text", full)
    with pytest.raises(OSError, match="No space") as refused:
        write_text(tmp_path / "mine.yaml", "text")
    assert refused.value.filename == str(tmp_path / "mine.yaml")
    with pytest.raises(OSError, match="No space") as refused:
        write_folder(tmp_path / "folder", lambda draft: full())
    assert refused.value.filename == str(tmp_path / "folder")
    assert not list(tmp_path.iterdir()), "nothing is left"
