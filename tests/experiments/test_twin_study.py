"""Learning curves as a table of a study."""

import sys
from dataclasses import replace

import polars as pl
import pytest

from twinoffload.experiments import execution, twin_study
from twinoffload.experiments.measure_settings import FULL, QUICK
from twinoffload.experiments.measures import write_tables
from twinoffload.experiments.twin_study import measure, steps

TINY = replace(QUICK, curve_sizes=2, curve_seeds=1)


def test_the_table_is_written_by_task_and_structure(tmp_path, monkeypatch):
    monkeypatch.setattr(twin_study, "NAMES", ("digits",))
    monkeypatch.setattr(execution, "on_cores", lambda compute, workers: execution.here(compute))
    told = []
    (path,) = write_tables(tmp_path, (twin_study,), TINY, told.append)
    table = pl.read_csv(path)
    assert path.name == "learning_curves.csv"
    assert told == ["digits, small", "digits, large"]
    assert table.select("structure", "seed", "records").rows() == [
        ("small", 0, 14), ("small", 0, 1400), ("large", 0, 14), ("large", 0, 1400)
    ]  # fmt: skip
    assert table["data_mb"].to_list() == pytest.approx([0.00364, 0.364] * 2)
    assert table.filter(records=1400)["accuracy"].min() > 0.6
    assert not table["diverged"].any()


def test_full_curves_have_sizes_and_seeds_enough():
    assert steps(FULL) == steps(QUICK) == 8
    assert (FULL.curve_sizes, FULL.curve_seeds) == (12, 10)


def test_a_missing_package_is_told_before_any_work(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    monkeypatch.setattr(execution, "on_cores", lambda compute, workers: pytest.fail("worked"))
    with pytest.raises(ValueError, match="scikit-learn is missing"):
        measure(TINY)
