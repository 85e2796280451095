"""Every claim on a table made to hold, one made to fail, and one too small to decide."""

import numpy as np
import polars as pl
import pytest

import claim_tables
from claim_tables import HOLDING, LEARNED, MAPS, OPERATOR, held_out, learning, whole
from twinoffload.experiments.claims import CLAIMS, READINGS, Tables, judge
from twinoffload.experiments.paper_figures import AXES, RATES, REFERENCES
from twinoffload.experiments.settling import roughness, settled

JUDGES = {claim.id: claim.judge for claim in CLAIMS}
BASE = {"axes": (), "schemes": LEARNED}
SOLVED = {"schemes": REFERENCES}
TURNED = claim_tables.scaled(HOLDING, -1.0)
FLAT = claim_tables.scaled(HOLDING, 0.0)
BOTH_FALL = HOLDING | {"compute": {OPERATOR: -1.0, MAPS: -0.5}}
RISES_WITH_N = HOLDING | {"maps": {OPERATOR: 0.5, MAPS: -0.5}}
FALLING = lambda z: 0.3 + 0.3 / (1.0 + 2.0 * z)  # noqa: E731  convex, too
EARLY = dict.fromkeys(RATES, 16)
QUIET = dict.fromkeys(RATES, 0.01)
UPSIDE_DOWN = {  # the smallest rate is the fastest and the roughest, the largest ends best
    name: dict(zip(RATES, values, strict=True))
    for name, values in (("settles", (90, 90, 40)), ("rough", (0.01, 0.02, 0.05)), ("finals", (4.0, 3.0, 3.0)))
}


def cells(*parts):
    return Tables(pl.concat(parts))


def effect(axis, **more):
    return cells(held_out(axes=(axis,), **more))


def beside_main(reading, shift, *, n=10, spread=0.0, main_spread=0.0):
    """SAC, TD3 and DDPG under another reading, beside everything under the main one."""
    other = held_out(n, reading=reading, shift=shift, spread=spread, **BASE)
    return cells(held_out(n, axes=(), spread=main_spread), other)


# claim: reading, a table made to hold, one made to fail, one too small
MADE = {
    "C1": ("main", lambda n: cells(learning(n)), lambda: cells(learning(settles=EARLY, rough=QUIET))),
    "C2": ("main", lambda n: cells(learning(n)), lambda: cells(learning(settles=EARLY, rough=QUIET))),
    "C3": (
        "main",
        lambda n: cells(held_out(n, axes=()), learning(n)),
        lambda: cells(
            held_out(axes=()), learning(40, **UPSIDE_DOWN)
        ),  # that none of ten is trapped refutes no share of a quarter
    ),
    "C4": (
        "main",
        lambda n: effect("bandwidth", seeds=n),
        lambda: effect("bandwidth", changes=TURNED, levels={"sac": 2.0}),
    ),
    "C5": (
        "main",
        lambda n: effect("compute", seeds=n),
        lambda: effect("compute", changes=TURNED, levels={"sac": 2.0}),
    ),
    "C6": ("main", lambda n: effect("maps", seeds=n), lambda: effect("maps", changes=FLAT, noise=0.005)),
    "C7": ("main", lambda n: effect("stations", seeds=n), lambda: effect("stations", changes=TURNED)),
    "C8": (
        "main",
        lambda n: effect("accuracy_value", seeds=n),
        lambda: effect("accuracy_value", changes=TURNED, levels={"sac": 6.0}),
    ),
    "C9": (
        "main",
        lambda n: Tables(decision_time=claim_tables.decision_time(n)),
        lambda: Tables(decision_time=claim_tables.decision_time(ratio=0.5, pairwise=0.4)),
    ),
    "C10": (
        "main",
        lambda n: Tables(propositions=claim_tables.propositions(10 * n)),
        lambda: Tables(propositions=claim_tables.propositions(beaten=1, several=1)),
    ),
    "C11": (
        "main",
        lambda n: Tables(growth=claim_tables.growth(n, sizes=(10, 20, 40, 80, 160)[: n // 2])),
        lambda: Tables(growth=claim_tables.growth(exponents={key: 3.0 for key in claim_tables.STATED})),
    ),
    "C12": (
        "main",
        lambda n: Tables(learning_curves=claim_tables.learning_curves(n)),
        lambda: Tables(learning_curves=claim_tables.learning_curves(curve=FALLING)),
    ),
    "D1": (
        "uncapped",
        lambda n: cells(held_out(n, axes=("compute",), reading="uncapped", changes=BOTH_FALL, **SOLVED)),
        lambda: cells(held_out(axes=("compute",), reading="uncapped", **SOLVED)),
    ),
    "D2": (
        "silent",
        lambda n: cells(held_out(n, axes=("maps",), reading="silent", changes=RISES_WITH_N, **SOLVED)),
        lambda: cells(held_out(axes=("maps",), reading="silent", **SOLVED)),
    ),
    "D3": (
        "discount-0",
        lambda n: beside_main("discount-0", 2.0, n=n, main_spread=0.6),
        lambda: beside_main("discount-0", -2.0, spread=0.6),
    ),
    "D4": (
        "main",
        lambda n: Tables(growth=claim_tables.growth(n, sizes=(10, 20, 40, 80, 160)[: n // 2])),
        lambda: Tables(growth=claim_tables.growth(exponents={("Algorithm 1", "M"): 0.0})),
    ),
    "D5": (
        "main",
        lambda n: Tables(propositions=claim_tables.propositions(10 * n, printed_beaten=n - 3, bent=n - 3)),
        lambda: Tables(propositions=claim_tables.propositions(printed_beaten=0, bent=0)),
    ),
    "D6": ("load", lambda n: beside_main("load", 0.6, n=n), lambda: beside_main("load", 0.0)),
    "D7": (
        "paper-literal",
        lambda n: beside_main("paper-literal", -2.0, n=n),
        lambda: beside_main("paper-literal", 0.5),
    ),
}


def words(claim, tables):
    return [one.verdict for one in JUDGES[claim](tables, MADE[claim][0])]


def test_every_claim_is_tried():
    assert list(MADE) == list(JUDGES)


@pytest.mark.parametrize("claim", MADE)
def test_made_to_hold(claim):
    assert set(words(claim, MADE[claim][1](10))) == {"holds"}


@pytest.mark.parametrize("claim", MADE)
def test_made_to_fail(claim):
    assert set(words(claim, MADE[claim][2]())) == {"fails"}


@pytest.mark.parametrize("claim", MADE)
def test_too_small_to_decide(claim):
    """Three seeds, repeats or ten times as many markets."""
    found = JUDGES[claim](MADE[claim][1](3), MADE[claim][0])
    assert {one.verdict for one in found} == {"undecided"}
    assert all(one.reason and one.source.startswith("twinoffload reproduce") for one in found)


@pytest.mark.parametrize("claim", MADE)
@pytest.mark.parametrize("tables", [Tables(), claim_tables.emptied(whole(1, 1))], ids=["none", "without rows"])
def test_what_was_not_computed_is_undecided_with_the_command(claim, tables):
    for reading in next(one.readings for one in CLAIMS if one.id == claim):
        for found in JUDGES[claim](tables, reading):
            assert (found.verdict, found.effect, found.p, found.seeds) == ("undecided", None, None, 0)
            assert "`twinoffload reproduce " in found.reason


# what verdicts must not depend on


def known(verdicts):
    return [(one.claim, one.part, one.reading, one.verdict, one.p, one.seeds) for one in verdicts]


def test_the_order_of_rows_does_not_matter():
    tables = whole(6, 5)
    mixed = Tables(
        *(table.sample(fraction=1.0, shuffle=True, seed=1) for table in vars(tables).values())
    )  # fmt: skip
    readings = ("main", "uncapped")
    assert judge(mixed, readings) == judge(tables, readings)


def test_channels_that_are_better_for_everybody_do_not_matter():
    """The same constant for all schemes in a seed, another in each seed, changes no difference and no trend."""
    tables = effect("bandwidth")
    assert tables.cells is not None
    luck = pl.col("seed").cast(pl.Float64) * 0.3
    moved = tables.cells.with_columns(pl.col(OPERATOR) + luck - 1.35, pl.col(MAPS) + luck - 1.35)
    before, after = (JUDGES["C4"](one, "main") for one in (tables, Tables(moved)))
    assert known(before) == known(after)
    assert [one.effect for one in before] == pytest.approx([one.effect for one in after], abs=1e-9)


def test_names_of_seeds_do_not_matter():
    tables = effect("bandwidth")
    assert tables.cells is not None
    renamed = Tables(tables.cells.with_columns(100 - 3 * pl.col("seed")))
    assert known(JUDGES["C4"](tables, "main")) == known(JUDGES["C4"](renamed, "main"))


# particulars


def test_seeds_without_a_number_are_left_out():
    tables = effect("bandwidth")
    assert tables.cells is not None
    lost = (
        pl.when((pl.col("seed") == 3) & (pl.col("scheme") == "posted")).then(float("nan")).otherwise(pl.col(OPERATOR))
    )
    found = JUDGES["C4"](Tables(tables.cells.with_columns(lost.alias(OPERATOR))), "main")
    seeds = {one.part: one.seeds for one in found}
    assert seeds["posted: the operator's utility rises with W, 3 to 7"] == 9
    assert set(seeds.values()) == {9, 10}


def test_an_operator_that_lives_on_its_maps_mistakes_is_told_of():
    for bias, text in (
        (0.4, "SAC's mAPs regret 0.90 money a slot, buying 0.40 MB more than pays, which lifts the operator"),
        (-0.4, "SAC's mAPs regret 0.90 money a slot, buying 0.40 MB less than pays"),
        (0.0, "SAC's mAPs regret 0.90 money a slot"),
    ):
        found = JUDGES["C4"](effect("bandwidth", regret=0.9, bias=bias), "main")
        lifted = [one for one in found if text in one.reason]
        assert len(lifted) == 5, "the trend, and above TD3 and DDPG, on the mean over W and at the base"
        assert all("operator" in one.part and "SAC" in one.part for one in lifted)
        assert sum("TD3's mAPs regret" in one.reason for one in found) == 2, "as much as SAC's"
    assert not any("regret" in one.reason for one in JUDGES["C4"](effect("bandwidth"), "main"))


def test_another_reading_is_laid_beside_the_main_ones_equilibria():
    """Under `load` the market is the same, so its equilibria are; without a cap they are others."""
    shared = cells(held_out(10), held_out(10, reading="load", **BASE))
    assert {one.verdict for one in JUDGES["C8"](shared, "load")} == {"holds"}
    own = cells(held_out(10), held_out(10, reading="uncapped", **BASE))
    below = [one for one in JUDGES["C8"](own, "uncapped") if "below" in one.part]
    assert {one.verdict for one in below} == {"undecided"}
    assert {one.reason.partition(":")[0] for one in below} == {"not computed"}


def test_theory_stands_where_it_speaks():
    found = JUDGES["C5"](
        cells(held_out(axes=("compute",), reading="uncapped", changes=BOTH_FALL, **SOLVED)), "uncapped"
    )
    failed = [one for one in found if one.verdict == "fails"]
    assert [one.part.partition(":")[0] for one in failed] == ["pairwise", "posted"]
    assert all("f* = 12.6" in one.reason for one in failed)


def test_a_rate_settles_where_it_is_said_to_or_not_at_all():
    """Never settled is later than the last episode; a training too short to tell decides nothing."""
    late = dict.fromkeys(RATES, 118)
    found = JUDGES["C1"](cells(learning(settles=late, rough=QUIET)), "main")
    assert [one.verdict for one in found] == ["fails"] * 3
    assert all("10 of 10 never settle in 120 episodes, told as 121" in one.reason for one in found)
    assert {one.effect for one in found} == {121.0}
    short = JUDGES["C1"](cells(learning(settles=late, episodes=60)), "main")
    assert [one.verdict for one in short] == ["undecided"] * 3


def test_growth_below_an_upper_bound_holds_and_is_told_of():
    slow = claim_tables.growth(exponents=dict.fromkeys(claim_tables.STATED, 0.6)).with_columns(
        operations=(1000 * pl.col("value")).cast(pl.Int64)
    )
    found = {one.part: one for one in JUDGES["C11"](Tables(growth=slow), "main")}
    timed = found["learning: processor time grows no faster than N^1"]
    assert timed.verdict == "holds"
    assert "more slowly than stated" in timed.reason
    assert timed.effect == pytest.approx(0.6, abs=0.02)
    assert found["Algorithm 1: operations grow as W^2"].verdict == "fails"


def test_a_curve_that_ends_below_1_fails_eq_7_and_its_law_is_named():
    ceiling = claim_tables.learning_curves(curve=lambda z: 0.7 * (1.0 - np.exp(-0.8 * z)))
    found = JUDGES["C12"](Tables(learning_curves=ceiling), "main")
    assert [one.verdict for one in found] == ["fails"] * 2 + ["holds"] * 4
    for one in found[:2]:
        assert one.effect > 0.01
        assert one.reason.startswith(("Eq. 7 with ceiling: error 0.0", "power with ceiling: error 0.0"))
        assert "Eq. 7: error 0." in one.reason


def test_seeds_that_lack_a_size_or_have_no_number_are_left_out():
    curves = claim_tables.learning_curves()
    lost = pl.when((pl.col("seed") == 3) & (pl.col("records") > 4000)).then(float("nan")).otherwise(pl.col("accuracy"))
    found = JUDGES["C12"](Tables(learning_curves=curves.with_columns(lost.alias("accuracy"))), "main")
    assert {one.seeds for one in found} == {9}


def test_one_counterexample_fails_a_proposition():
    tables = Tables(propositions=claim_tables.propositions(beaten=1))
    found = [one.verdict for one in JUDGES["C10"](tables, "main")]
    assert found == ["fails", "holds", "fails", "holds"]
    clean = JUDGES["C10"](Tables(propositions=claim_tables.propositions(600)), "main")[0]
    assert (clean.effect, clean.low, clean.p) == (0.0, 0.0, None)
    assert clean.high == pytest.approx(100 * (1 - 0.05 ** (1 / 600)))


def test_a_whole_study_has_a_verdict_for_each_part_and_reading():
    found = judge(whole(10, 8))
    keys = [(one.claim, one.part, one.reading) for one in found]
    assert len(keys) == len(set(keys))
    assert list(dict.fromkeys(one.claim for one in found)) == list(JUDGES)
    assert {one.reading for one in found} == set(READINGS)
    assert {one.verdict for one in found if one.reading == "main"} == {"holds"}
    measured = [one for one in found if one.effect is not None]
    assert len(measured) == len(found)
    assert all(one.low <= one.effect <= one.high for one in measured)
    assert all(0.0 <= one.p <= 1.0 for one in measured if one.p is not None)


def test_some_claims_under_some_readings():
    found = judge(whole(5, 5), ["load"], [one for one in CLAIMS if one.id in ("C4", "C9", "D6")])
    assert {(one.claim, one.reading) for one in found} == {("C4", "load"), ("D6", "load")}


# settling


def test_a_curve_settles_when_its_mean_of_ten_episodes_comes_to_stay():
    step = np.r_[np.zeros(40), np.ones(80)]
    assert settled(step) == 50, "the mean of episodes 41 to 50 is the first within 5 %"
    assert settled(np.ones(120)) == 10, "from the first mean on"
    assert settled(-step) == 50
    back = step.copy()
    back[70:75] = 0.0
    assert settled(back) == 85


@pytest.mark.parametrize(
    "curve",
    [
        np.ones(19),
        np.linspace(0.0, 1.0, 120),
        np.r_[np.zeros(112), np.ones(8)],
        np.r_[np.ones(50), np.nan, np.ones(50)],
        np.r_[np.ones(119), np.inf],
    ],
    ids=["short", "climbing", "in the last window", "NaN", "infinite"],
)
def test_a_curve_that_does_not_settle(curve):
    assert settled(curve) is None


def test_a_curve_may_settle_as_long_as_ten_episodes_follow():
    assert settled(np.r_[np.zeros(100), np.ones(20)]) == 110
    assert settled(np.r_[np.zeros(101), np.ones(19)]) is None


def test_roughness_is_the_distance_from_the_middle_of_the_neighbours_in_the_second_half():
    assert roughness([9.0, -9.0, 9.0, -9.0, 0.0, 1.0, 0.0, 1.0]) == 1.0
    assert roughness([9.0, -9.0, 9.0, -9.0, 0.0, 1.0, 2.0, 3.0]) == 0.0, "a steady rise is smooth"
    assert np.isnan(roughness([1.0, 2.0]))


def test_axes_are_those_of_the_figures():
    """The words of the parts name the paper's ends."""
    found = " ".join(one.part for one in judge(Tables()))
    for ends in ("W, 3 to 7", "f, 16 to 24", "N, 4 to 8", "M, 2 to 4", "γᴬ, 8 to 12"):
        assert ends in found
    assert set(AXES) == {"bandwidth", "compute", "maps", "stations", "accuracy_value"}
