"""`pairwise`: the fixed point that the paper's Algorithm 1 aims at; and the mAPs' equilibrium at posted prices."""

from torch import Tensor

from twinoffload.equilibrium.dynamics import best_responses
from twinoffload.equilibrium.outcome import Outcome, finish
from twinoffload.game.pairs import pair_rate
from twinoffload.game.payoff import unit_delay_cost
from twinoffload.game.pricing import best_price
from twinoffload.game.terms import Terms
from twinoffload.network.link import connected


def pairwise(terms: Terms, gain: Tensor, start: Tensor, order: list[int]) -> Outcome:
    """Each pair priced in closed form at the current association, mAPs best responding in turn; flat batch."""

    def price(part: Terms, delay_cost: Tensor, rows: Tensor, n: int | slice) -> Tensor:
        return best_price(part, delay_cost)

    rest = best_responses(terms, gain, price, start, order)
    rate = pair_rate(terms, gain, connected(rest.association, gain.shape[-1]))
    prices = best_price(terms, unit_delay_cost(terms, rate)).expand_as(gain)
    return finish(
        "pairwise",
        terms,
        gain,
        rest.association,
        prices,
        status=rest.status,
        method="best responses in turn",
        sweeps=rest.sweeps,
        start=start,
        order=order,
    )


def followers(terms: Terms, gain: Tensor, prices: Tensor, start: Tensor, order: list[int]) -> Outcome:
    """Where the mAPs come to rest at posted prices `[B, N, M]`; flat batch."""

    def price(part: Terms, delay_cost: Tensor, rows: Tensor, n: int | slice) -> Tensor:
        return prices[rows] if isinstance(n, slice) else prices[rows, n : n + 1]

    rest = best_responses(terms, gain, price, start, order)
    return finish(
        "followers",
        terms,
        gain,
        rest.association,
        prices,
        status=rest.status,
        method="best responses in turn",
        sweeps=rest.sweeps,
        start=start,
        order=order,
    )
