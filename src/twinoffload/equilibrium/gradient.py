"""`gradient`: the paper's Algorithm 1 as printed, with the projections that it needs.

Outer iterations step each price along dU_l/dmu of Eq. 21; inner ones step each amount along dU_f/dZ of Eq. 17 and
let mAPs choose a BS by Eq. 23, all at once (as printed) or one at a time. Unprojected, logarithms of negative numbers
end many runs. Near the fixed point a price step converges for kappa < 2 a y* / (1 + w), w = W0(E s / K), and an amount
step for nu < 2 / (a y*); over all rates the smallest of these are 2 a K / E and 2 / (a K), whose halves are the
defaults. Another accuracy law than the exponential has slopes and limits of its own (`equilibrium.gradient_slopes`).
"""

import math
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
import torch
from torch import Tensor

from twinoffload.equilibrium.gradient_slopes import check_steppable, pair_limits, price_slope, smallest_limits
from twinoffload.equilibrium.outcome import Outcome, Steps, Trajectory, finish
from twinoffload.game.accuracy_law import Exponential
from twinoffload.game.market import as_numbers, first_bad
from twinoffload.game.pairs import pair_rate
from twinoffload.game.payoff import map_utility, unit_delay_cost
from twinoffload.game.pricing import interior_total, lambert_term, trades
from twinoffload.game.terms import Terms
from twinoffload.network.link import connected
from twinoffload.seeding import integer, stream

Switching = Literal["simultaneous", "sequential"]
TINY = torch.finfo(torch.float64).tiny
SETTLED = 1e-9  # largest change of a price or an amount, relative to its range, in an outer iteration of a settled run


@dataclass(frozen=True)
class GradientSettings:
    """How Algorithm 1 is run.

    Attributes:
        iterations: the paper's W, both of outer and of inner iterations.
        price_step: kappa, money/MB^2, a number or one for each batch element; half the smallest local limit where it
            is None.
        data_step: nu, MB^2/money, likewise.
        switching: "simultaneous" (as printed) or "sequential", one mAP after another in the given order.
        seed: of the random prices, amounts and associations at the start.
        keep_trajectory: whether every outer iteration is kept.

    Raises:
        ValueError: a value out of bounds, named.
    """

    iterations: int = 100
    price_step: float | Tensor | None = None
    data_step: float | Tensor | None = None
    switching: Switching = "simultaneous"
    seed: int = 0
    keep_trajectory: bool = False

    def __post_init__(self) -> None:
        for name, least in (("iterations", 1), ("seed", 0)):
            integer(name, getattr(self, name), least)
        for name in ("price_step", "data_step"):
            if getattr(self, name) is not None:
                step = as_numbers(name, getattr(self, name))
                bad = ~(torch.isfinite(step) & (step > 0))
                if bad.any():
                    raise ValueError(f"{first_bad(name, step, bad)}: must be finite and above 0")
        if self.switching not in get_args(Switching):
            raise ValueError(f"switching = {self.switching!r:.60}: must be one of {', '.join(get_args(Switching))}")

    def check_batch(self, batch: int) -> None:
        """Refuse steps that are neither one number nor one for each element of a batch.

        Raises:
            ValueError: naming the step.
        """
        for name in ("price_step", "data_step"):
            size = 1 if getattr(self, name) is None else as_numbers(name, getattr(self, name)).numel()
            if size not in (1, batch):
                raise ValueError(f"{name}: has {size} entries; expected one, or one for each of {batch} slots")


def step_limits(terms: Terms) -> tuple[Tensor, Tensor]:
    """(kappa, nu) below which every pair converges locally, whatever its rate: 2 a K / E and 2 / (a K), `[B or 1]`."""
    if not isinstance(terms.law, Exponential):
        return smallest_limits(terms)
    scale = terms.steepness * terms.first_value
    return 2.0 / math.e * scale.amin((-2, -1)), 2.0 / scale.amax((-2, -1))


def local_limits(terms: Terms, delay_cost: Tensor) -> tuple[Tensor, Tensor]:
    """(kappa, nu) below which each pair converges locally at its present delay cost, `[B, N, M]`; NaN: no trade.

    2 a y* / (1 + w) and 2 / (a y*), where neither the cap nor Zmax binds.
    """
    if isinstance(terms.law, Exponential):
        scale = terms.steepness * interior_total(terms, delay_cost)
        limits = 2.0 * scale / (1.0 + lambert_term(terms, delay_cost)), 2.0 / scale
    else:
        limits = pair_limits(terms, delay_cost)
    trade = trades(terms, delay_cost)
    kappa, nu = (torch.where(trade, limit, torch.nan) for limit in limits)
    return kappa, nu


def gradient(
    terms: Terms,
    gain: Tensor,
    start: Tensor | None,
    order: list[int],
    settings: GradientSettings,
    within: Tensor | None = None,
) -> Outcome:
    """Algorithm 1 for a flat batch, from a random association where `start` is None.

    The status is "converged" where the last outer iteration moved nobody and changed prices and amounts by less than
    1e-9 of their ranges, "oscillating" where it still moved somebody, else "iteration_limit". `sweeps` counts outer
    iterations. Amounts are the algorithm's own, not best responses, so regret tells how far it is from rest.

    Raises:
        ValueError: an accuracy law that it cannot step along.
    """
    if not isinstance(terms.law, Exponential):
        check_steppable(terms.law)
    kappa, nu = (
        (0.5 * limit if given is None else torch.as_tensor(given, dtype=limit.dtype, device=limit.device)).reshape(
            -1, 1, 1
        )
        for limit, given in zip(step_limits(terms), (settings.price_step, settings.data_step), strict=True)
    )
    limit = terms.price_limit
    price, data, association = _random_start(terms, gain, settings.seed, within)
    if start is not None:
        association = start.clamp(min=0)
    start = _final(terms, association, data)
    kept = [(price, data, association)]
    moved = torch.zeros(len(gain), dtype=torch.bool, device=gain.device)
    change = torch.full((len(gain),), torch.inf, dtype=gain.dtype, device=gain.device)
    for _ in range(settings.iterations):
        before = price, data, association
        price = _price_step(terms, gain, price, data, association, kappa).clamp(min=0.0).minimum(limit)
        moved = torch.zeros_like(moved)
        for _ in range(settings.iterations):
            data = _data_step(terms, gain, price, data, association, nu)
            chosen = _switch(terms, gain, price, data, association, order, settings.switching, within)
            moved |= (chosen != association).any(-1)
            association = chosen
        changes = (price - before[0], limit), (data - before[1], terms.raw_data)
        change = torch.maximum(*(_largest(step / full.clamp(min=TINY)) for step, full in changes))
        if settings.keep_trajectory:
            kept.append((price, data, association))
    settled = (change < SETTLED) & ~moved
    status = np.where(
        settled.cpu().numpy(), "converged", np.where(moved.cpu().numpy(), "oscillating", "iteration_limit")
    )
    own = _own(data, association)
    outcome = finish(
        "gradient",
        terms,
        gain,
        _final(terms, association, data),
        price,
        data=own,
        status=status,
        method="Algorithm 1",
        sweeps=torch.full((len(gain),), settings.iterations, device=gain.device),
        start=start,
        order=order,
    )
    trajectory = Trajectory(*map(torch.stack, zip(*kept, strict=True))) if settings.keep_trajectory else None
    used = (step.flatten().expand(len(gain)) for step in (kappa, nu))
    limits = (step.expand_as(gain) for step in local_limits(terms, _delay_cost(terms, gain, association, data)))
    return replace(outcome, trajectory=trajectory, steps=Steps(*used, *limits))


def _random_start(terms: Terms, gain: Tensor, seed: int, within: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
    """Uniform prices, amounts and associations within reach, drawn on the CPU so that every device starts alike."""
    generator = stream(seed, "algorithm 1 start")
    share = torch.rand(2, *gain.shape, dtype=gain.dtype, generator=generator).to(gain.device)
    association = torch.randint(gain.shape[-1], gain.shape[:-1], generator=generator).to(gain.device)
    if within is not None:  # the k-th of the BSs within reach, counted round
        count = within.cumsum(-1)
        association = (count == (association % count[..., -1] + 1).unsqueeze(-1)).int().argmax(-1)
    return share[0] * terms.price_limit, share[1] * terms.raw_data, association


def _price_step(terms: Terms, gain: Tensor, price: Tensor, data: Tensor, association: Tensor, kappa: Tensor) -> Tensor:
    """Eq. 21 for every pair at the current rates; a pair out of reach keeps its price."""
    delay_cost = _delay_cost(terms, gain, association, data)
    if isinstance(terms.law, Exponential):
        y = price + delay_cost
        slope = (torch.log(terms.first_value / y) - (price - terms.energy_cost) / y) / terms.steepness
    else:
        slope = price_slope(terms, delay_cost, price)
    return torch.where(torch.isfinite(slope), price + kappa * slope, price)


def _data_step(terms: Terms, gain: Tensor, price: Tensor, data: Tensor, association: Tensor, nu: Tensor) -> Tensor:
    """Eq. 17 for every pair at the current rates, projected to what can be sent."""
    delay_cost = _delay_cost(terms, gain, association, data)
    slope = terms.marginal_value(terms.steepness * data) - price - delay_cost
    return (data + nu * slope).clamp(min=0.0).minimum(terms.raw_data)


def _switch(
    terms: Terms, gain: Tensor, price: Tensor, data: Tensor, association: Tensor, order: list[int],
    switching: Switching, within: Tensor | None,
) -> Tensor:  # fmt: skip
    """Eq. 23 at the current amounts, for all mAPs at once or one after another at the rates that then hold."""

    def best_station(profile: Tensor) -> Tensor:
        delay_cost = _delay_cost(terms, gain, profile, data)
        utility = map_utility(terms, delay_cost, price, data)
        if within is not None:
            utility = torch.where(within, utility, -torch.inf)
        here = utility.gather(-1, profile.unsqueeze(-1)).squeeze(-1)
        better = utility.amax(-1) > here + terms.tolerance.squeeze(-1)
        return torch.where(better, utility.argmax(-1), profile)

    if switching == "simultaneous":
        return best_station(association)
    for n in order:
        association = association.clone()
        association[:, n] = best_station(association)[:, n]
    return association


def _own(data: Tensor, association: Tensor) -> Tensor:
    """Amount for the chosen BS, `[B, N]`."""
    return data.gather(-1, association.unsqueeze(-1)).squeeze(-1)


def _delay_cost(terms: Terms, gain: Tensor, association: Tensor, data: Tensor) -> Tensor:
    """D of every pair at the rates that now hold; where idle mAPs are silent, only those who send interfere."""
    on = connected(association, gain.shape[-1])
    if not terms.idle_interferes:
        on = on & (_own(data, association) > 0.0).unsqueeze(-1)
    return unit_delay_cost(terms, pair_rate(terms, gain, on))


def _final(terms: Terms, association: Tensor, data: Tensor) -> Tensor:
    """Where idle mAPs are silent, one that sends nothing is off."""
    return association if terms.idle_interferes else torch.where(_own(data, association) > 0.0, association, -1)


def _largest(change: Tensor) -> Tensor:
    """Largest magnitude over pairs, `[B]`."""
    return change.abs().amax((-2, -1))
