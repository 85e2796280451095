"""Pictures and tables of docs/equilibrium.md: they are those of the committed tables, and nothing else goes in."""

import shutil
import xml.etree.ElementTree as ET
from pathlib import Path

import polars as pl
import pytest

from twinoffload.cli import main
from twinoffload.experiments.equilibrium_study import TABLES
from twinoffload.report.equilibrium_figures import (
    FRAGMENTS,
    PICTURES,
    _runs,
    draw,
    fill,
    read_tables,
    write_tables,
)

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "equilibrium.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def tables():
    return read_tables(DOCS)


def test_every_measured_table_is_committed(tables):
    assert set(tables) == set(TABLES)


def test_the_page_s_tables_are_those_of_the_committed_files(tables):
    for name in FRAGMENTS:
        assert PAGE.count(f"<!-- table {name} -->\n") == 1, name
    assert fill(PAGE, tables) == PAGE, "run `twinoffload figures --redraw`"


def test_the_page_shows_every_picture_and_they_are_drawn_from_the_committed_files(tables, tmp_path):
    draw(tables, tmp_path)
    for name in PICTURES:
        drawn = (tmp_path / "images" / f"equilibrium-{name}.svg").read_bytes()
        assert drawn == (DOCS / "images" / f"equilibrium-{name}.svg").read_bytes(), name
        assert f"images/equilibrium-{name}.svg" in PAGE
        assert len(drawn) < 300_000
        root = ET.fromstring(drawn)
        assert root.tag.endswith("svg")
        assert len(root.attrib["aria-label"]) > 40
        assert b"var(--" not in drawn


def test_numbers_in_pictures_and_tables_follow_the_tables(tables):
    moved = tables["best-prices"].with_columns(pl.col("price_money_per_mb") + 1.0)
    changed = dict(tables) | {"best-prices": moved}
    assert "μ* = 3.23" in PICTURES["price"](tables)
    assert "μ* = 4.23" in PICTURES["price"](changed)
    assert "| 4.232 |" in FRAGMENTS["best-prices"](changed)
    assert FRAGMENTS["means"](changed) == FRAGMENTS["means"](tables)


@pytest.mark.parametrize("name", FRAGMENTS)
def test_every_row_of_a_table_has_all_cells_and_no_gap(tables, name):
    lines = FRAGMENTS[name](tables).splitlines()
    assert len(lines) > 3
    assert len({line.count("|") for line in lines}) == 1
    assert not any("–" in line or "nan" in line for line in lines[2:])


def test_tables_are_written_and_read_back(tables, tmp_path):
    write_tables(tables, tmp_path)
    again = read_tables(tmp_path)
    for name, table in tables.items():
        assert again[name].equals(table), name


def test_an_unknown_table_of_a_page_is_named(tables):
    with pytest.raises(ValueError, match="unknown table 'nonsense'"):
        fill("<!-- table nonsense -->\n<!-- end -->", tables)
    assert fill("no table here", tables) == "no table here"


def test_redraw_needs_the_tables_and_makes_page_and_pictures(tmp_path, capfd):
    with pytest.raises(SystemExit) as stopped:
        main(["figures", "--redraw", "--out", str(tmp_path)])
    assert stopped.value.code == 2
    assert "no such table; measure with `twinoffload figures" in capfd.readouterr().err
    shutil.copytree(DOCS / "tables", tmp_path / "tables")
    (tmp_path / "equilibrium.md").write_text("<!-- table sizes -->\nold\n<!-- end -->\n")
    with pytest.raises(SystemExit) as stopped:
        main(["figures", "--redraw", "--out", str(tmp_path)])
    assert stopped.value.code == 0
    assert "old" not in (tmp_path / "equilibrium.md").read_text()
    assert len(list((tmp_path / "images").iterdir())) == len(PICTURES) + 1  # and the map of the city
    assert str(tmp_path / "images") in capfd.readouterr().out


def test_runs_of_iterations():
    assert _runs([0, 1, 2, 5, 7, 8]) == [(-0.5, 3.0), (4.5, 1.0), (6.5, 2.0)]
    assert _runs([]) == []


@pytest.mark.parametrize("damage", ["", "a,b\n", "a,b\n1,2\n"])
def test_a_damaged_table_is_told_in_one_line_and_nothing_is_written(tmp_path, capfd, damage):
    shutil.copytree(DOCS / "tables", tmp_path / "tables")
    (tmp_path / "tables" / "equilibrium-gaps.csv").write_text(damage)
    with pytest.raises(SystemExit) as stopped:
        main(["figures", "--redraw", "--out", str(tmp_path)])
    assert stopped.value.code == 2
    err = capfd.readouterr().err
    assert err.startswith("error: ")
    assert len(err.splitlines()) == 1
    assert "twinoffload figures --out" in err
    assert not (tmp_path / "images").exists()


def test_a_folder_that_cannot_be_made_is_refused_before_any_measurement(tmp_path, capfd):
    (tmp_path / "file").write_text("")
    with pytest.raises(SystemExit) as stopped:
        main(["figures", "--out", str(tmp_path / "file")])
    assert stopped.value.code == 2
    assert "Not a directory" in capfd.readouterr().err
