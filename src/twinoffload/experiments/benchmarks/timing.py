"""How long something takes."""

import math
import time
from collections.abc import Callable
from typing import Any


def best_of(run: Callable[[], Any], repeats: int) -> tuple[Any, float]:
    """(the last result, seconds of the fastest of some runs)."""
    taken, result = math.inf, None
    for _ in range(repeats):
        began = time.perf_counter()
        result = run()
        taken = min(taken, time.perf_counter() - began)
    return result, taken
