"""Does my own learner beat the reference? The same channels for both, and the difference seed by seed.

python examples/questions/beat_the_reference.py --out beat.svg
"""

from pathlib import Path

from picture import save

from twinoffload import Scenario
from twinoffload.env.constant_price import best_constant_price
from twinoffload.env.references import Constant
from twinoffload.experiments.comparison import held_out, play_episodes
from twinoffload.experiments.interval import median_interval
from twinoffload.learning.kinds import begin
from twinoffload.learning.own.settings import OwnSettings

mine = f"{Path(__file__).parents[1] / 'schemes' / 'learned.py'}:LinearPrices"
scenario, seeds = Scenario.load("open").replace(slots=25), [0, 1, 2, 3, 4, 5]
training = begin(scenario, OwnSettings.from_values("mine", {"source": mine, "episodes": 40}), seeds)
training.run(lambda rows: None)

channels = held_out(scenario, seeds, episodes=8)
own = play_episodes(training.agents, channels)["operator"]
reference = play_episodes(Constant(best_constant_price(scenario)), channels)["operator"]
gap = median_interval((own - reference).tolist())
print(f"mine less the best constant price: {gap.median:.2f} money/slot (interval {gap.low:.2f} to {gap.high:.2f})")
print("it beats the reference" if gap.low > 0 else "it does not" if gap.high < 0 else "the seeds do not tell")


def draw(axes):
    axes.axhline(0.0, color="0.4", linewidth=0.8)
    axes.plot(seeds, own - reference, marker="o", linestyle="none", label="a seed's difference")
    axes.axhspan(gap.low, gap.high, alpha=0.15, label="interval of the median")
    axes.set(xlabel="seed", ylabel="mine less the best constant\nprice (money/slot)")


save(draw, __doc__)
