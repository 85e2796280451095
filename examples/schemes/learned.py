"""A small learned scheme: prices of a linear policy that climbs the likelihood-ratio gradient; mAPs best reply.

twinoffload train --scheme examples/schemes/learned.py:LinearPrices --scenario open --episodes 60 --out results/linear
twinoffload evaluate results/linear
"""

import torch


class LinearPrices(torch.nn.Module):
    name = "linear prices"

    def __init__(self, scenario):
        super().__init__()
        self.highest = scenario.highest_price
        gain = torch.log10(scenario.sample_gain(1000, seed=0))
        self.register_buffer("center", gain.mean())
        self.register_buffer("spread", gain.std())
        self.mean = torch.nn.Linear(2, 1, dtype=torch.float64)  # the pair's log-gain, and the mAP's best
        self.noise = 0.15  # standard deviation of exploration, share of the range
        self.optimiser = torch.optim.Adam(self.parameters(), lr=0.01)

    def price(self, slots):
        mean = torch.sigmoid(self.mean(self._features(slots)).squeeze(-1) - 1.0)
        if self.training:
            mean = mean + self.noise * torch.randn_like(mean)
        return mean.clamp(0.0, 1.0) * self.highest

    def learn(self, slots, price, association, data, payoff):
        """REINFORCE: each price is credited with what its own mAP paid, above the average mAP's payment."""
        mean = torch.sigmoid(self.mean(self._features(slots)).squeeze(-1) - 1.0)
        paid = torch.zeros_like(price)
        earned = data * price.gather(-1, association.clamp(min=0).unsqueeze(-1)).squeeze(-1)
        paid = (earned - earned.mean()).unsqueeze(-1) / (earned.std() + 1e-9)
        likelihood = -((price / self.highest - mean) ** 2) / (2 * self.noise**2)
        loss = -(likelihood * paid).mean()
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()

    def _features(self, slots):
        own = (torch.log10(slots.gain) - self.center) / self.spread
        return torch.stack([own, own.amax(-1, keepdim=True).expand_as(own)], dim=-1)
