"""How long something takes."""

import math
import time
from collections.abc import Callable
from typing import Any

import torch


def best_of(run: Callable[[], Any], repeats: int) -> tuple[Any, float]:
    """(the last result, seconds of the fastest of some runs)."""
    taken, result = math.inf, None
    for _ in range(repeats):
        began = time.perf_counter()
        result = run()
        taken = min(taken, time.perf_counter() - began)
    return result, taken


def multiply(matrix: torch.Tensor, count: int) -> None:
    """Square a large matrix, which tells the machine's rate."""
    for _ in range(count):
        torch.mm(matrix, matrix)


class Speed:
    """Calls a second of what takes a count of calls: in the fastest of windows of about equal length.

    Attributes:
        per_second: in the fastest window so far.
    """

    def __init__(self, run: Callable[[int], None], window: float):
        self.run, self.per_second, self.count = run, 0.0, 1
        self._time(1)  # warms up
        while (taken := self._time(self.count)) < window / 2:
            self.count = max(self.count + 1, min(self.count * 8, round(self.count * window / taken)))

    def take_turn(self) -> None:
        """Time one window."""
        self.per_second = max(self.per_second, self.count / self._time(self.count))

    def _time(self, count: int) -> float:
        began = time.perf_counter()
        self.run(count)
        return time.perf_counter() - began
