"""`solve` and its companions: the door to every solution concept."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from twinoffload.equilibrium.admission import check_solvable
from twinoffload.equilibrium.certificate import Certificate, certify
from twinoffload.equilibrium.dispatch import CONCEPTS, solve_flat, strongest_station
from twinoffload.equilibrium.gradient import GradientSettings
from twinoffload.equilibrium.nash import pure_equilibria
from twinoffload.equilibrium.outcome import Outcome
from twinoffload.equilibrium.pairwise import followers
from twinoffload.equilibrium.profiles import check_enumerable
from twinoffload.equilibrium.searching import SEARCHED, Search, is_exact
from twinoffload.equilibrium.selection import Selection, select
from twinoffload.game.inputs import (
    association_array,
    check_start,
    gain_array,
    joint_batch,
    market_terms,
    order_array,
    pair_array,
    same_pairs,
    within_reach,
)
from twinoffload.game.market import Market
from twinoffload.seeding import integer

if TYPE_CHECKING:
    from twinoffload.equilibrium.city.search import Watch

SMALL = 100_000  # most pairs, listed or not, of a market that may be written out
_SPARSE_WITHIN = "within: sparse gains say which pairs are within reach by what they store; leave it out"
_SMALLER = "take a smaller market, or leave this check (--certify) out"
SEARCH_REMEDY = (
    "allow a search by a time limit or a gap (--time-limit 10), use the concept 'pairwise' (--concept pairwise), or a "
    "smaller market"
)


def solve(
    market: Market,
    gain: Any,
    concept: str = "posted",
    *,
    start: Any = None,
    order: Sequence[int] | None = None,
    settings: GradientSettings | None = None,
    within: Any = None,
    time_limit: float | None = None,
    gap: float = 0.0,
    watch: "Watch | None" = None,
) -> Outcome:
    """Solve the game of one slot, or of a batch of slots.

    Args:
        market: the parameters.
        gain: channel power gain h, `[..., N, M]`; each mAP must reach a BS. A city's is a sparse tensor `[N, M]` (COO
            or CSR), in which a pair that is not stored is out of reach.
        concept: "gradient" (the paper's Algorithm 1), "pairwise" (the fixed point that it aims at), "posted" (strong
            Stackelberg equilibrium, nothing withheld) or "admission" (the operator may decline; upper bound of the
            others). The last two are exact as far as that takes seconds: "posted" up to a million associations, by
            enumeration; "admission" up to 16 mAPs on 4 BSs or 20 on 2, by dynamic programming over sets of mAPs.
            Beyond, a search finds an association and an upper bound: of its own accord where gains are sparse, and for
            an array where a time limit or a gap allows it.
        start: association to start from, `[..., N]`; where it is None each mAP's strongest BS ("pairwise") or a
            random one ("gradient"). "posted" and "admission" need none.
        order: order in which the mAPs move, a permutation of 0..N-1, the default. Used by "pairwise" and by
            sequential "gradient"; not in a city on a GPU, where mAPs move in rounds.
        settings: how Algorithm 1 is run. Used by "gradient".
        within: which pairs are within reach, booleans `[..., N, M]`; all where it is None. On the others nothing is
            offered and no mAP may be, not even idle. Sparse gains say it by what they store.
        time_limit: seconds for search and bound of one market; where it is None their steps are counted, and the
            result is the same on every run. Reading the pairs, `pairwise` as the start, and the outcome take what they
            take, about 0.7 s for 100,000 mAPs of 4 pairs; compiled code is made before.
        gap: relative distance of its bound at which a search is good enough.
        watch: called now and then with the `SearchProgress` of a search.

    Returns:
        The outcome, with the batch axes of gain and market. Nothing is raised for a single unsolved element: its
        `status` says so.

    Raises:
        ValueError: bad input, named, before any work.
    """
    if concept not in CONCEPTS:
        raise ValueError(f"concept = {concept!r}: must be one of {', '.join(CONCEPTS)}")
    search = Search(time_limit, gap, watch)
    if not isinstance(settings, GradientSettings | None):
        raise ValueError(f"settings: expected GradientSettings, got {type(settings).__name__}")
    if is_sparse(gain):
        if within is not None:
            raise ValueError(_SPARSE_WITHIN)
        return _solve_city(market, gain, concept, start, order, settings, search)
    problem = _Problem(market, gain, start, order, within=within)
    if settings is not None:
        settings.check_batch(len(problem.gain))
    if concept in SEARCHED and not is_exact(concept, problem.maps, problem.stations, market.idle_interferes):
        if not search.allowed:
            _refuse(concept, problem.maps, problem.stations, market.idle_interferes)
        outcome = search.batch(concept, market, problem.gain, problem.batch, problem.within)
    else:
        given = (problem.terms, problem.gain, problem.start, problem.order, settings, problem.within)
        outcome = solve_flat(concept, *given)
    return outcome.reshape(problem.batch)


def _refuse(concept: str, maps: int, stations: int, idle_interferes: bool) -> None:
    if concept == "posted":
        check_enumerable(concept, maps, stations, idle_interferes, SEARCH_REMEDY)
    check_solvable(maps, stations, SEARCH_REMEDY)


def evaluate_prices(
    market: Market, gain: Any, price: Any, start: Any = None, order: Sequence[int] | None = None, *, within: Any = None
) -> Outcome:
    """Where mAPs that best respond in turn come to rest at posted prices.

    Args:
        market: the parameters; the cap is not applied.
        gain: channel power gain h, `[..., N, M]`.
        price: money/MB in [0, inf], `[..., N, M]`; inf: not offered.
        start: association from which they start, `[..., N]`; each mAP's strongest BS where it is None.
        order: order in which they move; 0..N-1 where it is None.
        within: as for `solve`.

    Raises:
        ValueError: bad input, named, before any work.
    """
    if is_sparse(gain):
        if within is not None:
            raise ValueError(_SPARSE_WITHIN)
        return _evaluate_city(market, gain, price, start, order)
    problem = _Problem(market, gain, start, order, price=price, within=within)
    begin = strongest_station(problem.gain) if problem.start is None else problem.start
    price = problem.price if problem.within is None else torch.where(problem.within, problem.price, torch.inf)
    outcome = followers(problem.terms, problem.gain, price, begin, problem.order)
    return outcome.reshape(problem.batch)


def nash_equilibria(market: Market, gain: Any, price: Any) -> Tensor:
    """Every pure Nash equilibrium of the mAPs at posted prices, for one small instance; ties count.

    Args:
        market: the parameters, without batch axes; the cap is not applied.
        gain: channel power gain h, `[N, M]`.
        price: money/MB in [0, inf], `[N, M]`; inf: not offered.

    Returns:
        Associations in lexicographic order, off (-1) last, int64 `[K, N]`; K may be 0.

    Raises:
        ValueError: bad input, named, before any work.
    """
    problem = _Problem(market, gain, None, None, price=price)
    if problem.batch:
        raise ValueError(f"nash_equilibria: takes one instance, got batch axes {list(problem.batch)}")
    check_enumerable("nash_equilibria", problem.maps, problem.stations, market.idle_interferes)
    return pure_equilibria(problem.terms, problem.gain, problem.price)


def selection(
    market: Market, gain: Any, price: Any, start: Any = None, order: Sequence[int] | None = None, *, within: Any = None
) -> Selection:
    """Which equilibria of the mAPs posted prices leave open: the worst and the best, and the one that is reached.

    Args:
        market: the parameters; the cap is not applied.
        gain: channel power gain h, `[..., N, M]`.
        price: money/MB in [0, inf], `[..., N, M]`; inf: not offered.
        start: association from which the mAPs start, `[..., N]`; each mAP's strongest BS where it is None.
        order: order in which they move; 0..N-1 where it is None.
        within: as for `solve`.

    Raises:
        ValueError: bad input, named, before any work; too many associations to enumerate.
    """
    problem = _Problem(market, gain, start, order, price=price, within=within)
    check_enumerable("selection", problem.maps, problem.stations, market.idle_interferes, _SMALLER)
    begin = strongest_station(problem.gain) if problem.start is None else problem.start
    found = select(problem.terms, problem.gain, problem.price, begin, problem.order, problem.within)
    return found.reshape(problem.batch)


def certificate(market: Market, gain: Any, outcome: Outcome, prices: int = 1001, *, within: Any = None) -> Certificate:
    """The largest profitable deviation of any mAP, and of the operator by dense search over prices.

    Neither the closed-form price nor a theorem is used. Under "posted" and "admission" all associations are enumerated.

    Args:
        market: the parameters with which the outcome was found.
        gain: the gains, `[..., N, M]`.
        outcome: what `solve` or `evaluate_prices` returned for them.
        prices: points of the grid over [0, cap], or [0, max K] where there is no cap; at least 2.
        within: as for `solve`.

    Raises:
        ValueError: bad input, named, before any work; too many associations to enumerate.
    """
    prices = integer("prices", prices, 2)
    if not isinstance(outcome, Outcome):
        raise ValueError(f"outcome: expected an Outcome, got {type(outcome).__name__}")
    if is_sparse(gain) or is_sparse(outcome.price):
        raise ValueError("certificate: takes dense gains and what was found for them; solve a smaller market densely")
    problem = _Problem(market, gain, None, None, within=within)
    if outcome.price.shape != (*problem.batch, problem.maps, problem.stations):
        raise ValueError(
            f"outcome: has shape {list(outcome.price.shape)}, but market and gain make "
            f"{[*problem.batch, problem.maps, problem.stations]}; take those it was found for"
        )
    if outcome.concept in ("posted", "admission"):
        check_enumerable("certificate", problem.maps, problem.stations, market.idle_interferes, _SMALLER)
    found = certify(problem.terms, problem.gain, outcome.flatten(), prices, problem.within)
    return Certificate(
        found.map_deviation.reshape(problem.batch), found.operator_deviation.reshape(problem.batch), prices
    )


def is_sparse(gain: Any) -> bool:
    """Whether gains list the pairs within reach instead of all."""
    return isinstance(gain, Tensor) and gain.layout in (torch.sparse_coo, torch.sparse_csr)


def _solve_city(
    market: Market, gain: Tensor, concept: str, start: Any, order: Sequence[int] | None,
    settings: GradientSettings | None, search: Search,
) -> Outcome:  # fmt: skip
    """Exact where the market is small, else by search; compiled code is imported where it is needed."""
    from twinoffload.equilibrium.city import solve as city
    from twinoffload.equilibrium.city.links import Links

    links = Links.of(gain)
    path = _path(market, links, start, order)
    if concept == "pairwise":
        return city.pairwise(market, links, *path, gain.device).to(gain.device)
    small = links.maps * links.stations <= SMALL
    if concept in SEARCHED and not (small and is_exact(concept, links.maps, links.stations, market.idle_interferes)):
        return search.run(concept, market, links).to(gain.device)
    if not small:
        raise ValueError(
            f"{concept}: is for markets of at most {SMALL:,} pairs, listed or not; use 'pairwise', its fixed point"
        )
    n, m = (torch.from_numpy(index.astype(np.int64)).to(gain.device) for index in (links.map_of, links.station))
    within = torch.zeros(links.maps, links.stations, dtype=torch.bool, device=gain.device)
    within[n, m] = True
    outcome = solve(market, gain.to_dense(), concept, start=start, order=order, settings=settings, within=within)
    return replace(outcome, price=links.sparse(outcome.price[n, m]))


def _evaluate_city(market: Market, gain: Tensor, price: Any, start: Any, order: Sequence[int] | None) -> Outcome:
    from twinoffload.equilibrium.city import solve as city
    from twinoffload.equilibrium.city.links import Links

    links = Links.of(gain)
    path = _path(market, links, start, order)
    return city.followers(market, links, links.values_of("price", price), *path, gain.device).to(gain.device)


def _path(market: Market, links: Any, start: Any, order: Sequence[int] | None) -> tuple[Any, Any]:
    """(start, order) of a city as NumPy arrays; None where they are the default."""
    if start is not None:
        start = association_array(start, market, links.maps, links.stations, "start").numpy()
        if start.ndim != 1:
            raise ValueError(
                f"start: has shape {list(start.shape)}; expected [{links.maps}], sparse gains are one market"
            )
        check_start(torch.from_numpy(start), torch.from_numpy(links.pair_at(start) >= 0))
    return start, None if order is None else np.array(order_array(order, links.maps))


class _Problem:
    """Checked input with all batch axes merged into one."""

    def __init__(self, market: Market, gain: Any, start: Any, order: Sequence[int] | None, *, price: Any = None,
                 within: Any = None):  # fmt: skip
        gain, within = within_reach(gain_array(gain), within)
        terms = market_terms(market, gain)
        maps, stations = self.maps, self.stations = gain.shape[-2:]
        shapes = {"gain": gain.shape[:-2], "market": terms.batch_shape()}
        if price is not None:
            price = pair_array("price", price, infinite=True).to(gain.device)
            same_pairs(price=price, gain=gain)
            shapes["price"] = price.shape[:-2]
        if start is not None:
            start = association_array(start, market, maps, stations, "start").to(gain.device)
            shapes["start"] = start.shape[:-1]
        self.order = order_array(order, maps)
        self.batch = joint_batch(**shapes)
        self.terms = terms.flatten(self.batch)
        self.gain = gain.expand(*self.batch, maps, stations).reshape(-1, maps, stations)
        if price is not None:
            self.price = price.expand(*self.batch, maps, stations).reshape(-1, maps, stations)
        self.within = None if within is None else within.expand(*self.batch, maps, stations).reshape(-1, maps, stations)
        self.start = None if start is None else start.expand(*self.batch, maps).reshape(-1, maps)
        if self.start is not None and self.within is not None:
            there = self.within.gather(-1, self.start.clamp(min=0).unsqueeze(-1)).squeeze(-1)
            check_start(self.start, there)
