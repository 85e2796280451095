"""PettingZoo's view of the game: its own tests, and that both orders of moving are the same game."""

import os
import re
from functools import partial

import numpy as np
import pytest
import torch
from pettingzoo import make
from pettingzoo.test import (
    api_test,
    max_cycles_test,
    parallel_api_test,
    parallel_seed_test,
    render_test,
    seed_test,
    state_test,
)

from twinoffload.env import pricing_v0
from twinoffload.env.slots import Slots

os.environ.setdefault("SDL_VIDEODRIVER", "dummy")

# The operator and the mAPs are of two kinds; PettingZoo remarks on it.
unlike = pytest.mark.filterwarnings(
    "error", "ignore:Agents have different", "ignore:Observations are different", "ignore::DeprecationWarning"
)


@unlike
@pytest.mark.parametrize("scenario", ["paper", "open", "private"])
def test_pettingzoos_own_tests_pass(scenario, capsys):
    given = {"scenario": scenario, "max_cycles": 5}
    api_test(pricing_v0.env(**given), num_cycles=40)
    parallel_api_test(pricing_v0.parallel_env(**given), num_cycles=40)
    seed_test(partial(pricing_v0.env, **given), num_cycles=20)
    parallel_seed_test(partial(pricing_v0.parallel_env, **given), num_cycles=20)
    state_test(pricing_v0.env(**given), pricing_v0.parallel_env(**given), num_cycles=10)


def test_pettingzoo_makes_them_by_name():
    assert isinstance(make("parallel", "twinoffload/Pricing-v0", max_cycles=2), pricing_v0.parallel_env)
    assert isinstance(make("aec", "twinoffload/Pricing-v0").unwrapped, pricing_v0.raw_env)


@unlike
def test_episodes_last_max_cycles():
    max_cycles_test(pricing_v0)


@unlike
def test_pictures_are_those_that_pettingzoo_wants():
    render_test(partial(pricing_v0.env, max_cycles=2))


def turn(env, actions):
    """One slot of the turn-based view."""
    for agent in env.possible_agents:
        assert env.agent_selection == agent
        env.step(actions[agent])


def test_both_orders_are_the_same_game():
    """The operator's action of a parallel step is that of the next slot where it moves first."""
    turns, once = pricing_v0.raw_env(max_cycles=4), pricing_v0.parallel_env(max_cycles=4)
    turns.reset(seed=7)
    once.reset(seed=7)
    # The parallel view has drawn one slot more; give both the same channels.
    once._slots = Slots(turns._slots.episodes)
    spaces, random = turns.action_spaces, np.random.default_rng(0)
    moves = [{a: random.uniform(-1, 1, spaces[a].shape).astype(np.float32) for a in spaces} for _ in range(3)]
    highest = np.ones(spaces["operator_0"].shape, dtype=np.float32)
    for t, move in enumerate(moves):
        posted = highest if t == 0 else move["operator_0"]
        turn(turns, move | {"operator_0": posted})
        following = moves[t + 1]["operator_0"] if t + 1 < len(moves) else highest
        seen, rewards, *_ = once.step(move | {"operator_0": following})
        assert rewards == turns.rewards
        assert rewards["operator_0"] != 0.0
    assert seen.keys() == spaces.keys()


def test_maps_see_the_prices_of_the_slot_and_the_operator_its_channels():
    env = pricing_v0.raw_env(max_cycles=3)
    env.reset(seed=1)
    listed = env.observe("map_0")
    assert env.observe("operator_0").shape == (8,)
    env.step(np.full(8, -1.0, dtype=np.float32))
    for_free = env.observe("map_0")
    np.testing.assert_array_equal(listed[:2], for_free[:2])  # gains
    np.testing.assert_array_equal(listed[2:4], [1, 1])
    np.testing.assert_array_equal(for_free[2:4], [-1, -1])
    once = pricing_v0.parallel_env(max_cycles=3)
    once.reset(seed=1)
    gain = once._slots.episodes.gain
    seen, *_ = once.step({a: once.action_space(a).sample() for a in once.agents})
    np.testing.assert_array_equal(seen["map_2"][:2], seen_log(once, gain[1, 0, 0, 2]))
    np.testing.assert_array_equal(seen["operator_0"], seen_log(once, gain[2, 0, 0]).ravel())


def seen_log(env, gain):
    return ((torch.log10(gain) - env._encoder.center) / env._encoder.spread).float().numpy()


def test_the_state_holds_what_both_sides_see():
    for env, parts in ((pricing_v0.raw_env(max_cycles=3), 3), (pricing_v0.parallel_env(max_cycles=3), 4)):
        env.reset(seed=2)
        operator = env.observe("operator_0") if parts == 3 else env._observe()["operator_0"]
        state = env.state().reshape(parts, 4, 2)
        assert env.state_space.contains(state.ravel())
        np.testing.assert_array_equal(state[parts - 3].ravel(), operator)
        gain = env._slots.gain[0, 0]
        np.testing.assert_array_equal(state[0], seen_log(env, gain))
        assert (state[-2] == 1.0).all(), "the highest price, until another is posted"


def test_rewards_are_paid_when_the_last_has_moved():
    env = pricing_v0.raw_env(max_cycles=2)
    env.reset(seed=0)
    for agent in env.possible_agents[:-1]:
        env.step(np.zeros(env.action_space(agent).shape))  # half of the price, half of the data
        assert not any(env.rewards.values())
    env.step(np.zeros(2))
    assert all(env.rewards.values())
    assert {"association", "data_mb", "price_money_per_mb", "regret_money"} == env.infos["map_1"].keys()


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ({"max_cycles": 0}, "max_cycles = 0: must be an integer of at least 1"),
        ({"observation": "full"}, "observation = 'full': must be one of paper, load, gains"),
        ({"price_margin": float("nan")}, "price_margin = nan: must be a number of at least 0"),
        ({"render_mode": "svg"}, "render_mode = 'svg': must be one of human, rgb_array, or None"),
    ],
)
@pytest.mark.parametrize("make", [pricing_v0.env, pricing_v0.parallel_env])
def test_bad_arguments_are_named(make, bad, says):
    with pytest.raises(ValueError, match=re.escape(says)):
        make(**bad)


def test_bad_actions_are_refused():
    env = pricing_v0.parallel_env(max_cycles=1)
    env.reset(seed=0)
    actions = {a: env.action_space(a).sample() for a in env.agents}
    with pytest.raises(ValueError, match="actions lack map_1: every agent moves in every step"):
        env.step({a: v for a, v in actions.items() if a != "map_1"})
    with pytest.raises(ValueError, match=re.escape("action of map_0 has shape [3]: must be [2]")):
        env.step(actions | {"map_0": np.zeros(3)})
    env.step(actions)
    with pytest.raises(ValueError, match="the episode ended after 1 slots"):
        env.step(actions)


def test_nothing_is_played_before_it_has_begun():
    env = pricing_v0.parallel_env(render_mode="rgb_array")
    for use in (env.state, env.render, lambda: env.step({})):
        with pytest.raises(ValueError, match="no episode has begun; call reset"):
            use()
