"""The paper's figures from a made table: what they show is what the table says, in files a journal would take."""

import random

import polars as pl
import pytest

from twinoffload.experiments.interval import median_interval
from twinoffload.experiments.paper_figures import AXES, BASE, FIGURES, RATES, points
from twinoffload.experiments.paper_groups import SCHEMA, describe
from twinoffload.report import paper_figures
from twinoffload.report.print_style import SCHEMES

SEEDS, EPISODES = 10, 25


def made_table():
    """Utilities that rise with bandwidth and differ by scheme, and learning curves."""
    draw = random.Random(3)
    rows = []
    for scenario in points():
        for at, scheme in enumerate([*SCHEMES, "reactive"]):
            for seed in range(SEEDS):
                base = scenario.bandwidth / 5.0 + scenario.stations - 0.1 * scenario.maps - 0.05 * at
                rows.append(
                    {"phase": "held-out", "scheme": scheme, "seed": seed}
                    | describe(scenario)
                    | {"operator_utility_money": 4 * base + draw.gauss(0, 0.05), "regret_money": 0.01 * at}
                    | {"map_utility_money": base + draw.gauss(0, 0.02)}
                )
    for rate in RATES:
        for seed in range(SEEDS):
            for episode in range(EPISODES):
                grown = 1.0 - (1.0 - min(1.0, 5 * rate**0.5)) ** (episode + 1)
                rows.append(
                    {"phase": "training", "scheme": "sac", "seed": seed, "learning_rate": rate, "episode": episode}
                    | describe(BASE)
                    | {"operator_utility_money": 5 * grown, "map_utility_money": 2 * grown, "regret_money": 1 - grown}
                )
    frame = pl.DataFrame(rows, infer_schema_length=None)
    other = frame.with_columns(pl.col("operator_utility_money") + 100.0, reading=pl.lit("other"))
    frame = pl.concat([frame.with_columns(reading=pl.lit("main")), other])
    missing = [pl.lit(None).alias(name) for name in SCHEMA if name not in frame.columns]
    return frame.with_columns(missing).select(SCHEMA.names()).cast(dict(SCHEMA))


@pytest.fixture(scope="module")
def table():
    return made_table()


def test_every_figure_becomes_three_files(table, tmp_path):
    made = paper_figures.draw(table, list(FIGURES), tmp_path)
    assert [path.name for path in made] == [f"{name}.{kind}" for name in FIGURES for kind in ("pdf", "png", "csv")]
    for path in made:
        head = path.read_bytes()[:4]
        assert path.suffix == ".csv" or head == {".pdf": b"%PDF", ".png": b"\x89PNG"}[path.suffix]
    pdf = (tmp_path / "fig4.pdf").read_bytes()
    assert b"/FontFile2" in pdf, "fonts are embedded"
    assert b"/Type3" not in pdf, "as TrueType, which publishers ask for"


def test_the_same_table_makes_the_same_bytes(table, tmp_path):
    first, second = (paper_figures.draw(table, ["fig2"], tmp_path / name) for name in "ab")
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes(), one.name


def test_the_csv_is_medians_and_intervals_of_the_table(table, tmp_path):
    paper_figures.draw(table, ["fig4"], tmp_path)
    shown = pl.read_csv(tmp_path / "fig4.csv")
    assert shown["varied"].unique().to_list() == ["bandwidth_mhz"]
    assert set(shown["scheme"]) == set(SCHEMES)
    assert (shown["seeds"] == SEEDS).all()
    held = {name: value for name, value in describe(BASE).items() if name != "bandwidth_mhz"} | {"reading": "main"}
    for row in shown.to_dicts():
        rows = table.filter(
            pl.col("phase") == "held-out", pl.col("scheme") == row["scheme"],
            pl.col("bandwidth_mhz") == row["value"], *(pl.col(name) == value for name, value in held.items()),
        )  # fmt: skip
        for measure in ("operator_utility_money", "map_utility_money", "regret_money"):
            slow = median_interval(rows[measure].to_list())
            told = tuple(row[f"{measure}_{part}"] for part in ("median", "low", "high"))
            assert told == pytest.approx(slow, abs=1e-6)


def test_a_figure_shows_its_own_values_alone(table):
    shown = paper_figures.effects(table.filter(reading="main"), ["maps", "stations"])
    assert sorted(shown.filter(varied="maps")["value"].unique()) == list(AXES["maps"].values)
    assert sorted(shown.filter(varied="stations")["value"].unique()) == list(AXES["stations"].values)
    assert (shown["seeds"] == SEEDS).all(), "no row of another axis, rate or phase slips in"


def test_curves_tell_when_they_settle(table):
    shown = paper_figures.curves(table.filter(reading="main"))
    assert shown["episode"].to_list() == list(range(1, EPISODES + 1)) * len(RATES)
    ends = {row["learning_rate"]: row for row in shown.to_dicts()}
    fast, slow = (ends[rate] for rate in (0.05, 0.0005))
    assert [fast[f"map_utility_money_settled_{part}"] for part in ("low", "median", "high")] == [10, 10, 10]
    assert fast["map_utility_money_settled_seeds"] == SEEDS
    assert slow["map_utility_money_settled_median"] is None, "it still rises"
    assert slow["map_utility_money_settled_seeds"] == 0


def test_the_lines_of_a_learning_curve_stand_in_its_csv(table, tmp_path):
    paper_figures.draw(table, ["fig3"], tmp_path)
    lines = pl.read_csv(tmp_path / "fig3.csv").filter(pl.col("episode").is_null())
    assert lines["scheme"].to_list() == ["amortised", "pairwise", "posted", "admission"]
    assert (lines["seeds"] == SEEDS).all()
    assert (lines["operator_utility_money_low"] <= lines["operator_utility_money_high"]).all()


def test_a_seed_without_a_number_counts_as_the_worst():
    nan = float("nan")
    rows = pl.DataFrame({"k": [1] * 6, "utility": [nan, 2.0, 3.0, 4.0, 5.0, None]})
    told = paper_figures.summary(rows, ["k"], ["utility"]).to_dicts()[0]
    assert (told["seeds"], told["utility_median"], told["utility_low"]) == (6, 2.5, float("-inf"))
    regret = paper_figures.summary(rows.rename({"utility": "regret_money"}), ["k"], ["regret_money"]).to_dicts()[0]
    assert regret["regret_money_high"] == float("inf")


@pytest.mark.parametrize("name", ["fig2", "fig4"])
def test_a_figure_shows_the_seeds_that_all_its_values_have(table, tmp_path, name):
    """The base scenario alone may have more, from figures that were computed with more seeds."""
    base = [pl.col(column) == value for column, value in describe(BASE).items()]
    grown = table.filter(pl.col("seed") < 5) if name == "fig4" else table.filter(
        (pl.col("seed") < 5) | (pl.col("phase") == "held-out")
    )  # fmt: skip
    extra = table.filter(pl.col("seed") >= 5, pl.col("phase") == "held-out", *base)
    paper_figures.draw(pl.concat([grown, extra]).unique(maintain_order=True), [name], tmp_path / "grown")
    paper_figures.draw(table.filter(pl.col("seed") < 5), [name], tmp_path / "alone")
    assert pl.read_csv(tmp_path / "grown" / f"{name}.csv")["seeds"].unique().to_list() == [5]
    csv, alone = ((tmp_path / folder / f"{name}.csv").read_text() for folder in ("grown", "alone"))
    assert csv == alone


def test_where_all_seeds_diverged_the_figure_is_drawn_nevertheless(table, tmp_path):
    """With an arrow in place of a median."""
    lost = (pl.col("scheme") == "td3") & (pl.col("bandwidth_mhz") == 3.0)
    measures = ("operator_utility_money", "map_utility_money", "regret_money")
    bad = table.with_columns(pl.when(lost).then(float("nan")).otherwise(pl.col(name)).alias(name) for name in measures)
    assert len(paper_figures.draw(bad, ["fig4"], tmp_path)) == 3
    shown = pl.read_csv(tmp_path / "fig4.csv").filter(scheme="td3", value=3.0)
    assert shown["operator_utility_money_median"].item() == -float("inf")
    assert shown["regret_money_median"].item() == float("inf")


@pytest.mark.parametrize("name", ["fig3", "fig5"])
def test_a_table_without_rows_for_a_figure_is_refused(table, tmp_path, name):
    empty = table.filter(pl.col("phase") == "nothing")
    with pytest.raises(ValueError, match=f"{name}: the table has no rows for it; `twinoffload reproduce {name}`"):
        paper_figures.draw(empty, [name], tmp_path)


def test_a_table_that_is_something_else_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"fig4: the table is not what it should be \(.*reading"):
        paper_figures.draw(pl.DataFrame({"x": [1]}), ["fig4"], tmp_path)


def test_lines_differ_without_their_colours():
    """In grey: no two schemes share both dash and marker."""
    looks = [(str(look.dash), look.marker, look.filled) for look in SCHEMES.values()]
    assert len(set(looks)) == len(looks)
