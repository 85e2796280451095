"""All associations of a small market, and tables of what a pair is worth beside each set of companions.

A pair's rate depends only on who else is on its BS, so it is computed once for each set of mAPs and looked up for each
of the M^N profiles.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

import torch
from torch import Tensor

from twinoffload.game.payoff import unit_delay_cost
from twinoffload.game.terms import Terms
from twinoffload.network import link

PROFILE_LIMIT = 1_000_000
CHUNK = 131_072  # numbers in one temporary tensor: what fits a cache is fastest


@dataclass(frozen=True)
class Profiles:
    """Every association of N mAPs to M BSs, in lexicographic order, mAP 0 first; off (-1) comes last.

    Attributes:
        association: int64 `[P, N]`.
        sets: the different sets of mAPs that share a BS in some profile, booleans `[S, N]`.
        set_on: which set is on each BS, int64 `[P, M]`.
        companions: the different sets of others that mAP n may meet, row by row, booleans `[R, N, N]`.
        row: which of them a set leaves to mAP n, whether or not n is in it, int64 `[S, N]`.
    """

    association: Tensor
    sets: Tensor
    set_on: Tensor
    companions: Tensor
    row: Tensor

    def chunks(self, size: int) -> Iterator["Profiles"]:
        """Runs of at most `size` profiles."""
        for begin in range(0, len(self.association), size):
            part = slice(begin, begin + size)
            yield replace(self, association=self.association[part], set_on=self.set_on[part])


def profile_count(maps: int, stations: int, idle_interferes: bool) -> int:
    """M^N, or (M + 1)^N where mAPs may be off."""
    return (stations + (0 if idle_interferes else 1)) ** maps


def check_enumerable(
    what: str,
    maps: int,
    stations: int,
    idle_interferes: bool,
    remedy: str = "use the concept 'pairwise' (--concept pairwise) or a smaller market",
) -> None:
    """Refuse a market with too many profiles.

    Raises:
        ValueError: with the number and the remedy.
    """
    if profile_count(maps, stations, idle_interferes) > PROFILE_LIMIT:
        choices = profile_count(1, stations, idle_interferes)
        raise ValueError(
            f"{what}: N = {maps} mAPs on M = {stations} BSs make {choices}^{maps} associations, beyond enumeration "
            f"(at most {PROFILE_LIMIT:,}); {remedy}"
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
    others = codes.unsqueeze(-1) & ~bits
    met = torch.stack([torch.unique(others[:, n]) for n in range(maps)], dim=1)  # as many for each, by symmetry
    row = torch.stack([torch.searchsorted(met[:, n].contiguous(), others[:, n].contiguous()) for n in range(maps)], 1)
    tensors = association, (codes.unsqueeze(-1) & bits) > 0, set_on, (met.unsqueeze(-1) & bits) > 0, row
    return Profiles(*(tensor.to(device) for tensor in tensors))


def delay_cost_table(terms: Terms, gain: Tensor, profiles: Profiles) -> Tensor:
    """D of mAP n at BS m beside each row of companions, money/MB, `[B, R, N, M]`."""
    return unit_delay_cost(terms.insert_axis(), rate_table(terms, gain, profiles))


def rate_table(terms: Terms, gain: Tensor, profiles: Profiles) -> Tensor:
    """Rate of mAP n at BS m beside each row of companions, MB/s, `[B, R, N, M]`."""
    table = terms.insert_axis()
    received = (terms.power * gain).unsqueeze(-3)
    disturbance = profiles.companions.to(gain.dtype).flatten(0, 1) @ received.squeeze(-3)
    disturbance = disturbance.unflatten(-2, profiles.companions.shape[:2])
    return link.rate(received, disturbance, table.noise, table.bandwidth)


def at_choice(table: Tensor, profiles: Profiles) -> Tensor:
    """A table's value at each mAP's own BS, `[B, R, N, M]` to `[B, P, N]`; where it is off, that of BS 0."""
    own = profiles.association.clamp(min=0)
    mover = torch.arange(own.shape[1], device=own.device)
    return _look_up(table, profiles.row[profiles.set_on.gather(1, own), mover], mover, own)


def at_every_station(table: Tensor, profiles: Profiles) -> Tensor:
    """A table's value at every BS, given who is there, `[B, R, N, M]` to `[B, P, N, M]`."""
    mover = torch.arange(table.shape[2], device=table.device).unsqueeze(-1)
    station = torch.arange(table.shape[3], device=table.device)
    return _look_up(table, profiles.row[profiles.set_on.unsqueeze(1), mover], mover, station)


def of_sets(table: Tensor, profiles: Profiles) -> Tensor:
    """A table summed over the members of each set on each BS, `[B, R, N, M]` to `[B, S, M]`."""
    mover = torch.arange(table.shape[2], device=table.device)
    return (table[:, profiles.row, mover] * profiles.sets.unsqueeze(-1)).sum(-2)


def _look_up(table: Tensor, row: Tensor, mover: Tensor, station: Tensor) -> Tensor:
    _, _, maps, stations = table.shape
    index = (row * maps + mover) * stations + station
    return table.flatten(1).index_select(1, index.flatten()).unflatten(1, index.shape)


def possible(within: Tensor, profiles: Profiles) -> Tensor:
    """Whether every mAP is off or on a BS within its reach, booleans `[B, N, M]` to `[B, P]`."""
    allowed = torch.ones(len(within), len(profiles.association), dtype=torch.bool, device=within.device)
    for n, station in enumerate(profiles.association.unbind(-1)):
        allowed &= (station < 0) | within[:, n].index_select(1, station.clamp(min=0))
    return allowed


def best_profile(worth: Tensor, profiles: Profiles, tolerance: Tensor, within: Tensor | None = None) -> Tensor:
    """The association of the largest sum of what its pairs are worth, int64 `[B, N]`; the first within the tolerance.

    Args:
        worth: of mAP n at BS m beside each row of companions, money, `[B, R, N, M]`.
        profiles: all associations.
        tolerance: money, one number for each element or for all.
        within: which pairs are within reach, booleans `[B, N, M]`.
    """
    of_set = of_sets(worth, profiles)
    total = torch.zeros(len(worth), len(profiles.association), dtype=worth.dtype, device=worth.device)
    for m in range(worth.shape[-1]):
        total += of_set[..., m].index_select(1, profiles.set_on[:, m])
    if within is not None:
        total.masked_fill_(~possible(within, profiles), -torch.inf)
    _, index = first_best(total, tolerance)
    return profiles.association[index]


def first_best(total: Tensor, tolerance: Tensor) -> tuple[Tensor, Tensor]:
    """(value, index) of the first profile within the tolerance of the best, `[B, P]` to `[B]` each."""
    best = total.amax(-1, keepdim=True)
    index = (total >= best - tolerance.reshape(-1, 1)).to(torch.uint8).argmax(-1)
    return total.gather(-1, index.unsqueeze(-1)).squeeze(-1), index
