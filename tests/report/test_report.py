"""The report: one file, whole or not at all, that says what the tables say."""

import json
import math
import re
import shutil

import matplotlib
import polars as pl
import pytest
import torch
import yaml
from html_page import Page
from results_folder import MEASURES, SCHEMES, make_results

from twinoffload import Scenario
from twinoffload.report.findings import write_findings
from twinoffload.report.page import write_report
from twinoffload.report.results import Results


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make_results(tmp_path_factory.mktemp("study"))


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    smallest = Scenario.load("paper").replace(maps=1, stations=1)
    return make_results(tmp_path_factory.mktemp("small"), scenario=smallest, seeds=1, episodes=2)


@pytest.fixture
def small(template, tmp_path):
    return shutil.copytree(template, tmp_path / "study")


@pytest.fixture(scope="module")
def html(folder):
    return write_report(folder).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(html):
    return Page(html)


def test_one_file_that_needs_nothing_else(folder, html, page):
    assert "http" not in html
    assert not re.search(r"@import|<script|<link|<img|<iframe", html)
    assert all(target.startswith("#") for target in page.all("href") + page.all("xlink:href"))
    assert not page.all("src")
    assert all(url.startswith("#") for url in re.findall(r"url\(([^)]*)\)", html))
    assert len(html) < 1_500_000
    assert str(folder) not in html
    assert not re.search(r"/(home|root|tmp|work|usr)/", html)


def test_well_formed_with_unique_ids_and_no_dangling_reference(html, page):
    assert (page.problems, page.open) == ([], [])
    ids = page.all("id")
    assert len(ids) == len(set(ids))
    targets = [t[1:] for t in page.all("href")] + re.findall(r"url\(#([^)]*)\)", html)
    assert set(targets) <= set(ids)


def test_every_figure_has_words_for_those_who_cannot_see_it(page):
    labels = [value for tag, name, value in page.attributes if (tag, name) == ("svg", "aria-label")]
    assert len(labels) == 3
    assert all(len(label) > 60 for label in labels)
    assert page.all("role").count("img") == 3


def test_names_every_scheme_and_says_what_it_is(page):
    for scheme in SCHEMES:
        assert scheme in page.words
    assert "A further scheme" not in page.words


def test_numbers_are_those_of_the_summary(folder, html):
    summary = json.loads((folder / "summary.json").read_text())
    table = html[html.index("Medians over seeds, and intervals") :]
    table = table[: table.index("</table>")]
    rows = re.findall(r"<tr[^>]*><th scope=\"row\">(\w+)<small>(\w+)</small></th>(.*?)</tr>", table, flags=re.DOTALL)
    assert [row[:2] for row in rows] == [(r["scheme"], r["observation"]) for r in summary["rows"]]
    for row, (_, _, cells) in zip(summary["rows"], rows, strict=True):
        numbers = [float(text.replace("−", "-")) for text in re.findall(r"−?\d+\.\d+", cells)]
        expected = [row[measure][end] for measure in MEASURES for end in ("median", "low", "high")]
        assert numbers == pytest.approx(expected, abs=5.001e-4)


def test_holds_every_setting_with_its_value(folder, html, page):
    for name in set(Scenario.model_fields) - {"gains"}:  # which are not measured here
        assert re.search(rf"<code>{name}(\.\w+)?</code>", html), name
    for field in ("path_loss.exponent", "mobility.speed_rms_mps"):
        assert f"<code>{field}</code>" in html
    stored = yaml.safe_load((folder / "run" / "settings.yaml").read_text())["settings"]
    for name, value in stored.items():
        for setting in value if isinstance(value, dict) else [name]:
            assert f"<code>{setting}</code>" in html, setting
    versions = json.loads((folder / "run" / "versions.json").read_text())
    for name, value in versions.items():
        assert f"<td>{name}</td><td>{value}</td>" in html
    assert "twinoffload quick --scenario paper --seeds 6" in page.words
    assert "4 min 11 s" in page.words
    assert "<td>-174</td>" in html
    assert "(0.25, 0.25) (0.75, 0.75)" in html


def test_says_how_sure_it_is(page):
    assert "with probability 96.9 %" in page.words


def test_the_same_tables_make_the_same_bytes_and_touch_nothing_else(folder, html):
    settings, state = dict(matplotlib.rcParams), torch.random.get_rng_state()
    assert write_report(folder).read_text(encoding="utf-8") == html
    assert dict(matplotlib.rcParams) == settings
    assert torch.equal(torch.random.get_rng_state(), state)


def findings(folder):
    written = write_findings(Results.load(folder))
    return " ".join([written.asked, *written.found, *written.beware])


def change_median(folder, scheme, measure, factor):
    summary = json.loads((folder / "summary.json").read_text())
    next(row for row in summary["rows"] if row["scheme"] == scheme)[measure]["median"] *= factor
    (folder / "summary.json").write_text(json.dumps(summary))


def test_a_constant_price_is_called_nearly_optimal_only_where_it_is(small):
    assert "a constant price is nearly optimal" in findings(small)
    change_median(small, "constant", "operator_utility", 0.9)
    assert "nearly optimal" not in findings(small)


def test_regret_is_warned_of_where_it_is_large(small):
    change_median(small, "sac", "regret_share", 0.0)
    assert "on the table" not in findings(small)
    summary = json.loads((small / "summary.json").read_text())
    summary["rows"][0]["regret_share"]["median"] = 0.2
    (small / "summary.json").write_text(json.dumps(summary))
    assert "leave 0.200 of admission's mean mAP utility on the table" in findings(small)


def test_findings_say_who_is_ahead(tmp_path):
    make_results(tmp_path, seeds=6, episodes=2)
    table = pl.read_parquet(tmp_path / "comparison.parquet")
    gain = {"sac": 0.1, "reactive": -0.1}
    shift = pl.col("scheme").replace_strict(gain, default=0.0, return_dtype=pl.Float64)
    table.with_columns(pl.col("operator_share_of_admission") + shift).write_parquet(tmp_path / "comparison.parquet")
    assert "the learned operator beats reactive, constant and pairwise" in findings(tmp_path)
    assert "mean stays below reactive, constant and pairwise" in findings(tmp_path)


def test_one_seed_promises_nothing(small):
    assert "One seed says nothing about chance" in findings(small)
    assert not re.search("beats|stays below", findings(small))


@pytest.mark.parametrize(
    "study",
    [
        {"seeds": 2, "episodes": 3, "infinite": True, "off": True},
        {"seeds": 1, "episodes": 1, "scenario": ("open", {"maps": 5, "stations": 3}), "infinite": True},
        {"seeds": 5, "episodes": 2, "scenario": ("private", {"maps": 8, "stations": 4, "raw_data": "uniform"})},
    ],
    ids=["no-offer-no-station", "one-seed-three-stations", "private-and-crowded"],
)
def test_unusual_studies_give_a_whole_page(tmp_path, study):
    if "scenario" in study:
        name, changes = study["scenario"]
        study = study | {"scenario": Scenario.load(name).replace(**changes)}
    page = Page(write_report(make_results(tmp_path, **study)).read_text(encoding="utf-8"))
    assert (page.problems, page.open) == ([], [])
    assert len(page.all("id")) == len(set(page.all("id")))
    assert not re.search(r"\b(nan|inf|None|NaN)\b", page.words)
    if study.get("infinite"):
        assert "not offered" in page.words
    if study.get("off"):
        assert "mAP 1 off" in " ".join(page.all("aria-label"))


def test_values_that_are_not_there_are_dashes(tmp_path):
    make_results(tmp_path, seeds=2, episodes=3)
    summary = json.loads((tmp_path / "summary.json").read_text())
    for measure in MEASURES:
        summary["rows"][2][measure] = dict.fromkeys(("median", "low", "high"), math.nan)
    (tmp_path / "summary.json").write_text(json.dumps(summary))
    metrics = pl.read_parquet(tmp_path / "run" / "metrics.parquet")
    first = pl.when(pl.col("episode") == 0).then(None).otherwise(pl.col("map_utility_money")).alias("map_utility_money")
    metrics.with_columns(first).write_parquet(tmp_path / "run" / "metrics.parquet")
    page = Page(write_report(tmp_path).read_text(encoding="utf-8"))
    assert "no value" in page.words
    assert "– [–, –]" in page.words
    assert "nan" not in page.words


def test_markup_in_names_is_text(small):
    summary = json.loads((small / "summary.json").read_text())
    summary["command"] = "twinoffload quick <b>&$x$"
    summary["rows"][0]["scheme"] = "<i>$me$&"
    (small / "summary.json").write_text(json.dumps(summary))
    html = write_report(small).read_text(encoding="utf-8")
    assert "<i>$me" not in html
    assert "&lt;i&gt;$me$&amp;" in html
    assert Page(html).problems == []


FILES = [
    "summary.json",
    "comparison.parquet",
    "slot.parquet",
    "run/scenario.yaml",
    "run/settings.yaml",
    "run/versions.json",
    "run/metrics.parquet",
]


def fails_in_one_line(folder, *words):
    with pytest.raises(ValueError, match=re.escape(str(folder))) as caught:
        write_report(folder)
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message
    assert not (folder / "report.html").exists()
    assert not [path for path in folder.rglob("*") if "draft" in path.name]


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named_with_the_remedy(small, name):
    (small / name).unlink()
    fails_in_one_line(small, name, "is missing", "twinoffload quick")


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("content", [b"", b"\x00\xff\xfe binary", b"just text"], ids=["empty", "binary", "text"])
def test_a_damaged_file_is_named(small, name, content):
    (small / name).write_bytes(content)
    fails_in_one_line(small, name)


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("comparison.parquet", "regret_share"),
        ("slot.parquet", "price_money_per_mb"),
        ("run/metrics.parquet", "map_regret_money"),
    ],
)
def test_a_table_without_a_column_or_with_text_in_it_is_named(small, name, column):
    table = pl.read_parquet(small / name)
    table.drop(column).write_parquet(small / name)
    fails_in_one_line(small, name, column)
    table.with_columns(pl.lit("much").alias(column)).write_parquet(small / name)
    fails_in_one_line(small, name, column)
    table.clear().write_parquet(small / name)
    fails_in_one_line(small, name, "no rows")


@pytest.mark.parametrize(
    ("damage", "word"),
    [
        (lambda s: s.pop("rows"), "rows"),
        (lambda s: s.pop("wall_s"), "wall_s"),
        (lambda s: s.update(wall_s="long"), "wall_s"),
        (lambda s: s.update(seeds=[]), "seeds"),
        (lambda s: s.update(rows=[1]), "rows"),
        (lambda s: s.update(held_out=3), "held_out"),
        (lambda s: s["rows"][1].pop("regret_share"), "regret_share"),
        (lambda s: s["rows"][1]["map_utility"].pop("low"), "map_utility"),
        (lambda s: s["rows"][1]["map_utility"].update(low="x"), "map_utility"),
        (lambda s: s["rows"].pop(0), "learned"),
    ],
)
def test_a_summary_that_lacks_something_says_what(small, damage, word):
    summary = json.loads((small / "summary.json").read_text())
    damage(summary)
    (small / "summary.json").write_text(json.dumps(summary))
    fails_in_one_line(small, "summary.json", word)


def test_no_folder(tmp_path):
    with pytest.raises(ValueError, match="is no folder of results"):
        write_report(tmp_path / "nowhere")


def test_a_failure_leaves_the_last_report_alone(small):
    (small / "report.html").write_text("the last one")
    (small / "slot.parquet").unlink()
    with pytest.raises(ValueError, match=r"slot\.parquet"):
        write_report(small)
    assert (small / "report.html").read_text() == "the last one"
