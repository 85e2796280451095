"""A row that diverges is stopped in words and frozen; its neighbours learn on to the same bit."""

import math

import pytest
import torch

from twinoffload import Scenario
from twinoffload.learning.guard import DivergenceWarning
from twinoffload.learning.training import Trainer, TrainSettings

SHORT = Scenario.load("paper").replace(slots=8)


def trainer(algorithm="sac", **values):
    learner = {"algorithm": algorithm, "batch": 16, "discount": 0.5, "hidden": (16,)}
    settings = {"environments": 2, "warmup": 2, "replay": 100, "operator": learner, "maps": learner} | values
    return Trainer(SHORT, TrainSettings.model_validate(settings), [4, 7, 9])


def play(each, episodes):
    rows = []
    for _ in range(episodes):
        rows.append(each.play_episode())
        each.episode += 1
    return rows


def same(row, other):
    return row.keys() == other.keys() and all(row[name] == other[name] for name in row)


@pytest.mark.parametrize("algorithm", ["sac", "td3"])
@pytest.mark.parametrize("who", ["operator", "maps"])
def test_a_poisoned_row_is_frozen_and_the_others_go_on_to_the_same_bit(who, algorithm):
    clean, spoilt = trainer(algorithm), trainer(algorithm)
    play(clean, 2)
    play(spoilt, 2)
    learner = spoilt.agents.learners[who]
    good = {name: tensor.clone() for name, tensor in learner.weights().items()}
    with torch.no_grad():
        learner.critics.parameters.view(2, len(spoilt.seeds), -1, learner.critics.network.size)[:, 1, 0, 3] = math.nan
    with pytest.warns(DivergenceWarning, match="seed 7 stopped in episode 2: the critics' value of the") as told:
        after = play(spoilt, 1)
    assert "was not finite from slot 0 on" in str(told[0].message)
    assert f"Lower {who}.critic_rate" in str(told[0].message)
    assert "\n" not in str(told[0].message)
    after += play(spoilt, 2)
    for mine, theirs in zip(after, play(clean, 3), strict=True):
        assert [row["stopped"] for row in mine] == [False, True, False]
        assert same(mine[0], theirs[0])
        assert same(mine[2], theirs[2])
        assert not any(row["stopped"] for row in theirs)
    assert all(math.isfinite(row[1]["operator_utility_money"]) for row in after[1:]), "it plays on with good weights"
    each = learner.members // 3
    for name, tensor in learner.weights().items():
        assert torch.equal(tensor[..., each : 2 * each, :], good[name][..., each : 2 * each, :]), name
        assert not torch.equal(tensor[..., :each, :], good[name][..., :each, :]), name


def test_a_value_beyond_the_bound_stops_its_row():
    with pytest.warns(DivergenceWarning, match="beyond value_bound = 1e-06") as told:
        rows = play(trainer(value_bound=1e-6), 1)
    assert [row["stopped"] for row in rows[0]] == [True] * 3
    assert len(told) == 3, "each row is told of"


def test_a_stopped_row_stays_stopped_after_a_resume():
    first, second = trainer(), trainer()
    play(first, 1)
    with torch.no_grad():
        first.agents.operator.actor[0] = math.inf
    with pytest.warns(DivergenceWarning, match="seed 4 stopped"):
        play(first, 1)
    second.load({name: tensor.clone() for name, tensor in first.state().items()})
    assert second.stopped == [True, False, False]
    for mine, theirs in zip(play(first, 1)[0], play(second, 1)[0], strict=True):
        for name, value in mine.items():
            assert value == theirs[name] or (math.isnan(value) and math.isnan(theirs[name])), name
    weights = (each.agents.operator.weights()["actor"][0] for each in (first, second))
    assert torch.equal(*weights)
