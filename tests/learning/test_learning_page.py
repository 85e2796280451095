"""docs/learning.md explains every metric that training writes and every measure of an evaluation, and nothing else."""

import importlib
import pkgutil
import re
from pathlib import Path

import polars as pl
import pytest
from pydantic import ValidationError

from twinoffload import Scenario, learning
from twinoffload.experiments.comparison import compare, held_out, reference_names, references, summarise
from twinoffload.files import LOCK
from twinoffload.learning.amortised.settings import AmortisedSettings
from twinoffload.learning.run_folder import FILES, OLDER, RunFolder
from twinoffload.learning.settings import LearnerSettings
from twinoffload.learning.training import TrainSettings

PAGE = (Path(__file__).parents[2] / "docs" / "learning.md").read_text(encoding="utf-8")
SCENARIO = Scenario.load("paper").replace(slots=6)
AMORTISED = AmortisedSettings(width=8, rounds=1, episodes=1, updates=4, batch=4, examples=9, reply_width=8)


def explained(first_column: str) -> dict[str, list[str]]:
    """Rows of the page's table with this heading: every name in backticks of the first cell, and the other cells."""
    table = re.search(rf"^\| {first_column} \|.*\n\|[-|]+\n((?:\|.*\n)+)", PAGE, re.MULTILINE)
    assert table, f"the page has no table of a {first_column}"
    rows = [re.split(r"(?<!\\)\|", line.strip("|\n")) for line in table[1].splitlines()]
    return {name: cells for first, *cells in rows for name in re.findall(r"`([\w.]+)`", first)}


def algorithms() -> list[type[LearnerSettings]]:
    """Settings of every algorithm that the package has, whichever those are, and that the loop accepts."""
    for module in pkgutil.iter_modules(learning.__path__, "twinoffload.learning."):
        importlib.import_module(module.name)
    found = []
    for kind in LearnerSettings.__subclasses__():
        try:
            settings_of(kind, 0.0)
        except ValidationError:
            continue
        found.append(kind)
    return found


def settings_of(kind: type[LearnerSettings], discount: float) -> TrainSettings:
    learner = kind.model_validate({"batch": 8, "hidden": (8,), "discount": discount})
    small = {"episodes": 2, "environments": 2, "warmup": 2, "replay": 50}
    return TrainSettings.model_validate(small | {"operator": learner, "maps": learner})


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Columns that training writes, by kind and what changes them, and the files of the last run."""
    columns, run = {}, None
    for idle_interferes in (True, False):
        scenario = Scenario.load("private").replace(maps=2, slots=2, idle_interferes=idle_interferes)
        run = RunFolder.create(tmp_path_factory.mktemp("run"), scenario, AMORTISED, [0])
        run.train()
        columns["amortised", idle_interferes] = set(pl.read_parquet(run.path / "metrics.parquet").columns)
    for kind in algorithms():
        for discount in (0.0, 0.9):
            run = RunFolder.create(tmp_path_factory.mktemp("run"), SCENARIO, settings_of(kind, discount), [0])
            run.train()
            columns[kind.__name__, discount] = set(pl.read_parquet(run.path / "metrics.parquet").columns)
    assert run is not None
    return columns, {path.name for path in run.path.iterdir()}


def test_every_metric_that_training_writes_is_explained(written):
    columns, _ = written
    assert "SACSettings" in {name for name, _ in columns}
    metrics = explained("metric")
    for names in columns.values():
        assert names <= metrics.keys()
    assert set().union(*columns.values()) == metrics.keys(), "the page explains what nobody writes"
    for name, (unit, tells, *_, source) in metrics.items():
        assert unit.strip(), name
        assert tells.strip(), name
        assert source.strip() or name in ("episode", "seed"), name


def test_every_file_of_a_run_is_explained(written):
    told = explained("file").keys()
    assert told == {*FILES, *OLDER, LOCK, "tensorboard"}
    assert told - {*OLDER, LOCK} == written[1] - {*OLDER, LOCK}


def test_every_measure_of_evaluation_is_explained():
    table = compare(references(SCENARIO), held_out(SCENARIO, (0,), 1), (0,))
    rows = summarise(table)
    assert [row["scheme"] for row in rows] == list(reference_names(SCENARIO))
    measures = explained("measure")
    for row in rows:
        assert row.keys() - {"scheme", "observation"} == measures.keys()
    plain = {column.removesuffix("_money") for column in table.columns} - {"scheme", "observation", "seed", "regret"}
    assert plain == measures.keys()
    assert all(cell.strip() for cells in measures.values() for cell in cells)
