"""Tables of a study that are measured: written whole, read back as they were."""

from datetime import date

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from twinoffload.experiments import measures, propositions
from twinoffload.experiments.measure_settings import FULL, QUICK, MeasureSettings
from twinoffload.experiments.measures import PROPOSITIONS, TIMING, TWIN, steps, write_tables

FEW = MeasureSettings(markets=6, points=33)


def test_a_table_is_read_back_as_it_was_measured(tmp_path):
    told = []
    (path,) = write_tables(tmp_path / "new" / "study", PROPOSITIONS, FEW, told.append)
    assert path == tmp_path / "new" / "study" / "propositions.csv"
    kept = pl.read_csv(path, infer_schema_length=None)
    assert_frame_equal(kept.drop("measured_on"), propositions.measure(FEW))
    assert kept["measured_on"].unique().to_list() == [date.today().isoformat()]
    assert len(told) == steps(PROPOSITIONS, FEW) == 2


def test_each_table_is_written_as_soon_as_it_is_measured(tmp_path):
    class Half:
        FILE = "half.csv"

        @staticmethod
        def steps(settings):
            return 1

        @staticmethod
        def measure(settings, each):
            if (tmp_path / "half.csv").exists():
                raise KeyboardInterrupt
            return pl.DataFrame({"repeat": [0]})

    with pytest.raises(KeyboardInterrupt):
        write_tables(tmp_path, (Half, Half))
    assert (tmp_path / "half.csv").read_text() == f"repeat,measured_on\n0,{date.today().isoformat()}\n"


def test_a_place_that_is_no_folder_is_refused_before_any_work(tmp_path, monkeypatch):
    monkeypatch.setattr(propositions, "measure", lambda settings, each: pytest.fail("worked"))
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="file: cannot be a folder"):
        write_tables(tmp_path / "file", PROPOSITIONS)


def test_steps_add_up_and_the_names_are_the_study_s():
    for settings in (FULL, QUICK):
        assert steps(TIMING, settings) == sum(one.steps(settings) for one in TIMING)
    names = ["decision_time.csv", "growth.csv", "propositions.csv", "learning_curves.csv", "twin_loop.csv"]
    assert list(measures.FILES) == [one.FILE for one in (*TIMING, *PROPOSITIONS, *TWIN)] == names
    assert measures.steps(()) == 0
