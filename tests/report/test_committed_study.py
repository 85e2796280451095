"""What the documentation shows of the full study is what the study's tables say."""

import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from twinoffload.experiments.claims import judge, part, read_tables, trend
from twinoffload.experiments.claims.rank_tests import p_sign
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


def test_few_verdicts_rest_on_symmetry(monkeypatch):
    """Those that the sign test in the place of signed ranks would leave undecided are named in docs/claims.md."""

    def signs_above(values, null=0.0):
        apart = np.round(np.asarray(values, float) - null, 12)
        apart = apart[apart != 0.0]
        return p_sign(int((apart > 0.0).sum()), len(apart))

    tables = read_tables(DOCS / "study")
    ranked = judge(tables)
    monkeypatch.setattr(part, "p_greater", signs_above)
    for module in (part, trend):
        monkeypatch.setattr(module, "p_less", lambda values, null=0.0: signs_above(-np.asarray(values, float), -null))
    changed = [
        (before.reading, before.claim, before.part, after.verdict)
        for before, after in zip(ranked, judge(tables), strict=True)
        if before.verdict != after.verdict
    ]
    assert {verdict for *_, verdict in changed} == {"undecided"}
    base = "{} utility, base scenario"
    assert {tuple(one) for *one, _ in changed} == {
        ("main", "C3", "the mAPs' utility is smoother at rate 0.0005 than at 0.05, second half of training"),
        ("main", "C5", "SAC: the operator's utility falls with f, 16 to 24"),
        ("main", "C5", "SAC: the mAPs' utility rises with f, 16 to 24"),
        ("main", "C12", "digits, large: Eq. 7 misses sizes left out by at most 0.01 more than the best rival law"),
        *(
            ("main", "C12", f"{task}, large: accuracy is concave in data, below and above the middle size")
            for task in ("fault", "traffic")
        ),
        *(
            (reading, "C4", base.format("SAC above TD3 in the operator's"))
            for reading in ("load", "silent", "paper-literal")
        ),
        *((reading, "C4", base.format("SAC above DDPG in the mAPs'")) for reading in ("uncapped", "silent")),
        ("uncapped", "C8", base.format("SAC below pairwise in the mAPs'")),
    }
