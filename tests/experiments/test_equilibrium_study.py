"""The tables behind docs/equilibrium.md: formulas against plain arithmetic, orders that theory gives, fixed seeds."""

import math
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
import torch

from checks import market_of
from reference import Game
from strategies import build
from twinoffload import Scenario, selection, solve
from twinoffload.experiments.equilibrium_study import (
    PRESETS,
    STEPS,
    TABLES,
    Effort,
    best_prices,
    gaps,
    measure,
    pairwise_extremes,
    price_curves,
    selection_remedies,
    selections,
    sizes,
    step_table,
    switching_by_size,
    trajectories,
)

SMALL = Effort(
    snapshots=40, maps=(4,), shown=10, runs=8, networks=3, starts=2, iterations=31, prices=81, deadlines=((6, 2),)
)


def test_curves_are_the_formulas_and_the_best_price_tops_them():
    curves = price_curves(SMALL)
    for row in best_prices(SMALL).to_dicts():
        k, d, e, a, o = (
            row[f"{name}"]
            for name in (
                "first_value_money_per_mb", "delay_cost_money_per_mb", "energy_cost_money_per_mb", "steepness_per_mb",
                "raw_data_mb",
            )
        )  # fmt: skip
        value = k / a

        def sold(price: float, k: float = k, d: float = d, a: float = a, o: float = o) -> float:
            return min(max(math.log(k / (d + price)) / a, 0.0), o)

        curve = curves.filter(pl.col("pair") == row["pair"])
        for price, data, profit, utility in curve.drop("pair").iter_rows():
            z = sold(price)
            assert data == pytest.approx(z, abs=1e-12)
            assert profit == pytest.approx((price - e) * z, abs=1e-12)
            assert utility == pytest.approx(value * (1 - math.exp(-a * z)) - (d + price) * z, abs=1e-12)
        best, cap = row["price_money_per_mb"], row["cap_money_per_mb"]
        allowed = curve if cap is None else curve.filter(pl.col("price_money_per_mb") <= cap)
        assert allowed["profit_money"].max() <= row["profit_money"] + 1e-12
        assert row["profit_money"] == pytest.approx((best - e) * sold(best))
        leaving = row["leaving_price_money_per_mb"]
        z = sold(leaving)
        left = value * (1 - math.exp(-a * z)) - (d + leaving) * z
        assert left == pytest.approx(row["outside_money"], abs=1e-9)


def test_the_three_pairs_show_the_three_cases():
    interior, kink, cap = best_prices(SMALL).to_dicts()
    assert interior["data_mb"] < interior["raw_data_mb"]
    assert kink["data_mb"] == pytest.approx(kink["raw_data_mb"])
    assert cap["price_money_per_mb"] == cap["cap_money_per_mb"] < interior["price_money_per_mb"]


def test_gaps_are_in_the_order_that_is_proved():
    table = gaps(SMALL)
    assert set(table["scenario"]) == set(PRESETS)
    for (scenario,), part in table.group_by("scenario"):
        row = {r["concept"]: r for r in part.to_dicts()}
        order = ("pairwise_worst", "pairwise", "pairwise_best", "posted", "admission")
        for low, high in pairwise(order):
            for column in ("operator_money", "share", "share_min", "share_p50"):
                assert row[low][column] <= row[high][column] + 1e-9, (low, high, column)
        assert row["admission"]["share_min"] == row["admission"]["ratio_max"] == 1
        assert (abs(row["posted"]["share"] - 1) < 1e-12) == (scenario == "open")
        assert row["pairwise_worst"]["ratio_max"] == pytest.approx(1 / row["pairwise_worst"]["share_min"])


def test_a_mean_stands_with_its_standard_error():
    scenario = Scenario.load("paper")
    values = solve(scenario.market(), scenario.sample_gain(SMALL.snapshots), "posted").operator_utility.numpy()
    row = gaps(SMALL).filter((pl.col("scenario") == "paper") & (pl.col("concept") == "posted")).to_dicts()[0]
    assert row["operator_money"] == pytest.approx(values.mean())
    assert row["operator_se_money"] == pytest.approx(values.std(ddof=1) / math.sqrt(len(values)))


@pytest.mark.parametrize("seed", range(6))
def test_extreme_pairwise_equilibria_are_those_of_the_reference(seed):
    instance = build(np.random.default_rng(seed), 3, 2, gains="close")
    game = Game(instance)
    calm = [profile for profile in game.profiles() if max(game.regret(profile, None)) <= 1e-12]
    assert calm
    replies = [[game.best_offer(n, m, profile)[1] for n, m in enumerate(profile)] for profile in calm]
    worth = [float(sum(reply.profit for reply in row)) for row in replies]
    (worst, worst_map), (best, _) = pairwise_extremes(
        market_of(instance), torch.tensor([instance.gain], dtype=torch.float64)
    )
    assert worst.tolist() == pytest.approx([min(worth)], abs=1e-9)
    assert best.tolist() == pytest.approx([max(worth)], abs=1e-9)
    alike = [row for row, value in zip(replies, worth, strict=True) if value < min(worth) + 1e-9]
    means = [float(sum(reply.utility for reply in row)) / len(row) for row in alike]
    assert min(abs(worst_map.item() - mean) for mean in means) < 1e-9


def test_the_reached_equilibrium_lies_in_the_interval_and_the_best_is_posted():
    table = selections(SMALL)
    assert len(table) == len(PRESETS) * SMALL.shown
    assert (table["worst_share"] <= table["reached_share"] + 1e-9).all()
    assert (table["reached_share"] <= table["best_share"] + 1e-9).all()
    assert table["best_share"].to_list() == pytest.approx([1.0] * len(table))
    several = table.filter(pl.col("equilibria") > 1)
    assert len(several) > 0
    assert (table.filter(pl.col("equilibria") == 1)["worst_share"] > 1 - 1e-9).all()


def test_remedies_do_what_the_page_says():
    table = selection_remedies(SMALL)
    told = table.filter(pl.col("prices") == "start stated with the prices")
    assert told["reached_share"].to_list() == pytest.approx([1.0] * len(told))
    silent = table.filter(~pl.col("idle_interferes") & (pl.col("prices") == "other offers withheld"))
    assert silent["unique"].to_list() == [1.0, 1.0]
    as_is = table.filter(pl.col("idle_interferes") & (pl.col("prices") == "as posted"))
    assert (as_is["unique"] < 1).all()
    assert (as_is["worst_share"] < 1).all()


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize(("maps", "stations"), [(5, 2), (4, 3)])
def test_silent_maps_with_one_offer_each_leave_one_equilibrium(preset, maps, stations):
    """Beside any part of the neighbours that it was priced for an mAP has less interference, so it buys."""
    scenario = Scenario.load(preset).replace(maps=maps, stations=stations, idle_interferes=False)
    market, gain = scenario.market(), scenario.sample_gain(60, seed=3)
    best = solve(market, gain, "admission")
    assert (torch.isfinite(best.price).sum(-1) <= 1).all()
    found = selection(market, gain, best.price)
    assert (found.count == 1).all()
    torch.testing.assert_close(found.operator_worst, best.operator_utility)
    loud = scenario.replace(idle_interferes=True)
    assert (selection(loud.market(), gain, best.price).count != 1).any()


def test_in_turn_below_the_limits_algorithm_1_is_pairwise_and_far_above_it_is_not():
    table = step_table(SMALL)
    assert len(table) == 2 * len(PRESETS) * len(STEPS)
    calm = table.filter((pl.col("switching") == "sequential") & (pl.col("price_step_over_limit") == 0.5))
    calm = calm.filter(pl.col("data_step_over_limit") == 0.5)
    assert (calm["at_an_equilibrium"] >= 0.75).all()
    assert ((calm["operator_share"] - 1).abs() < 0.05).all()
    wild = table.filter((pl.col("scenario") == "open") & (pl.col("price_step_over_limit") > 1))
    assert (wild["still_switching"] == 1).all()
    assert (wild["chosen_price_zero"] > 0.3).all()
    assert (wild["as_pairwise"] == 0).all()
    for row in table.to_dicts():
        assert row["price_step_money_per_mb2"] == pytest.approx(row["price_step_over_limit"] * 2 * 6.4 * 0.64 / math.e)
        assert row["data_step_mb2_per_money"] == pytest.approx(row["data_step_over_limit"] * 2 / (8.4 * 0.84))


def test_switching_is_counted_over_starts():
    for row in switching_by_size(SMALL).to_dicts():
        assert row["from_no_start"] + row["from_every_start"] <= 1
        assert row["from_every_start"] <= row["still_switching"] <= 1 - row["from_no_start"] + 1e-12


def test_trajectories_start_alike_and_only_one_of_them_rests():
    table = trajectories(Effort(iterations=45, shown=12))
    runs = {name: part for (name,), part in table.group_by("run", maintain_order=True)}
    assert list(runs) == ["at once", "in turn", "in turn, high kappa"]
    assert len({part.filter(pl.col("iteration") == 0).drop("run").write_csv() for part in runs.values()}) == 1
    for name, part in runs.items():
        last, before = (
            part.filter(pl.col("iteration") == i)["price_money_per_mb"].to_numpy() for i in (45, 44)
        )  # fmt: skip
        assert (np.abs(last - before).max() < 1e-6) == (name == "in turn")


def test_a_trajectory_that_shows_nothing_is_refused():
    with pytest.raises(ValueError, match=r"shown = 1: .*draw more"):
        trajectories(Effort(iterations=1, shown=1))


def test_sizes_are_timed():
    (row,) = sizes(SMALL).to_dicts()
    assert row["associations"] == 64
    assert 0 < row["solve_s"] < 60


def test_every_table_is_made_and_told_in_order(monkeypatch):
    light = {name: TABLES[name] for name in ("price-curves", "best-prices", "selections", "sizes")}
    monkeypatch.setattr("twinoffload.experiments.equilibrium_study.TABLES", light)
    told = []
    tables = measure(SMALL, each=told.append)
    assert list(tables) == told == list(light)
    again = measure(SMALL)
    assert all(tables[name].equals(again[name]) for name in light if name != "sizes")
