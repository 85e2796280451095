"""Training at the BSs: what can be learned is, what cannot is not, and nobody's model depends on the others'."""

from dataclasses import replace

import polars as pl
import pytest
import torch
from polars.testing import assert_frame_equal
from probes import Probe, coin, linear, nothing, sign

from twinoffload.twin import training
from twinoffload.twin.curves import learning_curves, log_sizes
from twinoffload.twin.descent import Training
from twinoffload.twin.models import LARGE, SMALL, Structure
from twinoffload.twin.training import Order, fulfil, train_at_stations

BRIEF = Training(iterations=100, check_every=20)
LINE = Structure("line", ())
FREE = Training(iterations=600, rate=1e-2, ridge=0.0)


@pytest.mark.parametrize("structure", [LINE, LARGE])
def test_what_can_be_learned_is_learned(structure):
    assert fulfil(Probe(linear), structure, [Order(0, 0, 2000)], FREE).accuracy.item() > 0.98
    assert fulfil(Probe(sign, classes=2), structure, [Order(0, 0, 2000)], FREE).accuracy.item() > 0.7


@pytest.mark.parametrize("structure", [SMALL, LARGE])
@pytest.mark.parametrize("task", [Probe(nothing), Probe(coin, classes=2)])
def test_noise_teaches_nothing(structure, task):
    orders = [Order(seed, 0, count) for seed in range(3) for count in (30, 300, 2000)]
    accuracy = fulfil(task, structure, orders, replace(FREE, iterations=200)).accuracy
    assert accuracy.max() < 0.02
    assert accuracy.view(3, 3)[:, -1].min() > -0.2, "and with enough data to check on, does little harm"


def test_records_learned_by_heart_are_not_praised():
    """A negative control: what is kept aside lies apart in time from what is trained on."""

    class Slow(Probe):
        def _made(self, records, generator):
            numbers = super()._made(records, generator)
            return numbers[::20].repeat_interleave(20, 0)[:records]  # twenty records in a row are the same

    assert fulfil(Slow(nothing, 1000), LARGE, [Order(0, 0, 1000)], FREE).accuracy.item() < 0.05


def test_a_stack_is_its_members_alone():
    task = Probe(linear, 500)
    orders = [Order(seed, stream, count) for seed in (0, 1) for stream in (0, 1) for count in (40, 200)]
    together = fulfil(task, LARGE, orders, BRIEF).accuracy
    alone = torch.cat([fulfil(task, LARGE, [order], BRIEF).accuracy for order in orders])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-4)
    assert torch.equal(together, fulfil(task, LARGE, orders, BRIEF).accuracy)
    assert len(set(together.tolist())) == len(orders)


def test_large_orders_are_split(monkeypatch):
    orders = [Order(seed, 0, count) for seed in (0, 1) for count in (50, 500, 1000)]
    whole = fulfil(Probe(linear), SMALL, orders, BRIEF).accuracy
    monkeypatch.setattr(training, "_STACKED", 2)
    torch.testing.assert_close(fulfil(Probe(linear), SMALL, orders, BRIEF).accuracy, whole, rtol=1e-4, atol=1e-4)


def test_a_diverged_run_is_told_and_still_has_a_model():
    found = fulfil(Probe(linear), SMALL, [Order(0, 0, 500)], replace(BRIEF, rate=float("inf")))
    assert found.diverged.tolist() == [True]
    assert found.accuracy.tolist() == [0.0], "the zero model, the last good one"
    assert not fulfil(Probe(linear), SMALL, [Order(0, 0, 500)], BRIEF).diverged.any()


def test_each_bs_trains_with_its_own_structure():
    task = Probe(linear)
    size = task.layout.data_mb(1)
    found = train_at_stations(
        task, [[500 * size, 100 * size, 0.0, 500 * size]], [[0, 1, 0, -1]], [SMALL, LARGE], 3, BRIEF
    )
    first = fulfil(task, SMALL, [Order(3, 0, 500)], BRIEF).accuracy
    second = fulfil(task, LARGE, [Order(3, 1, 100)], BRIEF).accuracy
    expected = torch.cat([first, second, torch.zeros(2)]).unsqueeze(0)
    torch.testing.assert_close(found, expected.double(), rtol=1e-4, atol=1e-4)


def test_without_data_there_is_no_accuracy():
    assert train_at_stations(Probe(linear), [0.0, 0.0], [0, 1], [SMALL, LARGE]).tolist() == [0.0, 0.0]
    assert fulfil(Probe(linear), SMALL, [Order(0, 0, 0), Order(0, 0, 1)], BRIEF).accuracy.tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    ("data", "association", "words"),
    [
        ([1.0], [0], r"data_mb\[0\] = 1: must be in \[0, 0.056\] MB, the raw stream of probe"),
        ([0.0, -0.01], [0, 0], r"data_mb\[1\] = -0.01: must be in"),
        ([float("nan")], [0], r"data_mb\[0\] = nan: must be in"),
        ([0.01], [2], "association: must be indices of the 2 BSs, or -1"),
        ([0.01], [0.0], "association: must be indices"),
        ([0.01, 0.01], [0], r"data_mb has shape \[2\], association \[1\]"),
    ],
)
def test_bad_orders_are_refused(data, association, words):
    with pytest.raises(ValueError, match=words):
        train_at_stations(Probe(linear), data, association, [SMALL, LARGE])


def test_curves_hold_what_was_measured():
    task = Probe(linear)
    sizes = log_sizes(task, 4)
    table = learning_curves(task, [SMALL, LINE], sizes, range(2), FREE)
    assert table.columns == ["task", "structure", "seed", "records", "data_mb", "accuracy", "diverged"]
    assert len(table) == 2 * 2 * 4
    assert table["records"].unique().sort().to_list() == [20, 93, 431, 2000]
    assert table["data_mb"].max() == pytest.approx(task.raw_mb)
    one = table.filter(structure="line", seed=1, records=431)["accuracy"].item()
    assert one == pytest.approx(fulfil(task, LINE, [Order(1, 0, 431)], FREE).accuracy.item(), abs=1e-4)
    means = table.filter(structure="small").group_by("records", maintain_order=True).agg(pl.col("accuracy").mean())
    assert means["accuracy"][0] < means["accuracy"][-1]
    assert_frame_equal(table, learning_curves(task, [SMALL, LINE], sizes, range(2), FREE))


@pytest.mark.parametrize("size", [0.0, 1.0, float("nan")])
def test_bad_sizes_are_refused(size):
    with pytest.raises(ValueError, match=r"size .* MB: must be above 0 and at most 0.056 MB, all of probe"):
        learning_curves(Probe(linear), [SMALL], [size], [0])
