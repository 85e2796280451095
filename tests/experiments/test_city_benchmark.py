"""The city benchmark measures what it says, on cities small enough for a test."""

import polars as pl
import pytest
import torch

from twinoffload import Scenario
from twinoffload.equilibrium.city.sweeps import SWEEP_LIMIT
from twinoffload.experiments.benchmarks import city as benchmark
from twinoffload.experiments.benchmarks.city import city_links, exponent, timings


def test_a_city_of_a_scenario():
    scenario = Scenario.load("open").replace(height=50.0)
    market, links = city_links(scenario, 400, 10, k=3)
    made, _ = scenario.replace(
        maps=400, stations=40, candidates=3, station_layout="scattered", density=16.0
    ).sample_city()
    assert (links.maps, links.stations, links.pairs) == (400, 40, 1200)
    assert market.price_cap is None
    n, m = 7, int(links.station[links.offset[7]])
    distance = torch.sqrt((made.maps[n] - made.stations[m]).square().sum() + 50.0**2)
    assert links.gain[links.offset[7]] == pytest.approx(float(scenario.path_loss.gain(distance)), rel=1e-12)


def test_timings_are_rows_of_what_happened():
    seen = []
    table = timings(Scenario.load("paper"), (200, 800), each=seen.append)
    assert seen == ["N=200", "N=800"]
    assert table["pairs"].to_list() == [800, 3200]
    for row in table.to_dicts():
        assert row["status"] == "converged"
        assert row["largest_regret"] <= 1e-11
        assert 1.0 <= row["evaluations_per_pair"] < row["sweeps"] < SWEEP_LIMIT
        assert 0.0 < row["logarithm_limit_share"] < 1.0
        assert 0.0 < row["memory_limit_share"] < 1.0
        assert 0.0 < row["peak_memory_gb"] < 4.0


def test_the_exponent_is_the_slope():
    table = pl.DataFrame({"maps": [10, 100, 1000], "pairwise_s": [2.0, 16.0, 128.0]})
    assert exponent(table) == pytest.approx(0.90309, abs=1e-5)


def test_gaps_are_those_of_the_outcomes(monkeypatch):
    monkeypatch.setattr(benchmark, "CERTIFIED", ((60, 2, 3, True), (60, 2, 3, False)))
    table = benchmark.gaps(Scenario.load("city"), seconds=2.0)
    for row in table.to_dicts():
        assert 0 <= row["gap"] == pytest.approx(row["bound"] / row["operator_utility"] - 1)
        assert row["gap"] < 0.2
    assert table["operator_utility"][1] >= table["operator_utility"][0] * 0.99  # silence helps
