"""An upper bound of `admission` in a large market, by Lagrangian duality (Geoffrion 1974).

Every mAP is on exactly one BS (idle mAPs interfere) or on at most one (they are silent). Priced by a multiplier nu_n,
free or at least 0, that rule leaves one problem for each BS, so for every nu

    max over associations of sum V_m(S_m)  <=  sum nu_n + sum over m of max over S of [V_m(S) - sum of nu over S].

The right side is convex in nu; its least value is that of the linear program over all sets of mAPs for each BS. A
subgradient method in the direction of a moving average of subgradients, with Polyak's step towards the value of a known
association, starts from what each mAP adds to that association.

Where idle mAPs interfere, multipliers below 0, which pay mAPs for parking, make an evaluation several times as long. So
they come into play only when the bound hardly falls without them.
"""

import math
from dataclasses import dataclass

import numpy as np

from twinoffload.compiling import compiled
from twinoffload.equilibrium.city.best_sets import TABULATED, Sets, all_sets, best_sets
from twinoffload.equilibrium.city.clock import Clock
from twinoffload.equilibrium.city.configurations import Candidates, roster, scratch, value_with
from twinoffload.equilibrium.city.ladder import FRESH
from twinoffload.equilibrium.city.search import MOST_LOOKS, Found, SearchProgress, Watch, undisturbed, unwatched

MEMORY = 0.3  # share of the last direction in the next
LENGTH = 0.5  # first step length, of Polyak's
PATIENCE = 20  # steps without a better bound after which they shorten, from the best multipliers
SHORTENING = 0.7
SHORTEST = 1e-4  # step length, of Polyak's, at which it ends
NEGLIGIBLE = 1e-18  # square of a direction that is rounding
PROGRESS = 1e-6  # least relative improvement that counts as one
STALL, STALLS = 2e-3, 3  # without such an improvement for so many evaluations multipliers may fall below 0


@dataclass(frozen=True)
class Bound:
    """An upper bound and how it was found.

    Attributes:
        value: no association earns the operator more, money.
        multiplier: nu, `[N]`, money.
        iterations: evaluations of the dual function.
    """

    value: float
    multiplier: np.ndarray
    iterations: int


def upper_bound(
    c: Candidates,
    found: Found,
    *,
    iterations: int = 2000,
    clock: Clock | None = None,
    enough: float = -math.inf,
    tabulated: int = TABULATED,
    watch: Watch = unwatched,
) -> Bound:
    """Bound `admission` from above.

    At least that every mAP earns what it would undisturbed, which is known at once: nu_n as much, and no set is worth
    more than its multipliers.

    Args:
        c: the market's pairs.
        found: a good association, whose value the steps aim at.
        iterations: most evaluations of the dual function.
        clock: time for them; an evaluation that it cuts short is dropped.
        enough: a bound in money that is good enough.
        tabulated: most candidates of a BS for which all sets are tabulated.
        watch: called after each evaluation with how it stands.
    """
    clock = clock or Clock()
    best_nu = undisturbed(c.first, c.terms)
    surplus, gradient = np.zeros(len(c.offset) - 1), np.empty_like(best_nu)
    best = _safe_sum(c, best_nu, surplus)
    sets = all_sets(c, tabulated, clock)
    nu = np.maximum(marginal_values(c, found.choice), 0.0)  # what each mAP adds to the association
    direction, length, failures, done = np.zeros_like(nu), LENGTH, 0, 0
    paid, stalls = False, 0
    while sets is not None and done < iterations and best > max(enough, found.value):
        if not _evaluate(c, sets, nu, surplus, gradient, clock):
            break
        value = _safe_sum(c, nu, surplus)
        done += 1
        failures = 0 if value < best - PROGRESS * abs(best) else failures + 1
        stalls = 0 if value < best - STALL * abs(best) else stalls + 1
        if value < best:
            best, best_nu = value, nu
        watch(SearchProgress("bound", max(done / iterations, clock.share), found.value, best))
        if failures > PATIENCE:
            length, failures, nu = SHORTENING * length, 0, best_nu
            direction = np.zeros_like(nu)
            if length < SHORTEST:
                break
            continue
        if not paid:
            gradient[(nu <= 0.0) & (gradient > 0.0)] = 0.0
        direction = MEMORY * direction + (1.0 - MEMORY) * gradient
        norm = direction @ direction
        if c.idle_interferes and not paid and (stalls > STALLS or norm < NEGLIGIBLE):
            paid, nu, direction = True, best_nu, np.zeros_like(nu)
            continue
        if norm < NEGLIGIBLE:
            if sets.complete or not nu.any():
                break
            nu = np.zeros_like(nu)  # sets found in part tell no direction; where many mAPs share a BS few cost anything
            continue
        nu = nu - length * (value - found.value) / norm * direction
        if not paid:
            nu = np.maximum(nu, 0.0)
    watch(SearchProgress("bound", 1.0, found.value, best))
    return Bound(best, best_nu, done)


def _evaluate(
    c: Candidates, sets: Sets, nu: np.ndarray, surplus: np.ndarray, gradient: np.ndarray, clock: Clock
) -> bool:
    """Surpluses of all BSs and a subgradient at some multipliers; False where the time ended before."""
    gradient[:] = 1.0
    sets.pack.stand[0] = FRESH
    m = 0
    for begin, end in clock.steps(MOST_LOOKS):
        m = best_sets(c, sets, nu, surplus, gradient, m, end - begin)
        if m == len(surplus):
            return True
    return False


def _safe_sum(c: Candidates, nu: np.ndarray, surplus: np.ndarray) -> float:
    """The dual function, raised by more than rounding can have lowered it.

    A BS's best set is found from sums of as many multipliers as it has candidates, and of profits that are right to
    1e-12 gamma^A.
    """
    summed = np.abs(nu) @ np.diff(c.first) + np.abs(surplus).sum()
    rounding = 4.0 * np.finfo(float).eps * np.diff(c.offset).max() * summed
    return math.fsum(nu) + math.fsum(surplus) + math.fsum(c.tolerance) + float(rounding)


def marginal_values(c: Candidates, choice: np.ndarray) -> np.ndarray:
    """What each mAP adds to an association, `[N]` in money; below 0 where it only disturbs."""
    lists = roster(c, choice)
    return _marginal_values(c.terms, c.station, c.offset, *lists, *scratch(c))


@compiled
def _marginal_values(terms, station, offset, choice, member, count, place, value, pairs, sums):
    added = np.zeros(len(choice))
    for n in range(len(choice)):
        if choice[n] >= 0:
            m = station[choice[n]]
            added[n] = value[m] - value_with(terms, member, offset[m], count[m], choice[n], -1, pairs, sums)
    return added
