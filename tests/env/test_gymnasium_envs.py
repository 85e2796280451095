"""Gymnasium's view of the game: its checkers, the batched view beside the single one, and known answers."""

import re
import warnings

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.utils.env_checker import check_env
from stable_baselines3.common import env_checker as peer

import twinoffload  # noqa: F401 (registers the environments)
from twinoffload import Scenario, best_response, evaluate_prices, uplink_rate
from twinoffload.env.players import MAPS, OPERATORS
from twinoffload.env.references import Constant, Reactive

IDS = ("twinoffload/Operator-v0", "twinoffload/AccessPoint-v0")
PAPER = Scenario.load("paper")


def played(env, seed, slots=3):
    """What a few slots of fixed actions give."""
    actions = np.random.default_rng(0).uniform(-1, 1, (slots, *env.action_space.shape)).astype(np.float32)
    rows = [env.reset(seed=seed)[0]]
    rewards = []
    for action in actions:
        seen, reward, *_ = env.step(action)
        rows.append(seen)
        rewards.append(reward)
    return np.stack(rows), np.stack(rewards)


@pytest.mark.parametrize("scenario", ["paper", "open", "private"])
@pytest.mark.parametrize("name", IDS)
def test_the_checkers_of_gymnasium_and_of_stable_baselines3_say_nothing(name, scenario, monkeypatch):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        env = gymnasium.make(name, scenario=scenario, slots=5).unwrapped
        check_env(env, skip_render_check=scenario != "paper")
        peer.check_env(env)


@pytest.mark.parametrize("name", IDS)
def test_one_of_the_batched_environments_plays_what_the_single_one_does(name):
    single, many = gymnasium.make(name, slots=3), gymnasium.make_vec(name, num_envs=1, slots=3)
    for ours, theirs in zip(played(single, 5), played(many, 5), strict=True):
        np.testing.assert_array_equal(ours, theirs.squeeze(1))


@pytest.mark.parametrize("name", IDS)
def test_environments_of_a_batch_differ_and_follow_the_seed(name):
    many = gymnasium.make_vec(name, num_envs=3, slots=4)
    first, again, other = (many.reset(seed=seed)[0] for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert len(np.unique(first[:, 0])) == 3
    assert not np.array_equal(many.reset()[0], other)  # goes on, without a seed


@pytest.mark.parametrize("name", IDS)
def test_episodes_are_truncated_never_terminated_and_begin_anew_in_the_next_step(name):
    many = gymnasium.make_vec(name, num_envs=2, slots=2)
    many.reset(seed=0)
    ends = []
    for _ in range(6):
        _, reward, terminated, truncated, _ = many.step(many.action_space.sample())
        assert not terminated.any()
        ends.append(truncated.tolist())
        if len(ends) in (3, 6):
            assert reward.tolist() == [0.0, 0.0]
    assert ends == [[False] * 2, [True] * 2, [False] * 2] * 2
    single = gymnasium.make(name, slots=1)
    single.reset(seed=0)
    assert single.step(single.action_space.sample())[2:4] == (False, True)
    with pytest.raises(ValueError, match="the episode ended after 1 slots"):
        single.step(single.action_space.sample())


def test_the_operators_reward_is_its_utility_where_the_followers_end():
    env = gymnasium.make(IDS[0], slots=2).unwrapped
    env.reset(seed=3)
    gain = env.seat.game.gain[0, 0]
    action = np.random.default_rng(0).uniform(-1, 1, 8).astype(np.float32)
    _, reward, _, _, info = env.step(action)
    price = torch.as_tensor(info["price"])
    stretched = (1.1 * torch.as_tensor(action, dtype=torch.float64)).clamp(-1, 1)
    torch.testing.assert_close(price.flatten(), 1.25 * (stretched + 1) / 2, rtol=1e-6, atol=1e-7)
    outcome = evaluate_prices(PAPER.market(), gain, price)
    assert reward == pytest.approx(outcome.operator_utility.item(), rel=1e-9)
    assert info["regret"] == pytest.approx(0.0, abs=1e-9)
    np.testing.assert_array_equal(info["association"], outcome.association)


def test_an_access_point_that_best_responds_has_no_regret_and_any_other_less_utility():
    """The others' interference is what they cause at the BS that the mAP is not on, so its best response is known."""
    env = gymnasium.make(IDS[1], operator=0.9, others="fixed", slots=2, amount_margin=0.0).unwrapped
    env.reset(seed=4)
    gain = env.seat.game.gain[0, 0]
    strongest = gain.argmax(-1)
    reply = best_response(PAPER.market(), uplink_rate(PAPER.market(), gain, strongest), torch.full((4, 2), 0.9))
    station = reply.utility[0].argmax()
    action = np.full(2, -1.0, dtype=np.float32)
    action[station] = 2 * reply.data[0, station].item() / 5.0 - 1
    _, reward, _, _, info = env.step(action)
    assert reward == pytest.approx(reply.utility[0].max().item(), rel=1e-6)
    assert info["association"][0] == station
    env.reset(seed=4)
    _, other, _, _, _ = env.step(-action)
    assert other < reward


def test_fixed_maps_pay_whatever_is_asked():
    env = gymnasium.make(IDS[0], maps="fixed", slots=2)
    env.reset(seed=0)
    _, high, *_ = env.step(np.ones(8, dtype=np.float32))
    env.reset(seed=0)
    _, low, *_ = env.step(-np.ones(8, dtype=np.float32))
    assert high - low == pytest.approx(1.25 * 4 * 5.0, rel=1e-12)


@pytest.mark.parametrize("maps", [*MAPS, Reactive(torch.tensor([1.0, 1.0]), 0)])
def test_every_kind_of_maps_replies(maps):
    env = gymnasium.make(IDS[0], maps=maps, slots=2)
    assert np.isfinite(played(env, 0, 2)[1]).all()


@pytest.mark.parametrize("operator", [*OPERATORS, 0.5, Constant(torch.tensor([1.0, 0.8]))])
def test_every_kind_of_operator_prices_and_what_is_not_offered_takes_no_data(operator):
    env = gymnasium.make(IDS[1], operator=operator, scenario="open", slots=12)
    seen, rewards = played(env, 0, 12)
    assert np.isfinite(rewards).all()
    assert np.isfinite(seen).all()


def test_trained_agents_may_be_the_others():
    from twinoffload.learning.agents import Agents
    from twinoffload.learning.train_settings import TrainSettings

    agents = Agents(PAPER, TrainSettings.load("tuned"), [0])
    assert np.isfinite(played(gymnasium.make(IDS[0], maps=agents, slots=2), 0, 2)[1]).all()
    assert np.isfinite(played(gymnasium.make(IDS[1], operator=agents, others=agents, slots=2), 0, 2)[1]).all()


@pytest.mark.filterwarnings("ignore:.*render_mode='ansi'")
@pytest.mark.parametrize(
    ("name", "bad", "says"),
    [
        (IDS[0], {"maps": "greedy"}, "maps = 'greedy': must be one of best-replying, reactive, fixed, or a scheme"),
        (IDS[0], {"scenario": "papr"}, "papr"),
        (IDS[0], {"slots": 0}, "slots = 0: must be an integer of at least 1"),
        (IDS[0], {"render_mode": "ansi"}, "render_mode = 'ansi': must be one of human, rgb_array, or None"),
        (IDS[0], {"scenario": "city"}, "scenario city: is a city"),
        (IDS[0], {"price_margin": -0.1}, "price_margin = -0.1: must be a number of at least 0"),
        (IDS[1], {"amount_margin": "wide"}, "amount_margin = 'wide': must be a number of at least 0"),
        (IDS[1], {"index": 4}, "index = 4: must be an integer in 0..3, an mAP"),
        (
            IDS[1],
            {"operator": "gradient"},
            "operator = 'gradient': must be one of pairwise",
        ),
        (IDS[1], {"operator": 2.0}, "operator = 2.0: a price must be in [0, 1.25] money/MB"),
        (IDS[1], {"observation": "all"}, "observation = 'all': must be one of paper, load, gains"),
    ],
)
def test_bad_arguments_are_named(name, bad, says):
    with pytest.raises(ValueError, match=re.escape(says)) as refusal:
        gymnasium.make(name, **bad)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("action", "says"),
    [
        (np.zeros(3), "action has shape [3]: must be [8]"),
        (np.full(8, 2.0), "action holds 2: must be in [-1, 1]; clip it"),
        (np.full(8, np.nan), "action holds nan"),
    ],
)
def test_bad_actions_are_refused(action, says):
    env = gymnasium.make(IDS[0], slots=2, disable_env_checker=True).unwrapped
    env.reset(seed=0)
    with pytest.raises(ValueError, match=re.escape(says)):
        env.step(action)


def test_the_picture_shows_what_was_played():
    env = gymnasium.make(IDS[0], slots=3, render_mode="rgb_array")
    env.reset(seed=0)
    before = env.render()
    env.step(np.zeros(8, dtype=np.float32))
    after = env.render()
    assert before.shape == after.shape == (680, 640, 3)
    assert before.dtype == np.uint8
    teal = np.array([0x1F, 0x91, 0x87])  # of BS 2, of mAPs on it and of their links
    count = [(np.abs(frame.astype(int) - teal).sum(-1) < 12).sum() for frame in (before, after)]
    assert 0 < count[0] < count[1]


def test_measured_gains_are_played_and_have_no_map(tmp_path):
    from twinoffload.network.gain_file import Gains, write_gains

    gain = PAPER.sample_gain(count=60, seed=1)
    names = tuple(f"map-{n}" for n in range(4)), ("bs-0", "bs-1")
    write_gains(tmp_path / "trace.csv", Gains(gain, tuple(map(str, range(60))), *names))
    measured = PAPER.replace(gains={"file": tmp_path / "trace.csv"}, slots=5)
    for name in IDS:
        env = gymnasium.make(name, scenario=measured)
        assert np.isfinite(played(env, 0)[1]).all()
    shown = env.unwrapped.seat.game.episodes.gain[0, 0, 0]
    assert any(torch.equal(shown, one) for one in gain[:48]), "a slot of the training part"
    with pytest.raises(ValueError, match="scenario paper has measured gains, which have no map"):
        gymnasium.make(IDS[0], scenario=measured, render_mode="rgb_array")


def test_nothing_is_played_before_it_has_begun():
    for env in (gymnasium.make(IDS[0]).unwrapped, gymnasium.make_vec(IDS[0], num_envs=2)):
        with pytest.raises(ValueError, match="step: no episode has begun; call reset"):
            env.step(env.action_space.sample())
    with pytest.raises(ValueError, match="render: no episode has begun"):
        gymnasium.make(IDS[0], render_mode="rgb_array").unwrapped.render()
