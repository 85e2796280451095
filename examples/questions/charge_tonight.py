"""What should I charge tonight? Best prices for one measured snapshot, and what any other common price would earn.

python examples/questions/charge_tonight.py --out charge.svg
"""

import torch
from picture import save

from twinoffload import Scenario, evaluate_prices, solve

scenario = Scenario.load("open")
market, gain = scenario.market(), scenario.sample_gain(count=1, seed=4)[0]  # or your own measurement, [N, M]
best = solve(market, gain, concept="posted")
print("BS of each mAP:", best.association.tolist())
print("price to each:", [round(best.price[n, m].item(), 2) for n, m in enumerate(best.association.tolist())])

common = torch.linspace(0.0, 6.0, 121, dtype=torch.float64)
earned = evaluate_prices(market, gain, common[:, None, None].expand(-1, *gain.shape)).operator_utility
top = earned.argmax()
print(f"personal prices earn {best.operator_utility:.2f}, the best common price ({common[top]:.2f}) {earned[top]:.2f}")


def draw(axes):
    axes.plot(common, earned, label="one price for everybody")
    axes.axhline(best.operator_utility, color="C1", linestyle="--", label="best price for each (posted)")
    axes.set(xlabel="price (money/MB)", ylabel="operator's utility (money/slot)")


save(draw, __doc__)
