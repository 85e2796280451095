"""What is shown is what it says, and actors take it over; without being shown it they do not."""

import pytest
import torch

from twinoffload import Scenario, solve
from twinoffload.env.observation import Encoder
from twinoffload.env.slots import Slots
from twinoffload.equilibrium.outcome import play
from twinoffload.learning.demonstrations import demonstrations, hindsight
from twinoffload.learning.replay import Transition
from twinoffload.learning.rows import draw_rows
from twinoffload.learning.sac import SAC, SACSettings
from twinoffload.learning.td3 import TD3, TD3Settings, ddpg
from twinoffload.learning.train_settings import TrainSettings
from twinoffload.learning.training import Trainer, check_trainable
from twinoffload.seeding import stream

PAPER = Scenario.load("paper")
CROWDED = PAPER.replace(maps=6)


def encoder(scenario):
    return Encoder.of(scenario, "load", price_margin=0.1, amount_margin=0.1)


def slots_of(scenario, count=20):
    return Slots(draw_rows([scenario], count, [stream(5, "shown")], slots=2))


@pytest.mark.parametrize("scenario", [PAPER, CROWDED, Scenario.load("open")])
def test_the_lowest_price_is_on_the_bs_where_posted_has_the_map(scenario):
    own = encoder(scenario)
    features, action = demonstrations([scenario] * 2, 30, own)
    assert features.shape == action.shape == (2, 30, own.operator_size)
    slots = Slots(draw_rows([scenario], 30, [stream(0, "demonstrations")], slots=1))
    assert torch.equal(features[:1], own.operator_features(slots))
    price, outcome = own.price(slots, action[:1]), solve(scenario.market(), slots.gain, concept="posted")
    assert torch.equal(price.argmin(-1), outcome.association)
    assert (price.amax(-1) == scenario.highest_price).all(), "offers that are not recommended are at the end"
    assert (price.amin(-1) <= 0.9800001 * scenario.highest_price).all()
    assert all(
        torch.equal(*pair) for pair in zip((features, action), demonstrations([scenario] * 2, 30, own), strict=True)
    )


def reply_by_search(slots, price, association, data, n):
    """The most that mAP n could have while the others stay, over both BSs and a grid of amounts; `[...]`."""
    most = torch.zeros(data.shape[:-1], dtype=torch.float64)
    for m in range(price.shape[-1]):
        for amount in torch.linspace(0.0, 5.0, 201).tolist():
            there, sent = association.clone(), data.clone()
            there[..., n], sent[..., n] = m, amount
            most = torch.maximum(most, play(slots.terms, slots.gain, there, price, sent)["map_utility"][..., n])
    return most


def test_hindsight_is_the_best_reply_to_what_the_others_did():
    slots, own = slots_of(CROWDED, 8), encoder(CROWDED)
    draw = torch.Generator().manual_seed(1)
    price = torch.rand(slots.gain.shape, generator=draw, dtype=torch.float64) * 1.25
    association = torch.randint(0, 2, slots.gain.shape[:-1], generator=draw)
    data = torch.rand(association.shape, generator=draw, dtype=torch.float64)
    best_association, best_data = own.offload(slots, hindsight(slots, own, price, association, data))
    for n in range(CROWDED.maps):
        there, sent = association.clone(), data.clone()
        there[..., n], sent[..., n] = best_association[..., n], best_data[..., n]
        found = play(slots.terms, slots.gain, there, price, sent)["map_utility"][..., n]
        searched = reply_by_search(slots, price, association, data, n)
        assert (found >= searched - 1e-6).all()
        assert (found <= searched + 0.01).all(), "no more than a grid finds, but for its width"
    silent = best_data == 0.0
    assert silent.any()
    assert torch.equal(best_association[silent], price.argmin(-1)[silent]), "who sends nothing waits where it is told"


KINDS = [(SAC, SACSettings), (TD3, TD3Settings), (TD3, ddpg)]


def learner(kind, settings, imitation, seed=0, **more):
    given = {"hidden": (16,), "discount": 0.0, "batch": 64, "imitation": imitation, **more}
    return kind(settings(**given), 2, observation=1, action=1, generators=[torch.Generator().manual_seed(seed)])


@pytest.mark.parametrize(("kind", "settings"), KINDS)
@pytest.mark.parametrize("output", ["tanh", "sigmoid"])
def test_the_gradient_is_that_of_the_distance(kind, settings, output):
    one = learner(kind, settings, 3.0, output=output)
    outputs = torch.randn(2, 8, one.HEADS, generator=torch.Generator().manual_seed(2)).requires_grad_()
    wanted = torch.linspace(-0.9, 0.9, 16).view(2, 8, 1)
    state = one.generators[0].get_state()
    found = one._towards(wanted, outputs.detach())
    one.generators[0].set_state(state)
    action, _ = one._done(outputs)
    loss = torch.nn.functional.huber_loss(action, wanted, reduction="sum", delta=0.1) * 2.0 * 3.0 / 8
    (expected,) = torch.autograd.grad(loss, outputs)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("kind", "settings"), KINDS)
@pytest.mark.parametrize("imitation", [0.0, 100.0])
def test_an_actor_does_what_it_is_shown_and_not_otherwise(kind, settings, imitation):
    """Rewards pull to 0.8; the teacher shows -0.5 times what is seen, and 0 is the control."""
    one, draw = learner(kind, settings, imitation, actor_rate=1e-2, critic_rate=1e-2), torch.Generator().manual_seed(3)
    for _ in range(300):
        seen, action = (torch.rand(2, 64, 1, generator=draw) * 2 - 1 for _ in range(2))
        reward = -(action - 0.8).square().squeeze(-1)
        batch = Transition(seen, seen[..., :0], action, reward)
        one.update(batch, Transition(seen, seen[..., :0], -0.5 * seen, reward) if imitation else None)
    seen = torch.linspace(-1, 1, 9).view(1, 9, 1).expand(2, 9, 1)
    off = (one.act(seen, deterministic=True) + 0.5 * seen).abs().max()
    assert (off < 0.15) == (imitation > 0)


SMALL = {"episodes": 1, "environments": 2, "warmup": 2}


def taught(preset="tuned", operator=1.0, **changes):
    base = TrainSettings.load(preset)
    who = {name: getattr(base, name).model_dump() | {"batch": 16, "hidden": (16,)} for name in ("operator", "maps")}
    who["operator"]["imitation"] = operator
    who["maps"]["imitation"] = 1.0
    return base.replace(**SMALL, **who, **({"demonstrations": 40} | changes))


@pytest.mark.parametrize("preset", ["tuned", "tuned-td3", "tuned-ddpg"])
@pytest.mark.parametrize("followers", ["shared", "independent"])
def test_operator_and_maps_are_shown_their_own(preset, followers):
    scenario = PAPER.replace(slots=4)
    trainer = Trainer(scenario, taught(preset, followers=followers), [0, 1])
    assert {name: len(shown) for name, shown in trainer.teacher.shown.items()} == {"operator": 40, "maps": 0}
    trainer.run(lambda rows: None)
    each = scenario.slots * 2 * (scenario.maps if followers == "shared" else 1)
    assert len(trainer.teacher.shown["maps"]) == each


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"demonstrations": 0}, "demonstrations = 0 with operator.imitation = 1: one is of no use without the other"),
        ({"operator": 0.0}, "demonstrations = 40 with operator.imitation = 0: one is of no use without the other"),
    ],
)
def test_half_of_what_demonstrations_need_is_refused(changes, told):
    with pytest.raises(ValueError, match=told):
        check_trainable(PAPER, taught(**changes), [0])


def test_a_market_that_no_teacher_can_solve_is_refused_before_any_work():
    with pytest.raises(ValueError, match=r"beyond enumeration.*set demonstrations and operator\.imitation to 0"):
        check_trainable(PAPER.replace(maps=40), taught(), [0])
