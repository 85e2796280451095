"""Which commands can run a scenario, and what keeps the others from it."""

from collections.abc import Callable

from twinoffload.equilibrium.searching import is_exact
from twinoffload.experiments.comparison import check_playable
from twinoffload.learning.kinds import check, load_settings
from twinoffload.scenario import Scenario

SEEDS, EPISODES = 6, 20  # what `quick` takes by default


def obstacles(scenario: Scenario) -> dict[str, str | None]:
    """For each command what keeps it from a scenario, in words; None where nothing does.

    `solve posted` and `solve admission` mean an exact answer; beyond that they search.
    """
    size = scenario.maps, scenario.stations, scenario.idle_interferes
    search = "not exact, by search (--time-limit or --gap)"
    return {f"solve {concept}": None if is_exact(concept, *size) else search for concept in ("posted", "admission")} | {
        "train": _refusal(lambda: check(scenario, load_settings("tuned"), range(SEEDS))),
        "evaluate, quick": _refusal(lambda: check_playable(scenario, SEEDS, EPISODES)),
    }


def _refusal(work: Callable[[], object]) -> str | None:
    try:
        work()
    except ValueError as error:
        return str(error)
    return None
