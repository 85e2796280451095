"""`twinoffload solve`: prices and associations for gains read from a file."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

Concept = Literal["gradient", "pairwise", "posted", "admission"]


def solve(
    gain: Annotated[
        Path,
        typer.Option(
            metavar="FILE",
            help="Channel power gains as CSV, Parquet (.parquet) or NPZ (.npz): columns map, station, one of gain "
            "(linear) and gain_db (dB), and snapshot where there are several. A pair that is not listed is out of "
            "reach. Other columns are ignored.",
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
            "rest at its prices (where it is not found by search).",
        ),
    ] = False,
    time_limit: Annotated[
        float | None,
        typer.Option(
            metavar="S",
            help="Seconds for search and bound of `posted` or `admission` beyond an exact answer.",
            show_default="a fixed number of steps",
        ),
    ] = None,
    gap: Annotated[
        float,
        typer.Option(metavar="G", help="Relative distance of its bound at which that search is good enough."),
    ] = 0.0,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write a row for each mAP as CSV, Parquet or NPZ, by suffix, too."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite --out if it exists.")] = False,
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

    posted and admission are exact where that takes seconds: posted up to a million associations, admission up to 16
    mAPs on 4 BSs or 20 on 2. Beyond, a search finds an association and an upper bound, under posted in a market of up
    to 100,000 pairs of mAP and BS only if --time-limit or --gap allows it. What is searched, and under any concept a
    market of more pairs, is solved on the listed pairs alone, which is fast for a million mAPs. It must be a single
    snapshot; --json then tells figures of the whole, --out what each mAP does, and --certify is not for it. gradient
    is for markets of up to 100,000 pairs.

    A scenario's list of values repeats over the mAPs, or the BSs, in the order of the tables, which is sorted by id:
    with cycles [1.6, 2.1], the first mAP has 1.6 Gcycle/MB.

    \b
    Example
      twinoffload solve --gain examples/gains.csv
      twinoffload solve --gain examples/gains.csv --concept admission --json
      twinoffload solve --gain examples/gains.csv --certify
      twinoffload gains --scenario city --out city.parquet
      twinoffload solve --gain city.parquet --concept admission \\
          --time-limit 20 --out who.csv
    """  # noqa: D301
    import twinoffload
    from twinoffload.cli.console import output, spinner
    from twinoffload.cli.options import check_out
    from twinoffload.cli.progress import reading, searching
    from twinoffload.cli.solution import check, city_document, document, show, show_city
    from twinoffload.equilibrium.profiles import check_enumerable
    from twinoffload.equilibrium.searching import SEARCHED, Search, is_exact
    from twinoffload.equilibrium.solution_file import write_solution
    from twinoffload.equilibrium.solve import SEARCH_REMEDY, SMALL
    from twinoffload.network.gain_file import dense, list_gains, sparse

    console = output()
    Search(time_limit, gap)  # refuses bad limits before anything is read
    if out is not None:
        check_out(out, force, gain=gain, scenario=scenario)
    chosen = twinoffload.Scenario.load(scenario)
    with reading(gain) as each:
        listed = list_gains(gain, snapshot, each)
    snapshots, maps, stations = listed.shape
    market = chosen.replace(gains=None, maps=maps, stations=stations).market()
    inexact = concept in SEARCHED and not is_exact(concept, maps, stations, market.idle_interferes)
    large = maps * stations > SMALL or inexact
    if concept == "gradient" and maps * stations > SMALL:
        raise ValueError(f"gradient: is for markets of at most {SMALL:,} pairs of mAP and BS; use --concept pairwise")
    if concept == "posted" and inexact and maps * stations <= SMALL and time_limit is None and gap == 0.0:
        check_enumerable(concept, maps, stations, market.idle_interferes, SEARCH_REMEDY)
    size = f"{concept} of {maps:,} mAPs on {stations:,} BSs"
    if large and snapshots > 1:
        raise ValueError(
            f"{gain}: has {snapshots:,} snapshots, but {size} is solved one at a time; choose one with --snapshot"
        )
    if large and certify:
        told = "found by search; leave it out and see regret and bound" if inexact else "too large; leave it out"
        raise ValueError(f"--certify: {size} is {told}")
    if large:
        gains = sparse(listed)
        with searching(concept) as watch:
            outcome = twinoffload.solve(market, gains.gain, concept, time_limit=time_limit, gap=gap, watch=watch)
        if out is not None:
            names: Any = {"maps": gains.maps, "stations": gains.stations, "snapshots": (gains.snapshot,)}
            write_solution(out, outcome, market.raw_data, overwrite=force, **names)
        if as_json:
            typer.echo(city_document(chosen, gains, outcome))
        else:
            show_city(console, chosen, gains, outcome)
        return
    gains = dense(listed)
    with spinner(f"Solving {concept}"):
        limits: Any = {"time_limit": time_limit, "gap": gap}
        outcome = twinoffload.solve(market, gains.gain, concept, within=gains.gain > 0.0, **limits)
        checked = check(market, gains, outcome) if certify else None
    if out is not None:
        names: Any = {"maps": gains.maps, "stations": gains.stations, "snapshots": gains.snapshots}
        write_solution(out, outcome, market.raw_data, overwrite=force, **names)
    if as_json:
        typer.echo(document(chosen, market, gains, outcome, checked))
    else:
        show(console, chosen, market, gains, outcome, checked)
