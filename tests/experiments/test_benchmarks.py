"""Benchmarks measure what they say, here on sizes small enough for a test; no test looks at a time."""

import json

import pytest

from twinoffload import Scenario
from twinoffload.cli import main
from twinoffload.experiments.benchmarks import equilibrium


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(equilibrium, "SIZES", ((2, 2), (3, 2)))
    monkeypatch.setattr(equilibrium, "GRADIENT_ITERATIONS", 2)


def test_every_concept_is_timed_at_every_size():
    told = []
    table = equilibrium.throughput(Scenario.load("paper"), seconds=0.01, each=told.append)
    assert table.height == len(told) == 2 * len(equilibrium.CONCEPTS)
    assert (table["snapshots_per_s"] > 0).all()
    assert set(table["concept"]) == set(equilibrium.CONCEPTS)


def test_peers_solve_the_same_problem():
    found = equilibrium.peers(Scenario.load("open"), count=12, scipy_count=3)
    assert found["algorithm_1_arrived"] == 1.0
    assert found["algorithm_1_same_association"] > 0.7
    assert found["scipy_same_association"] == 1.0
    for peer in ("algorithm_1", "scipy"):
        ratio = found["pairwise_per_s"] / found[f"{peer}_per_s"]
        assert found[f"times_faster_than_{peer}"] == pytest.approx(ratio)


def test_the_command_prints_tables_or_json(monkeypatch, capfd):
    monkeypatch.setattr(equilibrium, "throughput", lambda scenario, each: THROUGHPUT(scenario, 0.01, each))
    monkeypatch.setattr(equilibrium, "peers", lambda scenario: PEERS(scenario, 12, 1))
    for form in ([], ["--json"]):
        with pytest.raises(SystemExit) as stop:
            main(["bench", "equilibrium", *form])
        assert stop.value.code == 0
    out = capfd.readouterr().out
    shown, document = out.split("{", 1)
    assert "times scipy.optimize" in shown
    assert set(json.loads("{" + document)) == {"scenario", "threads", "throughput", "peers"}
    with pytest.raises(SystemExit) as stop:
        main(["bench", "speed"])
    assert stop.value.code == 2
    assert "'speed' is not one of 'equilibrium', 'city'" in capfd.readouterr().err


THROUGHPUT, PEERS = equilibrium.throughput, equilibrium.peers
