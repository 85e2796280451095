"""Presets and files of training settings."""

import pytest

from twinoffload.cli.options import training_settings
from twinoffload.learning.kinds import load_settings
from twinoffload.learning.train_settings import PRESETS, TrainSettings

LABELS = ("sac", "td3", "ddpg", "sac", "sac", "amortised", "amortised")


def test_the_commands_default_is_tuned():
    assert training_settings() == TrainSettings.load("tuned")
    assert training_settings(episodes=3, observation="paper") == TrainSettings.load("tuned").replace(
        episodes=3, observation="paper"
    )


@pytest.mark.parametrize(("name", "label"), list(zip(PRESETS, LABELS, strict=True)))
def test_presets_load_and_survive_a_round_trip(name, label, tmp_path):
    settings = load_settings(name)
    assert settings.label == label
    (tmp_path / "again.yaml").write_text(settings.to_yaml())
    assert load_settings(tmp_path / "again.yaml") == settings


def test_paper_literal_is_what_the_paper_prints():
    paper = TrainSettings.load("paper-literal")
    assert (paper.operator.actor_rate, paper.maps.actor_rate) == (5e-3, 3.3e-5)
    for learner in (paper.operator, paper.maps):
        assert (learner.discount, learner.batch, learner.output, learner.temperature) == (0.99, 64, "sigmoid", "auto")
    assert (paper.replay, paper.environments, paper.reward_floor, paper.observation) == (2000, 1, None, "paper")


def test_a_file_extends_a_preset_learner_by_learner(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("extends: tuned\nepisodes: 7\noperator: {actor_rate: 3.0e-4}\nmaps: {algorithm: td3}\n")
    settings, tuned = TrainSettings.load(path), TrainSettings.load("tuned")
    assert settings.operator == tuned.operator.model_copy(update={"actor_rate": 3e-4})
    assert settings.maps.discount == 0.99, "another algorithm begins afresh"
    assert (settings.episodes, settings.label) == (7, "sac+td3")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "extends: tuned\noperator: {actor_rat: 1}\n",
            "unknown field 'operator.actor_rat'; did you mean 'actor_rate'?",
        ),
        ("extends: tuned\nmaps: {actor_rate: 7}\n", "maps.actor_rate = 7"),
        ("operator: {algorithm: ppo}\n", "operator.algorithm = 'ppo': must be one of sac, td3"),
        ("operator: {actor_rate: 0.1}\n", "operator.algorithm is missing: must be one of sac, td3"),
        ("epsodes: 3\n", "unknown field 'epsodes'; did you mean 'episodes'?"),
        ("episodes: 1\nepisodes: 2\n", "line 2: 'episodes' stands twice"),
        ("- 1\n", "must be lines of `field: value`"),
        ("a: [\n", "is not valid YAML"),
        ("extends: mine.yaml\n", "extends itself"),
    ],
)
def test_a_bad_file_is_told_in_one_line(tmp_path, text, told):
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(ValueError) as refused:  # noqa: PT011
        TrainSettings.load(path)
    assert str(refused.value).startswith(f"settings {path}")
    assert told in str(refused.value)
    assert "\n" not in str(refused.value)


def test_an_unknown_preset_is_told_its_neighbour():
    with pytest.raises(ValueError, match="settings tund: is neither a preset nor a file; did you mean 'tuned'"):
        TrainSettings.load("tund")
    with pytest.raises(ValueError, match="episodes = 0"):
        TrainSettings().replace(episodes=0)
