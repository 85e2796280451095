"""Where a verdict or its reason could come out wrong by the way it is made."""

import polars as pl
import pytest

import claim_tables
from claim_tables import HOLDING, MAPS, OPERATOR, held_out, learning
from twinoffload.experiments.claims import CLAIMS, Tables, read_tables
from twinoffload.experiments.claims.theory import note
from twinoffload.experiments.paper_figures import RATES, REFERENCES
from twinoffload.experiments.paper_groups import TRAINING

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
