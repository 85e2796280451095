"""`twinoffload gains`: a scenario's channel gains as the CSV that `solve` reads."""

from pathlib import Path
from typing import Annotated

import typer


def gains(
    out: Annotated[Path, typer.Option(metavar="FILE", help="CSV to write, whole or not at all.")],
    scenario: Annotated[str, typer.Option(metavar="NAME|FILE", help="Preset or YAML file.")] = "paper",
    count: Annotated[int, typer.Option(help="Independent snapshots, at least 1.")] = 1,
    seed: Annotated[int, typer.Option(help="Seed of the draw, at least 0.")] = 0,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file if it exists.")] = False,
) -> None:
    """Draw channel gains of a scenario and write them as CSV.

    Columns: snapshot (from 0), map, station, gain (channel power gain, linear).

    \b
    Example
      twinoffload gains --scenario paper --count 3 --out gains.csv
      twinoffload solve --gain gains.csv
    """  # noqa: D301
    from twinoffload import Scenario
    from twinoffload.cli.console import output
    from twinoffload.network.gain_file import PAIR_LIMIT, Gains, write_gains

    console = output()
    chosen = Scenario.load(scenario)
    pairs = count * chosen.maps * chosen.stations
    if pairs > PAIR_LIMIT:
        raise ValueError(f"--count {count}: makes {pairs:,} pairs, more than {PAIR_LIMIT:,}; draw fewer snapshots")
    drawn = Gains(
        chosen.sample_gain(count, seed),
        snapshots=tuple(str(s) for s in range(count)),
        maps=tuple(f"map-{n + 1}" for n in range(chosen.maps)),
        stations=tuple(f"bs-{m + 1}" for m in range(chosen.stations)),
    )
    write_gains(out, drawn, overwrite=force)
    console.print(f"{out}: {pairs:,} gains of scenario {chosen.name}, seed {seed}", soft_wrap=True)
