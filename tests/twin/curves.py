"""Learning curves made from a law, for tests."""

import numpy as np
import torch

from twinoffload.game.accuracy_law import Exponential, PowerLaw
from twinoffload.twin.curve import Curve

SIZES = np.geomspace(0.05, 5.0, 12)
TRUE = {
    "exponential": Exponential(),
    "exponential with ceiling": Exponential(0.8),
    "power": PowerLaw(0.5),
    "power with ceiling": PowerLaw(0.9, 0.6),
}


def hill(v):
    """Rises slowly, then fast: no law of ours."""
    return 0.9 * v**2 / (1 + v**2)


def accuracy(law, v):
    """Of a law or of a function."""
    return law.value(torch.as_tensor(v)).numpy() if hasattr(law, "value") else law(v)


def made(law, *, a=1.3, seeds=10, noise=0.015, sizes=SIZES, salt=0, structure=""):
    """A curve with noise that shrinks with data, at most 1 as Eq. 8 is; without seeds it has one measurement a size."""
    rng = np.random.default_rng(salt)
    size = np.tile(sizes, max(seeds, 1))
    value = accuracy(law, a * size) + noise * (size / sizes[0]) ** -0.2 * rng.standard_normal(len(size))
    seed = np.repeat(np.arange(seeds), len(sizes)) if seeds else None
    return Curve(size, np.minimum(value, 1.0), seed, structure=structure)
