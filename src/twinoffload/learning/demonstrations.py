"""What a teacher who solves `posted` shows operator and mAPs: prices that recommend a BS, and best replies there.

Learners do not find by themselves that prices can steer mAPs: while nobody follows a recommendation it costs money to
make one. A teacher makes them in every slot and follows them, and the actors are drawn towards what it does.

The recommended offer stands a small step below the end of the price range (or at `posted`'s price where that is lower),
the others an equal step beyond it, where all actions mean the same price. A network that cannot tell which of two BSs
is recommended answers the mean, the end of the range for both; how deep its discount is says how sure it is.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from twinoffload.env.observation import Encoder
from twinoffload.env.slots import Slots
from twinoffload.equilibrium.dispatch import solve_flat, strongest_station
from twinoffload.game.pairs import pair_rate
from twinoffload.game.payoff import map_utility, unit_delay_cost
from twinoffload.game.pricing import best_price, trades
from twinoffload.game.response import best_data
from twinoffload.learning.rows import draw_rows
from twinoffload.network.link import connected
from twinoffload.scenario import Scenario
from twinoffload.seeding import stream

DEPTH = 0.02  # of the step, as a share of the price range


def demonstrations(scenarios: Sequence[Scenario], count: int, encoder: Encoder) -> tuple[Tensor, Tensor]:
    """What an operator who solves `posted` sees and does in independent slots; the same whenever it is asked for.

    Rows of one scenario see the same slots. Where no association can be implemented, everybody is sent to its strongest
    BS.

    Args:
        scenarios: of each row.
        count: slots shown to each row.
        encoder: of the agents.

    Returns:
        Features and actions, `[S, count, N M]` each.
    """
    rows = scenarios[:1] if all(scenario == scenarios[0] for scenario in scenarios) else scenarios
    generators = [stream(0, "demonstrations") for _ in rows]
    slots = Slots(draw_rows(rows, count, generators, slots=1, device=encoder.center.device))
    shown = encoder.operator_features(slots), encoder.operator_action(_recommending(slots, encoder.highest_price))
    features, action = (each.expand(len(scenarios), *each.shape[1:]) for each in shown)
    return features, action


def _recommending(slots: Slots, highest: Tensor) -> Tensor:
    """Prices that recommend `posted`'s association, money/MB, `[..., N, M]`; see the module."""
    gain, terms, batch = slots.gain, slots.public_terms, slots.gain.shape[:-2]
    outcome = solve_flat("posted", terms.flatten(batch), gain.reshape(-1, *gain.shape[-2:])).reshape(batch)
    solved = outcome.operator_utility.isfinite().unsqueeze(-1)
    on = connected(torch.where(solved, outcome.association, strongest_station(gain)), gain.shape[-1])
    delay_cost = unit_delay_cost(terms, pair_rate(terms, gain, on))
    price = torch.where(trades(terms, delay_cost), best_price(terms, delay_cost), torch.inf)
    return torch.where(on, torch.minimum(price, highest * (1.0 - DEPTH)), highest * (1.0 + DEPTH))


def hindsight(slots: Slots, encoder: Encoder, price: Tensor, association: Tensor, data: Tensor) -> Tensor:
    """The mAPs' actions that would have been best replies to a slot's prices and to what the others did, `[..., N, M]`.

    Args:
        slots: the slot, not yet played.
        encoder: of the agents.
        price: posted, money/MB, `[..., N, M]`.
        association: BS of each mAP, int64 `[..., N]`.
        data: MB sent there, `[..., N]`.
    """
    terms, on = slots.terms, connected(association, price.shape[-1])
    if not terms.idle_interferes:
        on = on & (data > 0.0).unsqueeze(-1)
    delay_cost = unit_delay_cost(terms, pair_rate(terms, slots.gain, on))
    best = best_data(terms, delay_cost, price)
    worth = map_utility(terms, delay_cost, price, best)
    choice = torch.where(worth.amax(-1) > 0.0, worth.argmax(-1), price.argmin(-1))
    wanted = encoder.map_action(slots, best)
    return torch.where(connected(choice, price.shape[-1]), wanted, -1.0)
