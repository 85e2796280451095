"""Schemes of somebody's own beside the references: classes by name, and runs by their folder."""

from collections.abc import Sequence
from pathlib import Path

from twinoffload.env.own_scheme import OwnScheme
from twinoffload.env.own_source import find_scheme
from twinoffload.env.scheme import Scheme
from twinoffload.experiments.comparison import REFERENCES
from twinoffload.learning.run_folder import RunFolder
from twinoffload.scenario import Scenario

TAKEN = (*REFERENCES, "sac", "td3", "ddpg", "amortised", "gradient")
"""Names that tables and figures have given away."""


def check_name(name: str, source: str, taken: Sequence[str] = TAKEN) -> None:
    """Refuse a name that stands for something else.

    Raises:
        ValueError: it does.
    """
    if name in taken:
        raise ValueError(f"scheme {source}: name = {name!r} is taken in these tables; give it another `name`")


def runs_among(sources: Sequence[str]) -> list[RunFolder]:
    """Those of the sources of `schemes_beside` that are folders of runs.

    Raises:
        ValueError: a folder is no run.
    """
    return [RunFolder.open(source) for source in sources if Path(source).is_dir()]


def schemes_beside(
    sources: Sequence[str], scenario: Scenario, seeds: Sequence[int], trained_in: Scenario | None = None
) -> list[Scheme]:
    """What `--scheme` names: classes, made for each seed, and folders of trained runs.

    Args:
        sources: as they are given.
        scenario: what is played.
        seeds: that are played.
        trained_in: the scenario that runs must have been trained in; None: the one that is played.

    Raises:
        ValueError: one cannot be found; needs training; was trained for another scenario or other seeds; or two have
            one name.
    """
    found: list[Scheme] = []
    for source in sources:
        scheme = (
            _trained(source, trained_in or scenario, seeds)
            if Path(source).is_dir()
            else _untrained(source, scenario, seeds)
        )
        if scheme.name in [one.name for one in found]:
            raise ValueError(f"--scheme {source}: another scheme here is called {scheme.name!r}, too")
        found.append(scheme)
    return found


def _untrained(source: str, scenario: Scenario, seeds: Sequence[int]) -> Scheme:
    own = find_scheme(source)
    check_name(own.name, source)
    if own.learns:
        raise ValueError(
            f"--scheme {source}: it learns; train it (`twinoffload train --scheme {source} --out FOLDER`) and name the "
            "folder"
        )
    return OwnScheme(own, [scenario] * len(seeds), seeds)


def _trained(source: str, scenario: Scenario, seeds: Sequence[int]) -> Scheme:
    run = RunFolder.open(source)
    if run.scenario != scenario:
        raise ValueError(f"--scheme {source}: was trained for {run.scenario.name!r}, whose values are not all those of "
                         f"the scenario {scenario.name!r} that is played")  # fmt: skip
    if run.seeds != list(seeds):
        raise ValueError(f"--scheme {source}: has seeds {run.seeds}, played are {list(seeds)}; take as many")
    if run.episodes_done() == 0:
        raise ValueError(f"--scheme {source}: has no checkpoint yet; train it with `twinoffload train --resume`")
    return run.trainer().agents
