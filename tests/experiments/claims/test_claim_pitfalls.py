"""Where a verdict or its reason could come out wrong by the way it is made."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

import claim_tables
from claim_tables import HOLDING, MAPS, OPERATOR, held_out, learning
from twinoffload.experiments.claims import CLAIMS, Tables, commands, read_tables
from twinoffload.experiments.claims.convergence import late_by_chance
from twinoffload.experiments.claims.shares import at_least, at_least_of
from twinoffload.experiments.claims.theory import note
from twinoffload.experiments.paper_figures import RATES, REFERENCES
from twinoffload.experiments.paper_groups import TRAINING
from twinoffload.experiments.settling import settled

JUDGES = {claim.id: claim.judge for claim in CLAIMS}
SOLVED = {"schemes": REFERENCES}
EXPLAINED = [
    ("C5", "main", "equilibrium", "compute"),
    ("C5", "uncapped", "equilibrium", "compute"),
    ("C6", "main", "equilibrium", "maps"),
    ("C6", "silent", "equilibrium", "maps"),
    ("C8", "main", "gap", "accuracy_value"),
]


@pytest.mark.parametrize(("claim", "reading", "about", "axis"), EXPLAINED)
@pytest.mark.parametrize("factor", [1.0, -1.0, 0.0])
def test_theory_stands_only_beside_the_verdict_that_it_explains(claim, reading, about, axis, factor):
    """A reason why something falls must not stand beside a verdict that it does not."""
    changes = claim_tables.scaled(HOLDING, factor)
    cells = held_out(axes=(axis,), reading=reading, changes=changes, **(SOLVED if about == "equilibrium" else {}))
    found = JUDGES[claim](Tables(cells), reading)
    said = {text: word for measure in (OPERATOR, MAPS) for word, text in note(claim, reading, about, measure).items()}
    assert said
    for one in found:
        for measure, whose in ((OPERATOR, "operator's"), (MAPS, "mAPs'")):
            mine = note(claim, reading, about, measure)
            if whose in one.part and any(text in one.reason for text in said):
                assert mine[one.verdict] in one.reason


def test_a_training_that_diverged_has_not_settled():
    """Its last good weights play on, so that its curve is level from then on."""
    cells = learning(settles=dict.fromkeys(RATES, 30), rough=dict.fromkeys(RATES, 0.01))
    stopped = (pl.col("phase") == TRAINING) & (pl.col("episode") >= 50)
    words = [
        JUDGES["C1"](Tables(cells.with_columns(stopped=stopped & pl.lit(how))), "main")[0] for how in (False, True)
    ]
    assert "never settle" not in words[0].reason
    assert "10 of 10 never settle" in words[1].reason
    assert words[1].verdict == "fails"


def test_curves_that_earn_nothing_are_as_smooth_as_can_be():
    """A large rate whose policies all end at nothing is no rougher than a small one."""
    cells = learning()
    nothing = (pl.col("learning_rate") == max(RATES)) & (pl.col("phase") == TRAINING)
    level = [pl.when(nothing).then(0.0).otherwise(pl.col(name)).alias(name) for name in (OPERATOR, MAPS)]
    found = [one for one in JUDGES["C3"](Tables(cells.with_columns(level)), "main") if "smoother" in one.part]
    assert [one.verdict for one in found] == ["fails", "fails"]


def test_decisions_are_compared_by_processor_time_where_it_is_recorded():
    """On a shared machine the wall time of a long decision is mostly others' turns."""
    times = claim_tables.decision_time(ratio=0.5, pairwise=0.4).with_columns(
        processor_ms=pl.col("decision_ms"),
        decision_ms=pl.when(pl.col("scheme") == "sac").then(1.0).otherwise(1000.0),
        method=pl.when(pl.col("scheme") == "gradient").then(pl.lit("Algorithm 1, W = 100")),
    )
    found = JUDGES["C9"](Tables(decision_time=times), "main")
    assert {one.verdict for one in found} == {"fails"}
    assert all("processor time" in one.reason for one in found)
    assert all(("W = 100" in one.reason) == ("than Algorithm 1," in one.part) for one in found)


@pytest.mark.parametrize("name", ["growth.csv", "decision_time.csv", "propositions.csv"])
def test_the_remedy_for_a_damaged_table_is_for_its_folder(tmp_path, name):
    folder = claim_tables.written(claim_tables.whole(1, 1), tmp_path / "study")
    (folder / name).write_text("nothing\n1\n")
    with pytest.raises(ValueError, match=rf"--resume --out {folder}`"):
        read_tables(folder)


# shares of trainings


def trapped(low, control=0, seeds=20):
    """The operator's verdict where so many trainings at the largest rate, and at another, end far below the best."""
    rows = pl.concat([held_out(seeds, axes=()), learning(seeds)])
    ends = (pl.col("phase") == "held-out") & pl.col("learning_rate").is_not_null()
    lost = ((pl.col("learning_rate") == RATES[0]) & (pl.col("seed") < low)) | (
        (pl.col("learning_rate") == RATES[1]) & (pl.col("seed") >= seeds - control)
    )
    end = pl.when(lost).then(2.0).otherwise(4.0)
    cells = rows.with_columns(pl.when(ends).then(end).otherwise(pl.col(OPERATOR)).alias(OPERATOR))
    found = next(claim for claim in CLAIMS if claim.id == "C3").judge(Tables(cells), "main")
    return next(one for one in found if "local optimum" in one.part and "operator" in one.part)


def test_some_trainings_are_enough_for_what_can_happen():
    """The middle one need not be trapped: 9 of 20 are."""
    found = trapped(9)
    assert (found.verdict, found.effect) == ("holds", pytest.approx(45.0))
    assert found.low < 45.0 < found.high
    assert "9 of 20 seeds, held out, the worst by 50%; beside 0 at 0.005 (0%), 0 at 0.0005 (0%)" in found.reason


def test_what_no_training_does_fails_with_enough_of_them():
    assert trapped(0, seeds=10).verdict == "undecided"
    assert trapped(0, seeds=40).verdict == "fails"


def test_the_best_of_the_other_rates_shows_what_is_chance():
    """At 0.005 as many end low, but none at 0.0005: the large rate does worse than that one."""
    assert trapped(9, control=9).verdict == "holds"
    assert trapped(2, control=2).verdict == "undecided"


@pytest.mark.parametrize(
    ("found", "count", "p", "tail"), [(3, 10, 0.1, 0.0702), (10, 10, 0.5, 2**-10), (0, 5, 0.3, 1.0)]
)
def test_tails_of_the_binomial(found, count, p, tail):
    assert at_least(found, count, p) == pytest.approx(tail, abs=1e-4)


# what is told beside a verdict


def test_late_counts_only_as_far_as_noise_does_not_explain_it():
    """Level from episode 45 on and as noisy as a large learning rate makes it, every seed looks late."""
    noisy = JUDGES["C1"](Tables(learning(settles=dict.fromkeys(RATES, 45), rough=dict.fromkeys(RATES, 0.6))), "main")
    assert [one.verdict for one in noisy] == ["undecided"] * 3
    assert all("level from episode" in one.reason and "would be late, too" in one.reason for one in noisy)
    late = dict.fromkeys(RATES, 115)
    quiet = JUDGES["C1"](Tables(learning(settles=late, rough=dict.fromkeys(RATES, 0.01))), "main")
    assert [one.verdict for one in quiet][:2] == ["fails", "fails"]
    assert not any("noise" in one.reason for one in quiet)


def test_the_chance_of_being_late_is_that_of_level_curves():
    rng = np.random.default_rng(1)
    curves = 3.0 + rng.normal(0.0, 0.3, (100, 120))
    late = np.mean([(settled(curve) or 121) > 70 for curve in curves])
    assert np.mean([late_by_chance(curve, 50, 70) for curve in curves[:10]]) == pytest.approx(late, abs=0.15)
    assert late_by_chance(np.full(120, 3.0), 50, 70) == 0.0
    assert late_by_chance(np.full(120, np.nan), 50, 70) == 0.0, "diverged: no noise excuses it"


@pytest.mark.parametrize("found", range(5))
def test_independent_events_of_one_chance_are_binomial(found):
    assert at_least_of([0.3] * 4, found) == pytest.approx(at_least(found, 4, 0.3))
    assert at_least_of([1.0, 0.0, 1.0], 2) == 1.0


def test_trainings_that_came_to_nothing_are_told_of():
    cells = held_out(axes=("bandwidth",)).with_columns(
        pl.when((pl.col("scheme") == "td3") & (pl.col("seed") == 4)).then(-7.0).otherwise(pl.col(MAPS)).alias(MAPS),
        pl.when((pl.col("scheme") == "sac") & (pl.col("seed") < 2))
        .then(0.0)
        .otherwise(pl.col(OPERATOR))
        .alias(OPERATOR),
    )
    told = [one.reason for one in JUDGES["C4"](Tables(cells), "main")]
    assert sum("in 1 of TD3's 10 seeds the mAPs lose, at worst 7.0" in reason for reason in told) == 4
    assert any("in 2 of SAC's 10 seeds next to nothing is sold" in reason for reason in told)


def test_trainings_that_diverged_are_told_of():
    cells = held_out(axes=("bandwidth",)).with_columns(
        stopped=(pl.col("scheme") == "td3") & (pl.col("seed") < 2) & (pl.col("bandwidth_mhz") == 7.0)
    )
    told = [one.part for one in JUDGES["C4"](Tables(cells), "main") if "2 of TD3's 50 trainings diverged" in one.reason]
    assert told == [f"SAC above TD3 in {whose} utility, mean over W" for whose in ("the operator's", "the mAPs'")]
    assert not any("diverged" in one.reason for one in JUDGES["C4"](Tables(held_out(axes=("bandwidth",))), "main"))


def test_the_main_reading_is_judged_at_the_base_where_other_readings_are():
    main = {one.part for one in JUDGES["C4"](Tables(held_out(axes=("bandwidth",))), "main")}
    other = {one.part for one in JUDGES["C4"](Tables(held_out(axes=(), reading="load")), "load")}
    assert len(other) == 4
    assert other < main


def test_a_table_of_few_repeats_decides_nothing_about_growth():
    """Such as that of `--quick`, whose small sizes bend the fitted line."""
    quick = claim_tables.growth(2, exponents=dict.fromkeys(claim_tables.STATED, 3.0))
    assert {one.verdict for one in JUDGES["C11"](Tables(growth=quick), "main")} == {"undecided"}


# commands


@pytest.mark.parametrize("living", [False, True])
def test_commands_name_the_folder(tmp_path, monkeypatch, living):
    monkeypatch.chdir(tmp_path)
    folder = Path("my/study")
    (folder / "parts").mkdir(parents=True) if living else folder.mkdir(parents=True)
    page = f"`{commands.FIGURE['fig4']}` and `{commands.CLAIMS}`"
    out = " --out my/study" if living else ""
    assert commands.of_study(page, folder) == f"`{commands.FIGURE['fig4']}{out}` and `{commands.CLAIMS} my/study`"
    assert commands.of_study(page, commands.DEFAULT) == page
