"""Best responses of the mAPs, one after another, until nobody moves."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from twinoffload.game.payoff import map_utility, unit_delay_cost
from twinoffload.game.response import best_data
from twinoffload.game.terms import Terms
from twinoffload.network import link

PriceRule = Callable[[Terms, Tensor, Tensor, int | slice], Tensor]
"""(terms, D `[B, ., M]`, rows of the batch, mAPs) to prices `[B, ., M]`: which prices these mAPs face."""

SWEEP_LIMIT = 1000
TIE = 1e-12  # relative difference of y / K that is rounding


@dataclass(frozen=True)
class Rest:
    """Where the sweeps ended: association `[B, N]`, status NumPy strings `[B]`, sweeps int64 `[B]`."""

    association: Tensor
    status: np.ndarray
    sweeps: Tensor


def best_responses(terms: Terms, gain: Tensor, price: PriceRule, start: Tensor, order: list[int]) -> Rest:
    """Sequential best response in a fixed order from a given start, for a flat batch.

    An mAP moves only for a gain above 1e-12 gamma^A, then to the BS of highest utility, of lowest y / K among equals,
    of lowest index among those. A profile seen before at the end of a sweep will come again for ever: of all profiles
    visited that of least regret (largest over the mAPs) is returned with status "cycle".
    """
    received = terms.power * gain
    count = len(gain)
    association = start.clone()
    sweeps = torch.zeros(count, dtype=torch.int64, device=gain.device)
    status = np.full(count, "sweep_limit", dtype="<U11")
    rows = torch.arange(count, device=gain.device)
    seen = [association]
    for sweep in range(1, SWEEP_LIMIT + 1):
        if len(rows) == 0:
            break
        part, power, now = terms.rows(rows), received[rows], association[rows]
        before = now
        for n in order:
            now = _reply(part, power, now, price, rows, n)
        association = association.index_copy(0, rows, now)
        sweeps[rows] = sweep
        still = (now == before).all(-1)
        again = torch.stack([(now == earlier[rows]).all(-1) for earlier in seen]).any(0) & ~still
        if again.any():
            cycling = rows[again]
            best = _least_regret(terms, received, price, start, cycling, order, sweep)
            association = association.index_copy(0, cycling, best)
        status[rows[still].cpu().numpy()] = "converged"
        status[rows[again].cpu().numpy()] = "cycle"
        rows = rows[~(still | again)]
        seen.append(association)
    return Rest(association, status, sweeps)


def _reply(terms: Terms, received: Tensor, association: Tensor, price: PriceRule, rows: Tensor, n: int) -> Tensor:
    """The profile after mAP n has moved to its best BS, `[B, N]`."""
    stations = received.shape[-1]
    on = link.connected(association, stations)
    on[:, n] = False
    disturbance = torch.where(on, received, 0.0).sum(-2, keepdim=True)
    own = terms.of_map(n)
    rate = link.rate(received[:, n : n + 1], disturbance, own.noise, own.bandwidth)
    delay_cost = unit_delay_cost(own, rate)
    offer = price(own, delay_cost, rows, n)
    data = best_data(own, delay_cost, offer)
    utility = map_utility(own, delay_cost, offer, data).squeeze(-2)
    tolerance = own.tolerance.squeeze(-2)
    here = association[:, n]
    staying = torch.where(here < 0, 0.0, utility.gather(-1, here.clamp(min=0).unsqueeze(-1)).squeeze(-1))
    best = utility.amax(-1, keepdim=True)
    cheapness = ((delay_cost + offer) / own.first_value).squeeze(-2)
    cheapness = torch.where(utility >= best - tolerance, cheapness, torch.inf)
    lowest = cheapness.amin(-1, keepdim=True)
    target = (cheapness * (1.0 - TIE) <= lowest).to(torch.uint8).argmax(-1)
    moved = torch.where((best - tolerance).squeeze(-1) > staying, target, here)
    if not terms.idle_interferes:
        sent = data.squeeze(-2).gather(-1, moved.clamp(min=0).unsqueeze(-1)).squeeze(-1)
        moved = torch.where(sent > 0.0, moved, -1)
    result = association.clone()
    result[:, n] = moved
    return result


def regret_of(terms: Terms, received: Tensor, association: Tensor, price: PriceRule, rows: Tensor) -> Tensor:
    """What each mAP would gain by its best reply to the others, `[B, N]` in money."""
    on = link.connected(association, received.shape[-1])
    rate = link.rate(received, link.interference(received, on), terms.noise, terms.bandwidth)
    delay_cost = unit_delay_cost(terms, rate)
    offer = price(terms, delay_cost, rows, slice(None))
    utility = map_utility(terms, delay_cost, offer, best_data(terms, delay_cost, offer))
    own = utility.gather(-1, association.clamp(min=0).unsqueeze(-1)).squeeze(-1)
    return utility.amax(-1).clamp(min=0.0) - torch.where(association < 0, 0.0, own)


def _least_regret(
    terms: Terms, received: Tensor, price: PriceRule, start: Tensor, rows: Tensor, order: list[int], sweeps: int
) -> Tensor:
    """Walk the sweeps again and keep, for each row, the visited profile whose largest regret is least."""
    part, power, now = terms.rows(rows), received[rows], start[rows]
    best = now
    least = regret_of(part, power, now, price, rows).amax(-1)
    for _ in range(sweeps):
        for n in order:
            now = _reply(part, power, now, price, rows, n)
            regret = regret_of(part, power, now, price, rows).amax(-1)
            better = regret < least
            best = torch.where(better.unsqueeze(-1), now, best)
            least = torch.where(better, regret, least)
    return best
