"""The tables of docs/amortised.md say what happened, on trainings small enough for a test."""

import polars as pl
import pytest
import torch

from twinoffload import Scenario
from twinoffload.env.slots import Slots
from twinoffload.experiments import amortised_study
from twinoffload.experiments.amortised_study import Effort, Rounded, at_depth, measure, steps
from twinoffload.experiments.benchmarks.amortised import preset
from twinoffload.experiments.committed import Committed
from twinoffload.experiments.comparison import held_out
from twinoffload.learning.amortised.scheme import Amortised
from twinoffload.seeding import stream

SMALL = {"episodes": 1, "updates": 2, "batch": 4, "width": 8, "rounds": 2, "examples": 20}
OPEN = Scenario.load("open")


@pytest.fixture(scope="module")
def tables():
    effort = Effort(
        preset("amortised").replace(**SMALL), preset("amortised-sizes").replace(**SMALL),
        seeds=2, sizes=((2, 2), (3, 2)), episodes=1, shown=5,
    )  # fmt: skip
    told = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(amortised_study, "DEPTHS", (1e-2, 0.1))
        short = lambda name: OPEN.replace(slots=2, name=name)  # noqa: E731
        patch.setattr(amortised_study.Scenario, "load", short)
        patch.setattr(amortised_study.amortised_sizes, "EPISODES", 1)
        found = measure(effort, told.append)
    assert len(told) == steps(effort)
    return found


def test_prices_of_the_slot_tell_what_they_say(tables):
    for row in tables["slot-maps"].to_dicts():
        assert row["told_s"] == pytest.approx(1.0 / row["remainder"] - 2.0)
        steps_of = row["price_money_per_mb"] / row["step_money_per_mb"]
        assert steps_of - row["remainder"] == pytest.approx(round(steps_of - row["remainder"]))
        assert 0.0 < row["price_money_per_mb"] < row["highest_money_per_mb"]


def test_every_map_has_an_expectation(tables):
    table = tables["expectations"]
    assert table.height == 5 * OPEN.maps
    assert (table.select("guess_s", "expected_s", "true_s").min_horizontal() > 0).all()


def test_the_code_is_played_at_every_depth(tables):
    table = tables["depths"]
    assert table.height == 2 * 2 * 2
    exact = table.filter((pl.col("scheme") == "committed") & (pl.col("digits") == "all")).sort("depth")
    assert exact["operator_share"].is_sorted(descending=True)
    assert exact["map_share"].is_sorted()


def test_ratios_are_taken_seed_by_seed():
    values = {"reactive": (1.0, 2.0, 4.0), "amortised": (2.0, 2.0, 2.0)}
    rows = [(4, 2, name, seed, value, 1.0) for name, own in values.items() for seed, value in enumerate(own)]
    columns = ("maps", "stations", "scheme", "seed", "operator_utility_money", "map_utility_money")
    (row,) = amortised_study.over_reactive(pl.DataFrame(rows, schema=columns, orient="row")).to_dicts()
    assert (row["scheme"], row["operator_low"], row["operator_median"], row["operator_high"]) == (
        "amortised",
        0.5,
        1.0,
        2.0,
    )
    assert row["map_median"] == 1.0


def test_another_depth_leaves_the_policies_alone():
    agents = Amortised(OPEN, preset("amortised"), [0], [stream(0, "amortised")])
    before = agents.operator.step
    other = at_depth(agents, 0.1)
    assert other.operator.step == other.maps.step == pytest.approx(0.1 * OPEN.highest_price)
    assert agents.operator.step == agents.maps.step == before
    assert other.weights is agents.weights


def test_rounded_prices_end_with_their_digit():
    slots = Slots(held_out(OPEN.replace(slots=1), [0], 3, 0))
    price = Rounded(Committed(), 0.01).price(slots)
    torch.testing.assert_close(price * 100, (price * 100).round(), rtol=0, atol=1e-9)
