"""What the paper's Figs. 2 to 7 ask, as data, and the groups of cells that answer it.

A figure varies one value of the base scenario (Fig. 6: two), or the learning rate. Values at which networks have equal
shape are stacked in one batch, with a block of seeds; which cells stand together depends on neither the figures nor
the number of seeds that are asked for, so that a group has one result and is computed once: the base scenario, a value
of every figure, too.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from twinoffload.experiments import paper_groups
from twinoffload.experiments.comparison import check_playable
from twinoffload.experiments.paper_groups import describe
from twinoffload.experiments.study import Group
from twinoffload.learning.kinds import check, load_settings
from twinoffload.learning.train_settings import TrainSettings
from twinoffload.scenario import Scenario

PRESETS = {"sac": "tuned", "td3": "tuned-td3", "ddpg": "tuned-ddpg"}
AMORTISED = "amortised-sizes"
REFERENCES = ("pairwise", "posted", "admission", "reactive", "committed")
RATES = (0.05, 0.005, 0.0005)  # of all networks of operator and mAPs, Figs. 2 and 3
BLOCK = 5  # seeds that are stacked


@dataclass(frozen=True)
class Axis:
    """A value that a figure varies.

    Attributes:
        field: of the scenario.
        column: of the table.
        label: symbol and unit, on the axis of a figure.
        values: that it takes; the base scenario's is one of them.
    """

    field: str
    column: str
    label: str
    values: tuple[float, ...]

    def scenarios(self) -> list[Scenario]:
        """The base scenario at each value."""
        return [BASE.replace(**{self.field: value}) for value in self.values]


BASE = Scenario.load("paper")
AXES = {
    "bandwidth": Axis("bandwidth", "bandwidth_mhz", "bandwidth of a BS, W (MHz)", (3.0, 4.0, 5.0, 6.0, 7.0)),
    "compute": Axis(
        "compute",
        "compute_gcycle_per_s",
        "computing capability, f (Gcycle/s)",
        (16.0, 18.0, 20.0, 22.0, 24.0),
    ),
    "maps": Axis("maps", "maps", "number of mAPs, N", (4, 5, 6, 7, 8)),
    "stations": Axis("stations", "stations", "number of BSs, M", (2, 3, 4)),
    "accuracy_value": Axis(
        "accuracy_value", "accuracy_value_money", "weight of accuracy, γᴬ (money)", (8.0, 9.0, 10.0, 11.0, 12.0)
    ),
}
FIGURES: dict[str, tuple[str, ...]] = {  # the axes of each; none: learning curves
    "fig2": (),
    "fig3": (),
    "fig4": ("bandwidth",),
    "fig5": ("compute",),
    "fig6": ("maps", "stations"),
    "fig7": ("accuracy_value",),
}


@dataclass(frozen=True)
class Reading:
    """How the paper is read where it leaves a choice to the learners.

    Attributes:
        name: in the table.
        observation: what an mAP sees.
        discount: of operator and mAPs.
    """

    name: str
    observation: str
    discount: float

    def of(self, settings: TrainSettings) -> TrainSettings:
        """Settings under this reading."""
        learners = {who: getattr(settings, who).model_dump() | {"discount": self.discount} for who in LEARNERS}
        return settings.replace(observation=self.observation, **learners)


LEARNERS = ("operator", "maps")
MAIN = Reading("main", "paper", 0.99)  # as printed: Eq. 34 and Table 2


@dataclass(frozen=True)
class Effort:
    """How much is computed.

    Attributes:
        episodes: of each training.
        curves: episodes of the trainings of Figs. 2 and 3.
        held_out: episodes that every scheme plays, for each seed and value.
        presets: settings of trainings, by preset, that differ from it.
    """

    episodes: int
    curves: int
    held_out: int
    presets: dict[str, dict[str, Any]] = field(default_factory=dict)

    def settings(self, preset: str, episodes: int) -> TrainSettings:
        """Settings of a training by the main reading, so long."""
        return MAIN.of(TrainSettings.load(preset).replace(episodes=episodes, **self.presets.get(preset, {})))


FULL = Effort(episodes=80, curves=120, held_out=20, presets={AMORTISED: {"proposals": 128}})
QUICK = Effort(
    episodes=12, curves=40, held_out=4, presets={AMORTISED: {"episodes": 4, "examples": 1000, "proposals": 16}}
)


def points(axes: Sequence[str] = tuple(AXES)) -> list[Scenario]:
    """Every scenario of some axes once, the base first."""
    return list(dict.fromkeys([BASE, *(scenario for name in axes for scenario in AXES[name].scenarios())]))


def check_figures(names: str) -> list[str]:
    """Figures of a list like "fig4,fig6", or "all", in the paper's order.

    Raises:
        ValueError: one is unknown.
    """
    asked = [name.strip() for name in names.split(",")]
    for name in asked:
        if name != "all" and name not in FIGURES:
            raise ValueError(f"figure {name!r}: must be of {', '.join(FIGURES)}, separated by commas, or all")
    return [name for name in FIGURES if name in asked or "all" in asked]


def groups(figures: Sequence[str], seeds: int, effort: Effort, device: str = "cpu") -> list[Group]:
    """Everything that some figures need.

    Args:
        figures: names of `FIGURES`.
        seeds: seeds 0 ... `seeds` - 1.
        effort: of each cell.
        device: where policies are trained.

    Raises:
        ValueError: what cannot be trained or solved.
    """
    axes = [axis for figure in figures for axis in FIGURES[figure]]
    found = []
    for block in blocks(seeds):
        for stack in stacks(axes):
            found += [_learned(scheme, stack, block, effort, device) for scheme in PRESETS] if axes else []
            for scenario in stack:
                check_playable(scenario, len(block), effort.held_out)
                found.append(_references(scenario, block, effort))
        if any(not FIGURES[figure] for figure in figures):
            found.append(_curves(block, effort, device))
        found.append(_amortised(block, effort, device))
    return found


def blocks(seeds: int) -> list[list[int]]:
    """Seeds that are stacked; those of a full block stay together however many follow."""
    return [list(range(start, min(start + BLOCK, seeds))) for start in range(0, seeds, BLOCK)]


def stacks(axes: Sequence[str]) -> list[list[Scenario]]:
    """Scenarios that are stacked: the base alone, then of each axis those whose networks have equal shape."""
    found = [[BASE]]
    for name in dict.fromkeys(axes):
        by_shape: dict[tuple[int, int], list[Scenario]] = {}
        for scenario in AXES[name].scenarios():
            if scenario != BASE:
                by_shape.setdefault((scenario.maps, scenario.stations), []).append(scenario)
        found += by_shape.values()
    return found


def _learned(scheme: str, scenarios: list[Scenario], seeds: list[int], effort: Effort, device: str) -> Group:
    settings = effort.settings(PRESETS[scheme], effort.episodes)
    check(scenarios[0], settings, seeds)
    work = {"kind": "learned", "scheme": scheme, "settings": settings.model_dump(mode="json"), "device": device}
    rows = len(scenarios) * len(seeds)
    cost = rows * settings.episodes * (1.5 if scheme == "sac" else 1.0)
    return _group(scheme, work, scenarios, seeds, effort, [scheme], cost)


def _curves(seeds: list[int], effort: Effort, device: str) -> Group:
    """The learning rates stacked in one batch."""
    settings = effort.settings(PRESETS["sac"], effort.curves)
    check(BASE, settings, seeds)
    work = {
        "kind": "curves",
        "rates": list(RATES),
        "settings": settings.model_dump(mode="json"),
        "device": device,
    }
    cells = [_cell("sac", BASE, seed) | {"learning_rate": rate} for rate in RATES for seed in seeds]
    cost = 1.5 * len(cells) * settings.episodes
    return Group(_label("learning rates", [BASE], seeds), work | _played([BASE], seeds, effort), cells, cost)


def _amortised(seeds: list[int], effort: Effort, device: str) -> Group:
    """One training for all values of all figures."""
    settings = load_settings(AMORTISED).replace(**effort.presets.get(AMORTISED, {}))
    check(BASE, settings, seeds)
    work = {"kind": "amortised", "settings": settings.model_dump(mode="json"), "device": device}
    cost = 10.0 * len(seeds) * settings.episodes + 0.8 * len(points()) * len(seeds) * effort.held_out
    return _group("amortised", work, points(), seeds, effort, ["amortised"], cost)


def _references(scenario: Scenario, seeds: list[int], effort: Effort) -> Group:
    profiles = scenario.stations**scenario.maps
    cost = 12.0 + 0.005 * len(seeds) * effort.held_out * profiles
    work = {"kind": "references", "schemes": list(REFERENCES)}
    return _group("references", work, [scenario], seeds, effort, REFERENCES, cost)


def _group(
    name: str,
    work: dict[str, Any],
    scenarios: list[Scenario],
    seeds: list[int],
    effort: Effort,
    schemes: Sequence[str],
    cost: float,
) -> Group:
    cells = [_cell(scheme, one, seed) for one in scenarios for scheme in schemes for seed in seeds]
    return Group(_label(name, scenarios, seeds), work | _played(scenarios, seeds, effort), cells, cost)


def _played(scenarios: list[Scenario], seeds: list[int], effort: Effort) -> dict[str, Any]:
    return {
        "reading": MAIN.name,
        "scenarios": [scenario.model_dump(mode="json") for scenario in scenarios],
        "seeds": seeds,
        "held_out": effort.held_out,
        "channels": paper_groups.CHANNELS,
    }


def _cell(scheme: str, scenario: Scenario, seed: int) -> dict[str, Any]:
    return {"scheme": scheme, "seed": seed} | describe(scenario)


def _label(name: str, scenarios: list[Scenario], seeds: list[int]) -> str:
    """Such as "sac, bandwidth 3 4 6 7, seeds 0-4"."""
    varied = []
    for axis in AXES.values():
        values = list(dict.fromkeys(getattr(scenario, axis.field) for scenario in scenarios))
        if values != [getattr(BASE, axis.field)]:
            varied.append(f"{axis.field} {' '.join(f'{value:g}' for value in values)}")
    where = "all values" if len(varied) > 1 else varied[0] if varied else "base"
    return f"{name}, {where}, seeds {seeds[0]}-{seeds[-1]}"
