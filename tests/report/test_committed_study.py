"""What the documentation shows of the full study is what the study's tables say."""

import shutil
from pathlib import Path

import polars as pl
import pytest

from twinoffload.experiments.claims import judge, read_tables
from twinoffload.experiments.paper_figures import BASE, FIGURES, MAIN
from twinoffload.experiments.paper_groups import describe
from twinoffload.report import paper_figures
from twinoffload.report.study_report import write_markdown, write_report

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def copied(tmp_path_factory):
    """The documentation elsewhere, its results made again from the tables."""
    docs = tmp_path_factory.mktemp("elsewhere") / "docs"
    shutil.copytree(DOCS / "study", docs / "study")
    shutil.copy(DOCS / "paper.md", docs)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(docs.parent)
        study = Path("docs/study")  # as a command names it: the pages do, too
        verdicts = judge(read_tables(study))
        write_report(study, verdicts)
        write_markdown(study, verdicts, "docs/results.md")
    return docs


@pytest.mark.parametrize("name", ["results.md", "study/report.html"])
def test_results_are_what_the_tables_give(copied, name):
    made, kept = (docs.joinpath(name).read_text(encoding="utf-8") for docs in (copied, DOCS))
    assert made == kept, f"docs/{name} is old: `twinoffload claims docs/study --markdown docs/results.md`"


@pytest.mark.parametrize("name", FIGURES)
def test_figures_show_the_tables_numbers(name):
    table = pl.read_parquet(DOCS / "study" / "table.parquet")
    assert paper_figures.shown(table, name).write_csv(float_precision=6) == (DOCS / "study" / f"{name}.csv").read_text()


def test_ten_seeds_stand_behind_every_point_of_the_main_reading():
    table = pl.read_parquet(DOCS / "study" / "table.parquet").filter(reading=MAIN.name, phase="held-out")
    counts = table.group_by("scheme", "learning_rate", *describe(BASE)).agg(pl.col("seed").n_unique())
    assert (counts["seed"] == 10).all()
