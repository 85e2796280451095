"""A rule of thumb: a fixed share of what each pair's first MB is worth; mAPs stay with their strongest BS.

twinoffload evaluate --scheme examples/schemes/heuristic.py:FairShare --scenario open
"""

from twinoffload.game.payoff import unit_delay_cost
from twinoffload.game.response import best_data
from twinoffload.network import link


class FairShare:
    name = "fair share"
    observation = "load"

    def price(self, slots):
        """A third of what the first MB is worth after the cost of its delay; no more than is allowed."""
        worth = slots.terms.first_value - self._delay_cost(slots)
        return (worth / 3.0).clamp(0.0, slots.highest_price)

    def offload(self, slots, price):
        """The strongest BS, and the closed form of Eq. 15 there at last slot's interference."""
        strongest = slots.gain.argmax(-1)
        data = best_data(slots.terms, self._delay_cost(slots), price)
        return strongest, data.gather(-1, strongest.unsqueeze(-1)).squeeze(-1)

    def _delay_cost(self, slots):
        """D in money/MB at last slot's interference, `[E, N, M]`."""
        terms = slots.terms
        rate = link.rate(terms.power * slots.gain, slots.last_interference, terms.noise, terms.bandwidth)
        return unit_delay_cost(terms, rate)
