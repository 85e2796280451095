"""`solve`, `gains` and `presets`: what is printed is what the library finds."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch

from checks import market_of
from strategies import infeasible
from twinoffload import Scenario, solve
from twinoffload.cli import main
from twinoffload.cli.console import number, output
from twinoffload.cli.solution import MEANING, UNITS, check, document, show
from twinoffload.cli.solve import Concept
from twinoffload.equilibrium.dispatch import CONCEPTS
from twinoffload.network.gain_file import Gains, read_gains

EXAMPLE = Path(__file__).parents[2] / "examples" / "gains.csv"
HEAD = "map,station,gain\n"
FIELDS = {
    "data": "data",
    "rate": "rate",
    "accuracy": "accuracy",
    "delay": "delay",
    "utility": "map_utility",
    "regret": "regret",
}


def run(capfd, *arguments: object) -> str:
    """Standard output of a command that succeeds and says nothing else."""
    with pytest.raises(SystemExit) as caught:
        main([str(argument) for argument in arguments])
    out, err = capfd.readouterr()
    assert (caught.value.code, err) == (0, "")
    return out


def solve_json(capfd, *arguments: object) -> dict:
    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is not JSON")

    return json.loads(run(capfd, "solve", "--json", *arguments), parse_constant=refuse)


def agree(found: dict, outcome, gains: Gains, raw_data: float) -> None:
    """The document says what the outcome says, to the last bit."""
    assert found["concept"] == outcome.concept
    assert found["units"] == UNITS
    assert [s["snapshot"] for s in found["snapshots"]] == list(gains.snapshots)
    for s, snapshot in enumerate(found["snapshots"]):
        assert snapshot["status"] == outcome.status[s]
        assert snapshot["operator_utility"] == outcome.operator_utility[s].item()
        assert snapshot["bound"] == (None if outcome.bound[s].isnan() else outcome.bound[s].item())
        assert snapshot["sweeps"] == outcome.sweeps[s].item()
        assert [row["map"] for row in snapshot["maps"]] == list(gains.maps) == list(snapshot["prices"])
        for n, row in enumerate(snapshot["maps"]):
            m = outcome.association[s, n].item()
            assert row["station"] == (None if m < 0 else gains.stations[m])
            assert row["price"] == (None if m < 0 else outcome.price[s, n, m].item())
            for key, field in FIELDS.items():
                assert row[key] == getattr(outcome, field)[s, n].item()
            assert row["sampling_rate"] == row["data"] / raw_data
            prices = [p if math.isfinite(p) else None for p in outcome.price[s, n].tolist()]
            assert snapshot["prices"][row["map"]] == dict(zip(gains.stations, prices, strict=True))


@pytest.mark.parametrize("concept", ["pairwise", "posted", "admission"])
def test_gains_drawn_and_solved_are_the_librarys_own(capfd, tmp_path, concept):
    path = tmp_path / "drawn.csv"
    run(capfd, "gains", "--scenario", "open", "--count", "4", "--seed", "3", "--out", path)
    scenario = Scenario.load("open")
    gain = scenario.sample_gain(4, seed=3)
    found = solve_json(capfd, "--gain", path, "--scenario", "open", "--concept", concept)
    gains = Gains(gain, ("0", "1", "2", "3"), ("map-1", "map-2", "map-3", "map-4"), ("bs-1", "bs-2"))
    assert torch.equal(read_gains(path).gain, gain)
    agree(found, solve(scenario.market(), gain, concept=concept), gains, 5.0)
    assert found["scenario"] == "open"


@pytest.mark.parametrize(("maps", "stations"), [(3, 3), (1, 1), (5, 2), (1, 4)])
def test_sizes_come_from_the_file_and_values_alternate(capfd, tmp_path, maps, stations):
    generator = torch.Generator().manual_seed(maps)
    gain = 10 ** (-8 - 2 * torch.rand(1, maps, stations, dtype=torch.float64, generator=generator))
    rows = [f"{n},{m},{gain[0, n, m].item()!r}\n" for n in range(maps) for m in range(stations)]
    path = tmp_path / "gains.csv"
    path.write_text(HEAD + "".join(rows))
    market = Scenario.load("paper").replace(maps=maps, stations=stations).market()
    assert market.cycles.tolist() == [(1.6, 2.1)[n % 2] for n in range(maps)]
    assert market.quality.tolist() == [(0.64, 0.84)[m % 2] for m in range(stations)]
    gains = Gains(gain, ("0",), tuple(map(str, range(maps))), tuple(map(str, range(stations))))
    agree(solve_json(capfd, "--gain", path), solve(market, gain), gains, 5.0)


def test_posted_and_paper_are_the_defaults(capfd):
    found = solve_json(capfd, "--gain", EXAMPLE)
    assert (found["concept"], found["scenario"]) == ("posted", "paper")
    assert found == solve_json(capfd, "--gain", EXAMPLE, "--concept", "posted", "--scenario", "paper")


def test_decibels_shuffled_rows_and_one_snapshot_give_the_same_answer(capfd, tmp_path):
    plain = solve_json(capfd, "--gain", EXAMPLE)
    head, *rows = EXAMPLE.read_text().splitlines()
    shuffled, decibel = tmp_path / "shuffled.csv", tmp_path / "decibel.csv"
    shuffled.write_text("\n".join([head, *reversed(rows)]))
    assert solve_json(capfd, "--gain", shuffled) == plain
    cells = [row.rsplit(",", 1) for row in rows]
    decibel.write_text("\n".join([head + "_db", *(f"{ids},{10 * math.log10(float(h))!r}" for ids, h in cells)]))
    for one, other in zip(solve_json(capfd, "--gain", decibel)["snapshots"], plain["snapshots"], strict=True):
        assert one["operator_utility"] == pytest.approx(other["operator_utility"], rel=1e-9)
        assert [row["station"] for row in one["maps"]] == [row["station"] for row in other["maps"]]
    assert solve_json(capfd, "--gain", EXAMPLE, "--snapshot", "1")["snapshots"] == plain["snapshots"][1:2]


def test_a_pair_out_of_reach_is_never_chosen(capfd, tmp_path):
    path = tmp_path / "gains.csv"
    path.write_text(HEAD + "car-1,east,1e-9\ncar-1,west,1e-9\nvan-2,west,2e-9\n")
    for concept in ("pairwise", "posted", "admission"):
        (snapshot,) = solve_json(capfd, "--gain", path, "--concept", concept)["snapshots"]
        assert snapshot["maps"][1]["station"] == "west"
        assert snapshot["maps"][0]["station"] == "east"
        assert snapshot["maps"][1]["data"] > 0


def test_an_map_that_is_off_has_no_station(capfd, tmp_path):
    scenario, path = tmp_path / "silent.yaml", tmp_path / "gains.csv"
    scenario.write_text("extends: paper\nname: silent\nidle_interferes: false\n")
    path.write_text(HEAD + "near,1,1e-8\nfar,1,1e-15\n")
    arguments = ("--gain", path, "--scenario", scenario)
    far, near = solve_json(capfd, *arguments)["snapshots"][0]["maps"]
    assert (far["station"], far["price"], far["data"], far["utility"]) == (None, None, 0, 0)
    assert near["station"] == "1"
    assert "far  - (off)" in run(capfd, "solve", *arguments)


def plain(text: str) -> list[str]:
    """Lines of 80 columns at most, without colour or frames."""
    lines = text.splitlines()
    assert all(len(line) <= 80 for line in lines)
    assert not any("\u2500" <= c <= "\u257f" or c == "\x1b" for c in text)
    return lines


def test_the_tables(capfd, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    lines = plain(run(capfd, "solve", "--gain", EXAMPLE))
    outcome = solve(Scenario.load("paper").market(), read_gains(EXAMPLE).gain)
    assert lines[0] == "posted, scenario paper (cap 1.25 money/MB): 4 mAPs, 2 BSs, 3 snapshots"
    for s in range(3):
        start = lines.index(f"Snapshot {s}: operator utility {outcome.operator_utility[s]:.4f} money, optimal")
        for n in range(4):
            m = outcome.association[s, n]
            cells = lines[start + 3 + n].split()
            assert cells[:2] == [f"map-{n + 1}", f"bs-{m + 1}"]
            assert cells[2] == f"{outcome.price[s, n, m]:.4f}"
            assert cells[3] == f"{outcome.data[s, n]:.3f}"
            assert cells[7] == f"{outcome.map_utility[s, n]:.4f}"
        assert lines[start + 8] == "Prices in money/MB (-: not offered)"
        assert lines[start + 10].split() == ["map-1", *(f"{p:.4f}" for p in outcome.price[s, 0])]
    assert f"operator utility, money {outcome.operator_utility.mean():.4f}" in lines
    assert "Not everything is shown; --json gives all of it." not in lines


def test_many_snapshots_are_summed_up(capfd, tmp_path):
    path = tmp_path / "drawn.csv"
    run(capfd, "gains", "--count", "20", "--out", path)
    lines = plain(run(capfd, "solve", "--gain", path, "--concept", "pairwise"))
    assert sum(line.startswith("Snapshot ") for line in lines) == 3
    assert "All 20 snapshots: converged 20" in lines
    assert lines[-1] == "Not everything is shown; --json gives all of it."


def partly_solved(names: tuple[str, ...]) -> tuple:
    """Three snapshots: converged, a cycle and one without a solution."""
    scenario = Scenario.load("private").replace(raw_data="uniform")
    gain = scenario.sample_gain(3)
    outcome = solve(scenario.market(), gain, "pairwise")
    emptied = {}
    for name in ("price", "data", "rate", "accuracy", "delay", "map_utility", "regret", "operator_utility"):
        emptied[name] = getattr(outcome, name).clone()
        emptied[name][2] = math.nan
    association = outcome.association.clone()
    association[2] = -1
    outcome = dataclasses.replace(
        outcome, status=np.array(["converged", "cycle", "infeasible"]), association=association, **emptied
    )
    return scenario, scenario.market(), Gains(gain, ("0", "1", "2"), names, ("x" * 50, "é")), outcome


def test_what_is_not_solved_is_told_in_plain_words(capfd):
    show(output(), *partly_solved(("a" * 60, "b", "c", "d")))
    text = capfd.readouterr().out
    lines = plain(text)
    assert "Snapshot 2: infeasible, no solution" in lines
    assert "All 3 snapshots: converged 1, cycle 1, infeasible 1" in lines
    assert any("private stands at its mean" in line for line in lines)
    for status in ("converged", "cycle", "infeasible"):
        assert MEANING[status] in " ".join(text.split())
    assert "nan" not in text


def test_json_has_null_where_there_is_no_number(capfd):
    scenario, market, gains, outcome = partly_solved(("a", "b", "c", "d"))
    found = json.loads(document(scenario, market, gains, outcome))["snapshots"]
    assert [s["operator_utility"] is None for s in found] == [False, False, True]
    for row in found[2]["maps"]:
        assert {key: value for key, value in row.items() if key != "map"} == dict.fromkeys(list(row)[1:])
    assert set(found[2]["prices"]["a"].values()) == {None}


def test_a_large_market_fits_80_columns(capfd, tmp_path):
    path = tmp_path / "gains.csv"
    rows = [f"mAP number {n},station number {m},{1e-9 * (1 + (n * m) % 7)!r}\n" for n in range(40) for m in range(9)]
    path.write_text(HEAD + "".join(rows))
    lines = plain(run(capfd, "solve", "--gain", path, "--concept", "pairwise"))
    assert lines.count("... and 10 more mAPs") == 2
    assert "... and 3 more BSs" in lines


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (math.nan, "-"),
        (math.inf, "-"),
        (0.0, "0.000"),
        (-1e-17, "0.000"),
        (1e-5, "1.0e-05"),
        (0.25, "0.250"),
        (-3.0, "-3.000"),
        (12345.678, "12345.7"),
        (2e7, "2.0e+07"),
    ],
)
def test_numbers_for_people(value, shown):
    assert number(value) == shown


def test_every_concept_of_the_library_is_offered():
    assert get_args(Concept) == CONCEPTS


# gains and presets


def test_the_example_is_what_its_command_makes(capfd, tmp_path):
    path = tmp_path / "gains.csv"
    told = run(capfd, "gains", "--scenario", "paper", "--count", "3", "--seed", "0", "--out", path)
    assert told == f"{path}: 24 gains of scenario paper, seed 0\n"
    assert path.read_bytes() == EXAMPLE.read_bytes()
    path.write_text("other")
    run(capfd, "gains", "--count", "3", "--out", path, "--force")
    assert path.read_bytes() == EXAMPLE.read_bytes()


def test_presets_are_listed_and_printed(capfd, tmp_path):
    listed = plain(run(capfd, "presets"))
    assert [line.split()[0] for line in listed if not line.startswith(" ")] == ["paper", "open", "private", "city"]
    for name in ("paper", "open", "private", "city"):
        path = tmp_path / f"{name}.yaml"
        path.write_text(run(capfd, "presets", name))
        assert Scenario.load(path) == Scenario.load(name)


def test_certify_tells_deviations_and_the_other_equilibria(capfd):
    document = json.loads(run(capfd, "solve", "--gain", EXAMPLE, "--certify", "--json"))
    for snapshot in document["snapshots"]:
        found, rest = snapshot["certificate"], snapshot["equilibria_at_these_prices"]
        assert 0 <= found["map_deviation"] < 1e-9
        assert found["operator_deviation"] < 1e-9
        assert found["prices_tried"] > 100
        assert rest["count"] >= 1
        best = snapshot["operator_utility"]
        assert rest["operator_worst"] <= best + 1e-9
        assert rest["operator_best"] == pytest.approx(best)
    text = run(capfd, "solve", "--gain", EXAMPLE, "--certify", "--snapshot", "0")
    assert "Checked by dense search" in text
    assert "worst of 2 equilibria" in text


def test_certify_of_an_infeasible_snapshot_is_null():
    instance = infeasible()
    market = market_of(instance)
    gains = Gains(torch.tensor([instance.gain], dtype=torch.float64), ("0",), ("a", "b", "c"), ("x", "y"))
    outcome = solve(market, gains.gain, "posted")
    assert outcome.status.tolist() == ["infeasible"]
    checked = check(market, gains, outcome)
    found = json.loads(document(Scenario.load("paper"), market, gains, outcome, checked))["snapshots"][0]
    assert found["certificate"]["map_deviation"] is None
    assert found["certificate"]["operator_deviation"] is None
    show(output(), Scenario.load("paper"), market, gains, outcome, checked)


def test_algorithm_1_tells_its_steps_and_their_limits(capfd):
    document = json.loads(run(capfd, "solve", "--gain", EXAMPLE, "--concept", "gradient", "--json"))
    for snapshot in document["snapshots"]:
        for name in ("price_step", "data_step"):
            assert 0 < snapshot[name]["taken"] <= snapshot[name]["local_limit"]


def test_certify_where_associations_are_too_many_to_enumerate(capfd, tmp_path):
    path = tmp_path / "gains.csv"
    path.write_text(HEAD + "".join(f"{n},{m},{1e-9 * (n + m + 1)!r}\n" for n in range(24) for m in range(2)))
    words = "solve", "--gain", path, "--certify"
    assert "too many associations to list" in run(capfd, *words, "--concept", "pairwise")
    document = json.loads(run(capfd, *words, "--concept", "pairwise", "--json"))
    assert "equilibria_at_these_prices" not in document["snapshots"][0]
    assert document["snapshots"][0]["certificate"]["map_deviation"] < 1e-9
