"""Reference schemes, the comparison table and its intervals."""

import itertools
import math

import polars as pl
import pytest
import torch

from twinoffload import Scenario, evaluate_prices, solve
from twinoffload.env.constant_price import best_constant_price
from twinoffload.env.references import Equilibrium, Reactive
from twinoffload.env.slots import Slots
from twinoffload.experiments.committed import decode, encode
from twinoffload.experiments.comparison import TIMES, compare, held_out, reference_names, references, summarise
from twinoffload.experiments.decision_time import first_of
from twinoffload.experiments.interval import median_interval
from twinoffload.learning.agents import Agents
from twinoffload.learning.alone import alone
from twinoffload.learning.rows import draw_rows
from twinoffload.learning.training import Trainer, TrainSettings
from twinoffload.seeding import stream

PAPER, OPEN = Scenario.load("paper"), Scenario.load("open")
SEEDS = (0, 1)


@pytest.fixture(scope="module")
def rows():
    """Summary rows of every reference, by scenario and scheme."""
    tables = {}
    for scenario in (PAPER, OPEN):
        table = compare(references(scenario), held_out(scenario, SEEDS, 4), SEEDS)
        tables[scenario.name] = {row["scheme"]: row for row in summarise(table)}
    return tables


def test_every_reference_is_played(rows):
    assert tuple(rows["paper"]) == reference_names(PAPER)


@pytest.mark.parametrize(
    ("scenario", "scheme", "operator", "maps", "regret"),
    [
        ("paper", "pairwise", 0.956, 0.960, 0.0),
        ("paper", "posted", 0.962, 0.967, 0.0),
        ("paper", "constant", 0.956, 0.960, 0.0),
        ("paper", "reactive", 0.955, 0.938, 0.033),
        ("paper", "committed", 0.962, 0.966, 0.001),
        ("open", "posted", 1.0, 1.0, 0.0),
        ("open", "constant", 0.935, 1.03, 0.0),
        ("open", "committed", 1.0, 1.0, 0.0),
    ],
)
def test_shares_are_those_of_the_model(rows, scenario, scheme, operator, maps, regret):
    row = rows[scenario][scheme]
    assert row["operator_share_of_admission"]["median"] == pytest.approx(operator, abs=0.025)
    assert row["map_share_of_admission"]["median"] == pytest.approx(maps, abs=0.03)
    assert row["regret_share"]["median"] == pytest.approx(regret, abs=0.015)


def test_concepts_bound_each_other_in_every_seed():
    table = compare(references(PAPER), held_out(PAPER, SEEDS, 2), SEEDS)
    value = {s: table.filter(table["scheme"] == s)["operator_utility_money"].to_numpy() for s in reference_names(PAPER)}
    assert (value["pairwise"] <= value["posted"] + 1e-9).all()
    assert (value["posted"] <= value["admission"] + 1e-9).all()
    assert (value["committed"] <= value["posted"] + 1e-9).all()
    assert (value["random"] < value["constant"]).all()


def test_only_those_who_cannot_know_decide_wrongly(rows):
    for scenario in ("paper", "open"):
        for scheme, row in rows[scenario].items():
            wrong, error = row["wrong_association_share"]["median"], row["data_error_mb"]["median"]
            assert abs(row["data_bias_mb"]["median"]) <= error < row["data_mb"]["median"]
            if scheme == "reactive":
                assert 0.0 < wrong < 0.2
                assert error > 0.01
            else:
                assert wrong == 0.0, scheme
                assert error < 1e-9, scheme


def test_decisions_of_every_scheme_are_timed_alone_and_in_a_batch():
    table = compare(references(PAPER), held_out(PAPER.replace(slots=5), SEEDS, 3), SEEDS)
    for name in TIMES:
        assert table[name].is_finite().all()
        assert (table[name] > 0).all()
    batched = table.group_by("scheme").agg(pl.col("batched_decision_ms").n_unique())
    assert (batched["batched_decision_ms"] == 1).all()


def test_agents_of_one_seed_decide_as_they_do_beside_the_others():
    trainer = Trainer(PAPER.replace(slots=3), TrainSettings(episodes=1), (0, 1, 2))
    slots = Slots(held_out(PAPER.replace(slots=3), (0, 1, 2), 2))
    price = trainer.agents.price(slots)
    association, data = trainer.agents.offload(slots, price)
    for row in range(3):
        single, one = alone(trainer.agents, row), Slots(first_of(slots.episodes, row))
        offer = single.price(one)
        torch.testing.assert_close(offer, price[row : row + 1, :1], rtol=1e-5, atol=1e-6)
        there, sent = single.offload(one, price[row : row + 1, :1])
        assert torch.equal(there, association[row : row + 1, :1])
        torch.testing.assert_close(sent, data[row : row + 1, :1], rtol=1e-5, atol=1e-5)
    assert not torch.allclose(price[0], price[1], atol=1e-3), "seeds differ, so that a wrong row would show"


@pytest.mark.parametrize("base", ["paper", "private"])
def test_agents_of_one_row_keep_the_scales_of_their_own_scenario(base):
    """Caps, channels, tasks and what tells mAPs apart differ between rows; each is alone as beside the others."""
    one = Scenario.load(base).replace(slots=3, raw_data="uniform")
    other = one.replace(price_cap=2.0, side=900.0, task_size=3.0, cycles=(2.1, 1.6))
    if base == "private":
        other = other.replace(accuracy_value={"uniform": (2.0, 30.0)})
    settings = TrainSettings(episodes=1, followers="shared")
    agents = Trainer([one, other], settings, (0, 0)).agents
    slots = Slots(draw_rows([one, other], 2, [stream(0, "test")] * 2, slots=3))
    price = agents.price(slots)
    association, data = agents.offload(slots, price)
    for row, scenario in enumerate((one, other)):
        play = [alone(agents, row), Agents(scenario, settings, (0,))]
        for single in play:
            here = Slots(first_of(slots.episodes, row))
            torch.testing.assert_close(single.price(here), price[row : row + 1, :1], rtol=1e-5, atol=1e-6)
            there, sent = single.offload(here, price[row : row + 1, :1])
            assert torch.equal(there, association[row : row + 1, :1])
            torch.testing.assert_close(sent, data[row : row + 1, :1], rtol=1e-5, atol=1e-5)


def test_a_concept_played_slot_by_slot_is_what_solve_says():
    channels = held_out(PAPER, SEEDS, 2)
    slots = Slots(channels)
    scheme = Equilibrium("posted")
    price = scheme.price(slots)
    outcome = solve(PAPER.market(), slots.gain, "posted")
    assert torch.equal(price, outcome.price)
    payoff = slots.step(price, *scheme.offload(slots, price))
    torch.testing.assert_close(payoff["operator_utility"], outcome.operator_utility)


def test_the_best_constant_price_beats_its_neighbours_on_its_own_channels():
    price = best_constant_price(OPEN)
    gain = OPEN.sample_gain(4000, seed=3)

    def earned(offer):
        return evaluate_prices(OPEN.market(), gain, offer.expand_as(gain)).operator_utility.mean().item()

    best = earned(price)
    for m, factor in itertools.product(range(2), (0.8, 1.25)):
        other = price.clone()
        other[m] *= factor
        assert earned(other) < best
    assert best / solve(OPEN.market(), gain, "admission").operator_utility.mean() == pytest.approx(0.935, abs=0.01)
    assert best_constant_price(PAPER).tolist() == pytest.approx([1.25, 1.25], abs=0.02)


def test_the_code_tells_the_delay_and_costs_at_most_two_steps():
    price = torch.linspace(0.0, 1.25, 501, dtype=torch.float64).unsqueeze(-1)
    time = torch.logspace(-3, 4, 57, dtype=torch.float64)
    step = 1.25e-3
    coded = encode(price, time, step)
    torch.testing.assert_close(decode(coded, step), time.expand_as(coded), rtol=1e-6, atol=1e-9)
    assert (coded <= torch.clamp(price, min=step) + 1e-15).all()
    assert (price - coded <= 2 * step).all()
    assert decode(encode(price, torch.tensor(math.inf), step), step).isinf().all()


def test_reactive_maps_move_half_the_time():
    channels = held_out(PAPER, range(3), 50)
    slots = Slots(channels)
    scheme = Reactive(torch.tensor([1.25, 1.25], dtype=torch.float64), seed=0)
    scheme.begin(slots)
    price = scheme.price(slots)
    before = slots.association
    association, data = scheme.offload(slots, price)
    certain = Reactive(torch.tensor([1.25, 1.25], dtype=torch.float64), seed=0)
    certain.begin(slots)
    wishes = torch.stack([certain.offload(slots, price)[0] for _ in range(20)]) != before
    would_move = wishes.any(0)
    share = ((association != before) & would_move).sum() / would_move.sum()
    assert share.item() == pytest.approx(0.5, abs=0.1)
    assert (data >= 0).all()


def test_median_interval_covers_as_it_says():
    assert median_interval([3.0]) == (3.0, 3.0, 3.0)
    assert median_interval([5, 1, 3, 2, 4, 6]) == (3.5, 1, 6)
    generator = torch.Generator().manual_seed(0)
    for n in (6, 10, 25):
        samples = torch.randn(4000, n, generator=generator).tolist()
        hits = sum(low <= 0.0 <= high for _, low, high in map(median_interval, samples))
        assert 0.94 <= hits / 4000 <= 0.995
    assert median_interval(list(range(10))).low == 1, "the second smallest of ten covers with 97.9 %"
    with pytest.raises(ValueError, match="needs at least one"):
        median_interval([])
    assert all(math.isnan(value) for value in median_interval([1.0, float("nan"), 2.0])), "not an order statistic of it"
