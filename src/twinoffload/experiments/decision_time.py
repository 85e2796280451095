"""How long a decision takes: from a slot to its prices, associations and data."""

import statistics
import time
from dataclasses import replace

import torch
from torch import Tensor

from twinoffload.env.episodes import Episodes
from twinoffload.env.own_scheme import OwnScheme
from twinoffload.env.scheme import Scheme
from twinoffload.env.slots import Slots
from twinoffload.learning.agents import Agents
from twinoffload.learning.alone import alone
from twinoffload.learning.amortised.scheme import Amortised

DECISIONS_TIMED = 60  # over all seeds, but at least `LEAST` of each
LEAST = 3


class Stopwatch:
    """Times decisions; what a device still computes is waited for."""

    def __init__(self):
        self.taken_ms: list[float] = []

    @property
    def mean_ms(self) -> float:
        """Mean over the decisions so far."""
        return statistics.fmean(self.taken_ms)

    def decide(self, scheme: Scheme, slots: Slots) -> tuple[Tensor, Tensor, Tensor]:
        """Price, association and data of a slot."""
        began = time.perf_counter()
        price = scheme.price(slots)
        association, data = scheme.offload(slots, price)
        if data.is_cuda:
            torch.cuda.synchronize(data.device)
        self.taken_ms.append(1e3 * (time.perf_counter() - began))
        return price, association, data


def decision_ms(scheme: Scheme, episodes: Episodes) -> Tensor:
    """Wall time of one decision for one environment at a time, ms, `[S]`: medians over the first slots of each seed.

    Learned agents are those of one seed; a first decision that is not counted warms up.

    Args:
        scheme: who decides.
        episodes: batch axes [seeds, episodes].
    """
    seeds = episodes.batch[0]
    count = max(LEAST, DECISIONS_TIMED // seeds)
    medians = []
    for row in range(seeds):
        single = _of_one_seed(scheme, row)
        slots, clock = Slots(first_of(episodes, row)), Stopwatch()
        single.begin(slots)
        for _ in range(1 + count):
            slots.step(*clock.decide(single, slots))
        medians.append(statistics.median(clock.taken_ms[1:]))
    return torch.tensor(medians, dtype=torch.float64)


def _of_one_seed(scheme: Scheme, row: int) -> Scheme:
    """Learned policies without those that were trained beside them."""
    if isinstance(scheme, Agents):
        return alone(scheme, row)
    return scheme.alone(row) if isinstance(scheme, Amortised | OwnScheme) else scheme


def first_of(episodes: Episodes, row: int) -> Episodes:
    """One seed's first episode, batch axes [1, 1]."""

    def cut(tensor: Tensor) -> Tensor:
        """Parameters have the axes [seeds, episodes, ...]; single rows stay single."""
        return tensor if tensor.ndim < 4 else tensor[row : row + 1, :1]

    return replace(
        episodes,
        positions=episodes.positions[:, row : row + 1, :1],
        gain=episodes.gain[:, row : row + 1, :1],
        raw_data=episodes.raw_data[:, row : row + 1, :1],
        parameters=episodes.parameters.map(cut),
    )
