"""Propositions 1 and 2 against brute force, and the search against curves whose shape is known."""

import ast
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from polars.testing import assert_frame_equal

from twinoffload import Market, best_response, uplink_rate
from twinoffload.experiments import brute_force, propositions
from twinoffload.experiments.brute_force import Pairs, search
from twinoffload.experiments.measure_settings import FULL, QUICK, MeasureSettings
from twinoffload.experiments.propositions import BOUND, CLOSED, END, UNCLIPPED, Draw, draw, measure, steps

SMALL = MeasureSettings(markets=200, points=513)
ROUNDING = 1e-11  # of gamma^A
LOSS = 1e-6  # likewise: what is no rounding


@pytest.fixture(scope="module")
def table() -> pl.DataFrame:
    return measure(SMALL)


def of(table: pl.DataFrame, proposition: int, formula: str = CLOSED) -> pl.DataFrame:
    return table.filter(proposition=proposition, formula=formula)


def one(value, limit: float = 1.0, points: int = 257, inside=None) -> dict[str, float]:
    """The curve of a single function."""
    curve = search(value, np.array([[limit]]), points, inside)
    return {name: getattr(curve, name)[0] for name in curve.__dataclass_fields__}


def test_search_finds_a_smooth_maximum_and_knows_that_it_is_concave_and_single():
    found = one(lambda x: -((x - 0.3) ** 2))
    assert found["place"] == pytest.approx(0.3, abs=1e-7)
    assert found["best"] == pytest.approx(0.0, abs=1e-14)
    assert (found["maxima"], found["flat_share"], found["concave_share"], found["convex_share"]) == (1, 0, 1, 0)
    assert one(lambda x: x, limit=2.0)["place"] == 2.0
    assert one(lambda x: -x)["place"] == 0.0


def test_search_tells_two_maxima_plateaus_and_bends():
    two = one(lambda x: np.maximum(1.0 - 50 * (x - 0.2) ** 2, 1.001 - 50 * (x - 0.8) ** 2))
    assert two["place"] == pytest.approx(0.8, abs=1e-7)
    assert two["maxima"] == 2
    assert two["convex_share"] > 0
    assert one(lambda x: np.cos(6 * np.pi * x))["maxima"] == 4
    flat = one(lambda x: np.minimum(x, 0.5))
    assert flat["maxima"] == 1
    assert flat["flat_share"] == pytest.approx(0.5)
    assert flat["concave_share"] < 0.1
    bent = one(lambda x: np.abs(x - 0.7) - 3 * x, inside=lambda x: x < 0.6)
    assert bent["convex_share"] > 0
    assert bent["concave_inside_share"] == 0.0
    half = one(lambda x: np.where(x < 0.5, -(x**2), -0.25 + 0 * x), inside=lambda x: x <= 0.5)
    assert half["concave_inside_share"] == 1.0
    assert np.isnan(one(lambda x: x, inside=lambda x: x > 2)["concave_inside_share"])


def test_rounding_makes_no_maxima():
    noise = np.random.default_rng(0)
    found = one(lambda x: -((x - 0.3) ** 2) + 1e-14 * noise.uniform(-1, 1, x.shape))
    assert found["maxima"] == 1
    assert found["convex_share"] == 0


def test_brute_force_imports_nothing_but_numpy():
    tree = ast.parse(Path(brute_force.__file__).read_text())
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.split(".")[0] for name in names} <= {*sys.stdlib_module_names, "numpy"}


def test_its_rates_answers_and_utilities_are_the_game_s():
    drawn = draw(40)
    pairs = drawn.pairs
    uncapped = {name: value for name, value in drawn.fields.items() if name != "price_cap"}
    market = Market(**uncapped)
    rate = uplink_rate(market, drawn.gain, drawn.association)
    pick = np.arange(40), drawn.mover, drawn.association[np.arange(40), drawn.mover]
    assert pairs.rate[:, 0] == pytest.approx(rate.numpy()[pick], rel=1e-12)
    price = torch.from_numpy(drawn.price)[:, None, None].expand_as(rate)
    found = best_response(market, rate, price)
    answer = pairs.answer(drawn.price[:, None])
    assert answer[:, 0] == pytest.approx(found.data.numpy()[pick], rel=1e-9, abs=1e-12)
    utility = pairs.utility(drawn.price[:, None], answer)
    assert utility[:, 0] == pytest.approx(found.utility.numpy()[pick], rel=1e-9, abs=1e-12)
    grid = pairs.raw_data * np.linspace(0.0, 1.0, 4001)
    best = pairs.utility(drawn.price[:, None], grid).max(1)
    assert (best <= utility[:, 0] + 1e-13 * pairs.accuracy_value[:, 0]).all()


def test_markets_are_of_every_kind(table):
    for proposition in (1, 2):
        own = of(table, proposition)
        assert own.select("capped", "trade").unique().height == 4
        assert own.filter("trade").select("capped", "answer").unique().height >= 2 * 2
        assert set(own["answer"]) == {"nothing", "part", "all"}
        assert 0.3 < own["trade"].mean() < 0.9


def test_proposition_1_the_clipped_amount_is_the_only_maximiser_of_a_strictly_concave_utility(table):
    own = of(table, 1)
    assert own["gain_share"].is_not_null().all()
    assert own["gain_share"].max() < ROUNDING
    assert own["distance_share"].max() < 1e-6
    assert own["outside_share"].max() == 0
    assert (own["maxima"] == 1).all()
    assert (own["flat_share"] == 0).all()
    assert (own["concave_share"] == 1).all()
    assert (own["convex_share"] == 0).all()


def test_proposition_2_the_price_is_optimal_and_unique_where_there_is_trade(table):
    own = of(table, 2)
    assert own["gain_share"].max() < ROUNDING
    assert (own["maxima"] == 1).all()
    assert (own.filter("trade")["flat_share"] == 0).all()
    assert own.filter("trade")["distance_share"].max() < 1e-6
    unsold = own.filter(~pl.col("trade"), pl.col("answer") == "nothing")
    assert (unsold["flat_share"] > 0).mean() > 0.9  # every price at which nothing is bought is as good
    assert (own.filter(pl.col("answer") != "nothing")["flat_share"] == 0).all()


def test_proposition_2_the_profit_is_concave_where_part_is_sold_and_not_everywhere(table):
    own = of(table, 2)
    assert (own["concave_inside_share"].drop_nulls() == 1).all()
    assert own["concave_inside_share"].is_not_null().mean() > 0.3
    assert (own.filter(~pl.col("capped"), pl.col("trade"))["convex_share"] > 0).mean() > 0.5
    assert (own["concave_share"] < 1).mean() > 0.5


def test_the_printed_formulas_lose(table):
    amounts = of(table, 1, UNCLIPPED)
    outside = amounts["outside_share"] > 0
    assert outside.mean() > 0.3
    assert (outside == amounts["gain_share"].is_null()).all()
    negative, excessive = amounts["data_mb"] < 0, amounts.filter("trade")["outside_share"] > 0
    assert negative.any()  # "always > 0" is false
    assert excessive.any()
    assert amounts.filter(~outside)["gain_share"].max() < ROUNDING
    sold = table.filter(~pl.col("capped"), pl.col("trade"))
    for formula, share in ((UNCLIPPED, 0.2), (END, 0.99), (BOUND, 0.05)):
        assert (of(sold, 2, formula)["gain_share"] > LOSS).mean() > share
    all_sold = of(sold, 2).filter(answer="all")["market"]
    loses = of(sold, 2, UNCLIPPED).filter(pl.col("gain_share") > LOSS)["market"]
    assert set(all_sold) <= set(loses)


def test_only_the_closed_form_s_rows_describe_the_curve(table):
    shape = ("maxima", "flat_share", "concave_share", "convex_share", "concave_inside_share")
    for name in shape:
        assert table.filter(pl.col("formula") != CLOSED)[name].is_null().all()
    assert len(table) == 6 * SMALL.markets
    assert table.group_by("proposition", "formula").len()["len"].to_list() == [SMALL.markets] * 6


def test_an_amount_or_a_price_that_is_one_percent_off_is_found_out(monkeypatch):
    exact = Draw.closed_forms

    def off(drawn: Draw) -> tuple[np.ndarray, np.ndarray]:
        amount, price = exact(drawn)
        return 0.99 * amount, 0.99 * price

    right = measure(SMALL)
    monkeypatch.setattr(Draw, "closed_forms", off)
    wrong = measure(SMALL)
    for proposition in (1, 2):
        sold = of(right, proposition)["trade"] & (of(right, proposition)["answer"] != "nothing")
        gain = of(wrong, proposition).filter(sold)["gain_share"]
        assert (gain > 100 * ROUNDING).mean() > 0.95
        assert of(right, proposition).filter(sold)["gain_share"].max() < ROUNDING


def test_the_table_is_the_same_on_every_run_and_tells_how_far_it_is():
    few, told = MeasureSettings(markets=6, points=33), []
    assert_frame_equal(measure(few, told.append), measure(few))
    assert told == ["Proposition 1", "Proposition 2"]
    assert steps(few) == 2


def test_grids_fit_their_coarse_steps():
    for settings in (FULL, QUICK):
        assert (settings.points - 1) % brute_force.COARSE == 0
    assert isinstance(draw(4).pairs, Pairs)
    assert propositions.MAPS * propositions.STATIONS == 8
