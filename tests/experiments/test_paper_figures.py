"""What the paper's figures ask for, and how their cells are computed."""

import polars as pl
import pytest
import torch

from twinoffload import Scenario
from twinoffload.env.references import Equilibrium
from twinoffload.experiments import paper_figures, paper_groups
from twinoffload.experiments.comparison import held_out, play_episodes
from twinoffload.experiments.execution import here
from twinoffload.experiments.paper_figures import AXES, FIGURES, FULL, PRESETS, RATES, REFERENCES, Effort
from twinoffload.experiments.study import Study
from twinoffload.learning.train_settings import TrainSettings

SCHEMES = {*PRESETS, *REFERENCES, "amortised"}
LEARNER = {"hidden": (8,), "batch": 8}
TINY = Effort(
    episodes=1,
    curves=2,
    held_out=1,
    presets={
        preset: {"environments": 2, "warmup": 2, "replay": 64}
        | {who: paper_figures.load_settings(preset).model_dump()[who] | LEARNER for who in ("operator", "maps")}
        for preset in PRESETS.values()
    }
    | {
        "amortised-sizes": {"episodes": 1, "updates": 2, "batch": 4, "width": 8, "rounds": 1, "examples": 8}
        | {"maps": (4, 4), "stations": (2, 2), "proposals": 2}
    },
)


def keys(figures, seeds=10):
    return [group.key for group in paper_figures.groups(figures, seeds, FULL)]


def cells(figures, seeds=10):
    return [cell for group in paper_figures.groups(figures, seeds, FULL) for cell in group.cells]


@pytest.mark.parametrize("figure", [name for name in FIGURES if FIGURES[name]])
def test_a_figure_has_every_value_scheme_and_seed_once(figure):
    found = cells([figure])
    for name in FIGURES[figure]:
        axis = AXES[name]
        others = {k: v for k, v in paper_groups.describe(paper_figures.BASE).items() if k != axis.column}
        here_ = [cell for cell in found if all(cell[k] == v for k, v in others.items())]
        told = [(cell[axis.column], cell["scheme"], cell["seed"]) for cell in here_]
        assert len(told) == len(set(told))
        wanted = {(value, scheme, seed) for value in axis.values for scheme in SCHEMES for seed in range(10)}
        assert wanted <= set(told)


def test_trainings_are_read_as_printed():
    """Eq. 34 and Table 2: mAPs do not see the interference, and the discount is 0.99; as `paper-literal` has it."""
    literal = TrainSettings.load("paper-literal")
    trained = [
        group.work["settings"] for group in paper_figures.groups(["fig2", "fig4"], 5, FULL) if "settings" in group.work
    ]
    trained = [settings for settings in trained if "observation" in settings]
    assert len(trained) == 1 + 2 * len(PRESETS)
    for settings in trained:
        assert settings["observation"] == literal.observation == "paper"
        assert settings["operator"]["discount"] == literal.operator.discount == 0.99
        assert settings["maps"]["discount"] == 0.99


def test_the_papers_values_are_the_axes():
    assert AXES["bandwidth"].values == (3, 4, 5, 6, 7)
    assert AXES["compute"].values == (16, 18, 20, 22, 24)
    assert AXES["maps"].values == (4, 5, 6, 7, 8)
    assert AXES["stations"].values == (2, 3, 4)
    assert AXES["accuracy_value"].values == (8, 9, 10, 11, 12)
    for axis in AXES.values():
        assert getattr(paper_figures.BASE, axis.field) in axis.values


@pytest.mark.parametrize("figure", ["fig2", "fig3"])
def test_learning_curves_have_every_rate_and_seed_once(figure):
    found = [(cell["learning_rate"], cell["seed"]) for cell in cells([figure]) if "learning_rate" in cell]
    assert sorted(found) == sorted((rate, seed) for rate in RATES for seed in range(10))


def test_a_group_does_not_depend_on_what_else_is_asked():
    whole = keys(list(FIGURES))
    assert len(whole) == len(set(whole))
    for figure in FIGURES:
        assert set(keys([figure])) <= set(whole)
    base = set(keys(["fig4"])) & set(keys(["fig5"]))
    assert len(base) == 2 * (len(PRESETS) + 1 + 1), "the base scenario and the amortised policy, a block of seeds each"
    assert set(keys(["fig2"])) == set(keys(["fig3"]))
    assert set(keys(["fig4"], 5)) <= set(keys(["fig4"], 10)) <= set(keys(["fig4"], 15)), "full blocks stay together"


def test_other_efforts_and_devices_are_other_groups():
    for other in (Effort(FULL.episodes + 1, FULL.curves, FULL.held_out), Effort(FULL.episodes, FULL.curves, 1)):
        changed = {group.key for group in paper_figures.groups(["fig4"], 5, other)}
        assert not {key for key in keys(["fig4"], 5) if key in changed} - set(_amortised(other)) - set(_references())
    assert set(keys(["fig4"], 5)) != {group.key for group in paper_figures.groups(["fig4"], 5, FULL, "cuda")}


def _amortised(effort):
    return [group.key for group in paper_figures.groups(["fig4"], 5, effort) if group.label.startswith("amortised")]


def _references():
    found = paper_figures.groups(["fig4"], 5, FULL)
    return [group.key for group in found if group.label.startswith("references")]


def test_what_is_stacked_has_equal_shape():
    for stack in paper_figures.stacks(tuple(AXES)):
        assert len({(scenario.maps, scenario.stations) for scenario in stack}) == 1
    assert [len(stack) for stack in paper_figures.stacks(["bandwidth", "maps"])] == [1, 4, 1, 1, 1, 1]


@pytest.mark.parametrize("names", ["fig1", "fig4,fig9", "", "all,none"])
def test_unknown_figures_are_refused(names):
    with pytest.raises(ValueError, match=r"'.*': must be of fig2, .* or all"):
        paper_figures.check_names(names)


@pytest.mark.parametrize(("seeds", "words"), [(7, "take 5 or 10"), (12, "take 10 or 15")])
def test_seeds_that_leave_a_block_over_are_refused(seeds, words):
    with pytest.raises(ValueError, match=f"--seeds {seeds}: .*{words}"):
        paper_figures.check_seeds(seeds)
    assert [paper_figures.check_seeds(count) for count in (1, 3, 5, 10)] == [1, 3, 5, 10]


def test_figures_come_in_the_papers_order():
    assert paper_figures.check_names("fig7, fig2") == ["fig2", "fig7"]
    assert paper_figures.check_names("fig7,all") == list(FIGURES)
    assert paper_figures.check_names("readings,fig3") == ["fig3", "readings"]


def others(seeds=10):
    return paper_figures.groups(["readings"], seeds, FULL)


def test_other_readings_change_what_they_say_and_nothing_else():
    main = {group.work["scheme"]: group.work for group in paper_figures.groups(["fig4"], 5, FULL)
            if group.work["kind"] == "learned" and len(group.work["scenarios"]) == 1}  # fmt: skip
    for reading in paper_figures.READINGS:
        for scheme in PRESETS:
            (work,) = [g.work for g in others(5) if (g.work["kind"], g.work["reading"]) == ("learned", reading.name)
                       and g.work["scheme"] == scheme]  # fmt: skip
            ours, printed = work["settings"], main[scheme]["settings"]
            differ = {key for key in ours if ours[key] != printed[key]}
            wanted = {"discount-0": {"operator", "maps"}, "load": {"observation"}, "longer": {"episodes"}}
            if reading.name == "paper-literal":
                assert ours["environments"] == 1
                assert ours["maps"]["actor_rate"] == 3.3e-5
                assert ours["operator"]["batch"] == 64
                assert (ours["maps"]["algorithm"], ours["maps"]["critics"]) == {
                    "sac": ("sac", 2), "td3": ("td3", 2), "ddpg": ("td3", 1)}[scheme]  # fmt: skip
            else:
                assert differ == wanted.get(reading.name, set())
            changed = {key: work["scenarios"][0][key] for key in reading.scenario}
            assert changed == reading.scenario
            assert work["scenarios"][0] | changed == main[scheme]["scenarios"][0] | changed


def test_other_readings_share_with_the_figures_the_main_readings_base_alone():
    """What they are judged beside; the same groups, so they are computed once."""
    figures, asked = paper_figures.groups(list(FIGURES), 10, FULL), others()
    shared = {group.key for group in figures} & {group.key for group in asked}
    cells = [[str(cell) for group in groups for cell in group.cells] for groups in (figures, asked)]
    assert sum(len(group.cells) for group in asked if group.key in shared) == len(set(cells[0]) & set(cells[1])) > 0
    base = [group for group in asked if group.work["reading"] == "main"]
    assert {group.key for group in base} == shared
    assert all(
        scenario == paper_figures.BASE.model_dump(mode="json") for one in base for scenario in one.work["scenarios"]
    )


def test_equilibria_stand_at_all_values_where_a_reading_changes_the_scenario():
    found = {}
    for group in others(5):
        if group.work["kind"] == "references" and group.work["reading"] != "main":
            found.setdefault(group.work["reading"], []).append(group.work["scenarios"][0])
    assert {name: len(ones) for name, ones in found.items()} == dict.fromkeys(
        ("uncapped", "silent"), len(paper_figures.points())
    )
    assert all(one["price_cap"] is None for one in found["uncapped"])
    assert not any(one["idle_interferes"] for one in found["silent"])


def test_rows_of_a_stack_play_the_held_out_episodes_of_their_scenario_and_seed():
    one = Scenario.load("paper").replace(slots=3)
    other = one.replace(bandwidth=3.0)
    work = {"channels": 7, "held_out": 2}
    rows = [(one, 0), (one, 4), (other, 4)]
    stacked = paper_groups.channels([scenario for scenario, _ in rows], [seed for _, seed in rows], work)
    best = play_episodes(Equilibrium("pairwise"), stacked)
    for at, (scenario, seed) in enumerate(rows):
        alone = held_out(scenario, [seed], 2, 7)
        assert torch.equal(stacked.gain[:, at], alone.gain[:, 0])
        assert play_episodes(Equilibrium("pairwise"), alone)["operator"].item() == best["operator"][at].item()


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """Figs. 2 and 4 of a base scenario with few slots, hardly trained; with the study."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(paper_figures, "BASE", paper_figures.BASE.replace(slots=4))
        study = Study(tmp_path_factory.mktemp("study"), paper_figures.groups(["fig2", "fig4"], 2, TINY))
        return study, study.run(here(paper_groups.compute))


def test_every_cell_has_one_row_that_says_what_it_is(tiny):
    study, table = tiny
    assert table.schema == paper_groups.SCHEMA
    held = table.filter(pl.col("phase") == "held-out")
    listed = [cell | {"learning_rate": cell.get("learning_rate")} for group in study.groups for cell in group.cells]
    names = list(listed[0])
    assert sorted(map(str, held.select(names).rows())) == sorted(str(tuple(cell.values())) for cell in listed)
    measured = ("operator_utility_money", "map_utility_money", "regret_money", "data_mb", "wrong_association_share")
    for name in measured:
        assert held[name].is_finite().all(), name
    assert held["episode"].is_null().all()


def test_upper_bounds_hold_on_equal_channels(tiny):
    """Negative control of the pairing: a scheme on other channels would break the order."""
    _, table = tiny
    held = table.filter(pl.col("phase") == "held-out", pl.col("learning_rate").is_null())
    wide = held.pivot(on="scheme", index=["seed", *paper_groups.describe(paper_figures.BASE)],
                      values="operator_utility_money")  # fmt: skip
    both = wide.drop_nulls(["pairwise", "posted", "admission"])
    assert len(both) == 2 * len(AXES["bandwidth"].values)
    assert (both["posted"] <= both["admission"] + 1e-9).all()
    assert (both["pairwise"] <= both["admission"] + 1e-9).all()
    settled = held.filter(pl.col("scheme").is_in(["pairwise", "posted", "admission"]))
    assert (settled["regret_money"].abs() < 1e-9).all()


def test_curves_have_every_episode_of_every_rate_and_seed(tiny):
    _, table = tiny
    rows = table.filter(pl.col("phase") == "training").select("learning_rate", "seed", "episode").rows()
    assert rows == [(rate, seed, episode) for rate in RATES for seed in (0, 1) for episode in (0, 1)]


def test_learning_rates_belong_to_their_rows():
    """The smallest rate moves the policies least."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(paper_figures, "BASE", paper_figures.BASE.replace(slots=4))
        (group,) = [g for g in paper_figures.groups(["fig2"], 1, TINY) if g.label.startswith("learning rates")]
    work = group.work | {"rates": [1e-9, 0.05, 1e-9]}
    table = paper_groups.compute(work).table.filter(pl.col("phase") == "held-out")
    still, moved, again = table["data_mb"].to_list()
    assert still == pytest.approx(again, abs=1e-5)
    assert abs(moved - still) > 1e-3


def test_where_the_time_went_adds_up(tiny):
    study, _ = tiny
    told = paper_groups.shares(study.seconds())
    assert sum(told.values()) == pytest.approx(1.0)
    assert all(0.0 <= share <= 1.0 for share in told.values())
    assert paper_groups.shares({"critics": 1.0, "bookkeeping": 3.0})["matrix products"] == 0.25
