"""`twinoffload explain`: one pair's arithmetic, step by step."""

from pathlib import Path
from typing import Annotated, Literal

import typer

Concept = Literal["pairwise", "posted", "admission"]


def explain(
    gain: Annotated[
        Path | None, typer.Option(metavar="FILE", help="CSV of channel power gains, as `twinoffload solve` reads it.")
    ] = None,
    mobile: Annotated[
        str | None,
        typer.Option("--map", metavar="ID", help="The mAP: its id in FILE, or with --rate its number from 1."),
    ] = None,
    station: Annotated[
        str | None, typer.Option(metavar="ID", help="The BS: its id in FILE, or with --rate its number from 1.")
    ] = None,
    snapshot: Annotated[
        str | None, typer.Option(metavar="ID", help="Snapshot of FILE.", show_default="the first")
    ] = None,
    concept: Annotated[
        Concept | None,
        typer.Option(help="Whose association and prices hold (see `twinoffload solve`).", show_default="posted"),
    ] = None,
    beside: Annotated[
        str | None,
        typer.Option(
            "--with",
            metavar="LIST",
            help="Instead of a concept: ids of the other mAPs on that BS, with commas ('' for none); the operator "
            "charges its best price for the pair.",
        ),
    ] = None,
    rate: Annotated[
        float | None, typer.Option(metavar="R", help="Without FILE: the uplink rate in MB/s, at least 0.")
    ] = None,
    price: Annotated[
        float | None,
        typer.Option(metavar="MU", help="Charge this price in money/MB instead, at least 0; the cap is not applied."),
    ] = None,
    scenario: Annotated[str, typer.Option(metavar="NAME|FILE", help="Parameters of the game.")] = "paper",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document, in full precision.")] = False,
) -> None:
    """Check one pair by hand: every step from the gain to both utilities.

    Prints, for one mAP (mobile access point) and one BS (base station), each quantity as formula = numbers = value:
    rate, costs, best price and what decides it, data, accuracy, delay, utilities. If the mAP is not on that BS, the
    numbers are those that it would find on moving there.

    \b
    Example
      twinoffload explain --gain examples/gains.csv --map map-1 --station bs-1
      twinoffload explain --gain examples/gains.csv --map map-1 --station bs-2 \\
          --with map-3,map-4
      twinoffload explain --rate 4.2 --map 2 --station 1 --scenario open
    """  # noqa: D301
    from twinoffload.cli.console import output, spinner
    from twinoffload.cli.explanation import Request, document, from_gains, from_rate, show

    console = output()
    request = Request(mobile, station, snapshot, concept, beside, price)
    if (gain is None) == (rate is None):
        raise ValueError("--gain, --rate: name one, a file of gains or an uplink rate (see `twinoffload explain -h`)")
    if rate is not None:
        told = from_rate(scenario, rate, request)
    else:
        assert gain is not None
        with spinner("Solving"):
            told = from_gains(scenario, gain, request)
    if as_json:
        typer.echo(document(told))
    else:
        show(console, told)
