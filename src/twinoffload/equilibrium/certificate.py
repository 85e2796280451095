"""What nobody could gain by deviating: a check of an outcome that uses neither a closed-form price nor a proposition.

An mAP may change BS and amount, the others holding still. The operator may change prices, on a dense grid, in whatever
way its concept allows; the mAPs answer each price by their best response.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from twinoffload.equilibrium.outcome import Outcome, play
from twinoffload.equilibrium.profiles import (
    Profiles,
    all_profiles,
    at_choice,
    at_every_station,
    delay_cost_table,
    possible,
)
from twinoffload.game.pairs import pair_rate
from twinoffload.game.payoff import map_utility, profit, unit_delay_cost
from twinoffload.game.response import best_data
from twinoffload.game.terms import Terms
from twinoffload.network.link import connected

NUMBERS = 4_000_000  # in one temporary tensor


@dataclass(frozen=True)
class Certificate:
    """How far an outcome is from rest; `[...]` are the batch axes. NaN where the outcome is infeasible.

    Attributes:
        map_deviation: the most that any one mAP could add to its utility by another BS or amount, money, `[...]`.
        operator_deviation: the most that the operator could add by other prices, money, `[...]`; negative where the
            grid misses the outcome's own prices. Under "pairwise" and "gradient" it may change every price while
            associations hold; under "posted" also to another association that the mAPs would keep; under "admission"
            to any. NaN for outcomes of `evaluate_prices`, whose prices are given.
        prices: points of the grid over [0, cap], or [0, max K] where there is no cap.
    """

    map_deviation: Tensor
    operator_deviation: Tensor
    prices: int

    @property
    def epsilon(self) -> Tensor:
        """The outcome is an epsilon-equilibrium for this epsilon, as far as the grid tells; money, `[...]`."""
        return torch.fmax(self.map_deviation, self.operator_deviation).clamp(min=0.0)


def certify(terms: Terms, gain: Tensor, outcome: Outcome, prices: int, within: Tensor | None = None) -> Certificate:
    """Deviations for a flat batch; enumerates profiles under "posted" and "admission", of pairs within reach."""
    infeasible = torch.from_numpy(outcome.status == "infeasible").to(gain.device)
    price, data = (torch.where(value.isnan(), 0.0, value) for value in (outcome.price, outcome.data))
    now = play(terms, gain, outcome.association, price, data)
    if outcome.concept in ("pairwise", "gradient"):
        best = _repriced(terms, gain, outcome.association, prices)
    elif outcome.concept in ("posted", "admission"):
        profiles = all_profiles(*gain.shape[-2:], terms.idle_interferes, gain.device)
        step = max(1, NUMBERS // (prices * profiles.companions.shape[0] * gain.shape[-2] * gain.shape[-1]))
        parts = [slice(begin, begin + step) for begin in range(0, len(gain), step)]
        search = _best_implementable if outcome.concept == "posted" else _best_of_all
        reach = torch.ones_like(gain, dtype=torch.bool) if within is None else within
        best = torch.cat([search(terms.rows(part), gain[part], profiles, prices, reach[part]) for part in parts])
    else:
        best = torch.full_like(now["operator_utility"], torch.nan)
    return Certificate(
        map_deviation=torch.where(infeasible, torch.nan, now["regret"].amax(-1)),
        operator_deviation=torch.where(infeasible, torch.nan, best - now["operator_utility"]),
        prices=prices,
    )


def _offers(terms: Terms, delay_cost: Tensor, prices: int) -> tuple[Tensor, Tensor, Tensor]:
    """(mAP's utility, operator's profit, data) of every pair at every price of the grid, `[..., N, M, G]`."""
    share = torch.linspace(0.0, 1.0, prices, dtype=delay_cost.dtype, device=delay_cost.device)
    wide = terms.map(lambda tensor: tensor.unsqueeze(-1))
    cost, price = delay_cost.unsqueeze(-1), terms.price_limit.unsqueeze(-1) * share
    data = best_data(wide, cost, price)
    return map_utility(wide, cost, price, data), profit(wide, price, data), data


def _repriced(terms: Terms, gain: Tensor, association: Tensor, prices: int) -> Tensor:
    """The most that the grid's prices earn at a held association, `[B]`."""
    on = connected(association, gain.shape[-1])
    step = max(1, NUMBERS // (prices * on[0].numel()))
    parts = [slice(begin, begin + step) for begin in range(0, len(gain), step)]

    def earned(part: slice) -> Tensor:
        own = terms.rows(part)
        _, worth, _ = _offers(own, unit_delay_cost(own, pair_rate(own, gain[part], on[part])), prices)
        return torch.where(on[part], worth.amax(-1), 0.0).sum((-2, -1))

    return torch.cat([earned(part) for part in parts])


def _best_of_all(terms: Terms, gain: Tensor, profiles: Profiles, prices: int, within: Tensor) -> Tensor:
    """`admission` by the grid: each pair at its best price or declined, the best profile, `[B]`."""
    _, worth, _ = _offers(terms.insert_axis(), delay_cost_table(terms, gain, profiles), prices)
    own = at_choice(worth.amax(-1).clamp(min=0.0), profiles)
    total = torch.where(profiles.association < 0, 0.0, own).sum(-1)
    return torch.where(possible(within, profiles), total, -torch.inf).amax(-1)


def _best_implementable(terms: Terms, gain: Tensor, profiles: Profiles, prices: int, within: Tensor) -> Tensor:
    """`posted` by the grid, `[B]`; -inf where it implements no profile.

    At a profile rates are fixed, so each mAP's row of prices can be searched by itself: its own price must leave it as
    much as the least that each other BS can be made worth to it.
    """
    utility, worth, data = _offers(terms.insert_axis(), delay_cost_table(terms, gain, profiles), prices)
    least = utility.amin(-1)
    on = connected(profiles.association, gain.shape[-1])
    tolerance = terms.tolerance.squeeze(-1).unsqueeze(1)
    step = max(1, NUMBERS // (len(gain) * prices * gain.shape[-2]))
    best = torch.full((len(gain),), -torch.inf, dtype=gain.dtype, device=gain.device)
    for begin, part in zip(range(0, len(on), step), profiles.chunks(step), strict=True):
        here, off = on[begin : begin + step], part.association < 0
        outside = torch.where(here, -torch.inf, at_every_station(least, part)).amax(-1)
        content = _at_choice(utility, part) >= (outside - tolerance).unsqueeze(-1)
        if not terms.idle_interferes:
            content &= _at_choice(data, part) > 0.0
        own = torch.where(content, _at_choice(worth, part), -torch.inf).amax(-1)
        idle = torch.where(outside <= tolerance, 0.0, -torch.inf)
        total = torch.where(off, idle, own).sum(-1)
        best = torch.maximum(best, torch.where(possible(within, part), total, -torch.inf).amax(-1))
    return best


def _at_choice(table: Tensor, profiles: Profiles) -> Tensor:
    """`[B, R, N, M, G]` at each mAP's own BS, `[B, P, N, G]`."""
    batch, *_, prices = table.shape
    flat = at_choice(table.movedim(-1, 1).flatten(0, 1), profiles)
    return flat.unflatten(0, (batch, prices)).movedim(1, -1)
