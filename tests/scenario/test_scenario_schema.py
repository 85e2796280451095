"""The JSON Schema of scenario files: up to date, true of what is sound, and no friend of what is not."""

import json

import pytest
import yaml

from twinoffload import Scenario
from twinoffload.scenario import PRESETS
from twinoffload.scenario.commented import commented
from twinoffload.scenario.files import VALUE_FIELDS
from twinoffload.scenario.model import FILES
from twinoffload.scenario.schema import SCHEMA, schema, schema_text

jsonschema = pytest.importorskip("jsonschema")
VALIDATOR = jsonschema.Draft202012Validator(schema())


def sound(values):
    return VALIDATOR.is_valid(values)


def test_what_is_shipped_is_up_to_date():
    told = f"twinoffload scenario schema > {SCHEMA.name}"
    assert SCHEMA.read_text(encoding="utf-8") == schema_text(), told


def test_it_is_a_schema_of_every_field():
    jsonschema.Draft202012Validator.check_schema(schema())
    properties = schema()["properties"]
    assert set(properties) == {"extends", *Scenario.model_fields}
    for name in VALUE_FIELDS:
        number = properties[name]["anyOf"][0]
        assert number["maximum"] > 0, name
        assert len({"minimum", "exclusiveMinimum"} & set(number)) == 1, name
    text = json.dumps(schema())
    assert '"ge"' not in text, "bounds of numbers that may be null are told in the schema's words"
    assert properties["power"]["description"] == "transmit power p of each mAP (W)"


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_validates_as_written_whole_and_commented(name):
    whole = Scenario.load(name)
    for values in (yaml.safe_load(text) for text in (FILES.preset_text(name), whole.to_yaml(), commented(whole, name))):
        VALIDATOR.validate(values)


@pytest.mark.parametrize(
    "text",
    [
        "extends: other.yaml",
        "gains: trace.csv",
        "gains: {file: trace.npz, training_share: 0.5, floor: 1.0e-15}",
        "power: {file: maps.csv, column: power_w}",
        "cycles: [[1, 2], [3, 4]]",
        "accuracy_value: {uniform: [5, 15]}",
        "accuracy_law: {kind: power, exponent: 0.5}",
        "price_cap: null",
        "mobility: {speed_rms_mps: 3}",
    ],
)
def test_what_files_may_say_validates(text):
    VALIDATOR.validate(yaml.safe_load(text))


BAD = [
    "pwoer: 1", "power: 0", "power: -1", "power: [0.1, 0]", "power: []", "power: [[1]]", "power: true", "power: much",
    "power: 101", "bandwidth: 20000", "cycles: [[1, -1]]", "quality: 0", "accuracy_value: {uniform: [0, 5]}",
    "accuracy_value: {uniform: [5]}", "accuracy_value: {uniform: [1, 2], mean: 1}", "delay_cost: -1", "maps: 0",
    "maps: 2.5", "maps: many", "stations: 2000000", "noise_density: 0", "price_cap: -1", "density: 0", "slot: 0",
    "raw_data: often", "idle_interferes: 1", "gains: {training_share: 0.5}", "station_positions: [[0.5, 1.5]]",
    "gains: {file: x, training_share: 1}", "gains: {file: x, floor: 0}", "gains: 5", "station_positions: []",
    "accuracy_law: {exponent: 1}", "accuracy_law: {kind: power}", "accuracy_law: {kind: exponential, ceiling: 1.5}",
    "accuracy_law: {kind: power, exponent: 0}", "path_loss: {exponent: 9}", "mobility: {memory: 1}", "name: a b",
    "power: {file: maps.csv}", "side: {file: maps.csv, column: x}", "name: 7",
]  # fmt: skip


@pytest.mark.parametrize("text", BAD)
def test_what_is_bad_is_refused_by_schema_and_scenario(text, tmp_path):
    assert not sound(yaml.safe_load(text))
    (tmp_path / "bad.yaml").write_text(text)
    with pytest.raises(ValueError, match=r"^scenario [^\n]*$"):
        Scenario.load(tmp_path / "bad.yaml")
