"""The report: one HTML file that opens anywhere, made from a results folder and nothing else."""

from pathlib import Path
from typing import Any

from twinoffload.experiments.interval import coverage
from twinoffload.files import write_text
from twinoffload.report.comparison import draw_comparison
from twinoffload.report.convergence import draw_convergence
from twinoffload.report.findings import write_findings
from twinoffload.report.results import Results
from twinoffload.report.schemes import OBSERVATIONS
from twinoffload.report.slot_map import draw_slot_map
from twinoffload.report.style import standalone
from twinoffload.report.tables import (
    DECISIONS,
    MEASURES,
    comparison_rows,
    decision_rows,
    difference_rows,
    learner_settings,
    offer_tables,
    scenario_settings,
    training_settings,
)
from twinoffload.report.templates import templates
from twinoffload.report.wording import duration, plain

FIGURES = {"comparison": draw_comparison, "convergence": draw_convergence, "slot": draw_slot_map}


def write_report(folder: str | Path) -> Path:
    """Write `report.html` into a results folder and its figures into `figures/` as SVG, each file whole or not at all.

    Args:
        folder: what `twinoffload quick` left: `summary.json`, `comparison.parquet`, `slot.parquet` and `run/`.

    Returns:
        The file's path.

    Raises:
        ValueError: something is missing or damaged; one line names the file and the remedy.
    """
    folder = Path(folder)
    results = Results.load(folder)
    page = render(results)
    (folder / "figures").mkdir(exist_ok=True)
    for name, draw in FIGURES.items():
        if name == "slot" and not _has_map(results):
            continue
        write_text(folder / "figures" / f"{name}.svg", standalone(draw(results)))
    return write_text(folder / "report.html", page)


def _has_map(results: Results) -> bool:
    """Whether anybody knows where mAPs and BSs are; measured gains do not tell."""
    return results.scenario.gains is None


def render(results: Results) -> str:
    """The page's HTML."""
    return templates().get_template("page.html.j2").render(_contents(results))


def _contents(results: Results) -> dict[str, Any]:
    summary, scenario = results.summary, results.scenario
    learners, learner_rows = learner_settings(results.settings)
    row = results.row(results.learned)
    assert row is not None
    return {
        "scenario": scenario,
        "summary": summary,
        "seeds": len(summary["seeds"]),
        "episodes": results.metrics["episode"].n_unique(),
        "duration": duration(summary["wall_s"]),
        "versions": results.versions,
        "learned": results.learned,
        "learned_row": row,
        "findings": write_findings(results),
        "measures": MEASURES,
        "comparison": comparison_rows(results),
        "decision_measures": DECISIONS,
        "decisions": decision_rows(results),
        "differences": difference_rows(results),
        "coverage": coverage(len(summary["seeds"])),
        "observations": {
            name: text for name, text in OBSERVATIONS.items() if any(r["observation"] == name for r in results.rows)
        },
        "slot": int(results.slot["slot"][0]) + 1,
        "offers": offer_tables(results),
        "scenario_settings": scenario_settings(scenario),
        "training_settings": training_settings(results.settings),
        "learners": learners,
        "learner_settings": learner_rows,
        "comparison_figure": draw_comparison(results),
        "convergence_figure": draw_convergence(results),
        "slot_figure": draw_slot_map(results) if _has_map(results) else None,
        "plain": plain,
    }
