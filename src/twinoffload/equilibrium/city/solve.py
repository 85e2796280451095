"""The door to markets given as a list of pairs: a concept in, an `Outcome` out, its price on the same pairs."""

import math
from dataclasses import replace
from functools import cache

import numpy as np
import torch
from torch import Tensor

from twinoffload.equilibrium.city.best_sets import TABULATED
from twinoffload.equilibrium.city.bound import upper_bound
from twinoffload.equilibrium.city.clock import Clock
from twinoffload.equilibrium.city.configurations import Candidates, candidates
from twinoffload.equilibrium.city.links import Links, check_law, parameters
from twinoffload.equilibrium.city.posted_search import anneal_posted, posted_prices
from twinoffload.equilibrium.city.replies import Play, play
from twinoffload.equilibrium.city.rounds import rounds
from twinoffload.equilibrium.city.search import Found, Watch, anneal, unwatched
from twinoffload.equilibrium.city.sweeps import sweeps
from twinoffload.equilibrium.outcome import Outcome
from twinoffload.game.market import Market

SEARCH_SWEEPS = 400  # proposals per mAP where no time is given
BOUND_STEPS = 100  # evaluations of the dual function where no time is given
SEARCH_STEPS = 16_000  # at least so many proposals: in tiny markets they cost nothing
SEARCH_SHARE = 0.2  # of the time left: `admission`'s search
POSTED_SHARE, AIM_SHARE = 0.3, 0.2  # `posted`'s search, and of what that leaves the search for what the bound aims at
OPTIMAL = 1e-9  # relative gap that is rounding


def pairwise(
    market: Market, links: Links, start: np.ndarray | None, order: np.ndarray | None, device: torch.device | str = "cpu"
) -> Outcome:
    """Best responses at each pair's best price: in turn on a CPU, in rounds without conflicts on a GPU."""
    return _rested("pairwise", market, links, None, start, order, torch.device(device))


def followers(
    market: Market, links: Links, price: np.ndarray, start: np.ndarray | None, order: np.ndarray | None,
    device: torch.device | str = "cpu",
) -> Outcome:  # fmt: skip
    """Where such best responses end at posted prices of the pairs, `[P]` in money/MB; inf: not offered."""
    return _rested("followers", market, links, torch.from_numpy(price), start, order, torch.device(device))


def admission(
    market: Market, links: Links, time_limit: float | None = None, gap: float = 0.0, watch: Watch = unwatched
) -> Outcome:
    """An association found by annealing from where `pairwise` rests, and an upper bound of the best.

    Args:
        market: the parameters.
        links: the pairs.
        time_limit: seconds for all after compiling; where it is None the numbers of steps are fixed, and the result is
            the same on every run. Reading the pairs, `pairwise` and the outcome cannot be cut short; the rest looks at
            the clock every few hundredths of a second.
        gap: relative distance of bound and value at which it is good enough.
        watch: called now and then with how the search stands.
    """
    check_law(market)
    compile_ahead()
    budget = _Budget(time_limit, links.maps)
    q = parameters(market, links)
    c = candidates(q, links)
    start = links.pair_at(sweeps(q, links).association)
    budget.set_out()
    found = anneal(c, start, sweeps=budget.sweeps, clock=budget.part(SEARCH_SHARE), watch=watch)
    bound = budget.bound(c, found, found.value, gap, watch)
    on = found.choice >= 0
    best = play(market, links, _stations(links, found.choice))
    price = torch.full_like(best.price, torch.inf)
    own = torch.from_numpy(found.choice[on])
    earns = best.profit[torch.from_numpy(on)] > 0.0
    price[own[earns]] = best.price[own[earns]]
    return _searched("admission", market, links, c, found.choice, price, bound)


def posted(
    market: Market, links: Links, time_limit: float | None = None, gap: float = 0.0, watch: Watch = unwatched
) -> Outcome:
    """An association that prices within the cap bring about, found by annealing, and `admission`'s upper bound.

    Arguments as for `admission`. Where neither `pairwise` comes to rest nor the search finds an association that prices
    bring about, the outcome is that of `pairwise` where it stood, which its status tells.
    """
    check_law(market)
    compile_ahead()
    budget = _Budget(time_limit, links.maps)
    q = parameters(market, links)
    c = candidates(q, links)
    rest = sweeps(q, links)
    start = links.pair_at(rest.association)
    budget.set_out()
    found = anneal_posted(c, start, sweeps=budget.sweeps, clock=budget.part(POSTED_SHARE), watch=watch)
    aim = anneal(c, found.choice, sweeps=budget.sweeps, clock=budget.part(AIM_SHARE), watch=watch)
    bound = budget.bound(c, aim, found.value, gap, watch)
    price = torch.from_numpy(posted_prices(c, found.choice))
    outcome = _searched("posted", market, links, c, found.choice, price, bound)
    return outcome if math.isfinite(found.value) else replace(outcome, status=np.str_(rest.status))


@cache
def compile_ahead() -> None:
    """Compile what a search runs, once in a process, so that its time limit is spent on the search."""
    tiny = Market(
        power=1.0, bandwidth=1.0, noise=1.0, compute=1.0, cycles=1.0, quality=1.0, accuracy_weight=1.0,
        accuracy_value=10.0, delay_cost=1.0, energy_coefficient=0.1, raw_data=1.0,
    )  # fmt: skip
    links = Links.complete(torch.ones(2, 2, dtype=torch.float64))
    for market in (tiny, replace(tiny, idle_interferes=False)):
        q = parameters(market, links)
        c = candidates(q, links)
        start = links.pair_at(sweeps(q, links).association)
        found = anneal(c, start, sweeps=1, rounds=1)
        for tabulated in (0, TABULATED):
            upper_bound(c, found, iterations=2, tabulated=tabulated)
        posted_prices(c, anneal_posted(c, start, sweeps=1, rounds=1).choice)


class _Budget:
    """Time, or steps, of a search and its bound; the time runs from its making.

    Attributes:
        sweeps: most proposals per mAP in a round.
    """

    def __init__(self, time_limit: float | None, maps: int):
        self._clock = Clock(math.inf if time_limit is None else time_limit)
        self.sweeps = max(SEARCH_SWEEPS, SEARCH_STEPS // maps) * (1 if time_limit is None else 100)

    def set_out(self) -> None:
        """What came so far cannot be cut short; what comes after search and bound takes about as long."""
        if self._clock.limited:
            self._clock = Clock(2.0 * self._clock.left - self._clock.seconds)

    def part(self, share: float) -> Clock:
        """A share of what is left."""
        return self._clock.part(share)

    def bound(self, c: Candidates, found: Found, value: float, gap: float, watch: Watch) -> float:
        """`admission`'s bound, with what the search has left; it may stop near a value."""
        enough = value + max(gap, OPTIMAL) * abs(value) if math.isfinite(value) else value
        iterations = BOUND_STEPS * (200 if self._clock.limited else 1)
        return upper_bound(
            c, found, iterations=iterations, clock=self._clock.part(1.0), enough=enough, watch=watch
        ).value


def _stations(links: Links, choice: np.ndarray) -> Tensor:
    """The BS of each mAP's pair, int64 `[N]`; -1 where it is on none."""
    return torch.from_numpy(np.where(choice >= 0, links.station[np.maximum(choice, 0)], -1).astype(np.int64))


def _searched(
    concept: str, market: Market, links: Links, c: Candidates, choice: np.ndarray, price: Tensor, bound: float
) -> Outcome:
    """What was found by search, with its bound."""
    association = _stations(links, choice)
    played = play(market, links, association, price)
    rounding = max(OPTIMAL * abs(bound), 10.0 * float(c.tolerance.sum()))
    optimal = bound - played.operator_utility <= rounding
    status = "optimal" if optimal else "bounded"
    return _outcome(concept, "annealing, Lagrangian bound", links, association, played, status, bound)


def _rested(
    concept: str, market: Market, links: Links, price: Tensor | None, start: np.ndarray | None,
    order: np.ndarray | None, device: torch.device,
) -> Outcome:  # fmt: skip
    """Where mAPs come to rest."""
    check_law(market)
    if _in_rounds(device):
        if order is not None:
            raise ValueError("order: on a GPU mAPs move in rounds, in no order; leave it out, or take gain.cpu()")
        method = "best responses in rounds without conflicts"
        begun = None if start is None else torch.from_numpy(start)
        settled = rounds(market, links, begun, price, device=device)
        association, status, count = settled.association, settled.status, settled.rounds
    else:
        method = "best responses in turn"
        rest = sweeps(parameters(market, links), links, start, order, None if price is None else price.numpy())
        association, status, count = torch.from_numpy(rest.association), rest.status, rest.sweeps
    played = play(market, links, association, price)
    begin = links.station[links.strongest_pair()].astype(np.int64) if start is None else start
    return _outcome(concept, method, links, association, played, status, math.nan, count, begin, order)


def _in_rounds(device: torch.device) -> bool:
    """Whether all mAPs reply at once: a GPU is fast at many things at a time, and slow at one after another."""
    return device.type != "cpu"


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
