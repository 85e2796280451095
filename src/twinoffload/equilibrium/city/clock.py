"""How long a search may still take, and how far it goes between two looks at the clock."""

import math
import time
from collections.abc import Callable, Iterator

FIRST = 64  # steps before the second look: nothing is known yet of how long one takes
LOOKS = 50  # at least so many in the time given
LONGEST_S = 0.05  # and no further apart


class Clock:
    """A time that runs from now on.

    Args:
        seconds: how long; inf: without end, and then nothing depends on the time.
        now: tells the time in seconds.
    """

    def __init__(self, seconds: float = math.inf, now: Callable[[], float] = time.perf_counter):
        self.seconds, self._now = max(seconds, 0.0), now
        self._begin = now()

    @property
    def limited(self) -> bool:
        """Whether it ends."""
        return self.seconds < math.inf

    @property
    def left(self) -> float:
        """Seconds to its end, at least 0."""
        return max(self.seconds - (self._now() - self._begin), 0.0)

    @property
    def over(self) -> bool:
        """Whether no time is left."""
        return self.limited and self.left == 0.0

    @property
    def share(self) -> float:
        """How much of it has passed, in [0, 1]; 0 where it does not end."""
        if not self.limited:
            return 0.0
        return 1.0 - self.left / self.seconds if self.seconds > 0.0 else 1.0

    def part(self, share: float) -> "Clock":
        """A share of what is left."""
        return Clock(share * self.left, self._now)

    def steps(self, total: int, most: int | None = None) -> Iterator[tuple[int, int]]:
        """Portions of some steps, (first, last + 1), until all are done or the time is over.

        They are of `most` steps where it does not end. Else they grow and shrink with the time that the last one took,
        so that whoever takes them one by one is late by no more than about a portion.
        """
        most = total if most is None else most
        begin, size = 0, min(FIRST, most) if self.limited else most
        while begin < total and not self.over:
            end, looked = min(begin + size, total), self._now()
            yield begin, end
            if self.limited:
                slow = self._now() - looked > min(self.seconds / LOOKS, LONGEST_S) / 2.0
                size = max(size // 2, 1) if slow else min(2 * size, most)
            begin = end
