"""The report's tables as rows of text."""

from typing import Any, NamedTuple

import polars as pl
from pydantic import BaseModel

from twinoffload.experiments.paired import paired
from twinoffload.learning.kinds import kind_of
from twinoffload.learning.train_settings import TrainSettings
from twinoffload.report.results import Results
from twinoffload.report.schemes import scheme_named
from twinoffload.report.wording import interval, number, plain, signed
from twinoffload.scenario import Scenario
from twinoffload.scenario.values import describe

MEASURES = (
    ("operator_utility", "Operator's utility", "money a slot"),
    ("operator_share_of_admission", "Operator's share", "of admission"),
    ("map_utility", "Mean mAP utility", "money a slot"),
    ("map_share_of_admission", "mAPs' share", "of admission"),
    ("regret_share", "mAPs' regret", "share of admission"),
)
DECISIONS = (
    ("wrong_association_share", "Wrong BS", "share of decisions"),
    ("data_mb", "Data sent", "MB a slot"),
    ("data_bias_mb", "Less best reply", "MB, signed"),
    ("data_error_mb", "From best reply", "MB, absolute"),
    ("decision_ms", "A decision alone", "ms"),
    ("batched_decision_ms", "In a batch", "ms"),
)
_DIFFERENCES = (
    ("operator_share_of_admission", True),
    ("map_share_of_admission", True),
    ("regret_share", False),
)
_WORDS = {"kind": "which law"}  # what has no description of its own
_SYMBOLS = {"gamma^A": "γᴬ", "gamma^D": "γᴰ", "epsilon": "ε", " rho ": " ρ ", "^2": "²", "^3": "³"}


class Cell(NamedTuple):
    """A value, what stands small below it, and a class for its looks."""

    value: str
    note: str = ""
    look: str = ""


class Setting(NamedTuple):
    """One thing that was set."""

    name: str
    values: tuple[str, ...]
    description: str


def comparison_rows(results: Results) -> list[dict[str, Any]]:
    """One row a scheme: what it is, what its mAPs see, and each measure's median and interval."""
    return [
        {
            "scheme": scheme_named(row["scheme"]),
            "observation": row["observation"],
            "cells": [Cell(number(row[measure]["median"]), interval(row[measure])) for measure, _, _ in MEASURES],
        }
        for row in results.rows
    ]


def decision_rows(results: Results) -> list[dict[str, Any]]:
    """One row a scheme: how its mAPs decided, and how long that took; none where an older study did not measure it."""
    if any(measure not in row for row in results.rows for measure, _, _ in DECISIONS):
        return []
    return [
        {
            "scheme": scheme_named(row["scheme"]),
            "observation": row["observation"],
            "cells": [_decision(measure, row[measure]) for measure, _, _ in DECISIONS],
        }
        for row in results.rows
    ]


def _decision(measure: str, value: dict[str, float]) -> Cell:
    if measure == "batched_decision_ms":  # one figure for all seeds, which are played together
        return Cell(number(value["median"], 4))
    return Cell(number(value["median"]), interval(value))


def difference_rows(results: Results) -> list[dict[str, Any]]:
    """One row a reference: the learned scheme less the reference, seed by seed on the same channels."""
    table = []
    for row in results.rows:
        if row["scheme"] == results.learned:
            continue
        cells = []
        for measure, more_is_better in _DIFFERENCES:
            found = paired(results.comparison, results.learned, row["scheme"], measure)
            if found is None:
                cells.append(Cell("–"))
                continue
            good = {"above": more_is_better, "below": not more_is_better}.get(found.verdict)
            look = "" if good is None else "good" if good else "bad"
            ends = f"[{signed(found.value.low, 4)}, {signed(found.value.high, 4)}]"
            cells.append(Cell(signed(found.value.median, 4), f"{ends} {found.verdict}", look))
        table.append({"scheme": scheme_named(row["scheme"]), "cells": cells})
    return table


def offer_tables(results: Results) -> list[dict[str, Any]]:
    """One table a scheme: what each mAP was offered by each BS, what it chose and what came of it."""
    tables = []
    for name in results.slot["scheme"].unique(maintain_order=True):
        part = results.slot.filter(pl.col("scheme") == name).sort("map", "station")
        rows = []
        for _, offers in part.group_by("map", maintain_order=True):
            pairs = offers.to_dicts()
            taken = next((pair for pair in pairs if pair["chosen"]), None)
            rows.append(
                {
                    "map": pairs[0]["map"] + 1,
                    "offers": [
                        Cell(
                            _price(pair["price_money_per_mb"]),
                            f"{number(pair['gain_db'], 1)} dB",
                            "chosen" if pair["chosen"] else "",
                        )
                        for pair in pairs
                    ],
                    "chosen": "none" if taken is None else f"BS {taken['station'] + 1}",
                    "data": number(0.0 if taken is None else taken["data_mb"], 2),
                    "utility": number(pairs[0]["map_utility_money"]),
                    "regret": number(pairs[0]["regret_money"]),
                }
            )
        stations = [station + 1 for station in part["station"].unique().sort().to_list()]
        tables.append({"scheme": scheme_named(name), "stations": stations, "rows": rows})
    return tables


def _price(value: float) -> str:
    return "not offered" if value == float("inf") else number(value)


def scenario_settings(scenario: Scenario) -> list[Setting]:
    """Every field of the scenario, nested ones by their dotted names."""
    return list(_fields(scenario, ""))


def _description(name: str, text: str | None) -> str:
    """A field's description with symbols as in the rest of the page."""
    words = text or _WORDS.get(name, "")
    for plain_text, symbol in _SYMBOLS.items():
        words = words.replace(plain_text, symbol)
    return words


def _fields(model: BaseModel, prefix: str):
    for name, field in type(model).model_fields.items():
        value = getattr(model, name)
        if name == "gains" and value is None:  # the channel is that of layout, path loss and mobility
            continue
        dotted = f"{prefix}{name}"
        description = _description(name, describe(field))
        if isinstance(value, BaseModel) and "uniform" in type(value).model_fields:
            low, high = value.uniform  # pyright: ignore[reportAttributeAccessIssue]
            yield Setting(dotted, (f"uniform in [{plain(low)}, {plain(high)}]",), description)
        elif name == "accuracy_law":
            yield Setting(dotted, (str(value),), description)
        elif isinstance(value, BaseModel):
            yield from _fields(value, f"{dotted}.")
        else:
            yield Setting(dotted, (plain(value),), description)


def training_settings(settings: dict[str, Any]) -> list[Setting]:
    """Settings of the loop."""
    described = kind_of(settings).model_fields
    return [
        Setting(name, (plain(value),), (described[name].description or "") if name in described else "")
        for name, value in settings.items()
        if not isinstance(value, dict)
    ]


def learner_settings(settings: dict[str, Any]) -> tuple[list[str], list[Setting]]:
    """Names of the learners, and each of their settings side by side."""
    learners = {name: value for name, value in settings.items() if isinstance(value, dict)}
    descriptions: dict[str, str] = {}
    for name in learners:
        model = TrainSettings.model_fields[name].annotation if name in TrainSettings.model_fields else None
        for key, field in getattr(model, "model_fields", {}).items():
            descriptions.setdefault(key, field.description or "")
    keys = dict.fromkeys(key for learner in learners.values() for key in learner)
    rows = [
        Setting(
            key,
            tuple(plain(learner[key]) if key in learner else "–" for learner in learners.values()),
            descriptions.get(key, ""),
        )
        for key in keys
    ]
    return list(learners), rows
