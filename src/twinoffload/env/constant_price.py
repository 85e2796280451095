"""The best constant price of each BS, found on training channels."""

import torch
from torch import Tensor

from twinoffload.equilibrium.dispatch import strongest_station
from twinoffload.equilibrium.pairwise import followers
from twinoffload.game.terms import Terms
from twinoffload.scenario import Scenario
from twinoffload.seeding import stream


def best_constant_price(scenario: Scenario, snapshots: int = 400, rounds: int = 4, candidates: int = 13) -> Tensor:
    """Constant prices in money/MB, float64 `[M]`, by coordinate search with best-replying mAPs.

    First the best common price over the whole range, then one BS after the other, in ever finer grids around the best
    so far. The operator's mean utility is taken over snapshots drawn for this search alone.
    """
    generator = stream(0, "constant price search")
    _, gain = scenario.sample_episode(snapshots, 1, generator)
    terms = scenario.draw_market((snapshots,), generator).terms(scenario.maps, scenario.stations)
    gain = gain[0]
    highest = scenario.highest_price
    grid = torch.linspace(0.0, highest, 2 * candidates - 1, dtype=torch.float64)
    common = grid.unsqueeze(-1).expand(-1, scenario.stations)
    best = common[_mean_utility(terms, gain, common).argmax()].clone()
    width = highest / (2 * candidates - 2)
    for _ in range(rounds):
        for m in range(scenario.stations):
            trial = best.repeat(candidates, 1)
            trial[:, m] = (best[m] + torch.linspace(-width, width, candidates, dtype=torch.float64)).clamp(0.0, highest)
            best = trial[_mean_utility(terms, gain, trial).argmax()].clone()
        width /= 3.0
    return best


def _mean_utility(terms: Terms, gain: Tensor, price: Tensor) -> Tensor:
    """Operator's mean utility over snapshots `[S, N, M]` for each candidate `[C, M]`, `[C]`."""
    count, snapshots = len(price), len(gain)
    batch = torch.Size((count, snapshots))
    gains = gain.expand(count, *gain.shape).flatten(0, 1)
    prices = price[:, None, None, :].expand(count, *gain.shape).flatten(0, 1)
    order = list(range(gain.shape[-2]))
    outcome = followers(terms.flatten(batch), gains, prices, strongest_station(gains), order)
    return outcome.operator_utility.reshape(batch).mean(-1)
