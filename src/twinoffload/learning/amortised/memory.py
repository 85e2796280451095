"""What an operator learns within an episode of values that mAPs keep to themselves.

A reply with 0 < Z < Zmax satisfies gamma^A a exp(-a Z) - gamma^D tau = mu (Eq. 15): one linear equation in the mAP's
two values, of which the operator knows all else. Recursive least squares (a Kalman filter of a constant) keep the
mean and covariance of what is believed, from the mean and variance of the distribution on; two replies in different
circumstances tell both values. It takes mAPs that answer each slot for its own sake; those who foresaw what their
answers give away might shade them.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from twinoffload.game.payoff import unit_delay
from twinoffload.game.terms import Terms
from twinoffload.learning.amortised.maps import LONGEST_S
from twinoffload.scenario import Scenario, Uniform

VALUES = ("accuracy_value", "delay_cost")
NOISE = 0.02  # of an equation, money/MB: mAPs' expectations of their delay are not exact


@dataclass(frozen=True)
class Known:
    """What the operator decides by.

    Attributes:
        terms: the parameters, private values as they are believed to be.
        doubt: standard deviations of (gamma^A, gamma^D) as a share of those of their distribution, `[..., N, 2]`; None
            where nothing is private.
    """

    terms: Terms
    doubt: Tensor | None = None

    def insert_axis(self) -> "Known":
        """A new axis before the pair axes, for several associations of one slot."""
        return Known(self.terms.insert_axis(), None if self.doubt is None else self.doubt.unsqueeze(-3))


def full_doubt(scenario: Scenario, gain: Tensor) -> Tensor:
    """The `doubt` of `Known` before anything is seen: 1 for what is private, 0 for what is not."""
    private = [float(isinstance(getattr(scenario, name), Uniform)) for name in VALUES]
    return torch.tensor(private, dtype=gain.dtype, device=gain.device).expand(*gain.shape[:-1], len(VALUES))


@dataclass(frozen=True)
class Beliefs:
    """What is believed of each mAP's (gamma^A, gamma^D).

    Attributes:
        mean: `[..., N, 2]`.
        covariance: `[..., N, 2, 2]`.
        low, high: ends of the ranges, `[..., N, 2]`.
    """

    mean: Tensor
    covariance: Tensor
    low: Tensor
    high: Tensor

    @classmethod
    def prior(cls, scenario: Scenario, public: Terms, batch: torch.Size) -> "Beliefs":
        """Before anything is seen.

        Args:
            scenario: says which values are private, and how they are drawn.
            public: the parameters with private values at their means.
            batch: the axes `[..., N]`.
        """
        mean = torch.stack([getattr(public, name).squeeze(-1).expand(batch) for name in VALUES], dim=-1)
        ends = [getattr(scenario, name) for name in VALUES]
        width = [v.uniform[1] - v.uniform[0] if isinstance(v, Uniform) else 0.0 for v in ends]
        half = torch.tensor(width, dtype=mean.dtype, device=mean.device) / 2.0
        covariance = torch.diag(half.square() / 3.0)
        return cls(mean, covariance.expand(*batch, 2, 2), mean - half, mean + half)

    def seen(self, terms: Terms, rate: Tensor, price: Tensor, data: Tensor) -> "Beliefs":
        """After the replies of a slot; all arguments of each mAP's own pair, `[..., N]`."""
        delay = unit_delay(terms, rate)
        inside = (data > 0.0) & (data < terms.raw_data) & (delay < LONGEST_S)  # beyond that, it answered by mistake
        slope = terms.steepness * torch.exp(-terms.steepness * data)
        row = torch.stack(torch.broadcast_tensors(slope, -delay), dim=-1)
        row = torch.where(inside.unsqueeze(-1), row, 0.0)
        spread = (self.covariance @ row.unsqueeze(-1)).squeeze(-1)
        gain = spread / ((row * spread).sum(-1, keepdim=True) + NOISE**2)
        surprise = torch.where(inside, price, 0.0) - (row * self.mean).sum(-1)
        mean = self.mean + gain * surprise.unsqueeze(-1)
        return replace(self, mean=mean, covariance=self.covariance - gain.unsqueeze(-1) * spread.unsqueeze(-2))

    def known(self, public: Terms) -> Known:
        """What to decide by: the parameters with what is believed in place of private values."""
        mean = torch.minimum(torch.maximum(self.mean, self.low), self.high)
        believed = {name: mean[..., at : at + 1] for at, name in enumerate(VALUES)}
        prior = (self.high - self.low) / 12.0**0.5
        deviation = self.covariance.diagonal(dim1=-2, dim2=-1).clamp(min=0.0).sqrt()
        doubt = torch.where(prior > 0.0, deviation / prior.clamp(min=1e-300), 0.0)
        return Known(replace(public, **believed), doubt)
