"""The mAPs' decision: they read from prices and their own gains how long a MB takes, and answer in closed form."""

from dataclasses import dataclass

import torch
from torch import Tensor

from twinoffload.equilibrium.outcome import chosen
from twinoffload.game.payoff import map_utility
from twinoffload.game.price_code import remainder
from twinoffload.game.response import best_data
from twinoffload.game.terms import Terms
from twinoffload.learning import networks
from twinoffload.learning.networks import Mlp

FEATURES = 5
LONGEST_S = 1e3  # a MB that takes longer is worth nothing to anybody


@dataclass(frozen=True)
class Maps:
    """Layout of the mAPs' network, one for all of them; weights are given at each call, `[S, P]`.

    Attributes:
        network: from a pair's features, and their mean over the mAP's BSs, to ln of the completion time of a MB.
        highest_price: end of the price range, money/MB.
        step: depth of the code in the prices, money/MB.
    """

    network: Mlp
    highest_price: float
    step: float

    def log_time(self, layers: networks.Layers, terms: Terms, gain: Tensor, price: Tensor) -> Tensor:
        """Ln of the completion time in s that an mAP expects of a MB at each BS, float32 `[S, B, N, M]`."""
        lowest = price.amin(-1, keepdim=True)
        told = (price == lowest) & (price < self.highest_price)
        parts = (
            torch.log10(terms.power * gain / terms.noise + 1e-9) - 3.5,
            2.0 * price / self.highest_price - 1.0,
            4.0 * remainder(price, self.step) - 1.0,
            told.to(price),
            torch.log10(terms.compute_time.clamp(min=1e-3)) + 1.0,
        )
        own = torch.stack([part.expand_as(gain).float() for part in parts], dim=-1)
        features = torch.cat([own, own.mean(-2, keepdim=True).expand_as(own)], dim=-1)
        return networks.forward(layers, features.flatten(1, -2))[-1].unflatten(1, gain.shape[1:])[..., 0]

    def offload(self, layers: networks.Layers, terms: Terms, gain: Tensor, price: Tensor) -> tuple[Tensor, Tensor]:
        """Association, int64 `[S, B, N]` (-1: off), and data in MB; where nothing pays, wait at the lowest price."""
        time = self.log_time(layers, terms, gain, price).double().exp()
        delay_cost = terms.delay_cost * time
        data = best_data(terms, delay_cost, price)
        utility = map_utility(terms, delay_cost, price, data)
        good = utility >= utility.amax(-1, keepdim=True) - terms.tolerance
        association = torch.where(good, price, torch.inf).argmin(-1)
        sent = chosen(data, association)
        return association if terms.idle_interferes else torch.where(sent > 0.0, association, -1), sent
