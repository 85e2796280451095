"""What a study's folder must hold, and what is said of one that does not."""

import polars as pl
import pytest

import claim_tables
from twinoffload.experiments.claims import judge, read_tables
from twinoffload.experiments.claims.study_folder import check_cells

FILES = ("table.parquet", "decision_time.csv", "growth.csv", "propositions.csv", "learning_curves.csv", "twin_loop.csv")


@pytest.fixture
def folder(tmp_path):
    """A study's folder, complete."""
    return claim_tables.written(claim_tables.whole(2, 2), tmp_path / "study")


def test_a_folder_gives_its_tables(folder):
    tables = read_tables(folder)
    made = claim_tables.whole(2, 2)
    assert tables.cells is not None
    assert tables.cells.equals(made.cells)
    assert [one.verdict for one in judge(tables)] == [one.verdict for one in judge(made)]


@pytest.mark.parametrize("kept", FILES)
def test_one_file_is_enough(folder, kept):
    for name in FILES:
        if name != kept:
            (folder / name).unlink()
    tables = read_tables(folder)
    assert [name for name, table in zip(FILES, vars(tables).values(), strict=True) if table is not None] == [kept]
    assert {one.verdict for one in judge(tables)} >= {"undecided"}


@pytest.mark.parametrize("made", [False, True], ids=["missing", "empty"])
def test_a_folder_without_a_study_is_refused(tmp_path, made):
    place = tmp_path / "study"
    if made:
        place.mkdir()
    with pytest.raises(ValueError, match=r"study: .*`twinoffload reproduce all .*--out ") as caught:
        read_tables(place)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize(
    "content", [b"", b"\0\1\2\3" * 40, "column\nä".encode("latin-1")], ids=["empty", "binary", "text"]
)
def test_a_damaged_file_is_refused(folder, name, content):
    (folder / name).write_bytes(content)
    with pytest.raises(ValueError, match=rf"{name}: .*; delete it, and `twinoffload reproduce \w+") as caught:
        read_tables(folder)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "column"),
    list(zip(FILES, ("reading", "decision_ms", "varied", "gain_share", "accuracy", "profit_money"), strict=True)),
)
def test_a_missing_column_is_named(folder, name, column):
    claim_tables.change(folder / name, lambda table: table.drop(column))
    with pytest.raises(ValueError, match=f"{name}: has no column '{column}'; delete it"):
        read_tables(folder)


@pytest.mark.parametrize(
    ("name", "column"),
    list(zip(FILES, ("seed", "maps", "seconds", "trade", "data_mb", "slot"), strict=True)),
)
def test_a_column_of_words_for_numbers_is_named(folder, name, column):
    claim_tables.change(folder / name, lambda table: table.with_columns(pl.lit("many").alias(column)))
    with pytest.raises(ValueError, match=f"{name}: column '{column}' is not of type"):
        read_tables(folder)


def test_a_cell_that_stands_twice_is_named(folder):
    claim_tables.change(folder / "table.parquet", lambda table: pl.concat([table, table.tail(1)]))
    with pytest.raises(
        ValueError, match=r"table.parquet: two rows for one cell \(paper-literal, held-out, sac, seed 1\)"
    ):
        read_tables(folder)


def test_cells_are_told_apart_by_all_that_labels_them():
    cells = claim_tables.whole(2, 2).cells
    assert cells is not None
    assert check_cells(cells).equals(cells)
