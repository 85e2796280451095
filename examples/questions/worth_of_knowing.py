"""How much is knowing the mAPs' worth? Who knows it, who knows how it is drawn, and who knows nothing.

python examples/questions/worth_of_knowing.py --out knowing.svg
"""

from picture import save

from twinoffload import Scenario
from twinoffload.env.constant_price import best_constant_price
from twinoffload.env.references import Constant, Equilibrium
from twinoffload.experiments.comparison import held_out, play_episodes
from twinoffload.experiments.expected import Expected

scenario = Scenario.load("private").replace(slots=25)
channels = held_out(scenario, seeds=[0, 1, 2], episodes=8)
schemes = {
    "knows each worth\n(admission)": Equilibrium("admission"),
    "knows how it is\ndrawn (expected)": Expected(),
    "one price\n(constant)": Constant(best_constant_price(scenario)),
}
earned = {name: play_episodes(scheme, channels)["operator"].mean().item() for name, scheme in schemes.items()}
best = max(earned.values())
for name, value in earned.items():
    print(f"{' '.join(name.split())}: {value:.2f} money/slot, {value / best:.0%}")


def draw(axes):
    axes.bar(list(earned), list(earned.values()), width=0.55, color="C0")
    axes.set(ylabel="operator's utility (money/slot)")


save(draw, __doc__)
