"""Every pure Nash equilibrium of the mAPs at given prices."""

import torch
from torch import Tensor

from twinoffload.equilibrium.profiles import all_profiles, at_choice, at_every_station, delay_cost_table
from twinoffload.game.payoff import map_utility
from twinoffload.game.response import best_data
from twinoffload.game.terms import Terms


def pure_equilibria(terms: Terms, gain: Tensor, price: Tensor) -> Tensor:
    """Associations from which no mAP gains more than 1e-12 gamma^A by moving, `[K, N]`; one instance, `[1, N, M]`."""
    profiles = all_profiles(*gain.shape[-2:], terms.idle_interferes, gain.device)
    delay_cost = delay_cost_table(terms, gain, profiles)
    table = terms.insert_axis()
    data = best_data(table, delay_cost, price.unsqueeze(-3))
    utility = map_utility(table, delay_cost, price.unsqueeze(-3), data)
    off = profiles.association < 0
    best = at_every_station(utility, profiles).amax(-1).clamp(min=0.0)
    own = torch.where(off, 0.0, at_choice(utility, profiles))
    calm = own >= best - terms.tolerance.squeeze(-1).unsqueeze(1)
    if not terms.idle_interferes:
        calm &= off | (at_choice(data, profiles) > 0.0)
    return profiles.association[calm.all(-1).squeeze(0)]
