"""A study's report for a referee, as one page that opens anywhere and as Markdown, from tables and verdicts alone."""

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from twinoffload.experiments.claims import commands
from twinoffload.experiments.paper_figures import FIGURES
from twinoffload.experiments.twin_loop import summary
from twinoffload.experiments.verdict import Verdict
from twinoffload.files import write_text
from twinoffload.report import twin_loop
from twinoffload.report.schemes import scheme_named
from twinoffload.report.study import claims, figures, learning, notes, prose, timing, verdicts
from twinoffload.report.study.base import earned
from twinoffload.report.study.folder import StudyFolder
from twinoffload.report.study.settings import settings
from twinoffload.report.style import standalone
from twinoffload.report.templates import templates
from twinoffload.report.wording import decimals

_ALWAYS = [name for name in claims.TOLD if name.startswith("C")]  # of the paper: untested ones have a place, too


def write_report(folder: str | Path, found: Sequence[Verdict], *, dated: str | None = None) -> Path:
    """Write `report.html` into a study's folder: one file with all figures inside.

    Args:
        folder: what `twinoffload reproduce` left; what was not measured is said to be missing, with its command.
        found: verdicts from its tables.
        dated: when it was computed; default: what the study says.

    Returns:
        The file's path. The same study and verdicts make the same bytes.

    Raises:
        ValueError: the folder holds no study, or something damaged; one line names it and the remedy.
    """
    study = StudyFolder.load(Path(folder), dated)
    target = study.folder / "report.html"
    contents = _contents(study, found)
    contents["pictures"] = {name: figures.embedded(study.folder / f"{name}.png") for name in study.figures}
    return write_text(target, _rendered("study/page.html.j2", contents, prose.to_html, target, study.folder))


def write_markdown(
    folder: str | Path, found: Sequence[Verdict], target: str | Path, *, dated: str | None = None
) -> Path:
    """Write the same as Markdown, with links to the figures in the folder; those of times are drawn there as SVG.

    Args:
        folder: as in `write_report`, as `found` and `dated` are.
        found: verdicts.
        target: the file, such as docs/results.md.
        dated: when it was computed.

    Raises:
        ValueError: as `write_report` does.
    """
    study, target = StudyFolder.load(Path(folder), dated), Path(target)
    contents = _contents(study, found)
    beside = Path(os.path.relpath(study.folder.resolve(), target.parent.resolve())).as_posix()
    contents["pictures"] = {name: f"{beside}/{name}.png" for name in study.figures}
    for name in ("decision_time", "growth", "learning_curves", "twin_loop"):
        if contents[f"{name}_figure"]:
            write_text(study.folder / f"{name}.svg", standalone(contents[f"{name}_figure"]))
            contents["pictures"][name] = f"{beside}/{name}.svg"
    return write_text(target, _rendered("study/page.md.j2", contents, prose.to_markdown, target, study.folder))


def _rendered(template: str, contents: dict[str, Any], wording: Any, target: Path, folder: Path) -> str:
    environment = templates(html=template.endswith(".html.j2"))
    environment.filters |= {"prose": partial(wording, docs=_docs(target)), "digits": decimals}
    return commands.of_study(environment.get_template(template).render(contents), folder)


def _docs(target: Path) -> str | None:
    """Where the documentation is, seen from a file somewhere below its parent; None where there is none."""
    here = target.resolve().parent
    for above in (here, *here.parents):
        if (above / "docs" / "paper.md").is_file():
            return Path(os.path.relpath(above / "docs", here)).as_posix()
    return None


def _contents(study: StudyFolder, found: Sequence[Verdict]) -> dict[str, Any]:
    sections = verdicts.sections(found, _ALWAYS)
    readings, matrix = verdicts.matrix(sections)
    drawn: dict[str, str] = {}  # each figure stands with the first claim that it bears on
    for section in sections:
        for name in section.claim.told.figures:
            drawn.setdefault(name, section.claim.id)
    cells, decided, grown = study.tables.cells, study.tables.decision_time, study.tables.growth
    base = [] if cells is None else earned(cells)
    sizes, times = ([], []) if decided is None else timing.times(decided)
    growths = [] if grown is None else timing.growths(grown)
    trained = study.tables.learning_curves
    laws = [] if trained is None else learning.fitted(trained)
    sold = study.tables.twin_loop
    deals = [] if sold is None else summary(sold)
    return {
        "dated": study.dated,
        "versions": study.manifest["versions"],
        "settings": settings(study.manifest, study.dated, study.measured_on),
        "main": verdicts.Count.of(v for v in found if v.reading == claims.MAIN and not verdicts.is_ours(v)),
        "symbols": verdicts.SYMBOLS,
        "summary": verdicts.summary(found),
        "failed": verdicts.of_word(found, "fails"),
        "open": verdicts.of_word(found, "undecided"),
        "changes": verdicts.changes(found),
        "readings": readings,
        "reading_words": claims.READINGS,
        "matrix": matrix,
        "sections": sections,
        "anchors": {section.claim.id: section.anchor for section in sections},
        "figures": {name: figures.picture(name, study.figures.get(name)) for name in FIGURES},
        "drawn": drawn,
        "base": base,
        "scheme": scheme_named,
        "sizes": sizes,
        "times": times,
        "decision_time_figure": "" if decided is None else timing.draw_times(decided),
        "methods": [] if decided is None else timing.methods(decided),
        "growths": growths,
        "growth_figure": timing.draw_growth(growths) if growths else "",
        "laws": [learning.row(one) for one in laws],
        "law_names": learning.NAMES,
        "learning_curves_figure": learning.draw(laws) if laws else "",
        "deals": deals,
        "deal_cells": twin_loop.cells,
        "deal_labels": twin_loop.LABELS,
        "deal_paragraphs": twin_loop.paragraphs(deals),
        "twin_loop_figure": "" if sold is None or not deals else twin_loop.svg(sold, deals),
        "notes": notes.notes(base),
        "commands": commands,
    }
