"""`twinoffload scenario`: scenario files written, shown and checked."""

from pathlib import Path
from typing import Annotated

import typer

scenario = typer.Typer(
    name="scenario",
    help="Write, show and check scenario files, and print their JSON Schema for editors.",
    rich_markup_mode=None,
    no_args_is_help=False,
)


@scenario.command()
def new(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="YAML file to write.")],
    source: Annotated[
        str, typer.Option("--from", metavar="NAME|FILE", help="Preset or scenario file to begin with.")
    ] = "paper",
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file if it exists.")] = False,
) -> None:
    """Write a scenario file in which every field has a comment: meaning, unit, bounds.

    Example: twinoffload scenario new mine.yaml --from open
    """
    from twinoffload.files import write_text
    from twinoffload.scenario import PRESETS, Scenario
    from twinoffload.scenario.commented import commented
    from twinoffload.tables import check_target

    check_target(file, overwrite=force)
    name = "".join(c if c.isalnum() or c in "_.-" else "-" for c in file.stem)[:64]
    made = Scenario.load(source).replace(name=name)
    write_text(file, commented(made, f"a copy of {'the preset ' if source in PRESETS else ''}{source}"))
    typer.echo(f"{file}: scenario {made.name}, from {source}; check it with `twinoffload scenario check {file}`")


@scenario.command()
def show(
    source: Annotated[str, typer.Argument(metavar="NAME|FILE", help="Preset or scenario file.")] = "paper",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    as_yaml: Annotated[bool, typer.Option("--yaml", help="Print YAML that can be saved and changed.")] = False,
) -> None:
    """Show every field of a scenario with unit and meaning, those that differ from the defaults marked.

    Example: twinoffload scenario show private
    """
    from dataclasses import asdict

    from twinoffload.cli.scenario_tables import show_fields
    from twinoffload.files import json_text
    from twinoffload.scenario import Scenario
    from twinoffload.scenario.described import rows

    if as_json and as_yaml:
        raise ValueError("--json and --yaml exclude each other; choose one")
    chosen = Scenario.load(source)
    if as_yaml:
        typer.echo(chosen.to_yaml(), nl=False)
    elif as_json:
        typer.echo(json_text({"name": chosen.name, "fields": [asdict(row) for row in rows(chosen)]}))
    else:
        show_fields(chosen)


@scenario.command()
def check(
    files: Annotated[list[str], typer.Argument(metavar="NAME|FILE...", help="Preset or scenario files.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document with every sound scenario.")] = False,
) -> None:
    """Check scenario files, and say what follows from each: noise, prices, signals, sizes, and which commands can run.

    A file with a fault gets one line on standard error that names its first one; the exit status is 2 then.

    Example: twinoffload scenario check mine.yaml paper
    """
    from dataclasses import asdict

    from twinoffload.cli.scenario_tables import show_check
    from twinoffload.experiments.suitability import obstacles
    from twinoffload.files import json_text
    from twinoffload.scenario import Scenario
    from twinoffload.scenario.derived import derive

    documents, faults = [], 0
    for file in files:
        try:
            chosen = Scenario.load(file)
            derived, kept = derive(chosen), obstacles(chosen)
        except ValueError as error:
            typer.echo(f"error: {' '.join(str(error).split())}", err=True)
            faults += 1
            continue
        if as_json:
            documents.append({"source": file, "name": chosen.name} | asdict(derived) | {"obstacles": kept})
        else:
            show_check(file, chosen, derived, kept)
    if as_json:
        typer.echo(json_text(documents))
    if faults:
        raise typer.Exit(2)


@scenario.command()
def schema() -> None:
    """Print the JSON Schema (draft 2020-12) of scenario files; see docs/data.md for how editors use it.

    Example: twinoffload scenario schema > scenario.schema.json
    """
    from twinoffload.scenario.schema import schema_text

    typer.echo(schema_text(), nl=False)
