"""Every pure Nash equilibrium of the mAPs at given prices."""

import torch
from torch import Tensor

from twinoffload.equilibrium.profiles import Profiles, all_profiles, at_choice, at_every_station, delay_cost_table
from twinoffload.game.payoff import map_utility, profit
from twinoffload.game.response import best_data
from twinoffload.game.terms import Terms


def pure_equilibria(terms: Terms, gain: Tensor, price: Tensor) -> Tensor:
    """Associations from which no mAP gains more than 1e-12 gamma^A by moving, `[K, N]`; one instance, `[1, N, M]`."""
    profiles = all_profiles(*gain.shape[-2:], terms.idle_interferes, gain.device)
    calm, _, _ = rest_table(terms, gain, price, profiles)
    return profiles.association[calm.squeeze(0)]


def rest_table(terms: Terms, gain: Tensor, price: Tensor, profiles: Profiles) -> tuple[Tensor, Tensor, Tensor]:
    """(whether nobody would move, operator utility, mean mAP utility) of every profile, `[B, P]` each; flat batch."""
    delay_cost = delay_cost_table(terms, gain, profiles)
    table, offer = terms.insert_axis(), price.unsqueeze(-3)
    data = best_data(table, delay_cost, offer)
    utility = map_utility(table, delay_cost, offer, data)
    off = profiles.association < 0
    best = at_every_station(utility, profiles).amax(-1).clamp(min=0.0)
    own = torch.where(off, 0.0, at_choice(utility, profiles))
    calm = own >= best - terms.tolerance.squeeze(-1).unsqueeze(1)
    if not terms.idle_interferes:
        calm &= off | (at_choice(data, profiles) > 0.0)
    earned = torch.where(off, 0.0, at_choice(profit(table, offer, data), profiles))
    return calm.all(-1), earned.sum(-1), own.mean(-1)
