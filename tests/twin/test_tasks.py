"""Records: their size, what stands in them, and who gathers what."""

import sys
from functools import cache

import numpy as np
import pytest
import torch

from twinoffload.scenario import Scenario
from twinoffload.twin.tasks.drives import SUBCARRIERS
from twinoffload.twin.tasks.fault import OUTAGE_DB
from twinoffload.twin.tasks.registry import NAMES, SIMULATED, task_named

PAPER = Scenario.load("paper")
SMALL = PAPER.replace(task_size=0.4)


@cache
def drawn_from(name, streams, seed):
    return task_named(name, SMALL).draw(streams, seed)


def fields(task, records):
    """Each field of records `[R, numbers]` by name."""
    found, start = {}, 0
    for field in (*task.layout.features, *task.layout.targets):
        found[field.name] = records[:, start : start + field.size].reshape(len(records), *field.shape)
        start += field.size
    assert start == records.shape[1]
    return found


@pytest.mark.parametrize("name", NAMES)
def test_megabytes_are_those_of_the_stored_numbers(name):
    task = task_named(name, SMALL)
    drawn = drawn_from(name, 2, 5)
    assert drawn.raw.shape == (2, task.raw_records, task.layout.numbers)
    assert drawn.raw.dtype == torch.float32
    assert drawn.raw[0].numpy().nbytes == task.layout.record_bytes * task.raw_records
    assert task.raw_mb == pytest.approx(drawn.raw[0].numpy().nbytes / 1e6)
    assert len(drawn.raw[0][:7].numpy().tobytes()) == pytest.approx(task.layout.data_mb(7) * 1e6)


@pytest.mark.parametrize("name", SIMULATED)
def test_a_raw_stream_of_the_paper_has_five_megabytes(name):
    task = task_named(name)
    assert task.raw_mb == pytest.approx(5.0, abs=1e-3)
    assert 2000 <= task.raw_records <= 20_000


@pytest.mark.parametrize("name", SIMULATED)
def test_no_number_is_padding(name):
    task = task_named(name, SMALL)
    numbers = drawn_from(name, 2, 5).raw[0]
    assert torch.isfinite(numbers).all()
    assert (numbers[:, : task.layout.inputs].std(0) > 0).all()
    columns = np.unique(numbers[:, : task.layout.inputs].numpy(), axis=1)
    assert columns.shape[1] == task.layout.inputs, "no number stands there twice"


@pytest.mark.parametrize("name", NAMES)
def test_streams_depend_on_the_seed_and_the_map_alone(name):
    one, two, other = drawn_from(name, 1, 5), drawn_from(name, 2, 5), drawn_from(name, 1, 6)
    assert torch.equal(one.raw[0], two.raw[0])
    assert torch.equal(one.held_out, two.held_out)
    assert not torch.equal(two.raw[0], two.raw[1])
    assert not torch.equal(one.raw, other.raw)
    assert not torch.equal(one.held_out, other.held_out)


def test_antenna_records_follow_the_drive():
    task = task_named("antenna", SMALL)
    found = fields(task, drawn_from("antenna", 2, 5).raw[1])
    assert torch.equal(found["pilots"][1:, :-1], found["pilots"][:-1, 1:])
    assert torch.equal(found["gain ahead"][1:, 0], found["gain ahead"][:-1, 1])
    # The mean measured gain is the gain: after `ahead` slots what was predicted is in the past.
    measured = 10 * torch.log10((10 ** (found["pilots"].double()[task.ahead :, -1] / 10)).mean(-1))
    promised = found["gain ahead"].double()[: -task.ahead, -1]
    assert found["pilots"].shape[1:] == (task.history, 2, SUBCARRIERS)
    assert (10 ** ((measured - promised) / 10)).mean().item() == pytest.approx(1.0, abs=0.05)
    moved = found["position"][1:] - found["position"][:-1]
    inside = ((moved - found["velocity"][1:]).abs() < 1e-3).double().mean()
    assert inside > 0.8, "a slot is a second; only walls make the difference"


def test_traffic_records_hold_what_comes():
    task = task_named("traffic", SMALL)
    found = fields(task, drawn_from("traffic", 2, 5).raw[1])
    assert torch.equal(found["load ahead"][: -task.ahead], found["load"][task.ahead :, -1])
    total = found["load"].sum(-1)
    assert total.min() >= 0.0
    assert total.max() <= 0.4 * SMALL.maps
    assert (found["load"] == 0).any(), "a cell may be empty"


def test_outage_is_told_by_the_slots_that_follow():
    task = task_named("fault", SMALL)
    found = fields(task, drawn_from("fault", 2, 5).raw[1])
    later = found["SINR of the link"][task.ahead :, -task.ahead :]
    assert torch.equal(found["outage"][: -task.ahead, 0], (later < OUTAGE_DB).any(-1).float())
    assert 0.1 < found["outage"].mean() < 0.9


def test_digits_held_out_are_nobody_s_data():
    task, drawn = task_named("digits"), drawn_from("digits", 2, 5)
    images = {row.tobytes() for row in drawn.raw[0].numpy()}
    assert not images & {row.tobytes() for row in drawn.held_out.numpy()}
    features, digits = task.split(drawn.held_out, drawn.scale)
    assert (features.min(), features.max()) == (0, 1)
    assert digits.unique().tolist() == list(range(10))


def test_scales_are_the_world_s():
    task = task_named("traffic", SMALL)
    drawn = drawn_from("traffic", 2, 5)
    features, targets = task.split(drawn.held_out, drawn.scale)
    assert features.mean().abs() < 0.2
    assert 0.7 < targets.square().mean() < 1.4, "Loss(0): about the variance"


def test_bad_tasks_are_refused_in_one_line(monkeypatch):
    with pytest.raises(ValueError, match="task 'weather': must be one of traffic, antenna, fault, digits"):
        task_named("weather")
    with pytest.raises(ValueError, match=r"task_size = 0 MB: must be above 0"):
        task_named("fault", PAPER.replace(task_size=0))
    with pytest.raises(ValueError, match="at most 100 MB"):
        task_named("fault", PAPER.replace(task_size=[1, 1e5]))
    with pytest.raises(ValueError, match="no fixed positions"):
        task_named("fault", Scenario.load("city"))
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(ValueError, match=r"digits: scikit-learn is missing; pip install 'twinoffload\[twin\]'"):
        task_named("digits")
