"""`admission`: the most the operator could earn if it may decline to offer a pair."""

import numpy as np
import torch
from torch import Tensor

from twinoffload.equilibrium.outcome import Outcome, finish
from twinoffload.equilibrium.profiles import CHUNK, Profiles, all_profiles, delay_cost_table, first_best
from twinoffload.game.pairs import pair_rate
from twinoffload.game.payoff import profit, unit_delay_cost
from twinoffload.game.pricing import best_price
from twinoffload.game.response import best_data
from twinoffload.game.terms import Terms
from twinoffload.network.link import connected


def admission(terms: Terms, gain: Tensor) -> Outcome:
    """Best association over all profiles, each pair at its best price or declined; flat batch, exact.

    Among associations within 1e-12 of the best the lexicographically first is taken.
    """
    profiles = all_profiles(*gain.shape[-2:], terms.idle_interferes, gain.device)
    largest = max(profiles.sets.numel() * gain.shape[-1], len(profiles.association))
    step = max(1, CHUNK // largest)
    starts = range(0, len(gain), step)
    association = torch.cat(
        [_best_association(terms.rows(slice(i, i + step)), gain[i : i + step], profiles) for i in starts]
    )
    price, earns = _offers(terms, gain, association)
    if not terms.idle_interferes:
        association = torch.where(earns.any(-1), association, -1)
        price, _ = _offers(terms, gain, association)
    status = np.full(len(gain), "optimal", dtype="<U11")
    return finish("admission", terms, gain, association, price, status=status)


def _best_association(terms: Terms, gain: Tensor, profiles: Profiles) -> Tensor:
    delay_cost = delay_cost_table(terms, gain, profiles)
    table = terms.insert_axis()
    price = best_price(table, delay_cost)
    worth = profit(table, price, best_data(table, delay_cost, price)).clamp(min=0.0)
    of_set = torch.einsum("bsnm,sn->bsm", worth, profiles.sets.to(worth.dtype))
    total = torch.zeros(len(gain), len(profiles.association), dtype=worth.dtype, device=gain.device)
    for m in range(gain.shape[-1]):
        total += of_set[..., m].index_select(1, profiles.set_on[:, m])
    _, index = first_best(total, terms.tolerance.amax((-2, -1)))
    return profiles.association[index]


def _offers(terms: Terms, gain: Tensor, association: Tensor) -> tuple[Tensor, Tensor]:
    """Prices `[B, N, M]`, inf but on the pairs that earn something; and which those are."""
    on = connected(association, gain.shape[-1])
    delay_cost = unit_delay_cost(terms, pair_rate(terms, gain, on))
    price = best_price(terms, delay_cost)
    earns = on & (profit(terms, price, best_data(terms, delay_cost, price)) > 0.0)
    return torch.where(earns, price, torch.inf), earns
