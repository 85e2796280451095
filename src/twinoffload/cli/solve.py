"""`twinoffload solve`: prices and associations for gains read from a file."""

from pathlib import Path
from typing import Annotated, Literal

import typer

Concept = Literal["gradient", "pairwise", "posted", "admission"]


def solve(
    gain: Annotated[
        Path,
        typer.Option(
            metavar="FILE",
            help="CSV of channel power gains: columns map, station, one of gain (linear) and gain_db (dB), and "
            "snapshot where there are several. A pair that is not listed is out of reach. Other columns are ignored.",
        ),
    ],
    scenario: Annotated[
        str,
        typer.Option(
            metavar="NAME|FILE",
            help="Parameters of the game: a preset (see `twinoffload presets`) or a YAML file. The numbers of mAPs and "
            "BSs come from the gains.",
        ),
    ] = "paper",
    concept: Annotated[
        Concept,
        typer.Option(
            help="posted: the operator's best prices when every BS is offered to every mAP. admission: it may also "
            "decline to offer one (upper bound of the others). pairwise: each pair at its own best price; for markets "
            "of any size. gradient: the paper's Algorithm 1, which need not come to rest."
        ),
    ] = "posted",
    snapshot: Annotated[str | None, typer.Option(metavar="ID", help="Solve this snapshot only.")] = None,
    certify: Annotated[
        bool,
        typer.Option(
            "--certify",
            help="Check each solution by a dense search for deviations, and list where else the mAPs could come to "
            "rest at its prices (small markets).",
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document with every snapshot.")] = False,
) -> None:
    """Solve the game for gains read from a file.

    Reads channel gains of N mAPs (mobile access points) and M BSs (base stations) and prints, for each snapshot, the
    operator's prices, which BS each mAP chooses, how much data it sends, and what that is worth to both.

    \b
    Units
      price          money/MB
      data           MB
      sampling rate  share of its raw data that an mAP sends, in [0, 1]
      accuracy       of its twin, in [0, 1]
      delay          s
      utility        money
      regret         money that its best reply to the rest would add

    A scenario's list of values repeats over the mAPs, or the BSs, in the order of the tables, which is sorted by id:
    with cycles [1.6, 2.1], the first mAP has 1.6 Gcycle/MB.

    \b
    Example
      twinoffload solve --gain examples/gains.csv
      twinoffload solve --gain examples/gains.csv --concept admission --json
      twinoffload solve --gain examples/gains.csv --certify
    """  # noqa: D301
    import twinoffload
    from twinoffload.cli.console import output, spinner
    from twinoffload.cli.solution import check, document, show
    from twinoffload.network.gain_file import read_gains

    console = output()
    chosen = twinoffload.Scenario.load(scenario)
    gains = read_gains(gain)
    if snapshot is not None:
        gains = gains.only(snapshot)
    market = chosen.replace(maps=len(gains.maps), stations=len(gains.stations)).market()
    with spinner(f"Solving {concept}"):
        outcome = twinoffload.solve(market, gains.gain, concept=concept)
        checked = check(market, gains, outcome) if certify else None
    if as_json:
        typer.echo(document(chosen, market, gains, outcome, checked))
    else:
        show(console, chosen, market, gains, outcome, checked)
