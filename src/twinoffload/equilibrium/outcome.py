"""What a solution is: prices, associations, data and what they are worth to whom."""

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from twinoffload.game.pairs import pair_rate
from twinoffload.game.payoff import accuracy, delay, map_utility, profit, unit_delay_cost
from twinoffload.game.response import best_data
from twinoffload.game.terms import Terms
from twinoffload.network.link import connected


@dataclass(frozen=True)
class Outcome:
    """A solved game, or a batch of them; `[...]` are the batch axes.

    Attributes:
        concept: which solution concept; "followers" where prices were given.
        association: BS index of each mAP, int64 `[..., N]`; -1: off (only where idle mAPs are silent) or no solution.
        price: money/MB, `[..., N, M]`; inf: not offered. Sparse where the gains were, on the same pairs.
        data: Z in MB on the chosen BS, `[..., N]`.
        rate: uplink rate in MB/s, `[..., N]`; 0 when off.
        accuracy: phi by the market's law, Eq. 7 or another, `[..., N]`.
        delay: completion delay in s, `[..., N]`; 0 without data.
        map_utility: money, `[..., N]`.
        regret: what the best reply to the same prices and the others' choices would add, money, `[..., N]`.
        operator_utility: money, `[...]`.
        bound: upper bound of the operator's utility under this concept, `[...]`; NaN where none is known.
        status: "converged", "cycle", "sweep_limit" or "round_limit" (best responses), "optimal" (exact, or a search
            that meets its bound), "infeasible" (exact search), "bounded" (search, with an upper bound in `bound`),
            "converged", "oscillating" or "iteration_limit" (Algorithm 1): NumPy strings `[...]`.
        method: how it was found.
        sweeps: best-response sweeps, or rounds on a GPU, over all mAPs, the last without a move, int64 `[...]`; 0 if
            none was needed; outer iterations under "gradient".
        start: association from which best responses start, int64 `[..., N]`.
        order: order in which the mAPs move, int64 `[N]`.
        trajectory: Algorithm 1 iteration by iteration, where it was asked for.
        steps: Algorithm 1's steps and their local limits; None for other concepts.
    """

    concept: str
    association: Tensor
    price: Tensor
    data: Tensor
    rate: Tensor
    accuracy: Tensor
    delay: Tensor
    map_utility: Tensor
    regret: Tensor
    operator_utility: Tensor
    bound: Tensor
    status: Any
    sweeps: Tensor
    start: Tensor
    order: Tensor
    method: str = ""
    trajectory: "Trajectory | None" = None
    steps: "Steps | None" = None

    @property
    def gap(self) -> Tensor:
        """Share by which the best under this concept may exceed the operator's utility, `[...]`; NaN: unknown."""
        share = (self.bound - self.operator_utility) / self.operator_utility.abs()
        return torch.where(self.bound == self.operator_utility, 0.0, share)

    def to(self, device: torch.device | str) -> "Outcome":
        """The same on another device."""
        return replace(
            self, **{f.name: v.to(device) for f in fields(self) if isinstance(v := getattr(self, f.name), Tensor)}
        )

    def reshape(self, batch: torch.Size) -> "Outcome":
        """The flat batch axis given its shape back."""
        return self._reshape(1, batch)

    def flatten(self) -> "Outcome":
        """The batch axes merged into one."""
        return self._reshape(self.operator_utility.ndim, torch.Size([self.operator_utility.numel()]))

    def _reshape(self, axes: int, batch: torch.Size) -> "Outcome":
        """The first `axes` axes replaced by others."""

        def shape(name: str, value: Any) -> Any:
            if name in ("concept", "method", "order"):
                return value
            if name in ("trajectory", "steps"):
                return value and value.reshape(axes, batch)
            shaped = (*batch, *value.shape[axes:])
            return np.asarray(value).reshape(shaped)[()] if name == "status" else value.reshape(shaped)

        return replace(self, **{f.name: shape(f.name, getattr(self, f.name)) for f in fields(self)})


@dataclass(frozen=True)
class Trajectory:
    """Algorithm 1 after every outer iteration, the start first; `[I]` are the iterations.

    Attributes:
        price: money/MB, `[I, ..., N, M]`.
        data: MB, `[I, ..., N, M]`.
        association: `[I, ..., N]`.
    """

    price: Tensor
    data: Tensor
    association: Tensor

    def reshape(self, axes: int, batch: torch.Size) -> "Trajectory":
        """The first `axes` batch axes replaced by others."""
        parts = (self.price, self.data, self.association)
        return Trajectory(*(part.reshape((len(part), *batch, *part.shape[1 + axes :])) for part in parts))


@dataclass(frozen=True)
class Steps:
    """The steps that Algorithm 1 took, and the limits below which a pair converges at the rates where it ended.

    From the linearised step at the fixed point of a pair that trades and that neither the cap nor Zmax binds:
    kappa < 2 a y* / (1 + w) with w = W0(E s / K), and nu < 2 / (a y*).

    Attributes:
        price_step: kappa, money/MB^2, `[...]`.
        data_step: nu, MB^2/money, `[...]`.
        price_limit: the limit of kappa, `[..., N, M]`; NaN where the pair does not trade.
        data_limit: the limit of nu at the best price, `[..., N, M]`; NaN where the pair does not trade.
    """

    price_step: Tensor
    data_step: Tensor
    price_limit: Tensor
    data_limit: Tensor

    def reshape(self, axes: int, batch: torch.Size) -> "Steps":
        """The first `axes` batch axes replaced by others."""
        parts = (self.price_step, self.data_step, self.price_limit, self.data_limit)
        return Steps(*(part.reshape((*batch, *part.shape[axes:])) for part in parts))


def chosen(values: Tensor, association: Tensor, off: float = 0.0) -> Tensor:
    """`[..., N, M]` at each mAP's BS, `[..., N]`; `off` where the association is -1."""
    picked = values.gather(-1, association.clamp(min=0).unsqueeze(-1)).squeeze(-1)
    return torch.where(association < 0, off, picked)


def replies(
    terms: Terms, gain: Tensor, association: Tensor, price: Tensor, data: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Each mAP's best response at every BS while the others stay as they are; arguments as for `play`.

    Returns:
        Rate R in MB/s, delay cost D in money/MB, data Z* in MB and its utility in money, `[..., N, M]` each.
    """
    rate = _rate(terms, gain, association, data)
    delay_cost = unit_delay_cost(terms, rate)
    reply = best_data(terms, delay_cost, price)
    return rate, delay_cost, reply, map_utility(terms, delay_cost, price, reply)


def _rate(terms: Terms, gain: Tensor, association: Tensor, data: Tensor | None) -> Tensor:
    """Rate of every pair in MB/s, `[..., N, M]`."""
    on = connected(association, gain.shape[-1])
    if data is not None and not terms.idle_interferes:
        on = on & (data > 0.0).unsqueeze(-1)
    return pair_rate(terms, gain, on)


def play(
    terms: Terms,
    gain: Tensor,
    association: Tensor,
    price: Tensor,
    data: Tensor | None = None,
    *,
    regret: bool = True,
) -> dict[str, Tensor]:
    """What follows when mAPs hold an association at given prices: everything in an `Outcome` that is measured.

    Args:
        terms: the parameters.
        gain: `[..., N, M]`.
        association: `[..., N]`; -1: off.
        price: money/MB, `[..., N, M]`.
        data: MB sent to the chosen BS, `[..., N]`; the best response where it is None.
        regret: whether to measure it, which takes every mAP's best response at every BS: half of the work.

    Returns:
        The fields `data` ... `operator_utility` of `Outcome`, without `bound`.
    """
    here, index = terms.at(association), association.clamp(min=0).unsqueeze(-1)
    value = None
    if data is None or regret:
        rate, _, reply, value = replies(terms, gain, association, price, data)
        sent = reply.gather(-1, index) if data is None else data.unsqueeze(-1)
    else:
        rate, sent = _rate(terms, gain, association, data), data.unsqueeze(-1)
    rate, price = (part.expand_as(rate).gather(-1, index) for part in (rate, price))
    delay_cost = unit_delay_cost(here, rate)

    def measured(values: Tensor) -> Tensor:
        """`[..., N, 1]` to `[..., N]`; 0 where an mAP is off."""
        return torch.where(association < 0, 0.0, values.squeeze(-1))

    utility = measured(map_utility(here, delay_cost, price, sent))
    measures = {
        "data": measured(sent),
        "rate": measured(rate),
        "accuracy": measured(accuracy(here, sent)),
        "delay": measured(delay(here, rate, sent)),
        "map_utility": utility,
        "operator_utility": measured(profit(here, price, sent)).sum(-1),
    }
    if regret and value is not None:
        best = value.amax(-1).clamp(min=0.0)
        measures["regret"] = torch.clamp(best - utility, min=0.0)
    return measures


def finish(
    concept: str,
    terms: Terms,
    gain: Tensor,
    association: Tensor,
    price: Tensor,
    *,
    status: np.ndarray,
    method: str,
    sweeps: Tensor | None = None,
    start: Tensor | None = None,
    order: list[int] | None = None,
    data: Tensor | None = None,
) -> Outcome:
    """The record of a flat batch whose associations and prices are found.

    Where the status is "infeasible" every number is NaN and the association -1. Concepts found by enumeration are
    their own bound.
    """
    maps = gain.shape[-2]
    measured = play(terms, gain, association, price, data)
    infeasible = torch.from_numpy(status == "infeasible").to(gain.device)
    nan = {
        name: torch.where(infeasible.reshape(-1, *[1] * (value.ndim - 1)), torch.nan, value)
        for name, value in (measured | {"price": price}).items()
    }
    exact = torch.from_numpy(status == "optimal").to(gain.device)
    association = torch.where(infeasible.unsqueeze(-1), -1, association)
    record: dict[str, Any] = {
        "concept": concept,
        "method": method,
        "association": association,
        "bound": torch.where(exact, nan["operator_utility"], torch.nan),
        "status": status,
        "sweeps": torch.zeros(len(gain), dtype=torch.int64, device=gain.device) if sweeps is None else sweeps,
        "start": association if start is None else start,
        "order": torch.tensor(order if order is not None else list(range(maps))),
    }
    record.update(nan)
    return Outcome(**record)
