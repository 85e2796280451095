"""The best association of many mAPs, exactly, by dynamic programming over sets instead of over profiles.

A pair's profit depends only on who else is on its BS, so a BS m has a value V_m(S) for each of the 2^N sets S of mAPs,
and an association is worth the sum of V_m over a partition of the mAPs. The best partition follows from max-plus
convolutions over subsets, (f * g)(S) = max over T within S of f(T) + g(S - T), at 3^N sums each; M BSs need M - 2 of
them, as the last two functions meet only in the set of all mAPs. A set is a binary number with mAP 0 as its highest
digit, so that the choices of mAP 0 are the halves of an array.
"""

from functools import reduce

import torch
from torch import Tensor

from twinoffload.game.payoff import profit, unit_delay_cost
from twinoffload.game.pricing import best_price
from twinoffload.game.response import best_data
from twinoffload.game.terms import Terms
from twinoffload.network import link

WORK_LIMIT = 1_600_000_000  # of `subset_work`: about ten seconds on one core
PAIR_WORK = 30  # sums of a convolution that take as long as one pair of the table of values
PAIRS = 65_536  # pairs priced at once: few enough to stay in a processor's cache
WIDTH = 4_096  # shortest worthwhile vector operation
EXPANSION = 1_000_000  # largest function that is spread out to reach that width
VALUES = 4_000_000  # most numbers in the tables of values of one part of the batch


def subset_work(maps: int, stations: int) -> int:
    """Cost in sums: N M 2^(N-1) pairs, and 3^N sums for each convolution."""
    return PAIR_WORK * maps * stations * 2 ** (maps - 1) + max(stations - 2, 0) * 3**maps


def best_partition(terms: Terms, gain: Tensor, within: Tensor | None = None) -> Tensor:
    """The association of the largest sum of best profits, pairs that would lose counting 0; flat batch.

    Among associations within 1e-12 of the largest gamma^A of the best, the lexicographically first (-1, off, last).

    Args:
        terms: the parameters, `[B or 1, ., .]`.
        gain: h, `[B, N, M]`.
        within: which pairs are within reach, booleans `[B, N, M]`; all where it is None.

    Returns:
        BS indices, int64 `[B, N]`; -1 (off) only where idle mAPs are silent.
    """
    step = max(1, VALUES // (2 ** gain.shape[-2] * gain.shape[-1]))
    parts = [slice(begin, begin + step) for begin in range(0, len(gain), step)]
    return torch.cat([_first_best(terms.rows(p), gain[p], None if within is None else within[p]) for p in parts])


def _first_best(terms: Terms, gain: Tensor, within: Tensor | None) -> Tensor:
    """The choices of each mAP in turn, the first that the later ones can complete to an optimum, `[B, N]`."""
    maps, stations = gain.shape[-2:]
    values = list(set_values(terms, gain, within).permute(2, 1, 0).contiguous())
    if stations == 1:
        values.append(_never(values[0]))
    chosen: list[Tensor] = []
    enough = None
    for _ in range(maps):
        without, joined = (list(half) for half in zip(*(value.chunk(2) for value in values), strict=True))
        reached = _best_by_choice(without, joined, may_be_off=not terms.idle_interferes)
        if enough is None:
            enough = reached.amax(0) - terms.tolerance.amax((-2, -1))
        choice = (reached >= enough).to(torch.uint8).argmax(0)
        chosen.append(choice)
        values = [torch.where(choice == m, joined[m], without[m]) for m in range(len(values))]
    association = torch.stack(chosen, dim=-1)
    return torch.where(association < stations, association, -1)


def _best_by_choice(without: list[Tensor], joined: list[Tensor], may_be_off: bool) -> Tensor:
    """The largest total `[choices, B]` for each BS that one mAP may take, and last for being off where it may.

    Args:
        without: what each BS is worth without that mAP, for the sets of the remaining r mAPs, `[2^r, B]` each.
        joined: what each is worth with it.
        may_be_off: whether an mAP may be on no BS.
    """
    middle = len(without) // 2

    def meet(first: Tensor, second: Tensor) -> Tensor:
        return (first + (_best_within(second) if may_be_off else second).flip(0)).amax(0)

    first, second = _fold(without[:middle]), _fold(without[middle:])
    totals = []
    for m in range(len(without)):
        taken = [*without[:m], joined[m], *without[m + 1 :]]
        if m < middle:
            totals.append(meet(_fold(taken[:middle]), second))
        else:
            totals.append(meet(first, _fold(taken[middle:])))
    if may_be_off:
        totals.append(meet(first, second))
    return torch.stack(totals)


def set_values(terms: Terms, gain: Tensor, within: Tensor | None = None) -> Tensor:
    """V_m(S) in money, `[B, 2^N, M]`: what the best prices earn on BS m if the mAPs of S are on it, losses declined.

    It is -inf where one of them is not within reach of the BS.
    """
    count, maps, stations = gain.shape
    received = terms.power * gain
    values = torch.zeros(count, 2**maps, stations, dtype=gain.dtype, device=gain.device)
    rows = max(1, PAIRS // (count * stations))
    for n in range(maps):
        load = torch.zeros(count, 1, stations, dtype=gain.dtype, device=gain.device)
        for other in (k for k in range(maps) if k != n):
            load = torch.stack([load, load + received[:, other : other + 1]], dim=2).flatten(1, 2)
        own = terms.of_map(n)
        worth = torch.cat([_worth(own, received[:, n : n + 1], part) for part in load.split(rows, dim=1)], dim=1)
        if within is not None:
            worth = torch.where(within[:, n : n + 1], worth, -torch.inf)
        values.view(count, 2**n, 2, -1, stations)[:, :, 1] += worth.view(count, 2**n, -1, stations)
    return values


def _worth(own: Terms, received: Tensor, load: Tensor) -> Tensor:
    """What one mAP earns each BS beside companions of a received power, `[B, 1, M]` and `[B, L, M]` to `[B, L, M]`."""
    delay_cost = unit_delay_cost(own, link.rate(received, load, own.noise, own.bandwidth))
    price = best_price(own, delay_cost)
    return profit(own, price, best_data(own, delay_cost, price)).clamp(min=0.0)


def _never(like: Tensor) -> Tensor:
    """A BS that nobody can be on: 0 for the empty set, -inf for all others."""
    value = torch.full_like(like, -torch.inf)
    value[0] = 0.0
    return value


def _fold(values: list[Tensor]) -> Tensor:
    """All functions convolved, `[2^n, B]`."""
    return reduce(convolve, values)


def _best_within(values: Tensor) -> Tensor:
    """The largest value over all subsets of each set, `[2^n, B]`: digit by digit, with or without that mAP."""
    result = values.clone()
    half = len(values) // 2
    while half:
        without, joined = result.view(-1, 2, half, values.shape[1]).unbind(1)
        torch.maximum(without, joined, out=joined)
        half //= 2
    return result


def convolve(f: Tensor, g: Tensor) -> Tensor:
    """Max-plus convolution over subsets, (f * g)(S) = max over T within S of f(T) + g(S - T), `[2^n, B]`.

    On the highest digit: without it f0 * g0, with it the larger of f1 * g0 and f0 * g1. Narrow arrays are done side
    by side in one wider array, unless they are large, to keep the operations long.
    """
    half, width = len(f) // 2, f.shape[1]
    if half == 0 or width >= WIDTH:
        result = torch.empty_like(f)
        _convolve_into(result, f, g, torch.empty_like(f))
        return result
    (f0, f1), (g0, g1) = f.split(half), g.split(half)
    if f.numel() < EXPANSION:
        three = convolve(torch.cat([f0, f1, f0], dim=1), torch.cat([g0, g0, g1], dim=1)).split(width, dim=1)
    else:
        three = convolve(f0, g0), convolve(f1, g0), convolve(f0, g1)
    without, joined, moved = three
    return torch.cat([without, torch.maximum(joined, moved)])


def _convolve_into(result: Tensor, f: Tensor, g: Tensor, spare: Tensor) -> None:
    """One after another, in memory that is there already: fresh memory would take longer than the sums."""
    half = len(f) // 2
    if half == 0:
        torch.add(f, g, out=result)
    elif half == 1:
        torch.add(f, g[0], out=result)
        torch.add(f[0], g[1], out=spare[0])
        torch.maximum(result[1], spare[0], out=result[1])
    else:
        (f0, f1), (g0, g1) = f.split(half), g.split(half)
        (without, joined), (moved, rest) = result.split(half), spare.split(half)
        _convolve_into(without, f0, g0, rest)
        _convolve_into(joined, f1, g0, rest)
        _convolve_into(moved, f0, g1, rest)
        torch.maximum(joined, moved, out=joined)
