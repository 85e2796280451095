"""Accuracy laws for tests: Eq. 7 without its closed forms, power laws as a user or the reference writes them."""

from __future__ import annotations

import torch
from mpmath import mpf

from reference import Phi
from twinoffload import PowerLaw


class Plain:
    """Eq. 7 as a user would write it: value and slope, and nothing solved."""

    def value(self, v):
        return -torch.expm1(-v)

    def slope(self, v):
        return torch.exp(-v)


class Inverted(Plain):
    """The same with the inverse of its slope."""

    def inverse_slope(self, y):
        return -torch.log(y)


class Half:
    """v / (1 + v), which is the power law with exponent 1, written by hand."""

    def value(self, v):
        return v / (1.0 + v)

    def slope(self, v):
        return (1.0 + v) ** -2


class Delegate:
    """A power law that does not look like the package's own."""

    def __init__(self, exponent: float, ceiling: float = 1.0):
        law = PowerLaw(exponent, ceiling)
        self.value, self.slope = law.value, law.slope
        self.inverse_slope, self.marginal_revenue = law.inverse_slope, law.marginal_revenue


def phi_of(law: PowerLaw) -> Phi:
    """A power law from its definition, in the reference's arithmetic."""
    k, c = mpf(law.exponent), mpf(law.ceiling)
    return Phi(
        value=lambda v: c * (1 - (1 + v / k) ** -k),
        inverse_slope=lambda y: k * ((y / c) ** (-1 / (k + 1)) - 1),
        first_slope=c,
    )
