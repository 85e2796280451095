"""Named random streams: every draw comes from a generator that its seed and its purpose fix; whole numbers checked."""

import hashlib
from typing import Any

import numpy as np
import torch


def stream(seed: int, purpose: str, device: torch.device | str = "cpu") -> torch.Generator:
    """A generator of its own for each (seed, purpose), whatever else is drawn.

    Raises:
        ValueError: the seed is not an integer of at least 0.
    """
    seed = integer("seed", seed)
    digest = hashlib.sha256(f"{purpose}/{seed}".encode()).digest()
    return torch.Generator(device).manual_seed(int.from_bytes(digest[:7], "big"))


def integer(name: str, value: Any, least: int = 0, most: int | None = None, what: str = "") -> int:
    """A whole number, Python's or NumPy's, within bounds; `what` says in a refusal what the upper one is.

    Raises:
        ValueError: naming it and the bounds.
    """
    is_whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not is_whole or value < least or (most is not None and value > most):
        bounds = f"of at least {least}" if most is None else f"in {least}..{most}{what}"
        raise ValueError(f"{name} = {value!r:.60}: must be an integer {bounds}")
    return int(value)
