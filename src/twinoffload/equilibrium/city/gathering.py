"""Where all mAPs stand on few BSs, which leaves the other BSs free: a start for searches in crowded markets.

Where idle mAPs interfere, a BS with many on it earns nothing, and while each BS has many no single move or swap changes
that: a search that begins in the crowd never leaves it. It takes a crowd to park elsewhere. The BSs that hold all are
found by the greedy set cover (Chvatal 1979).
"""

from heapq import heapify, heappop, heappush

import numpy as np

from twinoffload.compiling import compiled
from twinoffload.equilibrium.city.configurations import Candidates


def gathered(c: Candidates) -> np.ndarray:
    """Each mAP's pair when BS after BS takes all in its reach, whichever has most of those left; int64 `[N]`."""
    return _gather(c.map_of, c.station, c.first, c.offset, c.pair)


@compiled
def _gather(map_of, station, first, offset, pair):
    """A BS's number of mAPs left only falls: one that is outdated in the queue comes back with its true number."""
    choice = np.full(len(first) - 1, -1)
    left = offset[1:] - offset[:-1]
    queue = [(-left[m], m) for m in range(len(left))]
    heapify(queue)
    while len(queue) > 0:
        number, m = heappop(queue)
        if left[m] == 0:
            continue
        if -number > left[m]:
            heappush(queue, (-left[m], m))
            continue
        for i in range(offset[m], offset[m + 1]):
            n = map_of[pair[i]]
            if choice[n] < 0:
                choice[n] = pair[i]
                for other in range(first[n], first[n + 1]):
                    left[station[other]] -= 1
    return choice
