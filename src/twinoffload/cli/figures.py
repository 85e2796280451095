"""`twinoffload figures`: the measurements and pictures of the documentation, made again."""

from pathlib import Path
from typing import Annotated

import typer

PAGES = ("equilibrium", "city", "amortised")


def figures(
    out: Annotated[Path, typer.Option(help="Folder that gets tables/, images/ and, in equilibrium.md, tables.")] = Path(
        "docs"
    ),
    redraw: Annotated[bool, typer.Option("--redraw", help="Draw from the tables that are there; measure nothing.")] = (
        False
    ),
    threads: Annotated[int, typer.Option(min=1, max=1024, help="CPU threads.")] = 1,
    only: Annotated[
        str, typer.Option(help="Pages, separated by commas: equilibrium, city, amortised.")
    ] = "equilibrium,city",
) -> None:
    """Measure again what pages of docs show, and draw it: two minutes without amortised.md, which trains first.

    All numbers but the seconds in the last table of equilibrium.md are fixed by their seeds (on one machine, those of
    amortised.md).

    \b
    Example
      twinoffload figures --out docs
      twinoffload figures --only amortised
    """  # noqa: D301
    from twinoffload.cli.options import use_machine
    from twinoffload.experiments.benchmarks.sections import check_sections
    from twinoffload.report import amortised_figures, city_map, equilibrium_figures

    pages = check_sections(only, PAGES)
    made: list[Path] = []
    if not redraw:
        (out / "tables").mkdir(parents=True, exist_ok=True)  # what cannot be written is not measured
        use_machine("cpu", threads)
        for page in pages:
            made += _measure(page, out)
    if "equilibrium" in pages:
        made += equilibrium_figures.draw(equilibrium_figures.read_tables(out), out)
    if "city" in pages:
        made.append(city_map.draw(out))
    if "amortised" in pages:
        made += amortised_figures.draw(out)
    for path in made:
        typer.echo(path)


def _measure(page: str, out: Path) -> list[Path]:
    """The tables of a page as files."""
    from twinoffload.cli.progress import Bar, progress
    from twinoffload.experiments import amortised_study, equilibrium_study
    from twinoffload.experiments.city_study import city_tables
    from twinoffload.report import amortised_figures, city_map, equilibrium_figures

    if page == "city":
        return city_map.write_tables(city_tables(), out)
    with progress() as bars:
        if page == "equilibrium":
            bar = Bar(bars, "tables", len(equilibrium_study.TABLES))
            return equilibrium_figures.write_tables(equilibrium_study.measure(each=bar.advance), out)
        effort = amortised_study.full_effort()
        bar = Bar(bars, "tables", amortised_study.steps(effort))
        return amortised_figures.write_tables(amortised_study.measure(effort, bar.advance), out)
