"""The mAPs' decision: they read from the lowest price how long a MB takes there, and answer in closed form.

An mAP goes where its price is lowest. It knows the rule: every other BS asks the highest price, and the price
is such that no other BS is worth more to it. What the price says of the completion time it learns from experience.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from twinoffload.equilibrium.outcome import chosen
from twinoffload.game.price_code import remainder
from twinoffload.game.response import best_data
from twinoffload.game.terms import Terms
from twinoffload.learning import networks
from twinoffload.learning.amortised.offers import at_choice, exactly
from twinoffload.learning.networks import Mlp

FEATURES = 4
LONGEST_S = 1e3  # a MB that takes longer is worth nothing to anybody


@dataclass(frozen=True)
class Maps:
    """Layout of the mAPs' network, one for all of them; weights are given at each call, `[S, P]`.

    Attributes:
        network: from what an mAP sees of a BS to ln of the completion time of a MB there.
        highest_price: end of the price range, money/MB.
        step: depth of the code in the prices, money/MB.
    """

    network: Mlp
    highest_price: float
    step: float

    def log_time(self, layers: networks.Layers, terms: Terms, gain: Tensor, price: Tensor) -> Tensor:
        """What each mAP expects a MB to take, as the logarithm of a completion time in s, float32 `[S, B, N]`.

        All arguments are those of its own pair, `[S, B, N]`.
        """
        parts = (
            torch.log10(terms.power * gain / terms.noise + 1e-9) - 3.5,
            2.0 * price / self.highest_price - 1.0,
            4.0 * remainder(price, self.step) - 1.0,
            torch.log10(terms.compute_time.clamp(min=1e-3)) + 1.0,
        )
        features = torch.stack([part.expand_as(gain).float() for part in parts], dim=-1)
        return networks.forward(layers, features.flatten(1, -2))[-1].unflatten(1, gain.shape[1:])[..., 0]

    def offload(self, layers: networks.Layers, terms: Terms, gain: Tensor, price: Tensor) -> tuple[Tensor, Tensor]:
        """Association, int64 `[S, B, N]` (-1: off), and data in MB; an mAP that is told nothing sends nothing."""
        association = price.argmin(-1)
        own, asked = at_choice(terms, association), chosen(price, association)
        time = self.log_time(layers, own, chosen(gain, association), asked).double().exp()
        data = best_data(own, own.delay_cost * time, asked)
        data = torch.where(asked < exactly(self.highest_price, asked), data, 0.0)
        return association if terms.idle_interferes else torch.where(data > 0.0, association, -1), data
