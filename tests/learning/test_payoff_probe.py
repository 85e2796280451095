"""Our own probe: one mAP, one BS, discount 0. A critic must find the payoff's closed form (model, section 2)."""

import math

import pytest
import torch

from twinoffload import Scenario
from twinoffload.env.episodes import draw_episodes
from twinoffload.env.observation import Encoder
from twinoffload.env.slots import Slots
from twinoffload.learning.algorithms import learner
from twinoffload.learning.replay import Replay
from twinoffload.learning.sac import SACSettings
from twinoffload.learning.td3 import TD3Settings, ddpg
from twinoffload.seeding import stream

TOLERANCE = 0.05  # root mean square error of the critics, as a share of the payoff's standard deviation
LONE = Scenario.load("open").replace(maps=1, stations=1, slots=40)
COMMON = {"discount": 0.0, "critic_rate": 3e-3, "actor_rate": 3e-3, "batch": 256}
ALGORITHMS = {
    "sac": SACSettings(temperature=0.02, **COMMON),
    "td3": TD3Settings(**COMMON),
    "ddpg": ddpg(**COMMON),
}


def payoff(gain, price, data):
    """U_f = gA phi - gD T - mu Z with the numbers of the `open` preset written out; money, MB, s, W, MHz."""
    bandwidth, noise = 5.0, 10 ** ((-174 + 5 - 30) / 10) * 5e6
    rate = bandwidth / 8 * math.log2(1 + 0.2 * gain / noise)
    delay = data / rate + data * 1.6 / 20.0
    return 10.0 * (1 - math.exp(-0.64 * data)) - 1.0 * delay - price * data


def played(name, episodes):
    """What a random mAP saw and did in slots with random prices, and what it was paid, `[1, B, .]` each."""
    slots = Slots(draw_episodes(LONE, episodes, [stream(0, name)], slots=LONE.slots + 1))
    encoder, source = Encoder.of(LONE, "paper"), stream(1, name)
    seen, done, paid, expected = [], [], [], []
    for _ in range(LONE.slots):
        price = encoder.price(slots, torch.rand(1, episodes, 1, generator=source) * 2 - 1)
        action = torch.rand(1, episodes, 1, 1, generator=source) * 2 - 1
        association, data = encoder.offload(slots, action)
        seen.append(encoder.map_features(slots, price)[:, :, 0])
        done.append(action[:, :, 0])
        rows = zip(slots.gain.flatten().tolist(), price.flatten().tolist(), data.flatten().tolist(), strict=True)
        expected += [payoff(*row) for row in rows]
        paid.append(slots.step(price, association, data)["map_utility"][..., 0])
    return torch.cat(seen, 1), torch.cat(done, 1), torch.cat(paid, 1).float(), torch.tensor(expected)


@pytest.mark.parametrize("name", ALGORITHMS)
def test_the_critics_find_the_closed_form(name):
    settings = ALGORITHMS[name]
    generators = [stream(0, "maps")]
    each = learner(settings, 1, observation=2, action=1, generators=generators)
    observation, action, reward, _ = played("training", 50)
    replay = Replay(1, 2000, observation=2, action=1, store_next=False)
    replay.add(observation, action, reward)
    for _ in range(1500):
        each.update(replay.sample(settings.batch, generators))

    observation, action, _, expected = played("held out", 25)
    values = each.critics.evaluate(each.critics.parameters.detach(), observation, action)[:, 0]
    error = (values - expected).square().mean(-1).sqrt()
    assert (error < TOLERANCE * expected.std()).all(), error / expected.std()
    assert (values.flip(-1) - expected).square().mean().sqrt() > expected.std(), "the measure tells a wrong critic"
