"""A scenario as YAML that explains itself."""

import textwrap
from typing import Any

import yaml

from twinoffload.scenario.described import Row, rows
from twinoffload.scenario.model import Scenario
from twinoffload.scenario.schema import SCHEMA

_HEAD = """\
# yaml-language-server: $schema={schema}
# A scenario, begun as {source}. Above each field: what it means, its unit, its bounds.
# A field that you leave out has the value that it has in `paper`; with a line `extends: open` it has that preset's, and
# with `extends: other.yaml` that file's. Lists repeat: [1.6, 2.1] gives mAPs 1.6, 2.1, 1.6, 2.1, ..., and BSs alike.
# `cycles` may also be rows, one a mAP with a number for each BS. Values too many for a line stand in a table:
#   power: {{file: maps.csv, column: power_w}}
"""
_EXAMPLES = {
    "accuracy_law": "accuracy_law: {kind: power, exponent: 0.5, ceiling: 0.9}",
    "gains": "gains: {file: trace.csv, training_share: 0.8}",
}


def commented(scenario: Scenario, source: str) -> str:
    """YAML text that `Scenario.load` reads back, with a comment at every field.

    Args:
        scenario: its values.
        source: what they come from, in words.
    """
    text, above = _HEAD.format(schema=SCHEMA, source=source), ""
    for row in rows(scenario):
        group, dot, name = row.name.rpartition(".")
        if group != above and dot:
            text += f"\n{_comment(type(scenario).model_fields[group].description or '')}{group}:\n"
        above = group
        text += textwrap.indent(_lines(row, name), "  ") if dot else f"\n{_lines(row, name)}"
    return text


def _lines(row: Row, name: str) -> str:
    head, sign, tail = row.meaning.partition("; ")
    told = [head, row.unit, f"in {row.bounds}" if row.bounds else ""]
    comment = _comment(", ".join(part for part in told if part) + sign + tail)
    if name in _EXAMPLES and not row.changed:
        return f"{comment}# {_EXAMPLES[name]}\n"
    return f"{comment}{name}: {_flow(row.value)}\n"


def _comment(words: str) -> str:
    return textwrap.fill(words, 100, initial_indent="# ", subsequent_indent="# ") + "\n"


def _flow(value: Any) -> str:
    return yaml.safe_dump(value, default_flow_style=True, width=10**9, sort_keys=False).removesuffix("...\n").strip()
