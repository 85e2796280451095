"""The door to markets given as a list of pairs: a concept in, an `Outcome` out, its price on the same pairs."""

import math
import time

import numpy as np
import torch
from torch import Tensor

from twinoffload.equilibrium.city.bound import upper_bound
from twinoffload.equilibrium.city.configurations import candidates
from twinoffload.equilibrium.city.links import Links, parameters
from twinoffload.equilibrium.city.replies import Play, play
from twinoffload.equilibrium.city.search import Found, anneal
from twinoffload.equilibrium.city.sweeps import Rest, sweeps
from twinoffload.equilibrium.outcome import Outcome
from twinoffload.game.market import Market

SEARCH_SWEEPS = 400  # proposals per mAP where no time is given
BOUND_STEPS = 100  # evaluations of the dual function where no time is given
SEARCH_SHARE = 0.2  # of the time given
OPTIMAL = 1e-9  # relative gap that is rounding


def pairwise(market: Market, links: Links, start: np.ndarray | None, order: np.ndarray | None) -> Outcome:
    """Best responses in turn at each pair's best price."""
    rest = sweeps(parameters(market, links), links, start, order)
    return _rested("pairwise", market, links, rest, None, start, order)


def followers(
    market: Market, links: Links, price: np.ndarray, start: np.ndarray | None, order: np.ndarray | None
) -> Outcome:
    """Where best responses in turn end at posted prices of the pairs, `[P]` in money/MB; inf: not offered."""
    rest = sweeps(parameters(market, links), links, start, order, price)
    return _rested("followers", market, links, rest, torch.from_numpy(price), start, order)


def admission(market: Market, links: Links, time_limit: float | None, gap: float) -> Outcome:
    """An association found by annealing from where `pairwise` rests, and an upper bound of the best.

    Args:
        market: the parameters.
        links: the pairs.
        time_limit: seconds for search and bound together; where it is None their numbers of steps are fixed, and the
            result is the same on every run.
        gap: relative distance of bound and value at which it is good enough.
    """
    began = time.perf_counter()
    q = parameters(market, links)
    c = candidates(q, links)
    start = links.pair_at(sweeps(q, links).association)
    if time_limit is None:
        found = anneal(c, start, sweeps=SEARCH_SWEEPS)
        bound = upper_bound(c, found, iterations=BOUND_STEPS, gap=gap)
    else:
        search_s = SEARCH_SHARE * time_limit
        found = anneal(c, start, sweeps=100 * SEARCH_SWEEPS, seconds=search_s)
        left = max(time_limit - (time.perf_counter() - began), 0.0)
        bound = upper_bound(c, found, seconds=left, gap=gap)
    return _admitted(market, links, found, bound.value)


def _admitted(market: Market, links: Links, found: Found, bound: float) -> Outcome:
    """Prices on the pairs that earn something, all others withheld."""
    on = found.choice >= 0
    association = torch.from_numpy(np.where(on, links.station[np.maximum(found.choice, 0)], -1).astype(np.int64))
    best = play(market, links, association)
    price = torch.full_like(best.price, torch.inf)
    own = torch.from_numpy(found.choice[on])
    earns = best.profit[torch.from_numpy(on)] > 0.0
    price[own[earns]] = best.price[own[earns]]
    played = play(market, links, association, price)
    optimal = bound - played.operator_utility <= OPTIMAL * max(abs(bound), np.finfo(float).tiny)
    status = "optimal" if optimal else "bounded"
    return _outcome("admission", "annealing, Lagrangian bound", links, association, played, status, bound)


def _rested(
    concept: str, market: Market, links: Links, rest: Rest, price: Tensor | None, start: np.ndarray | None,
    order: np.ndarray | None,
) -> Outcome:  # fmt: skip
    association = torch.from_numpy(rest.association)
    played = play(market, links, association, price)
    begin = links.station[links.strongest_pair()].astype(np.int64) if start is None else start
    return _outcome(
        concept, "best responses in turn", links, association, played, rest.status, math.nan, rest.sweeps, begin, order
    )


def _outcome(
    concept: str, method: str, links: Links, association: Tensor, played: Play, status: str, bound: float,
    sweeps: int = 0, start: np.ndarray | None = None, order: np.ndarray | None = None,
) -> Outcome:  # fmt: skip
    return Outcome(
        concept=concept,
        association=association,
        price=links.sparse(played.price),
        data=played.data,
        rate=played.rate,
        accuracy=played.accuracy,
        delay=played.delay,
        map_utility=played.map_utility,
        regret=played.regret,
        operator_utility=torch.tensor(played.operator_utility, dtype=torch.float64),
        bound=torch.tensor(bound, dtype=torch.float64),
        status=np.str_(status),
        sweeps=torch.tensor(sweeps),
        start=association if start is None else torch.from_numpy(start),
        order=torch.arange(links.maps) if order is None else torch.from_numpy(order),
        method=method,
    )
