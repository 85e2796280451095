"""`twinoffload bench`: how fast it is, here and now."""

from typing import Annotated, Any, Literal

import typer


def bench(
    what: Annotated[Literal["equilibrium", "city"], typer.Argument(help="What is measured.")],
    scenario: Annotated[
        str | None, typer.Option(help="Preset or YAML file.", show_default="paper, of a city: city")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of tables.")] = False,
    threads: Annotated[int, typer.Option(min=1, max=1024, help="CPU threads.")] = 1,
) -> None:
    """Measure speed.

    \b
    equilibrium  snapshots a second of each concept; `pairwise` against
                 Algorithm 1 and scipy.optimize (a minute)
    city         `pairwise` from 10^4 to 10^6 mAPs, and how far `admission`
                 is from its bound after 30 s (five minutes, 2 GB)

    All figures are of one run; on a shared machine compare ratios, not seconds.

    \b
    Example
      twinoffload bench equilibrium
      twinoffload bench city --json
    """  # noqa: D301
    import json

    from rich.console import Console

    from twinoffload.cli.options import use_machine
    from twinoffload.scenario import Scenario

    use_machine("cpu", threads)
    chosen = Scenario.load(scenario or {"equilibrium": "paper", "city": "city"}[what])
    found, show = (_equilibrium if what == "equilibrium" else _city)(chosen)
    if as_json:
        typer.echo(json.dumps({"scenario": chosen.name, "threads": threads} | found, indent=2))
        return
    console = Console(highlight=False)
    console.print(f"Scenario {chosen.name}, {threads} thread{'' if threads == 1 else 's'}")
    show(console)


def _equilibrium(scenario: Any) -> tuple[dict[str, Any], Any]:
    """(figures, how they are shown)."""
    from twinoffload.cli.progress import Bar, progress
    from twinoffload.experiments.benchmarks import equilibrium

    with progress() as bars:
        bar = Bar(bars, "benchmarks", len(equilibrium.SIZES) * len(equilibrium.CONCEPTS) + 1)
        speeds = equilibrium.throughput(scenario, each=bar.advance)
        against = equilibrium.peers(scenario)
        bar.advance("peers")

    def show(console: Any) -> None:
        table = _table("N", "M", *equilibrium.CONCEPTS)
        for maps, stations in equilibrium.SIZES:
            speed = dict(speeds.filter(maps=maps, stations=stations).select("concept", "snapshots_per_s").iter_rows())
            table.add_row(str(maps), str(stations), *(f"{speed[concept]:,.0f}" for concept in equilibrium.CONCEPTS))
        console.print("\nSnapshots a second")
        console.print(table)
        console.print(f"gradient: Algorithm 1 with W = {equilibrium.GRADIENT_ITERATIONS}, one mAP at a time.")
        console.print(
            f"pairwise: {against['pairwise_per_s']:,.0f} snapshots a second in batches of {against['snapshots']};\n"
            f"  {against['times_faster_than_algorithm_1']:,.0f} times Algorithm 1 (one at a time, W = "
            f"{against['algorithm_1_iterations']}, same BSs in {against['algorithm_1_same_association']:.0%});\n"
            f"  {against['times_faster_than_scipy']:,.0f} times scipy.optimize (same BSs in "
            f"{against['scipy_same_association']:.0%})."
        )

    return {"throughput": speeds.to_dicts(), "peers": against}, show


def _city(scenario: Any) -> tuple[dict[str, Any], Any]:
    from twinoffload.cli.progress import Bar, progress
    from twinoffload.experiments.benchmarks import city

    with progress() as bars:
        bar = Bar(bars, "benchmarks", len(city.SIZES) + len(city.CERTIFIED))
        times = city.timings(scenario, city.SIZES, each=bar.advance)
        certified = city.gaps(scenario, each=bar.advance)
    slope = city.exponent(times)

    def show(console: Any) -> None:
        console.print("\npairwise, 2 mAPs a BS, k = 4")
        table = _table(
            "mAPs", "seconds", "sweeps", "times\nplain", "memory\nlimit", "ln, exp\nlimit", "largest\nregret", "GB"
        )
        for row in times.to_dicts():
            table.add_row(
                f"{row['maps']:,}", f"{row['pairwise_s']:.3f}", str(row["sweeps"]),
                f"{row['times_faster_than_plain']:.1f}", f"{row['memory_limit_share']:.1%}",
                f"{row['logarithm_limit_share']:.1%}", f"{row['largest_regret']:.0e}", f"{row['peak_memory_gb']:.2f}",
            )  # fmt: skip
        console.print(table)
        console.print(f"Seconds grow as N^{slope:.2f}. Limits: share of what a plain sweep would take at the speed of")
        console.print("memory, or of its logarithms and exponentials alone. GB: peak of the process.")
        console.print("\nadmission, value and bound after a time")
        table = _table("mAPs", "a BS", "k", "idle mAPs", "seconds", "value", "bound", "gap")
        for row in certified.to_dicts():
            table.add_row(
                f"{row['maps']:,}", f"{row['maps'] / row['stations']:.0f}", str(row["k"]),
                "interfere" if row["idle_interferes"] else "silent", f"{row['taken_s']:.0f}",
                f"{row['operator_utility']:,.1f}", f"{row['bound']:,.1f}", f"{row['gap']:.2%}",
            )  # fmt: skip
        console.print(table)

    return {"pairwise": times.to_dicts(), "exponent": slope, "admission": certified.to_dicts()}, show


def _table(*columns: str) -> Any:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in columns:
        table.add_column(title, justify="right")
    return table
