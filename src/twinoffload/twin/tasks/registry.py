"""Twin tasks by name."""

from twinoffload.scenario import Scenario
from twinoffload.twin.tasks.antenna import Antenna
from twinoffload.twin.tasks.digits import Digits
from twinoffload.twin.tasks.fault import Fault
from twinoffload.twin.tasks.task import Task
from twinoffload.twin.tasks.traffic import Traffic

SIMULATED = {task.name: task for task in (Traffic, Antenna, Fault)}
CONTROL = Digits.name
NAMES = (*SIMULATED, CONTROL)


def task_named(name: str, scenario: Scenario | None = None) -> Task:
    """A task, its data from a scenario's network, `paper` where none is given; the control has its own data.

    Raises:
        ValueError: an unknown name, a scenario that is a city, or scikit-learn is missing for the control.
    """
    if name not in NAMES:
        raise ValueError(f"task {name!r}: must be one of {', '.join(NAMES)}")
    if name == CONTROL:
        return Digits()
    return SIMULATED[name](scenario or Scenario.load("paper"))
