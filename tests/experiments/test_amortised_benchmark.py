"""The benchmark of `amortised` measures what it says, on sizes small enough for a test; no test looks at a time."""

import json

import polars as pl
import pytest
import torch

from twinoffload import Scenario
from twinoffload.cli import main
from twinoffload.experiments.benchmarks import amortised, amortised_bars, amortised_sizes, amortised_speed
from twinoffload.experiments.benchmarks.bars import Bar
from twinoffload.learning.amortised.scheme import Amortised
from twinoffload.learning.amortised.training import AmortisedTrainer
from twinoffload.seeding import stream

PAPER = Scenario.load("paper").replace(slots=3)
SMALL = {"episodes": 1, "updates": 2, "batch": 4, "width": 8, "rounds": 2, "examples": 20}
SETTINGS = amortised.preset("amortised").replace(**SMALL)


@pytest.fixture(scope="module")
def private():
    scenario = Scenario.load("private").replace(slots=3)
    told = []
    case = amortised_bars.CASES["private"]
    found = amortised_bars.train_and_evaluate(scenario, case, SETTINGS, [0, 1], 2, told.append)
    return found, told


def test_a_case_is_trained_and_judged_beside_its_references():
    case = amortised_bars.Case((0.0, None, 0.0))
    found = amortised_bars.train_and_evaluate(PAPER, case, SETTINGS, [0, 1], 2)
    bars = {bar.name: bar.to_dict() for bar in found["bars"]}
    assert bars["regret_share"]["met"] is False
    assert bars["map_share_of_admission"]["met"] is None
    assert bars["minutes of training, all seeds"]["met"] is True
    schemes = {row["scheme"] for row in found["rows"]}
    assert schemes == {"amortised", "amortised, one proposal", "admission", "reactive", "committed"}


def test_private_worth_is_judged_against_those_who_ignore_it(private):
    found, told = private
    assert len(told) == SETTINGS.episodes + 1
    bars = {bar.name: bar for bar in found["bars"]}
    for name in ("committed", "constant"):
        bar = bars[f"operator above {name}, money a slot"]
        assert bar.every
        table = pl.DataFrame(found["rows"])
        own, other = (
            table.filter(pl.col("scheme") == scheme).sort("seed")["operator_utility_money"].to_numpy()
            for scheme in ("amortised", name)
        )
        assert bar.values == pytest.approx(own - other)


def test_what_is_lost_has_two_parts(private):
    bars = {bar.name: bar for bar in private[0]["bars"]}
    parts = [bars[name].values for name in ("lost for want of information", "lost by learning")]
    for share, information, learning in zip(bars["operator, share of the ceiling"].values, *parts, strict=True):
        assert share + information + learning == pytest.approx(1.0)
        assert information > 0.0


@pytest.fixture(scope="module")
def sizes():
    settings = amortised.preset("amortised-sizes").replace(**SMALL, maps=[2, 3], stations=[2, 2])
    told = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(amortised_sizes.TRAINED_ON, "updates", 2)
        run = amortised_sizes.measure(PAPER, settings, [0, 1], sizes=((8, 2), (3, 3)), episodes=1, each=told.append)
    assert told == ["many sizes, episode 1", "N=8 M=2", "N=3 M=3"]
    return run.table


def test_every_size_is_judged(sizes):
    rows = amortised_sizes.judge(sizes)
    assert [(row["maps"], row["stations"]) for row in rows] == [(8, 2), (3, 3)]
    names = [{bar.name for bar in row["bars"]} for row in rows]
    assert names[0] - names[1] == {"operator above pairwise"}
    assert names[1] == {
        "operator",
        "mAPs",
        "regret",
        "operator over trained for the size",
        "operator above reactive",
        "operator above reactive, one proposal",
        "mAPs above reactive",
        "mAPs above reactive, one proposal",
    }


def test_without_rivals_nothing_is_compared_with_them(sizes):
    rows = amortised_sizes.judge(sizes.filter(pl.col("scheme") != amortised_sizes.RIVAL))
    assert not any("trained" in bar.name for row in rows for bar in row["bars"])


def test_the_worst_size_stands_for_all():
    def judged(x: float) -> list[Bar]:
        return [Bar("shown", [0.0]), Bar("a", [x], 0.97), Bar("b", [x, 9.0], 0.0, every=True)]

    rows = [{"maps": n, "stations": 2, "bars": judged(x)} for n, x in ((4, 1.0), (5, 0.9), (6, 1.1))]
    bars = amortised_sizes.overall(rows)
    assert [bar.name for bar in bars] == ["a, worst size: N=5 M=2", "b, worst size: N=5 M=2"]
    assert [bar.to_dict()["met"] for bar in bars] == [False, True]


def test_a_rival_begins_where_the_general_policy_ends(monkeypatch):
    general = AmortisedTrainer(PAPER, SETTINGS, [0, 1]).agents
    before = {name: weights.clone() for name, weights in general.weights.items()}
    begun = {}
    monkeypatch.setattr(
        AmortisedTrainer, "run", lambda self, each: begun.update({k: w.clone() for k, w in self.agents.weights.items()})
    )
    amortised_sizes.train_on(PAPER.replace(maps=5), SETTINGS, general)
    for name, weights in before.items():
        assert torch.equal(begun[name], weights)
        assert torch.equal(general.weights[name], weights)


def test_flops_are_those_of_the_linear_maps_that_run():
    """Counted by torch while a network is decided."""
    from torch.utils.flop_counter import FlopCounterMode

    from twinoffload.env.episodes import draw_episodes
    from twinoffload.env.slots import Slots

    agents = Amortised(PAPER, SETTINGS, [0], [stream(0, "amortised")])
    slots = Slots(draw_episodes(PAPER, 7, [stream(0, "speed")], slots=1))
    with FlopCounterMode(display=False) as counter:
        agents.offload(slots, agents.price(slots))
    assert counter.get_total_flops() == 7 * amortised_speed.decision_flops(agents, PAPER.maps, PAPER.stations)


def test_a_batch_is_decided_and_solved(monkeypatch):
    monkeypatch.setattr(amortised_speed, "BATCH", 3)
    monkeypatch.setattr(amortised_speed, "TURNS", 1)
    found = amortised_speed.in_batch(PAPER, SETTINGS, matrix_order=64)
    assert found["times_faster"] == pytest.approx(found["algorithm_1_s"] / found["decision_s"])
    assert found["matrix_share"] == pytest.approx(found["gflop_per_s"] / found["matrix_gflop_per_s"])


def test_a_scheme_goes_as_far_as_it_can(monkeypatch):
    monkeypatch.setattr(amortised_speed, "LIMIT_S", 0.2)
    monkeypatch.setattr(amortised_speed, "REPEATS", 1)
    rows = amortised_speed.alone(PAPER, SETTINGS, "posted", (3, 30))
    assert rows["how"].to_list() == ["exact", "searched"]
    assert (rows["decision_s"] > 0).all()
    monkeypatch.setattr(amortised_speed, "PATIENCE_S", 0.0)
    rows = amortised_speed.alone(PAPER, SETTINGS, "amortised", (3, 30))
    assert rows["how"].to_list() == ["exact", "too slow"]
    assert amortised_speed.exponents(rows) == {"amortised": None}


def test_exponents_are_of_what_was_not_cut_short():
    rows = pl.DataFrame(
        {
            "scheme": ["a"] * 3,
            "maps": [10, 100, 1000],
            "how": ["exact", "exact", "searched"],
            "decision_s": [1.0, 10, 5],
        }
    )
    assert amortised_speed.exponents(rows)["a"] == pytest.approx(1.0)


def test_the_command_prints_tables_or_json(monkeypatch, capfd):
    names = ("decision_s", "algorithm_1_s", "times_faster", "gflop_per_s", "matrix_gflop_per_s", "matrix_share")
    batch = {"networks": 2} | dict.fromkeys(names, 1.0)
    monkeypatch.setattr(amortised_speed, "in_batch", lambda *given: batch)
    monkeypatch.setattr(amortised_speed, "SIZES", (2, 3))
    monkeypatch.setattr(amortised_speed, "SCHEMES", ("amortised", "posted"))
    monkeypatch.setattr(amortised_sizes, "SIZES", ((8, 2),))
    monkeypatch.setattr(amortised_sizes, "EPISODES", 1)
    monkeypatch.setattr(amortised, "EPISODES", 1)
    monkeypatch.setattr(amortised, "preset", lambda name: SETTINGS)
    for sections, form in (("paper,sizes,speed", []), ("speed", ["--json"])):
        with pytest.raises(SystemExit) as stop:
            main(["bench", "amortised", "--only", sections, "--seeds", "1", *form])
        assert stop.value.code == 0
    shown, document = capfd.readouterr().out.split("{", 1)
    for words in ("committed", "worst size", "Algorithm 1", "grows as"):
        assert words in shown
    found = json.loads("{" + document)["speed"]
    assert {row["maps"] for row in found["rows"]} == {2, 3}
    assert found["bars"][0]["met"] is False


def test_an_unknown_section_is_refused(capfd):
    with pytest.raises(SystemExit) as stop:
        main(["bench", "amortised", "--only", "throughput"])
    assert stop.value.code == 2
    assert "--only 'throughput': must be of paper, open, private, sizes, speed" in capfd.readouterr().err
