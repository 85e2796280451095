"""Pictures of docs/amortised.md: they are those of the committed tables, and nothing else goes in."""

import shutil
import xml.etree.ElementTree as ET
from pathlib import Path

import polars as pl
import pytest

from twinoffload.cli import main
from twinoffload.report.amortised_figures import NAMES, PICTURES, PREFIX, draw
from twinoffload.report.figure_tables import read_tables

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def tables():
    return read_tables(NAMES, DOCS, PREFIX, "")


def test_the_page_shows_every_picture_and_they_are_drawn_from_the_committed_files(tmp_path):
    page = (DOCS / "amortised.md").read_text(encoding="utf-8")
    shutil.copytree(DOCS / "tables", tmp_path / "tables")
    draw(tmp_path)
    for name in PICTURES:
        drawn = (tmp_path / "images" / f"amortised-{name}.svg").read_bytes()
        assert drawn == (DOCS / "images" / f"amortised-{name}.svg").read_bytes(), name
        assert f"images/amortised-{name}.svg" in page
        assert len(drawn) < 300_000
        root = ET.fromstring(drawn)
        assert len(root.attrib["aria-label"]) > 40
        assert b"var(--" not in drawn


def test_numbers_in_pictures_follow_the_tables(tables):
    moved = tables["slot-maps"].with_columns(pl.col("told_s") + 10.0)
    row = tables["slot-maps"].row(0, named=True)
    assert f"told {row['told_s']:.2f} s" in PICTURES["slot"](tables)
    assert f"told {row['told_s'] + 10:.2f} s" in PICTURES["slot"](dict(tables) | {"slot-maps": moved})


@pytest.mark.parametrize("damage", [None, "", "a,b\n1,2\n"])
def test_a_missing_or_damaged_table_is_told_in_one_line(tmp_path, capfd, damage):
    shutil.copytree(DOCS / "tables", tmp_path / "tables")
    path = tmp_path / "tables" / "amortised-depths.csv"
    path.unlink() if damage is None else path.write_text(damage)
    with pytest.raises(SystemExit) as stopped:
        main(["figures", "--only", "amortised", "--redraw", "--out", str(tmp_path)])
    assert stopped.value.code == 2
    err = capfd.readouterr().err
    assert len(err.splitlines()) == 1
    assert "figures --only amortised --out" in err
    assert not (tmp_path / "images").exists()


def test_an_unknown_page_is_refused(capfd):
    with pytest.raises(SystemExit) as stopped:
        main(["figures", "--only", "learning"])
    assert stopped.value.code == 2
    assert "must be of equilibrium, city, amortised" in capfd.readouterr().err
