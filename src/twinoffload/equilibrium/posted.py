"""`posted`: the strong Stackelberg equilibrium, prices within the cap and no offer withheld.

For a given association the best prices put every other offer at the cap and the own one at min(mu*, cap, the price
that leaves the mAP its best outside utility): raising an unchosen offer costs nothing and only weakens temptation.
"""

import numpy as np
import torch
from torch import Tensor

from twinoffload.equilibrium.outcome import Outcome, finish
from twinoffload.equilibrium.profiles import (
    CHUNK,
    Profiles,
    all_profiles,
    at_choice,
    at_every_station,
    delay_cost_table,
    first_best,
    possible,
)
from twinoffload.game.payoff import map_utility, profit
from twinoffload.game.pricing import best_price, price_leaving
from twinoffload.game.response import best_data
from twinoffload.game.terms import Terms
from twinoffload.network.link import connected


def posted(terms: Terms, gain: Tensor, within: Tensor | None = None) -> Outcome:
    """The operator's best association that is a Nash equilibrium of the mAPs at its best prices; flat batch, exact.

    Where no association can be implemented within the cap the status is "infeasible" and every number NaN. No mAP is
    on a BS that is not within its reach, booleans `[B, N, M]`.
    """
    maps, stations = gain.shape[-2:]
    profiles = all_profiles(maps, stations, terms.idle_interferes, gain.device)
    step = max(1, CHUNK // max(profiles.sets.numel() * stations, min(len(profiles.association), CHUNK) * maps))
    parts = [slice(i, i + step) for i in range(0, len(gain), step)]
    solved = [_solve(terms.rows(p), gain[p], profiles, None if within is None else within[p]) for p in parts]
    association, own_price, total = (torch.cat(column) for column in zip(*solved, strict=True))
    on = connected(association, stations)
    price = torch.where(on, own_price.unsqueeze(-1), terms.price_limit.expand(len(gain), 1, 1))
    status = np.where(torch.isneginf(total).cpu().numpy(), "infeasible", "optimal")
    return finish("posted", terms, gain, association, price, status=status, method="enumeration")


def _solve(terms: Terms, gain: Tensor, profiles: Profiles, within: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
    """(association `[B, N]`, own price `[B, N]`, operator utility `[B]`), -inf where infeasible."""
    delay_cost = delay_cost_table(terms, gain, profiles)
    table = terms.insert_axis()
    limit = table.price_limit
    tables = {
        "delay_cost": delay_cost,
        "price": torch.minimum(best_price(table, delay_cost), limit),
        "outside": map_utility(table, delay_cost, limit, best_data(table, delay_cost, limit)),
    }
    tolerance = terms.tolerance.amax((-2, -1))
    best = torch.full((len(gain),), -torch.inf, dtype=gain.dtype, device=gain.device)
    association = profiles.association[:1].expand(len(gain), -1).clone()
    own_price = torch.zeros_like(gain[..., 0])
    for part in profiles.chunks(max(1, CHUNK // (len(gain) * gain.shape[-2] * gain.shape[-1]))):
        price, total = _value(terms, tables, part)
        if within is not None:
            total = total.masked_fill(~possible(within, part), -torch.inf)
        value, index = first_best(total, tolerance)
        better = value > torch.where(torch.isinf(best), best, best + tolerance)
        best = torch.where(better, value, best)
        association = torch.where(better.unsqueeze(-1), part.association[index], association)
        picked = price.gather(1, index.reshape(-1, 1, 1).expand(-1, 1, price.shape[-1])).squeeze(1)
        own_price = torch.where(better.unsqueeze(-1), picked, own_price)
    return association, own_price, best


def _value(terms: Terms, tables: dict[str, Tensor], profiles: Profiles) -> tuple[Tensor, Tensor]:
    """Own prices `[B, P, N]` and the operator's utility `[B, P]` of every profile; -inf where not implementable."""
    stations = tables["outside"].shape[-1]
    own = terms_at_choice(terms, profiles)
    off = profiles.association < 0
    delay_cost = at_choice(tables["delay_cost"], profiles)
    elsewhere = at_every_station(tables["outside"], profiles)
    elsewhere = torch.where(connected(profiles.association, stations), -torch.inf, elsewhere).amax(-1)
    price = at_choice(tables["price"], profiles)
    tolerance = own.tolerance

    tempted = ~off & (map_utility(own, delay_cost, price, best_data(own, delay_cost, price)) < elsewhere)
    full = elsewhere.shape
    where = tempted.nonzero(as_tuple=True)
    if len(where[0]):
        some = own.expand(full).pick(where)
        price[where] = torch.minimum(price[where], price_leaving(some, delay_cost[where], elsewhere[where])).clamp(
            min=0.0
        )
    data = best_data(own, delay_cost, price)
    utility = map_utility(own, delay_cost, price, data)
    implementable = torch.where(off, elsewhere <= tolerance, utility >= elsewhere - tolerance)
    if not terms.idle_interferes:
        implementable &= off | (data > 0.0)
    earned = torch.where(off, 0.0, profit(own, price, data)).sum(-1)
    return price, torch.where(implementable.all(-1), earned, -torch.inf)


def outside_utility(terms: Terms, delay_cost: Tensor, on: Tensor, limit: Tensor) -> Tensor:
    """The most an mAP could have from any other BS that asks `limit`, or from none, money, `[..., N]`.

    Args:
        terms: the parameters.
        delay_cost: D of every pair while the others stay where `on` has them, money/MB, `[..., N, M]`.
        on: who is connected where, booleans `[..., N, M]`.
        limit: money/MB, broadcast to `[..., N, M]`.
    """
    elsewhere = map_utility(terms, delay_cost, limit, best_data(terms, delay_cost, limit))
    return torch.where(on, -torch.inf, elsewhere).amax(-1).clamp(min=0.0)


def price_keeping(terms: Terms, delay_cost: Tensor, outside: Tensor, limit: Tensor) -> Tensor:
    """The best price that keeps an mAP on its BS, min(mu*, limit, price that leaves it `outside`), money/MB.

    At least 0, even where no price keeps it. Arguments are of each mAP's own pair and broadcast together.
    """
    price = torch.minimum(best_price(terms, delay_cost), limit)
    return torch.minimum(price, price_leaving(terms, delay_cost, outside)).clamp(min=0.0)


def terms_at_choice(terms: Terms, profiles: Profiles) -> Terms:
    """The parameters of each mAP's own pair in every profile, broadcastable to `[B, P, N]`."""
    own = profiles.association.clamp(min=0)
    mover = torch.arange(own.shape[1], device=own.device)

    def pick(tensor: Tensor) -> Tensor:
        if tensor.shape[-1] == 1:
            return tensor.squeeze(-1).unsqueeze(1)
        rows = torch.zeros_like(own) if tensor.shape[-2] == 1 else mover.expand_as(own)
        return tensor[:, rows, own]

    return terms.map(pick)
