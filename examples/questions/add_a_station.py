"""What if I add a BS? Utilities with two, three and four, on the same mAPs.

python examples/questions/add_a_station.py --out stations.svg
"""

from picture import save

from twinoffload import Scenario, solve

counts, found = (2, 3, 4), {"operator": [], "all mAPs": []}
for stations in counts:
    scenario = Scenario.load("paper").replace(maps=6, stations=stations)
    outcome = solve(scenario.market(), scenario.sample_gain(count=400, seed=0), concept="posted")
    found["operator"].append(outcome.operator_utility.mean().item())
    found["all mAPs"].append(outcome.map_utility.sum(-1).mean().item())
    print(f"{stations} BSs: operator {found['operator'][-1]:.2f}, all mAPs {found['all mAPs'][-1]:.2f} money/slot")


def draw(axes):
    for marker, (who, values) in zip("os", found.items(), strict=True):
        axes.plot(counts, values, marker=marker, label=who)
    axes.set(xlabel="BSs for 6 mAPs", ylabel="utility (money/slot)", xticks=counts)


save(draw, __doc__)
