"""Correction for many comparisons.

What is a family? The parts of one claim under one reading: they are read together, as one sentence of the paper. A
family of everything in the table would be no stricter but mute: with ten seeds no p-value is below 1/1024, so from 52
parts on not even ten seeds that all agree would decide any of them. The price is that over the whole table some verdict
in twenty families may be wrong, which is said where the table is.
"""

import math
from collections.abc import Sequence

import numpy as np

LEVEL = 0.05  # of a family: the probability of any false "holds", and that of any false "fails"


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values (Holm 1979), in the order given: those at most `LEVEL` are rejected.

    Whatever the dependence, and whichever hypotheses are true, the probability of rejecting a true one is at most the
    level.
    """
    order = np.argsort(p_values, kind="stable")
    adjusted, worst = [1.0] * len(p_values), 0.0
    for place, at in enumerate(order):
        worst = max(worst, min((len(p_values) - place) * p_values[at], 1.0))
        adjusted[at] = worst
    return adjusted


def seeds_needed(parts: int, level: float = LEVEL) -> int:
    """The fewest seeds with which a family of so many parts can be decided: parts / 2^n is at most the level.

    Where a part has several ways to fail, which share its p-value, failing takes one seed more, or two.
    """
    return math.ceil(math.log2(max(parts, 1) / level))
