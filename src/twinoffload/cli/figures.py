"""`twinoffload figures`: the measurements and pictures of the documentation, made again."""

from pathlib import Path
from typing import Annotated

import typer


def figures(
    out: Annotated[Path, typer.Option(help="Folder that gets tables/, images/ and, in equilibrium.md, tables.")] = Path(
        "docs"
    ),
    redraw: Annotated[bool, typer.Option("--redraw", help="Draw from the tables that are there; measure nothing.")] = (
        False
    ),
    threads: Annotated[int, typer.Option(min=1, max=1024, help="CPU threads.")] = 1,
) -> None:
    """Measure again what docs/equilibrium.md and docs/city.md show, and draw it: about two minutes.

    All numbers but the seconds in its last table are fixed by their seeds.

    Example: twinoffload figures --out docs
    """
    from twinoffload.cli.options import use_machine
    from twinoffload.cli.progress import Bar, progress
    from twinoffload.experiments import equilibrium_study
    from twinoffload.experiments.city_study import city_tables
    from twinoffload.report import city_map, equilibrium_figures

    made: list[Path] = []
    if not redraw:
        (out / "tables").mkdir(parents=True, exist_ok=True)  # what cannot be written is not measured
        use_machine("cpu", threads)
        with progress() as bars:
            bar = Bar(bars, "tables", len(equilibrium_study.TABLES) + 1)
            tables = equilibrium_study.measure(each=bar.advance)
            city = city_tables()
            bar.advance("city")
        made += equilibrium_figures.write_tables(tables, out) + city_map.write_tables(city, out)
    made += [*equilibrium_figures.draw(equilibrium_figures.read_tables(out), out), city_map.draw(out)]
    for path in made:
        typer.echo(path)
