"""Every setting that made a study, from its manifest."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from twinoffload.report.study.claims import MAIN, readings_in_order
from twinoffload.report.tables import Setting, learner_settings, scenario_settings, training_settings
from twinoffload.report.wording import plain
from twinoffload.scenario import Scenario

_ALGORITHMS = ("sac", "td3", "ddpg")
_BESIDE = ("versions", "groups", "cells")  # of a manifest: what is no plain fact


class Settings(NamedTuple):
    """What the page shows of them.

    Attributes:
        scenario: the base scenario.
        facts: about the study: name and value.
        fields: of the scenario.
        training: of the loop under the main reading, a value for each of `learners`.
        learners: names of algorithms.
        learning: of their networks, operator and mAPs in one cell.
    """

    scenario: Scenario
    facts: list[tuple[str, str]]
    fields: list[Setting]
    learners: list[str]
    training: list[Setting]
    learning: list[Setting]


def settings(manifest: dict[str, Any], dated: str | None, measured_on: Sequence[tuple[str, str]] = ()) -> Settings:
    """From the groups that a study consists of, and the days on which other tables were measured.

    Raises:
        ValueError: a group lacks its scenarios, or they are none.
    """
    try:
        works = [group["work"] for group in manifest["groups"]]
        learned = [work for work in works if work["kind"] == "learned" and work["reading"] == MAIN]
        first = (learned or works)[0]
        scenario = Scenario.model_validate(first["scenarios"][0])
        by_name: dict[str, dict[str, Any]] = {}
        for work in learned:
            by_name.setdefault(work["scheme"], work["settings"])
        facts = [*_facts(manifest, dated), *measured_on]
    except (KeyError, IndexError, TypeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(
            f"manifest.json: its groups are not a study of the paper ({reason}); `twinoffload reproduce` makes one"
        ) from None
    learners = [name for name in _ALGORITHMS if name in by_name]
    return Settings(
        scenario,
        facts,
        scenario_settings(scenario),
        learners,
        _side_by_side([training_settings(by_name[name]) for name in learners]),
        _side_by_side([learner_settings(by_name[name])[1] for name in learners]),
    )


def _side_by_side(tables: list[list[Setting]]) -> list[Setting]:
    """One row a setting, one value a table; values within a table are told apart only where they differ."""
    rows = {row.name: row for table in reversed(tables) for row in table}
    found = []
    for name in dict.fromkeys(row.name for table in tables for row in table):
        values = []
        for table in tables:
            mine = next((row.values for row in table if row.name == name), ("–",))
            values.append(" / ".join(mine) if len(set(mine)) > 1 else mine[0])
        found.append(Setting(name, tuple(values), rows[name].description))
    return found


def _facts(manifest: dict[str, Any], dated: str | None) -> list[tuple[str, str]]:
    """What was computed when; a group that was added on another day, by other sources, says so itself."""
    works = [group["work"] | {key: group.get(key) for key in ("date", "versions")} for group in manifest["groups"]]
    seeds = sorted({seed for work in works for seed in work["seeds"]})
    facts = [("computed on", dated or "not recorded"), ("cells", plain(manifest.get("cells")))]
    for reading in readings_in_order([work["reading"] for work in works]):
        mine = [work for work in works if work["reading"] == reading]
        told = []
        for kind, name in (("learned", "trainings"), ("curves", "learning curves")):
            some = [work for work in mine if work["kind"] == kind]
            if some:
                count = len({seed for work in some for seed in work["seeds"]})
                told.append(f"{name} of {some[0]['settings']['episodes']} episodes, {count} seeds")
        told += sorted({f"computed on {work['date']}" for work in mine if work["date"]})
        told += sorted({f"sources {work['versions']['sources']}" for work in mine if work["versions"]})
        facts.append((f"reading {reading}", "; ".join(told) or "equilibria only"))
    held_out = sorted({f"{work['held_out']} episodes of {work['scenarios'][0]['slots']} slots" for work in works})
    facts += [("seeds", f"{seeds[0]} to {seeds[-1]}"), ("held out, for each seed and value", "; ".join(held_out))]
    facts += [(name, plain(value)) for name, value in manifest.items() if name not in _BESIDE and name != "date"]
    facts += [(name, plain(value)) for name, value in manifest["versions"].items()]
    return [(name, value) for name, value in facts if "/" not in value and "\\" not in value]  # words, never paths
