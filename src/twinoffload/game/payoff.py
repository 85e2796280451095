"""Delay and utilities of a pair (Eqs. 2-4, 7, 9 and 11): the environment's reward, every solver's objective."""

import torch
from torch import Tensor

from twinoffload.game.terms import Terms


def unit_delay(terms: Terms, rate: Tensor) -> Tensor:
    """Completion time of one MB, 1/R + c/f in s/MB (Eqs. 2-4), `[..., N, M]`; inf where the rate is 0."""
    served = rate > 0.0
    return torch.where(served, 1.0 / torch.where(served, rate, 1.0) + terms.compute_time, torch.inf)


def unit_delay_cost(terms: Terms, rate: Tensor) -> Tensor:
    """D = gamma^D (1/R + c/f) in money/MB, `[..., N, M]`; inf where the rate is 0, also at delay cost 0."""
    served = rate > 0.0
    cost = terms.delay_cost / torch.where(served, rate, 1.0) + terms.delay_cost * terms.compute_time
    return torch.where(served, cost, torch.inf)


def delay(terms: Terms, rate: Tensor, data: Tensor) -> Tensor:
    """Task completion delay T in s (Eq. 4), `[..., N, M]`; 0 without data."""
    return torch.where(data > 0.0, unit_delay(terms, rate), 0.0) * data


def accuracy(terms: Terms, data: Tensor) -> Tensor:
    """Accuracy phi of the twin, 1 - exp(-rho x Z) by Eq. 7, `[..., N, M]`."""
    return terms.law.value(terms.steepness * data)


def map_utility(terms: Terms, delay_cost: Tensor, price: Tensor, data: Tensor) -> Tensor:
    """Utility of the mAP in money (Eq. 11), `[..., N, M]`.

    Args:
        terms: the parameters.
        delay_cost: D of `unit_delay_cost`, money/MB.
        price: mu, money/MB; inf where the pair is not offered.
        data: Z, MB.
    """
    paid = torch.where(data > 0.0, delay_cost + price, 0.0) * data
    return terms.accuracy_value * accuracy(terms, data) - paid


def profit(terms: Terms, price: Tensor, data: Tensor) -> Tensor:
    """What a pair earns the operator, (mu - e) Z in money (Eq. 9), `[..., N, M]`."""
    return torch.where(data > 0.0, price - terms.energy_cost, 0.0) * data
