"""Rows of an ensemble, and what a training may choose: followers, turns, update ratio, critics."""

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from twinoffload import Scenario
from twinoffload.env.observation import own_fields
from twinoffload.env.slots import Slots
from twinoffload.learning.rows import draw_rows
from twinoffload.learning.training import Trainer, TrainSettings
from twinoffload.seeding import stream

SHORT = Scenario.load("paper").replace(slots=6)
ALGORITHMS = {"sac": {"algorithm": "sac"}, "td3": {"algorithm": "td3"}}


def settings(algorithm="sac", learner=None, **values):
    one = {"algorithm": algorithm, "batch": 16, "hidden": (16,), "discount": 0.5} | (learner or {})
    return TrainSettings.model_validate(
        {"environments": 2, "warmup": 2, "replay": 100, "operator": one, "maps": one} | values
    )


def play(trainer, episodes=2):
    for _ in range(episodes):
        rows = trainer.play_episode()
        trainer.episode += 1
    return rows


OPTIONS = [
    {},
    {"followers": "shared", "map_index": True},
    {"critic": "central"},
    {"followers": "shared", "critic": "central", "schedule": "alternating", "alternate_every": 1},
]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("base", ["paper", "private"])
def test_a_row_learns_the_same_whatever_scenarios_stand_beside_it(base, options, algorithm):
    """To rounding: a batched product of another number of members may add in another order."""
    one = Scenario.load(base).replace(slots=6, raw_data="uniform")
    other = one.replace(bandwidth=3.0, price_cap=2.0, task_size=4.0, side=800.0)
    crowd = Trainer([other, one, one], settings(algorithm, **options), [1, 1, 2])
    rows = play(crowd)
    for row, scenario, seed in ((0, other, 1), (2, one, 2)):
        (alone,) = play(Trainer(scenario, settings(algorithm, **options), [seed]))
        assert rows[row]["row"] == row
        for name, value in alone.items():
            assert rows[row][name] == pytest.approx(value, rel=2e-3, abs=2e-3), name
    assert rows[0]["operator_utility_money"] != rows[1]["operator_utility_money"]


def test_stacked_episodes_are_each_rows_own():
    one = Scenario.load("private").replace(slots=4)
    other = one.replace(bandwidth=(3.0, 9.0), accuracy_value={"uniform": (1.0, 2.0)}, side=900.0)
    crowd = draw_rows([one, other], 3, [stream(seed, "test") for seed in (1, 2)], slots=4)
    for row, scenario, seed in ((0, one, 1), (1, other, 2)):
        alone = draw_rows([scenario], 3, [stream(seed, "test")], slots=4)
        assert torch.equal(crowd.gain[:, row], alone.gain[:, 0])
        for name, tensor in alone.parameters.tensors().items():
            mine = getattr(crowd.parameters, name)[row]
            assert torch.equal(mine.expand(3, 4, 2), tensor.expand(1, 3, 4, 2)[0]), name


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"maps": 3}, "maps is 4 and 3"),
        ({"slots": 7}, "slots is 6 and 7"),
        ({"raw_data": "uniform"}, "raw_data is fixed and uniform"),
        ({"delay_cost": {"uniform": (1, 2)}}, "what mAPs alone know is nothing and delay_cost"),
        ({"cycles": 2.0}, "what mAPs differ in is cycles and nothing"),
    ],
)
def test_rows_that_differ_in_kind_are_refused(change, told):
    with pytest.raises(ValueError, match=told):
        Trainer([SHORT, SHORT.replace(**change)], settings(), [0, 0])


def test_wrong_numbers_of_rows_are_refused():
    with pytest.raises(ValueError, match="2 scenarios for 1 seeds"):
        Trainer([SHORT, SHORT], settings(), [0])
    with pytest.raises(ValueError, match="seeds: there are none"):
        Trainer(SHORT, settings(), [])
    with pytest.raises(ValueError, match=r"operator\.actor_rate has 3 values, expected one, or 2"):
        Trainer(SHORT, settings(learner={"actor_rate": (1e-3,) * 3}), [0, 1])
    with pytest.raises(ValueError, match="replay = 7: a slot adds 8 transitions"):
        Trainer(SHORT, settings(followers="shared", replay=7), [0])


@pytest.mark.parametrize("followers", ["independent", "shared"])
def test_rates_of_a_row_belong_to_its_operator_and_all_its_maps(followers):
    rates = {"actor_rate": (1e-5, 1e-2), "discount": 0.0}
    trainer = Trainer(SHORT, settings(learner=rates, followers=followers), [3, 3])
    before = {name: learner.actor.detach().clone() for name, learner in trainer.agents.learners.items()}
    play(trainer, 1)
    for name, learner in trainer.agents.learners.items():
        moved = (learner.actor - before[name]).detach().abs().amax(-1).view(2, -1)
        assert (moved[0] > 0).all()
        assert (moved[1] > 100 * moved[0]).all(), name


def test_shared_followers_are_one_network_a_row_that_sees_whose_it_is():
    trainer = Trainer(SHORT, settings(followers="shared", map_index=True, warmup=1000), [0, 1])
    agents = trainer.agents
    assert own_fields(SHORT) == ("cycles",)
    assert agents.maps.members == 2
    assert agents.encoder.map_size == 6 + 1 + 4
    play(trainer, 1)
    seen = trainer.replays["maps"].sample(400, agents.generators["maps"]).observation
    assert len(trainer.replays["maps"]) == 6 * 2 * 4
    assert seen[..., -4:].sum(-1).unique().tolist() == [1.0], "one-hot"
    assert seen[..., -4:].mean((0, 1)).min() > 0.15, "all mAPs' transitions are there"
    cycles = seen[..., 6]
    assert cycles.unique().tolist() == [-1.0, 1.0]
    assert torch.equal(cycles, (seen[..., -4:] * torch.tensor([-1.0, 1.0, -1.0, 1.0])).sum(-1))
    values = torch.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5)
    assert torch.equal(agents.by_row(agents.by_member(values)), values)


def test_in_turns_the_others_weights_rest():
    trainer = Trainer(SHORT, settings(schedule="alternating", alternate_every=2), [0])
    for episode in range(6):
        before = {who: learner.weights()["actor"].clone() for who, learner in trainer.agents.learners.items()}
        play(trainer, 1)
        moved = {
            who: not torch.equal(learner.weights()["actor"], before[who])
            for who, learner in trainer.agents.learners.items()
        }
        operator = episode in (0, 1, 4, 5)
        assert moved == {"operator": operator, "maps": not operator}


@pytest.mark.parametrize(("values", "updates"), [({"updates_per_slot": 3}, 15), ({"slots_per_update": 4}, 3)])
def test_the_update_ratio_is_kept(values, updates, monkeypatch):
    trainer = Trainer(SHORT, settings(**values), [0])
    counted, update = [], trainer.agents.maps.update
    monkeypatch.setattr(trainer.agents.maps, "update", lambda *given: (counted.append(1), update(*given))[1])
    play(trainer, 1 if "updates_per_slot" in values else 2)
    assert len(counted) == updates


def test_central_critics_see_the_slots_own_interference():
    trainer = Trainer(SHORT, settings(critic="central", warmup=1000), [0])
    agents, plain = trainer.agents, Trainer(SHORT, settings(), [0]).agents
    assert agents.maps.policy.widths[0] == plain.maps.policy.widths[0], "the actor sees no more than before"
    assert agents.maps.critics.network.widths[0] == plain.maps.critics.network.widths[0] + SHORT.stations
    slots = Slots(draw_rows([SHORT], 2, [stream(0, "test")], slots=3))
    decision = trainer._decide(slots)
    terms, gain = slots.terms, slots.gain
    slots.step(decision.price, *decision.offload)
    sinr = terms.power * gain / (slots.last_interference + terms.noise)
    torch.testing.assert_close(agents.by_row(decision.privileged["maps"]).double(), sinr.log10() / 2)
    assert "operator" not in decision.privileged
    trainer._store(decision, slots.step(decision.price, *decision.offload), decision)
    batch = trainer.replays["maps"].sample(20, agents.generators["maps"])
    assert batch.privileged.shape[-1] == batch.next_privileged.shape[-1] == SHORT.stations


class NoSynchronisation(TorchDispatchMode):
    """Fails on what waits for a device, or makes a tensor on the host to send there."""

    FORBIDDEN = ("_local_scalar_dense", "nonzero", "lift_fresh", "masked_select", "unique", "equal", "item")

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        name = function.overloadpacket.__name__
        assert name not in self.FORBIDDEN, f"{function} within a slot"
        return function(*args, **(kwargs or {}))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("options", OPTIONS)
def test_nothing_waits_for_the_device_within_a_slot(options, algorithm):
    scenario = Scenario.load("private").replace(slots=6, raw_data="uniform", idle_interferes=False)
    trainer = Trainer([scenario, scenario.replace(side=500.0)], settings(algorithm, **options), [0, 1])
    play(trainer, 1)
    slots = Slots(draw_rows(trainer.scenarios, 2, [stream(s, "test") for s in (0, 1)], slots=7))
    decision, measured = trainer._decide(slots), {}
    with NoSynchronisation():
        decision = trainer._play_slot(slots, decision, measured)
    assert any(name.endswith("critic_loss") for name in measured), "an update was part of it"
    with pytest.raises(AssertionError, match="within a slot"), NoSynchronisation():
        measured["price_money_per_mb"][0][1][0].item()
