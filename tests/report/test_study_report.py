"""The study's report: what the tables and verdicts say and nothing else, whole or in part, the same every time."""

import base64
import io
import json
import re
import shutil
from dataclasses import replace

import matplotlib
import polars as pl
import pytest
from html_page import Page
from PIL import Image
from study_folder import READINGS, SEEDS, make_study
from study_verdicts import ALL, make_verdicts

from twinoffload.experiments.claims import CLAIMS, judge, read_tables
from twinoffload.experiments.interval import median_interval
from twinoffload.report.study.verdicts import Count
from twinoffload.report.study_report import write_markdown, write_report


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """A study where the command leaves it, beside the documentation."""
    top = tmp_path_factory.mktemp("repository")
    (top / "docs").mkdir()
    (top / "docs" / "paper.md").write_text("# The paper\n")
    make_study(top / "results" / "paper")
    return top


@pytest.fixture(scope="module")
def folder(repository):
    return repository / "results" / "paper"


@pytest.fixture(scope="module")
def verdicts():
    return make_verdicts()


@pytest.fixture(scope="module")
def html(folder, verdicts):
    return write_report(folder, verdicts, dated="2026-11-24").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(html):
    return Page(html)


@pytest.fixture(scope="module")
def markdown(repository, folder, verdicts):
    return write_markdown(folder, verdicts, repository / "docs" / "results.md", dated="2026-11-24").read_text("utf-8")


@pytest.fixture
def copy(folder, tmp_path):
    return shutil.copytree(folder, tmp_path / "study", ignore=shutil.ignore_patterns("report.html", "*.svg"))


@pytest.fixture
def bare(copy):
    """Without what takes time to draw."""
    for path in (
        *copy.glob("fig*"),
        *(copy / f"{name}.csv" for name in ("growth", "decision_time", "learning_curves", "twin_loop")),
    ):
        path.unlink()
    return copy


def test_one_file_that_needs_nothing_else(folder, html, page):
    assert not re.search(r"@import|<script|<link|<iframe", html)
    assert "http" not in html
    assert all(source.startswith("data:image/webp;base64,") for source in page.all("src"))
    assert all(target.startswith(("#", "../../docs/")) for target in page.all("href"))
    assert len(html) < 1_500_000
    assert str(folder) not in html
    assert not re.search(r"/(home|root|tmp|work|usr)/", re.sub(r"base64,[^\"]*", "", html))


def test_well_formed_with_unique_ids_and_no_dangling_reference(html, page):
    assert (page.problems, page.open) == ([], [])
    ids = page.all("id")
    assert len(ids) == len(set(ids))
    targets = [t[1:] for t in page.all("href") if t.startswith("#")] + re.findall(r"url\(#([^)]*)\)", html)
    assert set(targets) <= set(ids)


def test_a_figure_is_the_file_of_the_folder_with_fewer_colours(folder, page):
    sources = page.all("src")
    assert len(sources) == 6
    with Image.open(folder / "fig2.png") as image:
        whole = image.convert("RGB")
    shown = Image.open(io.BytesIO(base64.b64decode(sources[0].partition(",")[2]))).convert("RGB")
    assert shown.size == whole.size
    apart = [abs(a - b) for a, b in zip(shown.tobytes(), whole.tobytes(), strict=True)]
    assert sum(apart) / len(apart) < 1.0, "on average less than one step of 255"
    assert all(len(text) > 40 for text in page.all("alt"))


def test_every_verdict_stands_in_the_table_of_its_claim(html, verdicts):
    parts = re.split(r'<h3 id="([cd]\d+)">', html)
    for name, text in zip(parts[1::2], parts[2::2], strict=True):
        mine = [verdict for verdict in verdicts if verdict.claim.lower() == name]
        rows = re.findall(r'<tr class="(main|other)"><td class="(\w+)">', text)
        assert sorted(word for _, word in rows) == sorted(verdict.verdict for verdict in mine), name
        assert [kind for kind, _ in rows].count("main") == sum(verdict.reading == "main" for verdict in mine)
    assert {name for name in parts[1::2]} >= {verdict.claim.lower() for verdict in verdicts}


def test_a_verdict_is_told_with_effect_interval_unit_test_p_seeds_reason_and_command(html):
    row = re.search(r'<tr class="main">((?:(?!</tr>).)*rate 0\.0005 the mAPs(?:(?!</tr>).)*)</tr>', html)
    words = Page(f"<table><tr>{row[1]}</tr></table>").words
    for said in ("✗ fails", "118 [110, 126] episodes", "interval", "Half of the seeds", " 10 A"):
        assert said in words, said
    assert f"A: <code>{ALL}</code>" in html
    assert "p = 0.0098" in html


def test_counts_of_the_head_and_the_overview_are_those_of_the_verdicts(page, html, verdicts):
    main = [verdict for verdict in verdicts if verdict.reading == "main" and verdict.claim.startswith("C")]
    for word in ("holds", "fails", "undecided"):
        count = sum(verdict.verdict == word and verdict.effect is not None for verdict in main)
        assert re.search(rf'<li class="{word}"><b><span[^>]*>.</span> {count}</b>', html), word
    assert f"{len(main)} statements" in page.words
    table = html[html.index('<table class="matrix">') :]
    rows = re.findall(r"<tr><th scope=\"row\">.*?</tr>", table[: table.index("</table>")], flags=re.DOTALL)
    assert len(rows) == len({verdict.claim for verdict in verdicts})
    for text in rows:
        claim = re.search(r"<b>(\w+)</b>", text)[1]
        cells = re.findall(r"<td.*?</td>", text)
        assert len(cells) == 1 + len(READINGS)
        for reading, cell in zip(("main", *READINGS), cells, strict=True):
            count = Count.of(v for v in verdicts if (v.claim, v.reading) == (claim, reading))
            words = Page(cell).words
            if sum(count) == 0:
                assert words == "–"
            else:
                assert words.startswith(f"{count.symbol} {count.name}"), (claim, reading)
                assert count.word != "mixed" or all(said in words for _, said in count.each)


def test_what_fails_and_what_is_open_is_listed_with_its_reason(html, verdicts):
    for heading, word in (("What fails", "fails"), ("What cannot be told", "undecided")):
        part = html[html.index(f"<h3>{heading}</h3>") :]
        items = re.findall(r"<li>(.*?)</li>", part[: part.index("</ul>")])
        measured = [v for v in verdicts if v.reading == "main" and v.effect is not None]
        assert len(items) == sum(v.verdict == word for v in measured)
    assert "DDPG's mAPs over-buy" in html[html.index("What fails") : html.index("What cannot be told")]


def test_what_another_reading_turns_around(bare, tmp_path, verdicts):
    one = next(v for v in verdicts if v.reading == "main" and v.verdict == "holds")
    pair = [one, replace(one, reading="uncapped", verdict="fails"), replace(one, reading="load", verdict="undecided")]
    text = write_markdown(bare, pair, tmp_path / "page.md").read_text("utf-8")
    changed = text[text.index("What another reading changes") : text.index("## Claim by claim")]
    uncapped, load = (
        next(line for line in changed.splitlines() if f"`{name}`:" in line) for name in ("uncapped", "load")
    )
    assert "✗ fails here and held there: [C1]" in uncapped
    assert one.part in uncapped
    assert "None turns around. 1 decided there, undecided here." in load


def test_markup_in_a_verdict_stays_text(bare, tmp_path, verdicts):
    odd = replace(verdicts[0], part="a < b | c* & `x|y`", reason="<script>no</script>", unit="|", source="a <b>")
    html = write_report(bare, [odd]).read_text("utf-8")
    assert "a &lt; b | c* &amp; <code>x|y</code>" in html
    assert "<script>" not in html
    text = write_markdown(bare, [odd], tmp_path / "page.md").read_text("utf-8")
    assert r"a \< b \| c\* & `x\|y`" in text
    row = next(line for line in text.splitlines() if "a \\<" in line and line.startswith("| "))
    assert len(re.findall(r"(?<!\\)\|", row)) == 7


def test_shares_of_the_base_scenario_are_medians_over_seeds(folder, html):
    table = pl.read_parquet(folder / "table.parquet")
    here = (pl.col("phase") == "held-out", pl.col("bandwidth_mhz") == 5, pl.col("compute_gcycle_per_s") == 20,
            pl.col("accuracy_value_money") == 10, pl.col("maps") == 4, pl.col("stations") == 2)  # fmt: skip
    main, load = (
        table.filter(pl.col("reading") == reading, pl.col("scheme") == scheme, *here).sort("seed")[
            "operator_utility_money"
        ]
        for reading, scheme in (("main", "admission"), ("load", "sac"))
    )
    found = median_interval((load / main.head(len(load))).to_list())
    part = html[html.index('<section id="base">') :]
    rows = re.findall(r'<tr class="learned">.*?</tr>', part)
    assert len(rows) == 1 + len(READINGS)
    assert f"{found.median:.3f}<small>[{found.low:.3f}, {found.high:.3f}]</small>" in rows[1 + READINGS.index("load")]


def test_times_and_fitted_exponents(folder, page):
    times = pl.read_csv(folder / "decision_time.csv").filter(pl.col("scheme") == "sac", pl.col("maps") == 8)
    assert f"{times['decision_ms'].median():.3f}" in page.words
    found = re.search(r"Algorithm 1 W 8 [\d.]+ s 128 [\d.]+ s ([\d.]+) \[", page.words)
    assert float(found[1]) == pytest.approx(2.0, abs=0.02)


def test_every_setting_version_and_command_is_there(folder, html, page):
    versions = json.loads((folder / "manifest.json").read_text())["versions"]
    for name, value in versions.items():
        assert f"<td>{name}</td><td>{value}</td>" in html
    assert "computed on 2026-11-24" in page.words
    assert "<code>path_loss.exponent</code>" in html
    assert "<code>target_rate</code>" in html
    assert f"episodes, {SEEDS} seeds" in page.words
    for command in (
        "all --resume",
        "readings --resume",
        "timing",
        "propositions",
        *(f"fig{n} --resume" for n in range(2, 8)),
    ):
        assert f"<code>twinoffload reproduce {command}" in html or f"\ntwinoffload reproduce {command}\n" in html, (
            command
        )


def test_the_same_study_makes_the_same_bytes_and_touches_nothing_else(folder, html, verdicts):
    settings = dict(matplotlib.rcParams)
    tables = {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix in (".csv", ".parquet", ".json")}
    assert write_report(folder, verdicts, dated="2026-11-24").read_text("utf-8") == html
    assert dict(matplotlib.rcParams) == settings
    assert all((folder / name).read_bytes() == content for name, content in tables.items())


def test_markdown_says_the_same_with_links_that_lead_somewhere(repository, markdown, verdicts):
    assert markdown == write_markdown(
        repository / "results" / "paper", verdicts, repository / "docs" / "results.md", dated="2026-11-24"
    ).read_text("utf-8")
    anchors = {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"^#+ (.*)$", markdown, flags=re.MULTILINE)
    }
    for target in re.findall(r"\]\(([^)]*)\)", markdown):
        path, _, anchor = target.partition("#")
        if path.startswith("http"):
            continue
        assert path or anchor in anchors, target
        if path.endswith((".png", ".svg", "paper.md")):
            assert (repository / "docs" / path).is_file(), target
    assert "http" not in markdown.replace("https://doi.org", "")
    rows = [line for line in markdown.splitlines() if re.match(r"\| [✓✗?] (holds|fails|undecided) \|", line)]
    assert len(rows) == len(verdicts)
    assert "\n\n\n\n" not in markdown


def test_tables_of_the_markdown_are_tables(markdown):
    lines = markdown.splitlines()
    for at, line in enumerate(lines):
        if re.fullmatch(r"\|(---\|)+", line):
            columns = line.count("---")
            end = next((k for k in range(at, len(lines)) if not lines[k].startswith("|")), len(lines))
            assert end > at + 1, lines[at - 1]
            for row in (lines[at - 1], *lines[at + 1 : end]):
                assert len(re.findall(r"(?<!\\)\|", row)) == columns + 1, row
    assert len(re.findall(r"^\|(?:---\|)+$", markdown, flags=re.MULTILINE)) > 15


def test_the_training_that_is_sold_has_its_curves_laws_and_command(folder, html, page, markdown):
    """The study's curves were made from Eq. 7."""
    for said in ("fault, small: Eq. 7 fits", "fault, large: Eq. 7 fits"):
        assert said in page.words
        assert said in markdown
    assert 'aria-label="Accuracy against data, with fitted laws: fault, large reaches' in html
    svg = (folder / "learning_curves.svg").read_text("utf-8")
    assert "law chosen" not in svg, "it is Eq. 7"
    assert re.search(r"\| fault, small \| Eq. 7 \| 0\.\d+ \[0\.\d+, 0\.\d+\] \|  \|  \| 0\.0", markdown)
    assert re.search(r"\| (9\d|100) %, ± 0\.\d\d \(Eq. 7\) \| (9\d|100) %, ± 0\.\d\d \|", markdown)
    assert "Made by `twinoffload reproduce twin --resume`" in markdown


def test_the_whole_loop_says_what_was_promised_realised_and_lost(folder, html, page, markdown):
    """Its twins reach 0.6; Eq. 7 as set promises 0.4, as fitted 0.8, and a believer pays 1 for it."""
    said = r"Promised and realised accuracy, medians over 6 seeds: Eq. 7 as set 0.400 and (0.6|0.59)"
    cost = r"where all believe in Eq. 7 as set, the operator earns 0.400 more \[0.400, 0.400\] and an mAP (0.9|1.0)"
    for words in (said, cost):
        assert re.search(words, page.words)
        assert re.search(words, markdown)
    assert 'aria-label="Realised against promised accuracy. Promised' in html
    assert "<svg" in (folder / "twin_loop.svg").read_text("utf-8")
    assert len(re.findall(r"^\| fault \| (?:Eq. 7 (?:as set|fitted)|measured law)", markdown, flags=re.MULTILINE)) == 5
    assert "| fault | Eq. 7 fitted, mAPs know | 0.600 [0.600, 0.600] | 0." in markdown


def test_a_study_in_parts_says_what_is_missing_and_what_measures_it(folder, tmp_path):
    part = make_study(tmp_path / "part", readings=(), timing=False, trained=False, figures=("fig4",))
    verdicts = [verdict for verdict in make_verdicts(()) if verdict.claim in ("C4", "C9")]
    html = write_report(part, verdicts).read_text("utf-8")
    words = Page(html).words
    for said in (
        "Fig. 2 : not measured; twinoffload reproduce fig2 --resume measures it",
        "Time of a decision : not measured; twinoffload reproduce timing --resume measures it",
        "Accuracy of trained twins : not measured; twinoffload reproduce twin --resume measures it",
        "The whole loop : not measured; twinoffload reproduce twin --resume measures it",
        "Growth of costs : not measured; twinoffload reproduce timing --resume measures it",
        "No statement of C1 has a verdict : not measured; twinoffload claims measures it",
        "a day that was not recorded",
    ):
        assert said.replace(" :", ":") in words, said
    assert html.count("<img ") == 1
    text = write_markdown(part, verdicts, tmp_path / "page.md").read_text("utf-8")
    assert "*Time of a decision: not measured; `twinoffload reproduce timing --resume` measures it.*" in text
    assert "(docs/paper.md)" in text, "named where there is nothing to link to"
    (part / "table.parquet").unlink()
    shutil.copy(folder / "growth.csv", part)
    assert "twinoffload reproduce all --resume measures it" in Page(write_report(part, []).read_text("utf-8")).words


def test_the_date_is_the_studys_own_unless_given(bare):
    manifest = json.loads((bare / "manifest.json").read_text())
    table = pl.read_parquet(bare / "table.parquet")
    table.write_parquet(bare / "table.parquet", metadata={"date": "2026-11-01"})
    assert "computed on 2026-11-01" in Page(write_report(bare, []).read_text("utf-8")).words
    (bare / "manifest.json").write_text(json.dumps(manifest | {"date": "2026-11-02"}))
    assert "computed on 2026-11-02" in Page(write_report(bare, []).read_text("utf-8")).words
    assert "computed on 2026-11-03" in Page(write_report(bare, [], dated="2026-11-03").read_text("utf-8")).words


def test_a_machine_is_told_in_words_never_by_a_path(bare):
    manifest = json.loads((bare / "manifest.json").read_text())
    more = {"machine": "two cores, shared", "home": "/home/somebody/study"}
    (bare / "manifest.json").write_text(json.dumps(manifest | more))
    html = write_report(bare, []).read_text("utf-8")
    assert "<td>machine</td><td>two cores, shared</td>" in html
    assert "somebody" not in html


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda folder: (folder / "manifest.json").unlink(), "holds no study (manifest.json is missing)"),
        (lambda folder: (folder / "manifest.json").write_text("{"), "manifest.json: cannot be read"),
        (lambda folder: (folder / "manifest.json").write_text("[]"), "manifest.json: lists no `versions`"),
        (lambda folder: (folder / "table.parquet").write_text("no"), "table.parquet: cannot be read"),
        (lambda folder: (folder / "fig5.csv").unlink(), "fig5.csv: no such table; `twinoffload reproduce fig5"),
        (lambda folder: (folder / "fig5.csv").write_text("a\n1\n"), "fig5.csv"),
        (lambda folder: (folder / "fig2.png").write_text("no"), "fig2.png: is no picture"),
        (lambda folder: (folder / "growth.csv").write_text("a\n1\n"), "growth.csv: has no column"),
    ],
)
def test_what_is_no_study_or_damaged_is_refused_in_one_line(copy, verdicts, harm, said):
    harm(copy)
    with pytest.raises(ValueError, match=re.escape(said)) as error:
        write_report(copy, verdicts)
    assert "\n" not in str(error.value)
    assert not (copy / "report.html").is_file()


def test_a_folder_that_is_not_there_is_refused_in_one_line(tmp_path):
    with pytest.raises(ValueError, match="holds no study"):
        write_report(tmp_path / "nowhere", [])


def test_the_claims_command_s_own_verdicts_make_a_page(folder, bare, tmp_path):
    found = judge(read_tables(folder))
    text = write_markdown(bare, found, tmp_path / "page.md").read_text("utf-8")
    assert all(f"### {claim.id}: " in text for claim in CLAIMS), "each has a title"
    rows = [line for line in text.splitlines() if re.match(r"\| [✓✗?] (holds|fails|undecided) \|", line)]
    assert len(rows) == len(found)
