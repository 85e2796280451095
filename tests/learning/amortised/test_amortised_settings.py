"""Settings: presets, files that extend them, and faults in one line."""

import pytest
import torch

from twinoffload.cli.options import training_settings
from twinoffload.game.price_code import remainder
from twinoffload.learning.amortised.settings import AmortisedSettings
from twinoffload.learning.kinds import load_settings
from twinoffload.learning.train_settings import TrainSettings


def test_presets_and_files_are_of_the_kind_that_they_name(tmp_path):
    assert load_settings("amortised") == AmortisedSettings()
    assert isinstance(load_settings("tuned"), TrainSettings)
    sizes = load_settings("amortised-sizes")
    assert (sizes.maps, sizes.stations) == ((2, 6), (2, 3))
    assert (sizes.by_gain, sizes.scattered, sizes.proposals) == (True, 0.8, 512)
    file = tmp_path / "mine.yaml"
    file.write_text("extends: amortised-sizes\nwidth: 8\n")
    assert load_settings(file) == sizes.replace(width=8)
    file.write_text(sizes.to_yaml())
    assert load_settings(file) == sizes


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("maps: [3, 2]", r"maps = \[3, 2\]: must be \[least, most\], integers with 1 <= least <= most <= 64"),
        ("maps: [0, 2]", r"maps = \[0, 2\]: must be"),
        ("maps: 3", "maps = 3: must be"),
        ("maps: [2]", r"maps = \[2\]: must be"),
        ("maps: [true, 3]", r"maps = \[True, 3\]: must be"),
        ("stations: [2.5, 3]", r"stations = \[2.5, 3\]: must be"),
        ("stations: [a, 3]", r"stations = \['a', 3\]: must be"),
        ("rate: 0", "rate = 0: input should be greater than 0"),
        ("scattered: 1.1", "scattered = 1.1: input should be less than or equal to 1"),
        ("proposals: 0", "proposals = 0: input should be greater than or equal to 1"),
        ("proposal_temperature: 0", "proposal_temperature = 0: input should be greater than 0"),
        ("episodes: 1.5", "episodes = 1.5: input should be a valid integer"),
        ("width: many", "width = 'many': input should be a valid integer"),
        ("price_step: .nan", "price_step = nan: input should be a finite number"),
        ("price_step: 0.0", "price_step = 0.0: input should be greater than or equal to 0.000000001"),
        ("price_step: 0.4", "price_step = 0.4: must go into the price range a whole number of times; take 0.5"),
        ("price_step: 0.003", "price_step = 0.003: must go .* take 0.003003003003003003"),
        ("scheme: other", "scheme = 'other': input should be 'amortised'"),
        ("credit: 3", "unknown field 'credit'; did you mean 'credited'"),
        ("observation: load", "unknown field 'observation'"),
        ("operator: {rate: 1}", "unknown field 'operator'; known fields: scheme, maps"),
    ],
)
def test_a_bad_field_is_told_in_one_line(tmp_path, line, told):
    file = tmp_path / "mine.yaml"
    file.write_text(f"extends: amortised\n{line}\n")
    with pytest.raises(ValueError, match=told) as refused:
        load_settings(file)
    assert str(refused.value).startswith(f"settings {file}: ")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("count", [2, 3, 7, 49, 500, 1000, 10**6, 10**9])
def test_a_whole_number_of_price_steps_leaves_the_end_of_the_range_silent(count):
    settings = AmortisedSettings(price_step=1.0 / count)
    for highest in (1.25, 8.4):
        end = torch.tensor(highest, dtype=torch.float64)
        assert remainder(end, settings.price_step * highest).item() < 1e-6


@pytest.mark.parametrize("observation", ["paper", "load", "gains"])
def test_what_maps_see_is_no_option(observation):
    with pytest.raises(ValueError, match=f"--observation {observation}: amortised mAPs see what the paper's do"):
        training_settings("amortised", observation=observation)
    assert training_settings("amortised", observation=None, episodes=3) == AmortisedSettings(episodes=3)
