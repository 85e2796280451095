"""`twinoffload presets`: the scenarios that come with the package."""

from typing import Annotated

import typer


def presets(
    name: Annotated[str | None, typer.Argument(help="Preset to print as YAML; without it, all are listed.")] = None,
) -> None:
    """List the scenario presets, or print one as YAML.

    \b
    Example
      twinoffload presets paper > mine.yaml
      twinoffload solve --gain examples/gains.csv --scenario mine.yaml
    """  # noqa: D301
    from importlib import resources

    from rich.table import Table

    from twinoffload.cli.console import output
    from twinoffload.scenario import PRESETS, Scenario

    if name in PRESETS:
        typer.echo(Scenario.load(name).to_yaml(), nl=False)
    elif name is not None:
        raise ValueError(f"preset {name!r}: is unknown; presets are {', '.join(PRESETS)}")
    else:
        listing = Table.grid(padding=(0, 2))
        for preset in PRESETS:
            text = resources.files("twinoffload").joinpath("presets", f"{preset}.yaml").read_text(encoding="utf-8")
            listing.add_row(preset, text.splitlines()[0].removeprefix("#").strip())
        output().print(listing)
