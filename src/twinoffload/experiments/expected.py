"""`expected`: the best an operator can do who knows all gains, but of mAPs' private values only how they are drawn.

What it falls short of `admission`, which knows them, is what the private values are worth as information; what another
scheme falls short of it is not.
"""

import torch
from torch import Tensor

from twinoffload.env.slots import Slots
from twinoffload.equilibrium.profiles import CHUNK, all_profiles, best_profile, check_enumerable, rate_table
from twinoffload.experiments.committed import Committed
from twinoffload.game.accuracy_law import need_eq_7
from twinoffload.game.expected_price import Belief, Range, expected_best_price
from twinoffload.game.pairs import pair_rate
from twinoffload.game.payoff import unit_delay
from twinoffload.game.terms import Terms
from twinoffload.network.link import connected
from twinoffload.scenario import Scenario, Uniform


class Expected(Committed):
    """The association and prices of the largest expected profit, coded as `committed` codes them; exact by enumeration.

    Each mAP has one offer and is told its completion time tau, so that it answers with its true worth; on the others it
    sends nothing. With G(tau) = max over mu of E[(mu - e) Z*(mu; gamma^A, gamma^D, tau)], the association maximises the
    sum of G over its pairs. Where mAPs are silent when idle, tau counts all of the offered as active.

    Slots are independent: an operator that remembered replies within an episode could infer the values and earn more.
    With a price cap the other offers stand at the cap and cannot be withheld: an mAP that, unlike these, computed what
    they are worth might prefer one, and its regret shows it.
    """

    name = "expected"

    def recommend(self, slots: Slots) -> tuple[Tensor, Tensor]:
        """The association `[..., N]` and the expected-best price of each pair, `[..., N, M]`; inf where none earns.

        Raises:
            ValueError: the market is too large to enumerate, or its accuracy law is not the exponential.
        """
        need_eq_7(slots.terms.law, "`expected`", any_ceiling=True)
        scenario, gain, batch = slots.episodes.scenario, slots.gain, slots.gain.shape[:-2]
        what, remedy = f"scenario {scenario.name}", "`expected` needs a smaller market"
        check_enumerable(what, scenario.maps, scenario.stations, scenario.idle_interferes, remedy)
        terms = slots.public_terms
        association = _best_association(scenario, terms.flatten(batch), gain.reshape(-1, *gain.shape[-2:]))
        association = association.reshape(gain.shape[:-1])
        on = connected(association, gain.shape[-1])
        offer = expected_best_price(terms, belief_of(scenario, terms), unit_delay(terms, pair_rate(terms, gain, on)))
        earns = offer.profit > 0.0
        if not terms.idle_interferes:
            association = torch.where((on & earns).any(-1), association, -1)
        return association, torch.where(earns, offer.price, torch.inf)


def belief_of(scenario: Scenario, public: Terms) -> Belief:
    """What the operator knows of private values: their ranges, or the values where they are public."""

    def known(name: str) -> Range:
        value, mean = getattr(scenario, name), getattr(public, name)
        ends = value.uniform if isinstance(value, Uniform) else (mean, mean)
        low, high = (torch.as_tensor(end).to(mean) for end in ends)
        return Range(low, high)

    return Belief(known("accuracy_value"), known("delay_cost"))


def _best_association(scenario: Scenario, terms: Terms, gain: Tensor) -> Tensor:
    """The association of the largest sum of expected profits, flat batch, `[B, N]`."""
    profiles = all_profiles(*gain.shape[-2:], terms.idle_interferes, gain.device)
    step = max(1, CHUNK // max(profiles.companions[:, 0].numel() * gain.shape[-1], len(profiles.association)))
    found = []
    for begin in range(0, len(gain), step):
        part = terms.rows(slice(begin, begin + step))
        table = part.insert_axis()
        time = unit_delay(table, rate_table(part, gain[begin : begin + step], profiles))
        worth = expected_best_price(table, belief_of(scenario, table), time).profit
        found.append(best_profile(worth, profiles, part.tolerance.amax((-2, -1))))
    return torch.cat(found)
