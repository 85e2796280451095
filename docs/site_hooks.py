"""What the site needs beyond Markdown: formulas, tables of settings from the code, no links out of it."""

import re
import sys
from html import unescape
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

_OUTSIDE = re.compile(r"\[([^\]]+)\]\(\.\./[^)]+\)")
_FORMULA = re.compile(r'<(span|div) class="arithmatex">\\[(\[](.+?)\\[)\]]</\1>', re.DOTALL)
_TABLE = re.compile(r"<!-- settings: (\w+) -->")


def on_page_markdown(markdown: str, **_: object) -> str:
    """Links to the code become names, since the site stands alone; tables of settings are written."""
    inside = _OUTSIDE.sub(lambda link: link[1] if link[1].startswith("`") else f"`{link[1]}`", markdown)
    return _TABLE.sub(lambda found: _settings(found[1]), inside)


def on_page_content(content: str, **_: object) -> str:
    """Formulas become MathML, which browsers set themselves: nothing is fetched or run."""
    return _FORMULA.sub(lambda found: _math(unescape(found[2]), is_block=found[1] == "div"), content)


def _math(formula: str, *, is_block: bool) -> str:
    from latex2mathml.converter import convert

    return convert(formula.strip(), display="block" if is_block else "inline")


def _settings(kind: str) -> str:
    """A table of the fields of a pydantic model."""
    from twinoffload.learning.amortised.settings import AmortisedSettings
    from twinoffload.learning.own.settings import OwnSettings
    from twinoffload.learning.sac import SACSettings
    from twinoffload.learning.td3 import TD3Settings
    from twinoffload.learning.train_settings import TrainSettings
    from twinoffload.scenario import Scenario, described

    if kind == "scenario":
        found = described.rows(Scenario.load("paper"))
        told = [(row.name, _short(described.plain(row.value)), row.unit, row.bounds, row.meaning) for row in found]
        lines = ["| field | in `paper` | unit | bounds | meaning |", "|---|---|---|---|---|"]
        return "\n".join(
            [*lines, *(f"| `{a}` | `{b}` | {c} | {d} | {e} |".replace("``", "") for a, b, c, d, e in told)]
        )
    models = {
        "train": TrainSettings,
        "sac": SACSettings,
        "td3": TD3Settings,
        "amortised": AmortisedSettings,
        "own": OwnSettings,
    }
    rows = ["| field | default | meaning |", "|---|---|---|"]
    for name, field in models[kind].model_fields.items():
        default = field.get_default(call_default_factory=True)
        shown = "required" if field.is_required() else f"`{_short(default)}`"
        rows.append(f"| `{name}` | {shown} | {(field.description or '').replace('|', '/')} |")
    return "\n".join(rows)


def _short(value: object) -> str:
    """A default in few characters."""
    dump = getattr(value, "model_dump", None)
    text = str(dump() if callable(dump) else value).replace("|", "/")
    return text if len(text) <= 60 else text[:57] + "..."
