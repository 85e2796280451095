"""Training: it learns; seeds do not see each other; sizes, examples and faults."""

import warnings

import numpy as np
import polars as pl
import pytest
import torch

from twinoffload import Scenario
from twinoffload.experiments.comparison import compare, held_out, references
from twinoffload.learning.amortised import training
from twinoffload.learning.amortised.settings import AmortisedSettings
from twinoffload.learning.amortised.training import REMEMBERED, AmortisedTrainer, scatter
from twinoffload.learning.guard import DivergenceWarning
from twinoffload.learning.kinds import begin, check
from twinoffload.learning.optimiser import Adam

PAPER = Scenario.load("paper")
SMALL = AmortisedSettings(width=8, rounds=2, episodes=2, updates=4, batch=8, examples=30, reply_width=8, imitation=0.25)
QUICK = AmortisedSettings(width=16, rounds=3, episodes=4, updates=40, batch=32, examples=400, reply_width=16)


def trained(scenario: Scenario, settings: AmortisedSettings, seeds: list[int]):
    trainer, rows = AmortisedTrainer(scenario, settings, seeds), []
    trainer.run(rows.extend)
    return trainer, rows


@pytest.mark.parametrize("name", ["paper", "open"])
def test_it_learns_to_earn_what_posted_earns_from_below_reactive(name):
    scenario, seeds = Scenario.load(name).replace(maps=2, slots=20), [0, 1]
    trainer, _ = trained(scenario, QUICK, seeds)
    start = AmortisedTrainer(scenario, QUICK, seeds).agents
    alone = trainer.agents.quick()  # sixteen proposals are all associations of so few: the network is to know by itself
    start.name, alone.name = "start", "alone"
    table = compare([trainer.agents, alone, start, *references(scenario)], held_out(scenario, seeds, 3), seeds)

    def column(scheme: str, name: str) -> np.ndarray:
        return table.filter(pl.col("scheme") == scheme)[name].to_numpy()

    for measure in ("operator_utility_money", "map_utility_money"):
        for scheme in ("amortised", "alone"):
            assert (column(scheme, measure) >= 0.95 * column("posted", measure)).all()
        assert (column("start", measure) < column("reactive", measure)).all()
    assert (column("start", "operator_utility_money") < 0.9 * column("reactive", "operator_utility_money")).all()
    assert (column("amortised", "operator_utility_money") <= 1.01 * column("admission", "operator_utility_money")).all()
    assert (column("amortised", "regret_share") < 0.05).all()


@pytest.mark.parametrize("scenario", ["paper", "private"])
def test_a_seed_learns_the_same_to_the_bit_whatever_is_stacked_beside_it(scenario):
    alone, rows = trained(Scenario.load(scenario), SMALL, [7])
    for seeds in ([3, 7], [7, 3], [1, 7, 2]):
        stacked, beside = trained(Scenario.load(scenario), SMALL, seeds)
        for name, weights in alone.agents.weights.items():
            assert torch.equal(weights[0], stacked.agents.weights[name][seeds.index(7)]), name
        assert [row for row in beside if row["seed"] == 7] == rows


def test_seeds_learn_differently():
    trainer, _ = trained(PAPER, SMALL, [0, 1])
    for weights in trainer.agents.weights.values():
        assert not torch.allclose(weights[0], weights[1])


def test_a_row_that_diverges_is_frozen_and_the_others_go_on():
    calm, _ = trained(PAPER, SMALL, [4])
    trainer, rows = AmortisedTrainer(PAPER, SMALL, [3, 4]), []
    before = {name: weights.clone() for name, weights in trainer.agents.weights.items()}
    trainer.agents.weights["maps"][0, 0] = torch.nan
    with pytest.warns(DivergenceWarning, match=r"seed 3 stopped in episode 0: .* Lower rate") as told:
        trainer.run(rows.extend)
    assert len(told) == 1, "told once"
    assert [row["stopped"] for row in rows] == [True, False] * 2
    for name, weights in trainer.agents.weights.items():
        assert torch.equal(weights[0], before[name][0]), "the weights from before that episode"
        assert torch.equal(weights[1], calm.agents.weights[name][0])

    again = AmortisedTrainer(PAPER, SMALL.replace(episodes=3), [3, 4])
    again.load(trainer.state())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again.run(lambda rows: None)
    assert again.stopped == [True, False]
    assert torch.equal(again.agents.weights["maps"][0], before["maps"][0])


def test_sizes_beyond_the_limit_begin_without_imitation():
    scenario = PAPER.replace(slots=2)
    settings = SMALL.replace(maps=[2, 4], stations=[2, 3], example_limit=9, imitation=1.0)
    trainer = AmortisedTrainer(scenario, settings, [0])
    assert [(s.maps, s.stations) for s in trainer.sizes] == [(2, 2), (3, 2), (4, 2), (2, 3), (3, 3), (4, 3)]
    for update, sized in enumerate(trainer.sizes):
        names = trainer._update(update).keys()
        imitated = sized.stations**sized.maps <= 9
        assert names == ({"imitation_loss"} if imitated else {"recommend_loss", "maps_loss"})
    assert set(trainer._examples) == {(2, 2), (3, 2), (2, 3)}
    assert trainer._update(len(trainer.sizes) * 100).keys() >= {"recommend_loss"}


def test_imitation_goes_on_beside_the_payoffs_unless_it_weighs_nothing():
    late = AmortisedTrainer(PAPER, SMALL, [0])._update(7)
    assert late.keys() == {"imitation_loss", "recommend_loss", "maps_loss"}
    without = AmortisedTrainer(PAPER, SMALL.replace(imitation_weight=0.0), [0])
    assert without._update(0).keys() == {"recommend_loss", "maps_loss"}
    assert not without._examples


def test_no_solution_to_imitate_is_no_fault(monkeypatch):
    solve = training.solve_flat

    def unsolvable(concept, terms, gain):
        outcome = solve(concept, terms, gain)
        outcome.operator_utility.fill_(torch.nan)
        return outcome

    monkeypatch.setattr(training, "solve_flat", unsolvable)
    assert AmortisedTrainer(PAPER, SMALL, [0])._update(0).keys() == {"recommend_loss", "maps_loss"}


def test_silent_maps_of_private_worth_are_learned_without_harm():
    trainer, rows = trained(Scenario.load("private").replace(idle_interferes=False), SMALL, [0, 1])
    assert trainer.stopped == [False, False]
    assert {"pricing_loss", "maps_loss", "recommend_loss"} <= rows[-1].keys()


def test_on_another_device_everything_but_the_draws_is_there():
    scenario = Scenario.load("private")
    trainer = AmortisedTrainer(scenario, SMALL, [0, 1], device="meta")
    assert {generator.device.type for generator in trainer.generators} == {"cpu"}
    assert {weights.device.type for weights in trainer.agents.weights.values()} == {"meta"}
    losses = trainer._try_choices(scenario, 3, 0.5)
    assert {loss.device.type for loss in losses.values()} == {"meta"}
    assert {loss.shape for loss in losses.values()} == {(2,)}


@pytest.mark.parametrize(
    ("scenario", "settings", "seeds", "told"),
    [
        ("private", {}, [0], r"state differs in \['pricing.first', .*\]: other settings made it"),
        ("paper", {"width": 16}, [0], r"recommend.weights has shape \[1, \d+\], expected \[1, \d+\]"),
        ("paper", {}, [0, 1], r"recommend.weights has shape \[2, \d+\], expected \[1, \d+\]"),
    ],
)
def test_a_state_of_other_settings_is_refused(scenario, settings, seeds, told):
    other = AmortisedTrainer(Scenario.load(scenario), SMALL.replace(**settings), seeds)
    with pytest.raises(ValueError, match=told):
        AmortisedTrainer(PAPER, SMALL, [0]).load(other.state())


@pytest.mark.parametrize(
    ("scenario", "settings", "told"),
    [
        ({}, {"stations": [2, 5]}, "stations = 5, but station_positions lists 4"),
        ({"stations": 5}, {"stations": [2, 3]}, "stations = 5, but station_positions lists 4"),
        ({"price_cap": 0.0}, {}, "price_cap = 0 leaves the operator no price to learn; raise it"),
    ],
)
def test_what_cannot_be_trained_is_refused_before_any_work(scenario, settings, told):
    for refuse in (check, begin):
        with pytest.raises(ValueError, match=told):
            refuse(PAPER.replace(**scenario), SMALL.replace(**settings), [0])


def test_scattered_stations_stand_anywhere_in_the_square_others_for_each_number():
    for stations in (1, 3, 6):  # more than are listed, too
        layouts = [scatter(PAPER.replace(stations=stations), number).layout() for number in range(200)]
        places = torch.stack(layouts)
        assert places.shape == (200, stations, 2)
        assert ((places >= 0.0) & (places <= PAPER.side)).all()
        assert len(places.flatten(0, 1).unique(dim=0)) == 200 * stations
        assert torch.equal(scatter(PAPER.replace(stations=stations), 7).layout(), layouts[7])
    thirds = (places / PAPER.side * 3).long().flatten(0, 1)
    found = torch.bincount(3 * thirds[:, 0] + thirds[:, 1], minlength=9) / len(thirds)
    assert (found - 1 / 9).abs().max() < 0.04, "as often here as there"


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_a_share_of_the_slots_is_scattered_in_every_size_the_same_for_all_seeds(monkeypatch, share):
    settings = SMALL.replace(maps=[2, 3], imitation_weight=0.0, scattered=share)
    layouts = {}
    for seeds in ([0], [5]):
        trainer, played = AmortisedTrainer(PAPER, settings, seeds), []
        try_choices = trainer._try_choices

        def noted(sized, update, done, played=played, try_choices=try_choices):
            played.append((sized.maps, tuple(map(tuple, sized.layout().tolist()))))
            return try_choices(sized, update, done)

        monkeypatch.setattr(trainer, "_try_choices", noted)
        for update in range(8):
            trainer._update(update)
        layouts[seeds[0]] = played
    assert layouts[0] == layouts[5]
    own = tuple(map(tuple, PAPER.layout().tolist()))
    for maps in (2, 3):
        moved = [layout for size, layout in layouts[0] if size == maps and layout != own]
        assert len(moved) == len(set(moved)) == round(4 * share)


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_examples_are_scattered_as_the_slots_are(share):
    trainer = AmortisedTrainer(PAPER, SMALL.replace(examples=150, scattered=share), [0])
    gain, association = trainer._solved(PAPER)
    own = PAPER.sample_gain(150, seed=0)
    listed = sum(any(torch.equal(row, each) for each in own) for row in gain)
    assert listed == round(150 * (1.0 - share))
    assert len(gain) == len(association) == 150


def test_it_begins_from_other_policies():
    first, second = AmortisedTrainer(PAPER, SMALL, [0, 1]), AmortisedTrainer(PAPER, SMALL, [2, 3])
    second.start_from(first.agents)
    for name, weights in first.agents.weights.items():
        assert torch.equal(weights, second.agents.weights[name])
    second._update(7)
    assert torch.equal(first.agents.weights["maps"], AmortisedTrainer(PAPER, SMALL, [0, 1]).agents.weights["maps"])


@pytest.mark.parametrize("size", [32, 33])  # the fused kernel, and the formula
def test_a_share_of_the_rate_is_a_smaller_rate(size):
    generator = torch.Generator().manual_seed(0)
    start, gradients = torch.randn(2, size, generator=generator), torch.randn(4, 2, size, generator=generator)
    one, other = start.clone(), start.clone()
    whole, shared = Adam(one, torch.full((2,), 1e-3)), Adam(other, torch.full((2,), 4e-3))
    for gradient in gradients:
        whole.step(gradient.clone())
        shared.step(gradient.clone(), 0.25)
    torch.testing.assert_close(other, one, rtol=1e-6, atol=1e-7)
    assert (one - start).abs().max() > 1e-3


@pytest.mark.parametrize("maps", [(3, 3), (2, 3), (2, 5), (2, 6)])
def test_every_size_is_learned_after_every_number_of_slots(maps):
    settings = SMALL.replace(maps=list(maps), stations=[2, 3])
    trainer = AmortisedTrainer(Scenario.load("private"), settings, [0])
    count = len(trainer.sizes)
    met = {(update % count, trainer._past(update)) for update in range(count * (REMEMBERED + 1))}
    assert len(met) == count * (REMEMBERED + 1)
