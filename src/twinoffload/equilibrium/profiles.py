"""All associations of a small market, and tables of what a pair is worth beside each set of companions.

A pair's rate depends only on who else is on its BS, so it is computed once for each set of mAPs and looked up for each
of the M^N profiles.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from twinoffload.game.pairs import pair_rate
from twinoffload.game.payoff import unit_delay_cost
from twinoffload.game.terms import Terms

PROFILE_LIMIT = 1_000_000
CHUNK = 4_000_000  # most numbers in one temporary tensor


@dataclass(frozen=True)
class Profiles:
    """Every association of N mAPs to M BSs, in lexicographic order, mAP 0 first; off (-1) comes last.

    Attributes:
        association: int64 `[P, N]`.
        sets: the different sets of mAPs that share a BS in some profile, booleans `[S, N]`.
        set_on: which set is on each BS, int64 `[P, M]`.
    """

    association: Tensor
    sets: Tensor
    set_on: Tensor

    def chunks(self, size: int) -> Iterator["Profiles"]:
        """Runs of at most `size` profiles."""
        for begin in range(0, len(self.association), size):
            part = slice(begin, begin + size)
            yield Profiles(self.association[part], self.sets, self.set_on[part])


def profile_count(maps: int, stations: int, idle_interferes: bool) -> int:
    """M^N, or (M + 1)^N where mAPs may be off."""
    return (stations + (0 if idle_interferes else 1)) ** maps


def check_enumerable(concept: str, maps: int, stations: int, idle_interferes: bool) -> None:
    """Refuse a market with too many profiles.

    Raises:
        ValueError: with the number and the remedy.
    """
    if profile_count(maps, stations, idle_interferes) > PROFILE_LIMIT:
        choices = profile_count(1, stations, idle_interferes)
        raise ValueError(
            f"{concept}: N = {maps} mAPs on M = {stations} BSs make {choices}^{maps} associations, beyond enumeration "
            f"(at most {PROFILE_LIMIT:,}); use the concept 'pairwise' (--concept pairwise) or a smaller market"
        )


@lru_cache(maxsize=8)
def all_profiles(maps: int, stations: int, idle_interferes: bool, device: torch.device) -> Profiles:
    """Every profile; call `check_enumerable` first."""
    choices = torch.arange(stations)
    if not idle_interferes:
        choices = torch.cat([choices, torch.tensor([-1])])
    grid = torch.cartesian_prod(*[choices] * maps)
    association = grid.reshape(-1, maps).contiguous()
    bits = 2 ** torch.arange(maps)
    masks = torch.stack([((association == m) * bits).sum(-1) for m in range(stations)], dim=-1)
    codes, set_on = torch.unique(masks, return_inverse=True)
    sets = (codes.unsqueeze(-1) & bits) > 0
    return Profiles(association.to(device), sets.to(device), set_on.to(device))


def delay_cost_table(terms: Terms, gain: Tensor, profiles: Profiles) -> Tensor:
    """D of mAP n at BS m if the others of set s are there, money/MB, `[B, S, N, M]`; n itself need not be in s."""
    table = terms.insert_axis()
    on = profiles.sets.unsqueeze(-1).expand(*profiles.sets.shape, gain.shape[-1])
    return unit_delay_cost(table, pair_rate(table, gain.unsqueeze(-3), on))


def at_choice(table: Tensor, profiles: Profiles) -> Tensor:
    """A table's value at each mAP's own BS, `[B, S, N, M]` to `[B, P, N]`; where it is off, that of BS 0."""
    _, _, maps, stations = table.shape
    own = profiles.association.clamp(min=0)
    index = (profiles.set_on.gather(1, own) * maps + torch.arange(maps, device=own.device)) * stations + own
    return table.flatten(1).index_select(1, index.flatten()).reshape(len(table), *index.shape)


def at_every_station(table: Tensor, profiles: Profiles) -> Tensor:
    """A table's value at every BS, given who is there, `[B, S, N, M]` to `[B, P, N, M]`."""
    _, _, maps, stations = table.shape
    station = torch.arange(stations, device=table.device)
    mover = torch.arange(maps, device=table.device).unsqueeze(-1)
    index = (profiles.set_on.unsqueeze(1) * maps + mover) * stations + station
    return table.flatten(1).index_select(1, index.flatten()).reshape(len(table), *index.shape)


def first_best(total: Tensor, tolerance: Tensor) -> tuple[Tensor, Tensor]:
    """(value, index) of the first profile within the tolerance of the best, `[B, P]` to `[B]` each."""
    best = total.amax(-1, keepdim=True)
    index = (total >= best - tolerance.reshape(-1, 1)).to(torch.uint8).argmax(-1)
    return total.gather(-1, index.unsqueeze(-1)).squeeze(-1), index
