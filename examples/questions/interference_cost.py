"""What is interference costing me? Utilities as it is, and if every mAP had its BS to itself.

python examples/questions/interference_cost.py --out interference.svg
"""

from picture import save

from twinoffload import Scenario, optimal_price, solve, uplink_rate

sizes, lost = (2, 4, 6, 8), []
for maps in sizes:
    scenario = Scenario.load("paper").replace(maps=maps)
    market, gain = scenario.market(), scenario.sample_gain(count=400, seed=0)
    real = solve(market, gain, concept="admission").operator_utility.mean()
    alone = 0.0  # each mAP by itself at its better BS
    for n in range(maps):
        single = scenario.replace(maps=1, cycles=float(market.cycles[n]))
        own = gain[:, n : n + 1]
        rate = uplink_rate(single.market(), own, own.argmax(-1))
        alone += optimal_price(single.market(), rate).profit.amax(-1).sum(-1).mean()
    lost.append((real.item(), alone.item()))
    print(f"{maps} mAPs: {real:.2f} as it is, {alone:.2f} without interference: {1 - real / alone:.0%} lost")


def draw(axes):
    axes.plot(sizes, [alone for _, alone in lost], marker="o", label="without interference")
    axes.plot(sizes, [real for real, _ in lost], marker="s", label="as it is (admission)")
    axes.set(xlabel="mAPs on 2 BSs", ylabel="operator's utility (money/slot)", xticks=sizes)


save(draw, __doc__)
