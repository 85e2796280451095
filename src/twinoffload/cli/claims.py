"""`twinoffload claims`: the paper's claims, with a verdict each, from a study's tables."""

from pathlib import Path
from typing import Annotated

import typer


def claims(
    study: Annotated[Path, typer.Argument(help="Folder of a study (`twinoffload reproduce --out`).")] = Path(
        "results/paper"
    ),
    reading: Annotated[
        str,
        typer.Option(
            help="Readings of the paper, separated by commas: main, discount-0, load, uncapped, silent, "
            "paper-literal, longer; or all."
        ),
    ] = "all",
    only: Annotated[str, typer.Option(help="Claims, separated by commas, such as C5,D1; or all.")] = "all",
    reasons: Annotated[bool, typer.Option("--reasons", help="Give every part's reason, not only what fails.")] = False,
    markdown: Annotated[
        Path | None, typer.Option(help="Also write the report as Markdown, such as docs/results.md.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of tables.")] = False,
) -> None:
    """Judge every claim of the paper by a study's tables: holds, fails, or undecided.

    Nothing is trained or solved. What a study lacks is undecided, and the reason says which command computes it. With
    all claims and readings, and a study's manifest, the report is written too: STUDY/report.html.

    \b
    Example
      twinoffload claims
      twinoffload claims results/paper --only C5,D1 --reasons
    """  # noqa: D301
    from dataclasses import asdict

    from twinoffload.cli.claims_table import print_verdicts
    from twinoffload.cli.console import output
    from twinoffload.experiments.claims import CLAIMS, READINGS, judge, read_tables
    from twinoffload.experiments.study import MANIFEST
    from twinoffload.files import json_text
    from twinoffload.report.study_report import write_markdown, write_report

    if markdown is not None and (json or reading != "all" or only != "all"):
        raise ValueError("--markdown: the report is on all claims under all readings; leave --json, --reading, --only")
    readings = _chosen("--reading", reading, list(READINGS))
    names = _chosen("--only", only, [claim.id for claim in CLAIMS])
    chosen = [claim for claim in CLAIMS if claim.id in names]
    found = judge(read_tables(study), readings, chosen)
    if json:
        typer.echo(
            json_text(
                {
                    "study": str(study),
                    "claims": [{"id": one.id, "words": one.words, "figure": one.figure} for one in chosen],
                    "readings": {name: READINGS[name] for name in readings},
                    "verdicts": [asdict(verdict) for verdict in found],
                }
            )
        )
        return
    print_verdicts(found, chosen, output(), reasons=reasons)
    if markdown is not None:
        typer.echo(write_markdown(study, found, markdown))
    if (study / MANIFEST).is_file() and readings == list(READINGS) and chosen == list(CLAIMS):
        typer.echo(write_report(study, found))


def _chosen(option: str, asked: str, known: list[str]) -> list[str]:
    """Names that an option lists, in the order known."""
    names = [name.strip() for name in asked.split(",")]
    for name in names:
        if name not in (*known, "all"):
            raise ValueError(f"{option} {name!r}: must be of {', '.join(known)}, separated by commas, or all")
    return known if "all" in names else [name for name in known if name in names]
