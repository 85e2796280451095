"""`twinoffload bench`: how fast it is, here and now."""

from typing import Annotated

import typer


def bench(
    what: Annotated[str, typer.Argument(help="equilibrium.")],
    scenario: Annotated[str, typer.Option(help="Preset or YAML file.")] = "paper",
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of tables.")] = False,
    threads: Annotated[int, typer.Option(min=1, max=1024, help="CPU threads.")] = 1,
) -> None:
    """Measure speed: snapshots a second of each concept, and `pairwise` against Algorithm 1 and scipy.optimize.

    All figures are of one run; on a shared machine compare ratios, not seconds.

    Example: twinoffload bench equilibrium
    """
    from json import dumps

    from rich import box
    from rich.console import Console
    from rich.table import Table

    from twinoffload.cli.options import use_machine
    from twinoffload.cli.progress import Bar, progress
    from twinoffload.experiments.benchmarks import equilibrium
    from twinoffload.scenario import Scenario

    if what != "equilibrium":
        raise ValueError(f"{what!r}: must be equilibrium")
    use_machine("cpu", threads)
    chosen = Scenario.load(scenario)
    with progress() as bars:
        bar = Bar(bars, "benchmarks", len(equilibrium.SIZES) * len(equilibrium.CONCEPTS) + 1)
        table = equilibrium.throughput(chosen, each=bar.advance)
        against = equilibrium.peers(chosen)
        bar.advance("peers")
    if json:
        typer.echo(dumps({"throughput": table.to_dicts(), "peers": against}, indent=2))
        return
    console = Console()
    console.print(f"Snapshots a second, scenario {chosen.name}, {threads} thread{'' if threads == 1 else 's'}")
    shown = Table(box=box.SIMPLE_HEAD)
    for title in ("N", "M", *equilibrium.CONCEPTS):
        shown.add_column(title, justify="right")
    for maps, stations in equilibrium.SIZES:
        speed = dict(table.filter(maps=maps, stations=stations).select("concept", "snapshots_per_s").iter_rows())
        shown.add_row(str(maps), str(stations), *(f"{speed[concept]:,.0f}" for concept in equilibrium.CONCEPTS))
    console.print(shown)
    console.print(f"gradient: Algorithm 1 with W = {equilibrium.GRADIENT_ITERATIONS}, one mAP at a time.")
    console.print(
        f"pairwise: {against['pairwise_per_s']:,.0f} snapshots a second in batches of {against['snapshots']};\n"
        f"  {against['times_faster_than_algorithm_1']:,.0f} times Algorithm 1 (one at a time, W = "
        f"{against['algorithm_1_iterations']}, same BSs in {against['algorithm_1_same_association']:.0%});\n"
        f"  {against['times_faster_than_scipy']:,.0f} times scipy.optimize (same BSs in "
        f"{against['scipy_same_association']:.0%})."
    )
