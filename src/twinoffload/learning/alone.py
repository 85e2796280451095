"""One seed's agents out of the ensembles: what an operator would take into use."""

import copy

from twinoffload.learning.agents import Agents


def alone(agents: Agents, row: int) -> Agents:
    """Agents of one seed (of one row, where scenarios differ) that decide as they do in the ensemble.

    They share its weights and only play. Members are ordered row-major, so that each row has an equal block of each
    actor's parameters.

    Args:
        agents: of S rows.
        row: which of them, 0 ... S - 1.
    """
    single, seeds = copy.copy(agents), len(agents.seeds)
    single.seeds, single.encoder = [agents.seeds[row]], agents.encoder.of_row(row)
    for name in ("operator", "maps"):
        learner = copy.copy(getattr(agents, name))
        learner.play_with(learner.decider.chunk(seeds)[row])
        learner.average = None
        setattr(single, name, learner)
    return single
