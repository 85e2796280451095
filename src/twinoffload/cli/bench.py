"""`twinoffload bench`: how fast it is, here and now."""

from typing import Annotated, Any, Literal

import typer


def bench(
    what: Annotated[
        Literal["equilibrium", "city", "learning", "amortised", "environment", "study"],
        typer.Argument(help="What is measured."),
    ],
    scenario: Annotated[
        str | None, typer.Option(help="Preset or YAML file.", show_default="paper, of a city: city")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of tables.")] = False,
    threads: Annotated[int, typer.Option(min=1, max=1024, help="CPU threads.")] = 1,
    only: Annotated[
        str | None,
        typer.Option(help="Sections of `learning` or `amortised`, separated by commas.", show_default="all"),
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, max=1000, help="Seeds 0..K-1 that are trained at once.")] = 5,
) -> None:
    """Measure speed.

    \b
    equilibrium  snapshots a second of each concept; `pairwise` against
                 Algorithm 1 and scipy.optimize (a minute)
    city         `pairwise` from 10^4 to 10^6 mAPs, and how far `admission`
                 is from its bound after 30 s (five minutes, 2 GB)
    learning     throughput (against stable-baselines3), phases (where the
                 time goes), probes (known answers), pendulum, and paper
                 (what SAC, TD3 and DDPG reach), tuning (the trials that
                 chose their settings); an hour in all
    amortised    one policy for any network: paper, open and private (what
                 it reaches on these presets), sizes (N = 4 to 10, M = 2 to
                 4, beside policies trained for each), speed (against
                 Algorithm 1, and up to N = 10,000)
    environment  slots a second beside mobile-env's steps on networks of
                 the same sizes (a minute)
    study        what the study engine costs on 10,000 cells that cost nothing

    All figures are of one run; on a shared machine compare ratios, not seconds.

    \b
    Example
      twinoffload bench equilibrium
      twinoffload bench city --json
      twinoffload bench learning --only throughput,phases
      twinoffload bench amortised --only speed
    """  # noqa: D301
    import json

    from rich.console import Console

    from twinoffload.cli.options import use_machine
    from twinoffload.scenario import Scenario

    if what not in ("learning", "amortised") and only is not None:
        raise ValueError(f"--only {only!r}: belongs to `bench learning` and `bench amortised`; leave it out")
    use_machine("cpu", threads)
    chosen = Scenario.load(scenario or ("city" if what == "city" else "paper"))
    if what in ("learning", "amortised"):
        found, show = _in_sections(chosen, what, only, seeds)
    else:
        found, show = _ALONE[what](chosen)
    if as_json:
        typer.echo(json.dumps({"scenario": chosen.name, "threads": threads} | found, indent=2))
        return
    console = Console(highlight=False)
    console.print(f"Scenario {chosen.name}, {threads} thread{'' if threads == 1 else 's'}")
    show(console)


def _equilibrium(scenario: Any) -> tuple[dict[str, Any], Any]:
    """(figures, how they are shown)."""
    from twinoffload.cli.bench_tables import new_table
    from twinoffload.cli.progress import Bar, progress
    from twinoffload.experiments.benchmarks import equilibrium

    with progress() as bars:
        bar = Bar(bars, "benchmarks", len(equilibrium.SIZES) * len(equilibrium.CONCEPTS) + 1)
        speeds = equilibrium.throughput(scenario, each=bar.advance)
        against = equilibrium.peers(scenario)
        bar.advance("peers")

    def show(console: Any) -> None:
        table = new_table("N", "M", *equilibrium.CONCEPTS)
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
    from twinoffload.cli.bench_tables import new_table
    from twinoffload.cli.progress import Bar, progress
    from twinoffload.experiments.benchmarks import city

    with progress() as bars:
        bar = Bar(bars, "benchmarks", len(city.SIZES) + len(city.CERTIFIED))
        times = city.timings(scenario, city.SIZES, each=bar.advance)
        certified = city.gaps(scenario, each=bar.advance)
    slope = city.exponent(times)

    def show(console: Any) -> None:
        console.print("\npairwise, 2 mAPs a BS, k = 4")
        table = new_table(
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
        table = new_table("mAPs", "a BS", "k", "idle mAPs", "seconds", "value", "bound", "gap")
        for row in certified.to_dicts():
            table.add_row(
                f"{row['maps']:,}", f"{row['maps'] / row['stations']:.0f}", str(row["k"]),
                "interfere" if row["idle_interferes"] else "silent", f"{row['taken_s']:.0f}",
                f"{row['operator_utility']:,.1f}", f"{row['bound']:,.1f}", f"{row['gap']:.2%}",
            )  # fmt: skip
        console.print(table)

    return {"pairwise": times.to_dicts(), "exponent": slope, "admission": certified.to_dicts()}, show


def _environment(scenario: Any) -> tuple[dict[str, Any], Any]:
    from twinoffload.cli.bench_tables import new_table
    from twinoffload.cli.progress import Bar, progress
    from twinoffload.experiments.benchmarks import environment

    with progress() as bars:
        bar = Bar(bars, "benchmarks", environment.steps())
        rows = environment.speeds(scenario, each=bar.advance)

    def show(console: Any) -> None:
        console.print("\nSteps a second: one slot in which everybody decides at random")
        table = new_table(
            "N", "M", "mobile-env", "batch", "slots\nalone", "times\nmobile-env", "whole", "times\nmobile-env"
        )
        for row in rows:
            peer = row["mobile_env_steps_per_s"]
            ratios = [
                "" if peer is None else
                f"{row[f'{kind}_times_faster']:,.0f}\n[dim]{row[f'{kind}_times_faster_low']:,.0f}–"
                f"{row[f'{kind}_times_faster_high']:,.0f}[/dim]"
                for kind in ("slots", "whole")
            ]  # fmt: skip
            table.add_row(
                str(row["maps"]), str(row["stations"]), "" if peer is None else f"{peer:,.0f}", f"{row['batch']:,}",
                f"{row['slots_per_s']:,.0f}", ratios[0], f"{row['whole_per_s']:,.0f}", ratios[1],
            )  # fmt: skip
        console.print(table)
        console.print(
            "Whole: with drawing trajectories and channels, and with all that operator and\nmAPs see. "
            "mobile-env plays one environment at a time. Medians and ranges of\nturns in which both were timed."
        )

    return {"rows": rows}, show


def _study(scenario: Any) -> tuple[dict[str, Any], Any]:
    from twinoffload.cli.bench_tables import new_table
    from twinoffload.cli.progress import Bar, progress
    from twinoffload.experiments.benchmarks import study

    with progress() as bars:
        bar = Bar(bars, "benchmarks", 2 * len(study.TOGETHER))
        rows = study.overhead(each=bar.advance).to_dicts()

    def show(console: Any) -> None:
        console.print("\nA study of empty cells, from the first file to the table")
        table = new_table("computed in", "a group", "cells", "seconds", "ms a cell")
        for row in rows:
            table.add_row(
                row["where"], str(row["cells_of_a_group"]), f"{row['cells']:,}", f"{row['s']:.2f}",
                f"{row['ms_per_cell']:.3f}",
            )  # fmt: skip
        console.print(table)

    return {"overhead": rows}, show


def _in_sections(scenario: Any, what: str, only: str | None, seeds: int) -> tuple[dict[str, Any], Any]:
    """Of `learning` and `amortised`."""
    from twinoffload.cli import bench_tables
    from twinoffload.cli.progress import Bar, progress
    from twinoffload.experiments.benchmarks.sections import check_sections

    if what == "learning":
        from twinoffload.experiments.benchmarks import learning as benchmark

        tables = bench_tables.LEARNING_TABLES
    else:
        from twinoffload.experiments.benchmarks import amortised as benchmark

        tables = bench_tables.AMORTISED_TABLES
    sections = check_sections(only, benchmark.SECTIONS)
    with progress() as bars:
        bar = Bar(bars, "benchmarks", benchmark.steps(sections))
        found = benchmark.measure(scenario, sections, range(seeds), bar.advance)

    def show(console: Any) -> None:
        machine = found["machine"]
        console.print(f"{seeds} seed{'' if seeds == 1 else 's'}, {machine['cpu']}, torch {machine['torch']}")
        for name, print_section in tables.items():
            if name in found:
                console.print(f"\n[bold]{name}[/bold]")
                print_section(console, found[name])

    return found, show


_ALONE = {"equilibrium": _equilibrium, "city": _city, "environment": _environment, "study": _study}
