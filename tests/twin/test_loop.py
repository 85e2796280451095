"""The loop where twins follow a law exactly, so that who believes in it is right, and who does not pays."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
import torch
from polars.testing import assert_frame_equal

from known_twins import curves, train
from twinoffload import PowerLaw, Scenario, solve, uplink_rate
from twinoffload.game.accuracy_law import Exponential
from twinoffload.twin import loop as looped
from twinoffload.twin.beliefs import CALIBRATED, LAW, PRINTED, beliefs
from twinoffload.twin.descent import Training
from twinoffload.twin.loop import FIRST_WORLD, MEASURED, OWN, Loop, deployed, play_seed, scenario_of

LOOP = Loop(Scenario.load("paper"), "antenna", ("small", "large"), slots=3)


BELIEVED = beliefs(LOOP.scenario, curves(), LOOP.structures)


@pytest.fixture(scope="module")
def table():
    return pl.concat([play_seed(LOOP, BELIEVED, seed, train) for seed in range(2)])


def of(table, belief, bought_by=OWN):
    return table.filter(pl.col("belief") == belief, pl.col("bought_by") == bought_by)


def test_beliefs_are_what_was_set_what_fits_best_and_eq_7_at_its_best():
    printed, eq_7, law = BELIEVED
    assert (printed.name, eq_7.name, law.name) == (PRINTED, CALIBRATED, LAW)
    assert printed.scenario == LOOP.scenario
    assert eq_7.scenario.accuracy_law == Exponential()
    found = law.scenario.accuracy_law
    assert (found.exponent, found.ceiling) == pytest.approx((0.6, 0.9), rel=1e-3)
    steepness = law.scenario.market().terms(4, 2).steepness.flatten().tolist()
    assert steepness == pytest.approx([1.5, 4.0], rel=1e-3)
    assert law.error < 1e-6 < eq_7.error


def test_a_scenario_with_another_law_is_not_taken_for_eq_7():
    other = LOOP.scenario.replace(accuracy_law={"kind": "power", "exponent": 2.0})
    printed, eq_7, _ = beliefs(other, curves(Exponential()), LOOP.structures)
    assert printed.scenario.accuracy_law == PowerLaw(2.0)
    assert eq_7.scenario.accuracy_law == Exponential()


def test_the_right_belief_gets_what_it_was_promised(table):
    right = of(table, LAW)
    for name in ("accuracy", "map_utility"):
        unit = "_money" if name == "map_utility" else ""
        np.testing.assert_allclose(right[f"{name}_realised{unit}"], right[f"{name}_promised{unit}"], atol=1e-4)
    assert right["regret_money"].max() < 1e-9


@pytest.mark.parametrize("belief", [PRINTED, CALIBRATED])
def test_a_wrong_belief_does_not_and_costs(table, belief):
    wrong, right = of(table, belief), of(table, LAW)
    assert (wrong["accuracy_realised"] - wrong["accuracy_promised"]).abs().mean() > 0.01
    assert wrong["regret_money"].min() >= 0.0
    assert wrong["regret_money"].mean() > 0.1
    informed = of(table, belief, MEASURED)
    assert informed["regret_money"].max() < 1e-9, "who knows the law buys by it"
    assert informed["map_utility_realised_money"].mean() > wrong["map_utility_realised_money"].mean()
    np.testing.assert_allclose(informed["accuracy_realised"], informed["accuracy_promised"], atol=1e-4)
    assert informed["profit_money"].sum() <= right["profit_money"].sum() + 1e-9, "no price beats the right one's here"


def test_only_accuracy_is_replaced(table):
    worth = table["map_utility_realised_money"] - table["map_utility_promised_money"]
    np.testing.assert_allclose(worth, 10.0 * (table["accuracy_realised"] - table["accuracy_promised"]), atol=1e-12)


def test_utilities_are_the_formulas_of_the_paper(table):
    scenario, gain = LOOP.scenario, LOOP.scenario.sample_gain(3, FIRST_WORLD + 1)
    for (belief, bought_by), rows in table.filter(pl.col("seed") == 1).group_by("belief", "bought_by"):
        station, data, price = (
            rows[name].to_torch().view(3, 4) for name in ("station", "data_mb", "price_money_per_mb")
        )
        rate = uplink_rate(scenario.market(), gain, station).gather(-1, station.unsqueeze(-1)).squeeze(-1)
        cycles = torch.tensor([1.6, 2.1, 1.6, 2.1], dtype=torch.float64)
        taken = data / rate + data * cycles / 20.0
        utility = 10.0 * rows["accuracy_realised"].to_torch().view(3, 4) - taken - price * data
        told = rows["map_utility_realised_money"].to_torch().view(3, 4)
        torch.testing.assert_close(told, utility, atol=1e-9, rtol=0.0, msg=f"{belief}, {bought_by}")
        profit = (price - 2.5e-4 * 400.0 * cycles) * data
        torch.testing.assert_close(rows["profit_money"].to_torch().view(3, 4), profit, atol=1e-9, rtol=0.0)


def test_the_operator_gets_what_it_was_promised_by_maps_of_its_belief(table):
    for one in BELIEVED:
        outcome = solve(one.scenario.market(), LOOP.scenario.sample_gain(3, FIRST_WORLD), "posted")
        rows = of(table, one.name).filter(pl.col("seed") == 0)
        earned = rows["profit_money"].to_torch().view(3, 4).sum(-1)
        torch.testing.assert_close(earned, outcome.operator_utility, atol=1e-9, rtol=0.0)


def test_rows_say_what_was_sent_where(table):
    assert len(table) == 5 * 2 * 3 * 4
    np.testing.assert_allclose(table["sampling_rate"], table["data_mb"] / 5.0)
    names = table.select(pl.col("station").replace_strict({0: "small", 1: "large"}, return_dtype=pl.String))
    assert names.to_series().to_list() == table["structure"].to_list()


def test_a_slot_without_a_solution_is_no_number_and_the_others_stay(monkeypatch):
    def unsolved(market, gain, concept):
        found = solve(market, gain, concept)
        hole = torch.tensor([True, False, False]).unsqueeze(-1)
        lacking = {
            name: torch.where(hole, torch.nan, getattr(found, name)) for name in ("data", "accuracy", "map_utility")
        }
        return replace(
            found,
            association=torch.where(hole, -1, found.association),
            price=torch.where(hole.unsqueeze(-1), torch.nan, found.price),
            status=np.array(["infeasible", "optimal", "optimal"]),
            **lacking,
        )

    whole = play_seed(LOOP, BELIEVED, 0, train)
    monkeypatch.setattr(looped, "solve", unsolved)
    table = play_seed(LOOP, BELIEVED, 0, train)
    measures = ("accuracy_realised", "map_utility_realised_money", "regret_money", "profit_money")
    for name in measures:
        assert table.filter(pl.col("slot") == 0)[name].is_nan().all()
    assert_frame_equal(table.filter(pl.col("slot") > 0), whole.filter(pl.col("slot") > 0))


def test_the_same_seed_trains_the_same_twins_and_another_does_not():
    light = LOOP.scenario.replace(task_size=0.2)
    short = replace(LOOP, scenario=light, slots=1, training=Training(iterations=10))
    believed = beliefs(light, curves(), LOOP.structures)
    first, again, other = (play_seed(short, believed[1:], seed) for seed in (3, 3, 4))
    assert_frame_equal(first, again)
    assert (first["accuracy_realised"] != other["accuracy_realised"]).any()


def test_structures_are_one_for_all_or_one_for_each():
    assert deployed(["large"], 3) == ("large",) * 3
    assert deployed(["small", "large"], 2) == ("small", "large")
    with pytest.raises(ValueError, match=r"structures small,large: 2 for 3 BSs; name one, or one for each"):
        deployed(["small", "large"], 3)
    with pytest.raises(ValueError, match=r"structure 'huge': must be one of small, large"):
        deployed(["huge"], 2)


def test_a_task_that_cannot_be_is_refused():
    assert scenario_of(LOOP.scenario, "antenna") == LOOP.scenario
    with pytest.raises(ValueError, match="city"):
        scenario_of(Scenario.load("city"), "antenna")
    with pytest.raises(ValueError, match="task 'weather'"):
        scenario_of(LOOP.scenario, "weather")


def test_the_control_is_sold_in_its_own_size():
    pytest.importorskip("sklearn")
    assert scenario_of(LOOP.scenario, "digits").task_size == pytest.approx(0.364)
    with pytest.raises(ValueError, match="city"):
        scenario_of(Scenario.load("city"), "digits")
