"""The JSON Schema (draft 2020-12) of a scenario's YAML file, for editors.

Bounds of lists stand in validators, which pydantic's own schema does not know; files may also say what no scenario
holds: `extends`, and values that stand in another file. All that is put in here. That low is not above high, and that
gains fit, a schema cannot say: `twinoffload scenario check` does.
"""

import json
from pathlib import Path
from typing import Any

from twinoffload.scenario.files import VALUE_FIELDS
from twinoffload.scenario.model import PRESETS, Scenario
from twinoffload.scenario.values import limits

SCHEMA = Path(__file__).with_name("scenario.schema.json")
"""The schema as it is shipped."""

_FROM_FILE = {
    "type": "object",
    "description": "values in a file: a column of a CSV or Parquet table, or an array of an NPZ file",
    "properties": {"file": {"type": "string"}, "column": {"type": "string"}},
    "required": ["file", "column"],
    "additionalProperties": False,
}


_NAMES = {
    "twinoffload__game__accuracy_law__PowerLaw": "PowerLaw",
    "twinoffload__network__path_loss__PowerLaw": "PathLoss",
}
_CEILING, _ABOVE_0 = {"exclusiveMinimum": 0, "maximum": 1}, {"exclusiveMinimum": 0}


def schema() -> dict[str, Any]:
    """The schema as a JSON document."""
    text = json.dumps(Scenario.model_json_schema())
    for long, short in _NAMES.items():
        text = text.replace(long, short)
    made = _tidy(json.loads(text))
    defs, properties = made["$defs"], made["properties"]
    uniform = defs.pop("Uniform")
    for name, field in Scenario.model_fields.items():
        bounds = limits(field)
        if name in VALUE_FIELDS:
            branches = [uniform if "$ref" in one else one for one in properties[name].pop("anyOf")]
            properties[name]["anyOf"] = [_bounded(one, bounds) for one in branches] + [_FROM_FILE]
        else:
            properties[name] = _bounded(properties[name], bounds)
    for law, bounds in (
        ("Exponential", {"ceiling": _CEILING}),
        ("PowerLaw", {"ceiling": _CEILING, "exponent": _ABOVE_0}),
    ):
        for name, limit in bounds.items():
            defs[law]["properties"][name] |= limit
        defs[law]["required"] = ["kind", *defs[law].get("required", [])]
    properties["gains"]["anyOf"].insert(0, {"type": "string", "minLength": 1})
    extends = {"type": "string", "description": f"a preset ({', '.join(PRESETS)}) or a YAML file to begin with"}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "twinoffload scenario",
        "description": made["description"],
        "type": "object",
        "properties": {"extends": extends} | properties,
        "additionalProperties": False,
        "$defs": defs,
    }


def schema_text() -> str:
    """The schema as it is shipped and printed."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def _tidy(node: Any) -> Any:
    """Without words of our own or of pydantic alone; units in the description, where editors show them."""
    if isinstance(node, list):
        return [_tidy(part) for part in node]
    if not isinstance(node, dict):
        return node
    found = {
        key: _tidy(part)
        for key, part in node.items()
        if key not in ("each", "unit", "discriminator", "ge", "gt", "le", "lt")
        and not (key == "title" and isinstance(part, str))
    }
    if isinstance(node.get("description"), str):
        unit = f" ({node['unit']})" if node.get("unit") else ""
        found["description"] = node["description"].split("\n")[0] + unit
    return found


def _bounded(node: dict[str, Any], bounds: dict[str, float]) -> dict[str, Any]:
    """A copy with bounds at every number in it; lists without a fixed length have an entry."""
    if node.get("type") == "number":
        return node | bounds
    found = dict(node)
    for key in ("anyOf", "prefixItems"):
        if key in node:
            found[key] = [_bounded(one, bounds) for one in node[key]]
    if "items" in node:
        found |= {"items": _bounded(node["items"], bounds), "minItems": node.get("minItems", 1)}
    if node.get("type") == "object":
        found["properties"] = {name: _bounded(one, bounds) for name, one in node["properties"].items()}
    return found
