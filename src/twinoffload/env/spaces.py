"""What agents outside see and do, as bounded NumPy arrays."""

import numpy as np
import torch
from torch import Tensor

BOUND = 10.0  # features are of order one; what lies beyond is cut off


def seen(features: Tensor) -> np.ndarray:
    """Features as float32 in [-`BOUND`, `BOUND`], the tensor's own shape."""
    return features.clamp(-BOUND, BOUND).cpu().numpy().astype(np.float32)


def action_of(given: object, shape: tuple[int, ...], where: str) -> Tensor:
    """Somebody's action as float32 of a shape.

    Raises:
        ValueError: another shape, or a number that is not finite or outside [-1, 1].
    """
    action = torch.as_tensor(np.asarray(given, dtype=np.float32))
    if tuple(action.shape) != shape:
        raise ValueError(f"{where} has shape {list(action.shape)}: must be {list(shape)}")
    if not bool((action.abs() <= 1.0 + 1e-6).all()):  # NaN is not either
        wrong = action[~(action.abs() <= 1.0 + 1e-6)][0].item()
        raise ValueError(f"{where} holds {wrong:g}: must be in [-1, 1]; clip it")
    return action.clamp(-1.0, 1.0)


def margin(given: object, where: str) -> float:
    """How far actions reach beyond a range.

    Raises:
        ValueError: not a finite number of at least 0; `where` names the argument.
    """
    if isinstance(given, bool) or not isinstance(given, int | float) or not 0.0 <= given < float("inf"):
        raise ValueError(f"{where} = {given!r}: must be a number of at least 0")
    return float(given)
