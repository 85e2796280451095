"""`admission`: the most the operator could earn if it may decline to offer a pair."""

from itertools import count

import numpy as np
import torch
from torch import Tensor

from twinoffload.equilibrium.outcome import Outcome, finish
from twinoffload.equilibrium.profiles import (
    CHUNK,
    Profiles,
    all_profiles,
    best_profile,
    delay_cost_table,
    profile_count,
)
from twinoffload.equilibrium.subset_dp import WORK_LIMIT, best_partition, subset_work
from twinoffload.game.pairs import pair_rate
from twinoffload.game.payoff import profit, unit_delay_cost
from twinoffload.game.pricing import best_price
from twinoffload.game.response import best_data
from twinoffload.game.terms import Terms
from twinoffload.network.link import connected

ENUMERATED = 65_536  # most profiles, and most pairs, of a whole batch for which enumeration is the faster way


def is_solvable(maps: int, stations: int) -> bool:
    """Whether an exact answer takes seconds."""
    return subset_work(maps, stations) <= WORK_LIMIT


def check_solvable(maps: int, stations: int, remedy: str) -> None:
    """Refuse a market for which an exact answer would take too long.

    Raises:
        ValueError: with the size and the remedy that is given.
    """
    if not is_solvable(maps, stations):
        most = next(n for n in count(0) if subset_work(n + 1, stations) > WORK_LIMIT)
        raise ValueError(
            f"admission: N = {maps} mAPs on M = {stations} BSs are beyond an exact answer (at most N = {most} with "
            f"M = {stations}); {remedy}"
        )


def admission(terms: Terms, gain: Tensor, within: Tensor | None = None) -> Outcome:
    """Best association over all profiles, each pair at its best price or declined; flat batch, exact.

    Small batches of small markets are enumerated, others solved by dynamic programming over sets of mAPs, with the
    same result: among associations within 1e-12 of the largest gamma^A of the best, the lexicographically first. No
    mAP is on a BS that is not within its reach, booleans `[B, N, M]`.
    """
    few = _enumerable(terms, gain)
    association = _enumerated(terms, gain, within) if few else best_partition(terms, gain, within)
    price, earns = _offers(terms, gain, association)
    if not terms.idle_interferes:
        association = torch.where(earns.any(-1), association, -1)
        price, _ = _offers(terms, gain, association)
    status = np.full(len(gain), "optimal", dtype="<U11")
    method = "enumeration" if few else "dynamic programming over sets"
    return finish("admission", terms, gain, association, price, status=status, method=method)


def _enumerable(terms: Terms, gain: Tensor) -> bool:
    """Whether the batch is so small that a few long operations beat many short ones."""
    batch, maps, stations = gain.shape
    pairs = maps * stations * 2**maps
    return batch * max(pairs, profile_count(maps, stations, terms.idle_interferes)) <= ENUMERATED


def _enumerated(terms: Terms, gain: Tensor, within: Tensor | None = None) -> Tensor:
    """The best of all profiles, `[B, N]`."""
    profiles = all_profiles(*gain.shape[-2:], terms.idle_interferes, gain.device)
    largest = max(profiles.sets.numel() * gain.shape[-1], len(profiles.association))
    step = max(1, CHUNK // largest)
    parts = [slice(i, i + step) for i in range(0, len(gain), step)]
    return torch.cat(
        [_best_association(terms.rows(p), gain[p], profiles, None if within is None else within[p]) for p in parts]
    )


def _best_association(terms: Terms, gain: Tensor, profiles: Profiles, within: Tensor | None) -> Tensor:
    delay_cost = delay_cost_table(terms, gain, profiles)
    table = terms.insert_axis()
    price = best_price(table, delay_cost)
    worth = profit(table, price, best_data(table, delay_cost, price)).clamp(min=0.0)
    return best_profile(worth, profiles, terms.tolerance.amax((-2, -1)), within)


def _offers(terms: Terms, gain: Tensor, association: Tensor) -> tuple[Tensor, Tensor]:
    """Prices `[B, N, M]`, inf but on the pairs that earn something; and which those are."""
    on = connected(association, gain.shape[-1])
    delay_cost = unit_delay_cost(terms, pair_rate(terms, gain, on))
    price = best_price(terms, delay_cost)
    earns = on & (profit(terms, price, best_data(terms, delay_cost, price)) > 0.0)
    return torch.where(earns, price, torch.inf), earns
