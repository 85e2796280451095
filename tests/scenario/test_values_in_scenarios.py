"""Values that are lists, rows, arrays, or stand in another file."""

import re

import numpy as np
import polars as pl
import pytest
import torch

from twinoffload import Scenario, solve
from twinoffload.learning.run_folder import RunFolder
from twinoffload.learning.training import TrainSettings
from twinoffload.scenario.derived import uneven

PAPER = Scenario.load("paper")
ROWS = [[1.0, 2.0], [1.5, 2.5], [2.0, 3.0], [2.5, 3.5]]


@pytest.mark.parametrize(
    "power",
    [
        [0.1, 0.2, 0.3, 0.4],
        (0.1, 0.2, 0.3, 0.4),
        np.array([0.1, 0.2, 0.3, 0.4]),
        torch.tensor([0.1, 0.2, 0.3, 0.4], dtype=torch.float64),
        [np.float64(0.1), torch.tensor(0.2, dtype=torch.float64), np.array(0.3), 0.4],
    ],
)
def test_a_value_for_each_map_comes_as_any_array(power, tmp_path):
    scenario = PAPER.replace(power=power)
    assert scenario.power == (0.1, 0.2, 0.3, 0.4)
    assert scenario.market().power.tolist() == [0.1, 0.2, 0.3, 0.4]
    scenario.save(tmp_path / "it.yaml")
    assert Scenario.load(tmp_path / "it.yaml") == scenario
    assert Scenario.model_validate_json(scenario.model_dump_json()) == scenario


def test_lists_repeat_and_uneven_ones_are_told():
    scenario = PAPER.replace(maps=5, cycles=[1.0, 2.0], power=[0.1] * 7, quality=[0.5])
    assert scenario.market().cycles.tolist() == [1.0, 2.0, 1.0, 2.0, 1.0]
    assert uneven(scenario) == [
        "power: lists 7 values for 5 mAPs; those after 5 are not used",
        "cycles: lists 2 values for 5 mAPs; the last round of them is cut short",
    ]
    assert uneven(PAPER) == []
    assert uneven(PAPER.replace(cycles=[[1.0, 2.0, 3.0]])) == [
        "cycles: lists 3 values for 2 BSs; those after 2 are not used"
    ]


@pytest.mark.parametrize("rows", [ROWS, np.array(ROWS), torch.tensor(ROWS, dtype=torch.float64)])
def test_cycles_of_each_pair_reach_the_game(rows, tmp_path):
    scenario = PAPER.replace(cycles=rows)
    market, gain = scenario.market(), scenario.sample_gain(3)
    assert market.cycles.tolist() == ROWS
    outcome = solve(market, gain, "pairwise")
    cycles = market.cycles.expand(3, 4, 2).gather(-1, outcome.association.unsqueeze(-1)).squeeze(-1)
    expected = outcome.data / outcome.rate + cycles * outcome.data / 20.0
    torch.testing.assert_close(outcome.delay, expected)
    scenario.save(tmp_path / "it.yaml")
    assert Scenario.load(tmp_path / "it.yaml") == scenario


def test_rows_repeat_along_both_axes():
    assert PAPER.replace(cycles=[[1.0], [2.0]]).market().cycles.tolist() == [[1.0, 1.0], [2.0, 2.0]] * 2


def test_learners_and_their_shared_policy_take_cycles_of_each_pair(tmp_path):
    learner = {"algorithm": "sac", "batch": 8}
    settings = TrainSettings.model_validate(
        {"episodes": 1, "environments": 2, "warmup": 2, "replay": 200, "followers": "shared",
         "operator": learner, "maps": learner}
    )  # fmt: skip
    rows = []
    trainer = RunFolder.create(tmp_path / "run", PAPER.replace(cycles=ROWS, slots=4), settings, [0]).train(rows.extend)
    assert np.isfinite(rows[0]["operator_utility_money"])
    assert trainer.agents.encoder.own.shape == (4, 2)


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("cycles", [[1.0, 2.0], [1.0]], "must be rows of equal length"),
        ("cycles", [1.0, [2.0]], "must be rows of equal length"),
        ("cycles", [[]], "must be rows of equal length"),
        ("cycles", [[1.0, -1.0]], "must be in [0, 10000]"),
        ("cycles", [[[1.0]]], "valid number"),
        ("power", [], "at least one value"),
        ("power", [[1.0]], "valid number"),
        ("power", np.array([0.1, 0.0]), "must be in (0, 100]"),
        ("power", np.array([True, False]), "not true or false"),
        ("accuracy_value", [1e7], "must be in (0, 1e6]"),
    ],
)
def test_bad_values_are_refused_in_one_line(field, value, told):
    with pytest.raises(ValueError, match=rf"^scenario paper: {field}[^\n]*{re.escape(told)}[^\n]*$"):
        PAPER.replace(**{field: value})


@pytest.fixture
def folder(tmp_path):
    pl.DataFrame({"map": ["car-10", "car-2", "car-1", "car-3"], "power_w": [0.4, 0.2, 0.1, 0.3], "who": list("abcd")}
                 ).write_csv(tmp_path / "maps.csv")  # fmt: skip
    pl.DataFrame({"mhz": [7, 5]}).write_parquet(tmp_path / "stations.parquet")
    np.savez(tmp_path / "pairs.npz", cycles=np.array(ROWS))
    return tmp_path


def load(folder, lines):
    (folder / "mine.yaml").write_text(f"extends: paper\n{lines}\n")
    return Scenario.load(folder / "mine.yaml")


def test_values_come_from_files_beside_the_scenario(folder, monkeypatch):
    monkeypatch.chdir("/")
    scenario = load(folder, "power: {file: maps.csv, column: power_w}\nbandwidth: {file: stations.parquet, column: mhz}"
                            "\ncycles: {file: pairs.npz, column: cycles}")  # fmt: skip
    assert scenario.power == (0.1, 0.2, 0.3, 0.4), "in the order in which gains have the mAPs"
    assert scenario.bandwidth == (7.0, 5.0), "in the order of the rows"
    assert scenario.cycles == tuple(map(tuple, ROWS))
    assert Scenario.model_validate(scenario.model_dump()) == scenario, "a scenario holds the values themselves"


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ("power: {file: none.csv, column: power_w}", "no such file"),
        ("power: {file: maps.csv, column: watts}", "there is none; columns are map, power_w"),
        ("power: {file: maps.csv, column: who}", "column who: holds something else than finite numbers"),
        ("power: {file: maps.csv}", "must be {file: PATH, column: NAME}"),
        ("power: {file: maps.csv, column: power_w, unit: W}", "must be {file: PATH, column: NAME}"),
        ("cycles: {file: pairs.npz, column: cycle}", "there is none; arrays are cycles"),
        ("power: {file: pairs.npz, column: cycles}", "power"),
        ("side: {file: maps.csv, column: power_w}", "side"),
        ("power: {file: mine.yaml, column: power_w}", "column power_w: cannot be read"),
        ("power: {file: stations.parquet, column: mhz}\nside: 0", "side = 0"),
    ],
)
def test_bad_files_of_values_are_refused_in_one_line(folder, lines, told):
    with pytest.raises(ValueError, match=rf"^scenario [^\n]*mine\.yaml: [^\n]*{re.escape(told)}[^\n]*$"):
        load(folder, lines)


def test_a_table_that_names_somebody_twice_or_lacks_a_value_is_refused(folder):
    (folder / "maps.csv").write_text("map,power_w\n1,0.1\n1,0.2\n")
    with pytest.raises(ValueError, match="column map: must name each map once"):
        load(folder, "power: {file: maps.csv, column: power_w}")
    (folder / "maps.csv").write_text("map,power_w\n1,0.1\n2,\n")
    with pytest.raises(ValueError, match="holds something else than finite numbers"):
        load(folder, "power: {file: maps.csv, column: power_w}")
