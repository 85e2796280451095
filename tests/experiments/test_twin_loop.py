"""The loop's curves, seeds and summary; twins that follow a law in the place of trained ones."""

from functools import partial

import numpy as np
import polars as pl
import pytest

import known_twins
from twinoffload import Scenario
from twinoffload.experiments import execution, twin_loop
from twinoffload.experiments.execution import here
from twinoffload.experiments.measure_settings import QUICK
from twinoffload.experiments.twin_loop import (
    OPERATOR,
    REALISED,
    curves_of,
    measure_curves,
    prepare,
    run,
    steps,
    summary,
)
from twinoffload.report import twin_loop as told
from twinoffload.twin.beliefs import CALIBRATED, LAW, PRINTED, beliefs
from twinoffload.twin.curves import log_sizes
from twinoffload.twin.loop import MEASURED, OWN, play_seed
from twinoffload.twin.tasks.registry import task_named

PAPER = Scenario.load("paper")


@pytest.fixture
def exactly(monkeypatch):
    """Nothing is trained, and everything in this process."""
    monkeypatch.setattr(execution, "on_cores", lambda compute, workers: here(compute))
    monkeypatch.setattr(twin_loop, "play_seed", partial(play_seed, train=known_twins.train))
    monkeypatch.setattr(twin_loop, "learning_curves", known_twins.learning_curves)


def test_losses_are_those_of_wrong_laws_alone(exactly):
    loop = prepare(PAPER, "traffic", slots=2)
    said = []
    curves = measure_curves(loop, 12, 2, said.append)
    table = run(loop, beliefs(loop.scenario, curves, loop.structures), 6, said.append)
    assert said == ["curve of traffic, small", "curve of traffic, large", *(f"traffic, seed {k}" for k in range(6))]
    rows = {(row.belief, row.bought_by): row for row in summary(table)}
    assert list(rows) == [(PRINTED, OWN), (PRINTED, MEASURED), (CALIBRATED, OWN), (CALIBRATED, MEASURED), (LAW, OWN)]
    assert rows[LAW, OWN].operator_loss == rows[LAW, OWN].map_loss == (0.0, 0.0, 0.0)
    for belief in (PRINTED, CALIBRATED):
        assert rows[belief, OWN].map_loss.low > 0.0
        assert rows[belief, MEASURED].operator_loss.low > -1e-9
    first = table.filter(pl.col("seed") == 0, pl.col("belief") == PRINTED, pl.col("bought_by") == OWN)
    assert first.group_by("slot").agg(pl.col("profit_money").sum())["profit_money"].mean() > 0.0
    means = rows[PRINTED, OWN].values
    loss = rows[LAW, OWN].values[OPERATOR].median - means[OPERATOR].median
    assert rows[PRINTED, OWN].operator_loss.low <= loss <= rows[PRINTED, OWN].operator_loss.high
    assert means[REALISED].low <= means[REALISED].median <= means[REALISED].high
    accuracies, *costs = told.sentences(list(rows.values()))
    assert "medians over 6 seeds" in accuracies
    assert len(costs) == 2
    assert all("an mAP" in cost and "less [" in cost for cost in costs)
    assert "<svg" in told.svg(table, list(rows.values()))


def test_a_slot_without_a_solution_is_left_out_for_all():
    def rows(belief, values, bought_by=OWN):
        return [("t", belief, bought_by, 0, slot, *[value] * 7) for slot, value in enumerate(values)]

    columns = ["task", "belief", "bought_by", "seed", "slot", *twin_loop.MEANS, "profit_money"]
    table = pl.DataFrame([*rows(PRINTED, [1.0, np.nan]), *rows(LAW, [3.0, 100.0])], schema=columns, orient="row")
    wrong, right = summary(table)
    assert (wrong.values[REALISED].median, right.values[REALISED].median) == (1.0, 3.0)
    assert wrong.map_loss.median == 2.0


def test_bss_deploy_small_and_large_in_turn():
    assert prepare(PAPER.replace(stations=3), "fault").structures == ("small", "large", "small")
    with pytest.raises(ValueError, match="beyond enumeration"):
        prepare(PAPER.replace(maps=30), "fault")


def test_curves_of_a_file_are_the_loop_s_or_refused(tmp_path):
    loop = prepare(PAPER, "fault")
    file = tmp_path / "curves.csv"
    rows = [f"{task},small,{z},{0.1 * z}" for task in ("fault", "traffic") for z in (1, 2, 4, 5)]
    file.write_text("task,structure,data_mb,accuracy\n" + "\n".join(rows))
    with pytest.raises(
        ValueError, match=r"curves.csv: has no curve of fault, large, only fault, small; traffic, small"
    ):
        curves_of(file, loop)
    rows += [f"fault,large,{z},{0.12 * z - 0.2}" for z in (1, 2, 4, 5)]
    file.write_text("task,structure,data_mb,accuracy\n" + "\n".join(rows))
    found = curves_of(file, loop)
    assert list(found) == ["small", "large"]
    assert found["large"].means[0] == 0.0, "worse than no model counts as none"


def test_curves_come_from_worlds_that_are_not_played():
    with pytest.raises(ValueError, match="at most 1000"):
        measure_curves(prepare(PAPER, "fault"), 12, 1001)


def test_the_study_s_table_has_every_task(exactly):
    labels = []
    table = twin_loop.measure(QUICK, labels.append)
    assert table["task"].unique(maintain_order=True).to_list() == ["traffic", "antenna", "fault"]
    assert len(labels) == steps(QUICK)
    assert len(summary(table)) == 15
    assert min(log_sizes(task_named("fault"), 4)) > 0.0
