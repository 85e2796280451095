"""The learners' benchmark measures what it says, on sizes small enough for a test; no test looks at a time."""

import json
import math

import numpy as np
import polars as pl
import pytest
import torch

from twinoffload import Scenario
from twinoffload.cli import main
from twinoffload.experiments.benchmarks import learning, learning_bars, pendulum, phases, probes, tuning, updates
from twinoffload.experiments.benchmarks.bars import Bar
from twinoffload.learning.optimiser import Adam
from twinoffload.learning.train_settings import TrainSettings

PAPER = Scenario.load("paper")
SHORT = PAPER.replace(slots=4)
SETTINGS = TrainSettings.model_validate({"episodes": 1, "environments": 2, "warmup": 1, "replay": 100})


def test_a_bar_is_met_by_the_median_or_throughout():
    values = [0.9, 1.0, 1.1, 1.2, 1.3]
    assert Bar("a", values, 1.1).to_dict()["met"]
    assert not Bar("a", values, 1.15).to_dict()["met"]
    assert not Bar("a", values, 1.1, at_least=False, every=True).to_dict()["met"]
    assert Bar("a", values, 0.9, every=True).to_dict()["met"]
    assert not Bar("a", values, 0.95, every=True).to_dict()["met"]
    assert Bar("a", values).to_dict()["met"] is None


def test_flops_are_those_of_the_products_that_run():
    """Counted by torch while the update runs; a gradient through one column is elementwise, so not in it."""
    from torch.utils.flop_counter import FlopCounterMode

    members, observation, action, width, batch = 3, 5, 2, 32, 48
    peer = type("Peer", (), {"observation": observation, "action": action})()
    rows = 40
    peer.transitions = lambda: {
        "observation": torch.randn(rows, observation),
        "action": torch.rand(rows, action) * 2 - 1,
        "reward": torch.randn(rows),
        "next_observation": torch.randn(rows, observation),
    }
    update = updates.stacked(peer, updates.SEEDS * members, width, batch)
    with FlopCounterMode(display=False) as counter:
        update(1)
    elementwise = 2 * 2 * 2 * batch * width  # gradients of the last hidden layer, of both critics, twice
    counted = counter.get_total_flops() / (updates.SEEDS * members) + elementwise
    assert updates.update_flops(observation, action, width, batch) == pytest.approx(counted, rel=1e-12)


def test_throughput_is_of_all_agents_at_the_best_thread_counts(monkeypatch):
    for name, value in {"SEEDS": 2, "WIDTH": 8, "WIDE": 16, "STORED": 20, "MATRIX": 64}.items():
        monkeypatch.setattr(updates, name, value)
    monkeypatch.setattr(updates, "thread_counts", lambda: [1])
    monkeypatch.setattr(updates, "batches", lambda: (4, 8))
    told = []
    table, bars = updates.throughput(SHORT, seconds=0.01, each=told.append)
    assert table.height == len(told) == 6
    assert table.filter(pl.col("peer_updates_per_s").is_not_null())["batch"].to_list() == [4, 8] * 2
    assert set(table["members"]) == {2, 2 * SHORT.maps}
    assert (table["updates_per_s"] > 0).all()
    for batch, bound in ((4, updates.TIMES_FASTER), (8, None)):
        own = {bar.name.split(", ")[-1]: bar for bar in bars if f"batch {batch}," in bar.name}
        ratio = {agent: bar.values[0] for agent, bar in own.items()}
        assert min(ratio["operator"], ratio["map"]) <= ratio["all"] <= max(ratio["operator"], ratio["map"])
        assert own["all"].bound == bound
    shares = {bar.name.split(", ")[-1]: bar.values[0] for bar in bars if bar.name.startswith("share")}
    assert shares == dict(table.filter(width=16).select("agent", "matrix_share").iter_rows())


def test_batches_are_those_of_the_presets():
    assert updates.batches() == (64, 128)


def test_phases_add_up_and_leave_nothing_behind():
    before = Adam.step
    table, run = phases.phases(SHORT, SETTINGS, seeds=2, episodes=1)
    assert Adam.step is before
    assert table["share"].sum() == pytest.approx(1.0)
    assert {"actor", "critics", "optimiser", "environment, payoff", phases.REST} <= set(table["phase"])
    assert run["slot_s"] > 0


def test_the_final_observation_is_kept():
    info = {"final_obs": np.array([None, np.array([7.0, 8.0])], dtype=object)}
    seen = np.zeros((2, 2))
    np.testing.assert_array_equal(pendulum.following(seen, np.array([False, True]), info), [[0, 0], [7, 8]])
    assert not seen.any()


def test_the_loop_stores_transitions_that_follow_each_other():
    """Across the 200th step, at which Pendulum is cut off, the angle goes on and does not jump to a new start."""
    loop = pendulum.GymLoop(pendulum.TASK, pendulum.SETTINGS, [0, 1])
    stored = []
    loop.learner.update = lambda transition: stored.append(transition)
    loop.train(201, warmup=199)
    assert len(stored) == 2
    rows = stored[-1]
    turned = torch.atan2(rows.next_observation[..., 1], rows.next_observation[..., 0]) - torch.atan2(
        rows.observation[..., 1], rows.observation[..., 0]
    )
    turned = torch.remainder(turned + torch.pi, 2 * torch.pi) - torch.pi
    torch.testing.assert_close(turned, rows.next_observation[..., 2] * 0.05, rtol=0, atol=1e-3)
    assert not rows.terminated.any()
    assert len(loop.returns(1)) == 2


@pytest.mark.parametrize("name", probes.PAYOFF_LEARNERS)
def test_the_payoff_probe_reports_money(name):
    rows = probes.payoff_probe(PAPER, [0], probes.PAYOFF_LEARNERS[name], updates=5, situations=300)
    assert [row["met"] for row in rows] == [False, False]
    assert rows[0]["found"] >= rows[1]["found"] > 0


def test_a_case_is_trained_and_judged():
    case = learning_bars.Case("tuned", "load", size=(3, 2), bars=(0.5, None, 0.0), minutes=10.0, above_reactive=True)
    found = learning_bars.train_and_evaluate(SHORT, case, SETTINGS, [0, 1], episodes=1)
    bars = {bar.name: bar.to_dict() for bar in found["bars"]}
    assert bars["regret_share"]["met"] is False
    assert bars["map_share_of_admission"]["met"] is None
    assert bars["minutes of training, all seeds"]["met"] is True
    assert bars["map_share_of_admission above reactive"]["whole_interval"]


def test_presets_of_all_cases_exist():
    for case in learning_bars.CASES:
        assert learning.preset(case.preset).episodes >= 1


def test_the_command_prints_tables_or_json(monkeypatch, capfd):
    monkeypatch.setattr(probes, "payoff_probe", lambda scenario, seeds, settings: [])
    monkeypatch.setattr(probes, "PROBES", probes.PROBES[:1])
    for form in ([], ["--json"]):
        with pytest.raises(SystemExit) as stop:
            main(["bench", "learning", "--only", "probes", "--seeds", "1", *form])
        assert stop.value.code == 0
    shown, document = capfd.readouterr().out.split("{", 1)
    assert "constant reward" in shown
    assert json.loads("{" + document)["probes"]["rows"][0]["known"] == 1.0
    for words in (["learning", "--only", "speed"], ["city", "--only", "probes"]):
        with pytest.raises(SystemExit) as stop:
            main(["bench", *words])
        assert stop.value.code == 2
    assert "--only 'speed': must be of throughput, phases, probes, pendulum, paper, tuning" in capfd.readouterr().err


def test_every_algorithm_gets_the_same_trials():
    """Equal draws: equal rates and batches, and exploration at the same place of each one's own range."""
    for trial in range(3):
        sac, td3, ddpg = (tuning.settings_of(name, trial) for name in tuning.ALGORITHMS)
        assert [settings.label for settings in (sac, td3, ddpg)] == ["sac", "td3", "ddpg"]
        for who in ("operator", "maps"):
            each = [getattr(settings, who) for settings in (sac, td3, ddpg)]
            assert len({(one.actor_rate, one.critic_rate, one.batch, one.average) for one in each}) == 1
            places = [
                math.log(value / low) / math.log(high / low)
                for value, (low, high) in (
                    (each[0].temperature, tuning.TEMPERATURES),
                    (each[1].exploration_noise, tuning.NOISES),
                    (each[2].exploration_noise, tuning.NOISES),
                )
            ]
            assert max(places) - min(places) < 0.05, "but for rounding to two digits"
    assert tuning.draws(0) != tuning.draws(1)


def test_a_search_tells_every_trial():
    told = []
    small = PAPER.replace(slots=4)
    rows = tuning.search(small, ("tuned", "tuned-ddpg"), trials=2, episodes=1, seeds=(0,), each=told.append)
    assert rows == told
    assert [(row["algorithm"], row["trial"]) for row in rows] == [("sac", 0), ("ddpg", 0), ("sac", 1), ("ddpg", 1)]
    for row in rows:
        assert row["score"] == pytest.approx(
            row["operator_share_of_admission"] + row["map_share_of_admission"] - row["regret_share"]
        )


def test_information_is_the_share_of_the_gap_that_seeing_more_closes():
    cases = [
        {"name": f"tuned, {seen}", "bars": [{"median": operator}, {"median": maps}, {"median": 0.1}]}
        for seen, operator, maps in (("paper", 0.8, 0.6), ("load", 0.9, 0.9), ("gains", 0.95, 1.0))
    ]
    load, gains = learning_bars.information(cases)
    assert (load["observation"], gains["observation"]) == ("load", "gains")
    assert [load["operator_gap_closed"], load["map_gap_closed"]] == pytest.approx([0.5, 0.75])
    assert [gains["operator_gap_closed"], gains["map_gap_closed"]] == pytest.approx([0.75, 1.0])
