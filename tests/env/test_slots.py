"""Slots: who sees what, who is paid what, and in which order."""

from dataclasses import replace

import pytest
import torch

from twinoffload import Scenario, best_response, uplink_rate
from twinoffload.env.episodes import draw_episodes
from twinoffload.env.observation import Encoder
from twinoffload.env.slots import Slots
from twinoffload.seeding import stream

PAPER = Scenario.load("paper")


def episodes(scenario=PAPER, seeds=2, count=3, slots=4):
    return draw_episodes(scenario, count, [stream(s, "test") for s in range(seeds)], slots=slots)


def test_a_seed_draws_the_same_whatever_is_stacked_beside_it():
    both, alone = episodes(seeds=2), draw_episodes(PAPER, 3, [stream(1, "test")], slots=4)
    assert torch.equal(both.gain[:, 1], alone.gain[:, 0])
    assert not torch.equal(both.gain[:, 0], both.gain[:, 1])


def test_payoffs_are_those_of_the_public_formulas():
    drawn = episodes()
    slots = Slots(drawn)
    gain, market = slots.gain, PAPER.market()
    association = torch.randint(0, 2, gain.shape[:-1], generator=torch.Generator().manual_seed(0))
    price = torch.full_like(gain, 0.9)
    data = torch.full(gain.shape[:-1], 1.3, dtype=torch.float64)
    payoff = slots.step(price, association, data)
    rate = uplink_rate(market, gain, association)
    own = rate.gather(-1, association.unsqueeze(-1)).squeeze(-1)
    quality = torch.tensor([0.64, 0.84], dtype=torch.float64)[association]
    cycles = torch.tensor([1.6, 2.1, 1.6, 2.1], dtype=torch.float64)
    utility = 10 * (1 - torch.exp(-quality * data)) - (data / own + data * cycles / 20) - 0.9 * data
    torch.testing.assert_close(payoff["map_utility"], utility, rtol=1e-12, atol=1e-12)
    earned = ((price[0, 0, 0, 0] - 2.5e-4 * 20**2 * cycles) * data).sum(-1)
    torch.testing.assert_close(payoff["operator_utility"], earned, rtol=1e-12, atol=1e-12)
    best = best_response(market, rate, price).utility.amax(-1)
    torch.testing.assert_close(payoff["regret"], best - utility, rtol=1e-12, atol=1e-12)
    assert slots.slot == 1
    assert torch.equal(slots.gain, drawn.gain[1])


def test_last_interference_is_that_of_the_last_slot_without_the_own_signal():
    drawn = episodes()
    slots = Slots(drawn)
    strongest = drawn.gain[0].argmax(-1)
    expected = _interference(drawn.gain[0], strongest)
    torch.testing.assert_close(slots.last_interference, expected, rtol=1e-12, atol=0.0)
    moved = 1 - strongest
    zero = torch.zeros_like(drawn.gain[0])
    slots.step(zero, moved, zero[..., 0])
    torch.testing.assert_close(slots.last_interference, _interference(drawn.gain[0], moved), rtol=1e-12, atol=0.0)


def test_idle_maps_are_silent_only_where_the_scenario_says_so():
    silent = PAPER.replace(idle_interferes=False)
    drawn = episodes(silent)
    slots = Slots(drawn)
    price = torch.zeros_like(slots.gain)
    data = torch.ones_like(price[..., 0])
    association = torch.zeros_like(slots.association)
    data[..., 1:] = 0.0
    payoff = slots.step(price, association, data)
    assert (slots.last_interference[..., 0, :] == 0).all(), "the only sender hears nobody"
    market = replace(PAPER.market(), idle_interferes=False)
    alone = association.clone()
    alone[..., 1:] = -1
    rate = uplink_rate(market, drawn.gain[0], alone)
    torch.testing.assert_close(payoff["rate"][..., 0], rate[..., 0, 0])


@pytest.mark.parametrize(("observation", "features"), [("paper", 4), ("load", 6), ("gains", 10)])
def test_what_a_map_sees(observation, features):
    encoder = Encoder.of(PAPER, observation)
    slots = Slots(episodes())
    price = torch.full_like(slots.gain, PAPER.highest_price)
    seen = encoder.map_features(slots, price)
    assert seen.shape == (2, 3, 4, features)
    assert encoder.map_size == features
    assert torch.isfinite(seen).all()
    assert (seen[..., 2:4] == 1.0).all(), "the highest price is the end of the range"
    other = Slots(slots.episodes)
    other._interference = slots.last_interference * 3
    changed = encoder.map_features(other, price) != seen
    assert changed.any() == (observation == "load"), "interference is seen under `load` alone"


def test_under_gains_a_map_sees_the_others_in_turn():
    encoder, slots = Encoder.of(PAPER, "gains"), Slots(episodes())
    seen = encoder.map_features(slots, torch.zeros_like(slots.gain))
    own = encoder.operator_features(slots).unflatten(-1, (4, 2))
    assert torch.equal(seen[..., 2, 4:], torch.cat([own[..., 3, :], own[..., 0, :], own[..., 1, :]], -1))


def test_with_a_margin_actions_short_of_the_end_post_the_end_of_the_range():
    encoder, slots = Encoder.of(PAPER, "paper", price_margin=0.25), Slots(episodes())
    action = torch.tensor([-1.0, -0.8, 0.0, 0.4, 0.8, 0.9, 1.0, 0.0]).expand(2, 3, 8)
    price = encoder.price(slots, action)[0, 0].flatten() / PAPER.highest_price
    torch.testing.assert_close(price, torch.tensor([0, 0, 0.5, 0.75, 1, 1, 1, 0.5], dtype=torch.float64))


def test_with_a_margin_a_map_sends_nothing_to_a_bs_of_its_choice():
    encoder, slots = Encoder.of(PAPER, "paper", amount_margin=0.25), Slots(episodes())
    action = torch.tensor([[-1.0, -0.9], [-0.9, -1.0], [-0.4, 0.4], [0.9, -1.0]]).expand(2, 3, 4, 2)
    association, data = encoder.offload(slots, action)
    assert association[0, 0].tolist() == [1, 0, 1, 0]
    torch.testing.assert_close(data[0, 0], torch.tensor([0, 0, 3.75, 5], dtype=torch.float64))
    again = encoder.map_action(slots, torch.tensor([0.0, 2.5, 5.0, 1.25], dtype=torch.float64).unsqueeze(-1))
    torch.testing.assert_close(again[0, 0, :, 0], torch.tensor([-0.8, 0.0, 0.8, -0.4]))


def test_price_contrast_shows_which_offer_is_cheaper_by_a_hair():
    plain, keen = (Encoder.of(PAPER, "load", price_contrast=share) for share in (0.0, 0.01))
    slots = Slots(episodes())
    price = torch.full_like(slots.gain, PAPER.highest_price)
    price[..., 1] *= 0.98
    seen, more = plain.map_features(slots, price), keen.map_features(slots, price)
    assert more.shape[-1] == keen.map_size == plain.map_size + 2
    assert torch.equal(torch.cat([more[..., :4], more[..., 6:]], -1), seen)
    torch.testing.assert_close(more[0, 0, 0, 4:6], torch.tensor([1.0, -1.0]).tanh())
    assert (keen.map_features(slots, price * 0.0)[..., 4:6] == 0.0).all(), "equal prices have no contrast"


def test_private_values_and_drawn_task_sizes_are_seen_by_their_map():
    private = Scenario.load("private").replace(raw_data="uniform")
    encoder = Encoder.of(private, "paper")
    slots = Slots(episodes(private))
    seen = encoder.map_features(slots, torch.zeros_like(slots.gain))
    assert seen.shape[-1] == encoder.map_size == 4 + 2 + 1
    assert seen[..., 4:].abs().max() <= 1.0
    assert seen[..., 4:].std() > 0.3
    terms, known = slots.terms, slots.public_terms
    assert terms.accuracy_value.std() > 1
    assert known.accuracy_value.unique().tolist() == [10.0]
    assert not torch.equal(slots.episodes.raw_data[0], slots.episodes.raw_data[1])


def test_actions_become_prices_and_amounts_over_the_whole_range():
    encoder = Encoder.of(PAPER, "paper")
    slots = Slots(episodes())
    ends = torch.ones(2, 3, 8)
    assert encoder.price(slots, ends).unique().tolist() == [1.25]
    assert encoder.price(slots, -ends).unique().tolist() == [0.0]
    amounts = torch.tensor([-1.0, 0.2]).expand(2, 3, 4, 2)
    association, data = encoder.offload(slots, amounts)
    assert association.unique().tolist() == [1]
    torch.testing.assert_close(data, torch.full_like(data, 3.0), rtol=1e-6, atol=0.0)


def _interference(gain, association):
    result = torch.zeros_like(gain)
    maps, stations = gain.shape[-2:]
    for n in range(maps):
        for m in range(stations):
            for other in range(maps):
                if other != n:
                    result[..., n, m] += torch.where(association[..., other] == m, 0.2 * gain[..., other, m], 0.0)
    return result
