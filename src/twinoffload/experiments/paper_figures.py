"""What the paper's Figs. 2 to 7 ask, as data, and the groups of cells that answer it.

A figure varies one value of the base scenario (Fig. 6: two), or the learning rate. Values at which networks have equal
shape are stacked in one batch, with a block of seeds; which cells stand together depends on neither the figures nor
the number of seeds that are asked for, so that a group has one result and is computed once: the base scenario, a value
of every figure, too.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from twinoffload.env.slots import Observation
from twinoffload.experiments import measures, paper_groups
from twinoffload.experiments.comparison import check_playable
from twinoffload.experiments.own_schemes import check_name
from twinoffload.experiments.paper_groups import describe
from twinoffload.experiments.study import Group
from twinoffload.learning.algorithms import AlgorithmSettings
from twinoffload.learning.kinds import check, load_settings
from twinoffload.learning.own.settings import OwnSettings
from twinoffload.learning.train_settings import TrainSettings
from twinoffload.scenario import Scenario

PRESETS = {"sac": "tuned", "td3": "tuned-td3", "ddpg": "tuned-ddpg"}
AMORTISED = "amortised-sizes"
REFERENCES = ("pairwise", "posted", "admission", "reactive", "committed")
RATES = (0.05, 0.005, 0.0005)  # of all networks of operator and mAPs, Figs. 2 and 3
BLOCK = 5  # seeds that are stacked
_COSTS = {"sac": 1.5}  # of an episode, beside the others


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
OTHERS = "readings"  # asked for beside the figures
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
    """How the paper is read where it leaves a choice, or contradicts itself.

    Attributes:
        name: in the table.
        says: what it changes, to people.
        observation: what an mAP sees.
        discount: of operator and mAPs.
        scenario: fields of the scenario that it changes; then the equilibria differ, too.
        printed: whether learners are set as the paper prints them, in place of our presets.
        lengthened: how many times as long trainings are.
        curves: whether it has learning curves.
        all_seeds: whether more than the first block of seeds are trained.
    """

    name: str
    says: str
    observation: Observation = "paper"
    discount: float = 0.99
    scenario: dict[str, Any] = field(default_factory=dict)
    printed: bool = False
    lengthened: int = 1
    curves: bool = False
    all_seeds: bool = True

    def settings(self, scheme: str, effort: "Effort", episodes: int) -> TrainSettings:
        """Settings of a training under this reading, so long."""
        if self.printed:
            settings, changes = TrainSettings.load("paper-literal"), effort.presets.get("paper-literal", {})
            ours = TrainSettings.load(PRESETS[scheme])
            learners = {who: _printed(getattr(settings, who), getattr(ours, who)) for who in LEARNERS}
            return settings.replace(episodes=episodes * self.lengthened, **learners | changes)
        settings = TrainSettings.load(PRESETS[scheme]).replace(**effort.presets.get(PRESETS[scheme], {}))
        learners = {who: getattr(settings, who).model_dump() | {"discount": self.discount} for who in LEARNERS}
        return settings.replace(observation=self.observation, episodes=episodes * self.lengthened, **learners)


def _printed(printed: AlgorithmSettings, ours: AlgorithmSettings) -> dict[str, Any]:
    """The paper prints settings for SAC alone: its rivals take from it what they share, the rest from our presets."""
    if printed.algorithm == ours.algorithm:
        return printed.model_dump()
    shared = ("hidden", "output", "actor_rate", "critic_rate", "discount", "batch", "average")
    return ours.model_dump() | {name: getattr(printed, name) for name in shared}


LEARNERS = ("operator", "maps")
MAIN = Reading("main", "the paper's observation (Eq. 34) and discount 0.99 (Table 2), learners of ours, a price cap")
READINGS = (
    Reading("discount-0", "discount 0", discount=0.0, curves=True),
    Reading("load", "an mAP also sees the interference of the last slot", observation="load", curves=True),
    Reading("uncapped", "no price cap", scenario={"price_cap": None}),
    Reading("silent", "an mAP without data does not interfere", scenario={"idle_interferes": False}),
    Reading("paper-literal", "learners set as printed (Table 2, Algorithms 2 and 3)", printed=True, curves=True),
    Reading("longer", "trainings twice as long", lengthened=2, all_seeds=False),
)
"""Other readings, at the base scenario, their curves from the first block of seeds. Where the scenario changes,
equilibria stand at the values of all figures.
"""


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


FULL = Effort(episodes=80, curves=120, held_out=20, presets={AMORTISED: {"proposals": 128}})
QUICK = Effort(
    episodes=12, curves=40, held_out=4, presets={AMORTISED: {"episodes": 4, "examples": 1000, "proposals": 16}}
)


def points(axes: Sequence[str] = tuple(AXES)) -> list[Scenario]:
    """Every scenario of some axes once, the base first."""
    return list(dict.fromkeys([BASE, *(scenario for name in axes for scenario in AXES[name].scenarios())]))


def check_names(names: str) -> list[str]:
    """What is asked by a list like "fig4,fig6", in the paper's order; "all" are its figures.

    Raises:
        ValueError: one is unknown.
    """
    asked = [name.strip() for name in names.split(",")]
    known = [*FIGURES, OTHERS, *measures.BY_NAME]
    for name in asked:
        if name not in (*known, "all"):
            raise ValueError(f"{name!r}: must be of {', '.join(known)}, separated by commas, or all")
    return [name for name in known if name in asked or (name in FIGURES and "all" in asked)]


def check_seeds(seeds: int) -> int:
    """How many seeds, as they are given.

    Raises:
        ValueError: a block would be left over, whose cells another number of seeds would compute otherwise.
    """
    if seeds > BLOCK and seeds % BLOCK:
        lower, upper = seeds // BLOCK * BLOCK, -(-seeds // BLOCK) * BLOCK
        raise ValueError(f"--seeds {seeds}: they are computed {BLOCK} at a time; take {lower} or {upper}")
    return seeds


def groups(
    names: Sequence[str], seeds: int, effort: Effort, device: str = "cpu", own: Sequence[str] = ()
) -> list[Group]:
    """Everything that some figures, or the other readings, need.

    Args:
        names: of `FIGURES`, and `OTHERS`.
        seeds: seeds 0 ... `seeds` - 1.
        effort: of each cell.
        device: where policies are trained.
        own: schemes of somebody's own that stand in the figures, too, as `find_scheme` takes them.

    Raises:
        ValueError: what cannot be trained or solved.
    """
    brought = [_own_settings(source, effort) for source in own]
    figures = [name for name in names if name in FIGURES]
    axes = [axis for figure in figures for axis in FIGURES[figure]]
    found = []
    for at, block in enumerate(blocks(seeds)):
        for stack in stacks(axes):
            at_values = bool(axes) or OTHERS in names  # other readings are laid beside the main one's base
            found += [_learned(MAIN, scheme, stack, block, effort, device) for scheme in PRESETS] if at_values else []
            found += [_references(MAIN, scenario, block, effort) for scenario in stack]
            found += [_own(settings, stack, block, effort) for settings in brought] if figures else []
        if any(not FIGURES[figure] for figure in figures):
            found.append(_curves(MAIN, block, effort, device))
        if figures:
            found.append(_amortised(block, effort, device))
        if OTHERS in names:
            for reading in READINGS if at == 0 else [one for one in READINGS if one.all_seeds]:
                found += _other(reading, block, effort, device, first=at == 0)
    return found


def _other(reading: Reading, seeds: list[int], effort: Effort, device: str, first: bool) -> list[Group]:
    """A reading at the base scenario; `first`: with what the first block alone has."""
    base = BASE.replace(**reading.scenario)
    found = [_learned(reading, scheme, [base], seeds, effort, device) for scheme in PRESETS]
    if reading.curves and first:
        found.append(_curves(reading, seeds, effort, device))
    if reading.scenario:
        found += [_references(reading, one.replace(**reading.scenario), seeds, effort) for one in points()]
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


def _learned(
    reading: Reading, scheme: str, scenarios: list[Scenario], seeds: list[int], effort: Effort, device: str
) -> Group:
    settings = reading.settings(scheme, effort, effort.episodes)
    check(scenarios[0], settings, seeds)
    work = {"kind": "learned", "scheme": scheme, "settings": settings.model_dump(mode="json"), "device": device}
    rows = len(scenarios) * len(seeds)
    cost = rows * settings.episodes * _COSTS.get(scheme, 1.0)
    return _group(scheme, reading, work, scenarios, seeds, effort, [scheme], cost)


def _curves(reading: Reading, seeds: list[int], effort: Effort, device: str) -> Group:
    """The learning rates stacked in one batch."""
    settings, base = reading.settings("sac", effort, effort.curves), BASE.replace(**reading.scenario)
    check(base, settings, seeds)
    work = {
        "kind": "curves",
        "rates": list(RATES),
        "settings": settings.model_dump(mode="json"),
        "device": device,
    }
    cells = [_cell(reading, "sac", base, seed) | {"learning_rate": rate} for rate in RATES for seed in seeds]
    cost = _COSTS["sac"] * len(cells) * settings.episodes
    label = _label("learning rates", reading, [base], seeds)
    return Group(label, work | _played(reading, [base], seeds, effort), cells, cost)


def _amortised(seeds: list[int], effort: Effort, device: str) -> Group:
    """One training for all values of all figures."""
    settings = load_settings(AMORTISED).replace(**effort.presets.get(AMORTISED, {}))
    check(BASE, settings, seeds)
    work = {"kind": "amortised", "settings": settings.model_dump(mode="json"), "device": device}
    cost = 10.0 * len(seeds) * settings.episodes + 0.8 * len(points()) * len(seeds) * effort.held_out
    return _group("amortised", MAIN, work, points(), seeds, effort, ["amortised"], cost)


def _own_settings(source: str, effort: Effort) -> OwnSettings:
    """A scheme of somebody's own, trained as long as the others if it learns."""
    settings = OwnSettings.from_values("--scheme", {"source": source, "episodes": effort.episodes})
    check_name(settings.label, source)
    check(BASE, settings, [0])
    return settings


def _own(settings: OwnSettings, scenarios: list[Scenario], seeds: list[int], effort: Effort) -> Group:
    name = settings.label
    work = {"kind": "own", "scheme": name, "settings": settings.model_dump(mode="json")}
    cost = len(scenarios) * len(seeds) * (effort.episodes if settings.found().learns else 1)
    return _group(name, MAIN, work, scenarios, seeds, effort, [name], cost)


def _references(reading: Reading, scenario: Scenario, seeds: list[int], effort: Effort) -> Group:
    check_playable(scenario, len(seeds), effort.held_out)
    profiles = scenario.stations**scenario.maps
    cost = 12.0 + 0.005 * len(seeds) * effort.held_out * profiles
    work = {"kind": "references", "schemes": list(REFERENCES)}
    return _group("references", reading, work, [scenario], seeds, effort, REFERENCES, cost)


def _group(
    name: str,
    reading: Reading,
    work: dict[str, Any],
    scenarios: list[Scenario],
    seeds: list[int],
    effort: Effort,
    schemes: Sequence[str],
    cost: float,
) -> Group:
    cells = [_cell(reading, scheme, one, seed) for one in scenarios for scheme in schemes for seed in seeds]
    label = _label(name, reading, scenarios, seeds)
    return Group(label, work | _played(reading, scenarios, seeds, effort), cells, cost)


def _played(reading: Reading, scenarios: list[Scenario], seeds: list[int], effort: Effort) -> dict[str, Any]:
    return {
        "reading": reading.name,
        "scenarios": [scenario.model_dump(mode="json") for scenario in scenarios],
        "seeds": seeds,
        "held_out": effort.held_out,
        "channels": paper_groups.CHANNELS,
    }


def _cell(reading: Reading, scheme: str, scenario: Scenario, seed: int) -> dict[str, Any]:
    return {"reading": reading.name, "scheme": scheme, "seed": seed} | describe(scenario)


def _label(name: str, reading: Reading, scenarios: list[Scenario], seeds: list[int]) -> str:
    """Such as "sac, bandwidth 3 4 6 7, seeds 0-4"; readings other than the main one are named."""
    varied = []
    for axis in AXES.values():
        values = list(dict.fromkeys(getattr(scenario, axis.field) for scenario in scenarios))
        if values != [getattr(BASE, axis.field)]:
            varied.append(f"{axis.field} {' '.join(f'{value:g}' for value in values)}")
    where = "all values" if len(varied) > 1 else varied[0] if varied else "base"
    read = "" if reading is MAIN else f"{reading.name}, "
    return f"{name}, {read}{where}, seeds {seeds[0]}-{seeds[-1]}"
