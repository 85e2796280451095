"""`twinoffload bench`: how fast it is, here and now."""

from typing import Annotated, Any, Literal

import typer


def bench(
    what: Annotated[Literal["equilibrium", "city", "learning"], typer.Argument(help="What is measured.")],
    scenario: Annotated[
        str | None, typer.Option(help="Preset or YAML file.", show_default="paper, of a city: city")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of tables.")] = False,
    threads: Annotated[int, typer.Option(min=1, max=1024, help="CPU threads.")] = 1,
    only: Annotated[
        str | None,
        typer.Option(help="Sections of `learning`, separated by commas.", show_default="all"),
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, max=1000, help="Seeds 0..K-1 that `learning` trains at once.")] = 5,
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

    All figures are of one run; on a shared machine compare ratios, not seconds.

    \b
    Example
      twinoffload bench equilibrium
      twinoffload bench city --json
      twinoffload bench learning --only throughput,phases
    """  # noqa: D301
    import json

    from rich.console import Console

    from twinoffload.cli.options import use_machine
    from twinoffload.scenario import Scenario

    if what != "learning" and only is not None:
        raise ValueError(f"--only {only!r}: belongs to `bench learning`; leave it out")
    use_machine("cpu", threads)
    chosen = Scenario.load(scenario or ("city" if what == "city" else "paper"))
    if what == "learning":
        found, show = _learning(chosen, only, seeds)
    else:
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


def _learning(scenario: Any, only: str | None, seeds: int) -> tuple[dict[str, Any], Any]:
    from twinoffload.cli.progress import Bar, progress
    from twinoffload.experiments.benchmarks import learning

    sections = learning.check_sections(only)
    with progress() as bars:
        bar = Bar(bars, "benchmarks", learning.steps(sections))
        found = learning.measure(scenario, sections, range(seeds), bar.advance)

    def show(console: Any) -> None:
        machine = found["machine"]
        console.print(f"{seeds} seeds, {machine['cpu']}, torch {machine['torch']}")
        for name, print_section in LEARNING_TABLES.items():
            if name in found:
                print_section(console, found[name])

    return found, show


def _throughput(console: Any, found: dict[str, Any]) -> None:
    console.print("\nAgent updates a second, 10 seeds stacked; one agent of stable-baselines3's")
    table = _table(
        "agent", "members", "width", "batch", "threads", "updates/s", "peer's", "GFLOP/s", "of matrix\nproduct"
    )
    for row in found["rows"]:
        peer = row["peer_updates_per_s"]
        table.add_row(
            row["agent"], str(row["members"]), str(row["width"]), str(row["batch"]), str(row["threads"]),
            f"{row['updates_per_s']:,.0f}", "" if peer is None else f"{peer:,.0f}", f"{row['gflop_per_s']:.0f}",
            f"{row['matrix_share']:.0%}",
        )  # fmt: skip
    console.print(table)
    console.print(
        "Equal networks and batches (64 is the paper's), each side at its best number of threads;\n"
        "all: every agent of all seeds updated once."
    )
    console.print(_bars(found["bars"]))


def _phases(console: Any, found: dict[str, Any]) -> None:
    console.print(f"\nWhere a training run's time goes, {1e3 * found['slot_s']:.1f} ms a slot of 10 seeds")
    table = _table("phase", "ms a slot", "share")
    for row in found["rows"]:
        table.add_row(row["phase"], f"{row['ms_per_slot']:.2f}", f"{row['share']:.1%}")
    console.print(table)
    console.print(f"With the clock a slot takes {found['clocked']:.2f} times as long.")


def _probes(console: Any, found: dict[str, Any]) -> None:
    console.print("\nProbes: the value of all seeds that is farthest from the known one")
    table = _table("probe", "learner", "quantity", "known", "found", "within", "")
    for row in found["rows"]:
        table.add_row(
            row["probe"], row["algorithm"], row["quantity"],
            f"{row['known']:.3f}", f"{row['found']:.3f}", f"{row['tolerance']:g}",
            _verdict(row["met"]),
        )  # fmt: skip
    console.print(table)


def _pendulum(console: Any, found: dict[str, Any]) -> None:
    console.print(f"\nPendulum-v1, mean return after {found['steps']:,} steps a seed")
    for name in ("twinoffload", "stable-baselines3"):
        row = found[name]
        console.print(_bars([row | {"name": f"{name}, {row['seconds']:.0f} s for all seeds"}], digits=0))


def _paper(console: Any, found: list[dict[str, Any]]) -> None:
    for case in found:
        console.print(f"\n{case['name']}: trained in {case['train_s']:.0f} s")
        console.print(_bars(case["bars"]))


def _information(console: Any, found: list[dict[str, Any]]) -> None:
    console.print(
        "\nShare of the gap to admission under observation paper that the same learner closes if it sees more"
    )
    table = _table("observation", "operator", "mAPs")
    for row in found:
        table.add_row(row["observation"], f"{row['operator_gap_closed']:.0%}", f"{row['map_gap_closed']:.0%}")
    console.print(table)


def _tuning(console: Any, found: list[dict[str, Any]]) -> None:
    console.print("\nTrials: medians over seeds on validation channels, best score first")
    table = _table(
        "algorithm", "trial", "operator\nrate", "mAPs'\nrate", "operator\nexplores", "mAPs\nexplore", "batch",
        "operator", "mAPs", "regret", "score",
    )  # fmt: skip
    for row in sorted(found, key=lambda row: (row["algorithm"], -row["score"])):
        table.add_row(
            row["algorithm"], str(row["trial"]), f"{row['operator_rate']:.1e}", f"{row['maps_rate']:.1e}",
            f"{row['operator_exploration']:g}", f"{row['maps_exploration']:g}", str(row["operator_batch"]),
            f"{row['operator_share_of_admission']:.3f}", f"{row['map_share_of_admission']:.3f}",
            f"{row['regret_share']:.3f}", f"{row['score']:.3f}",
        )  # fmt: skip
    console.print(table)


LEARNING_TABLES = {
    "throughput": _throughput,
    "phases": _phases,
    "probes": _probes,
    "pendulum": _pendulum,
    "paper": _paper,
    "information": _information,
    "tuning": _tuning,
}


def _bars(rows: list[dict[str, Any]], digits: int = 3) -> Any:
    """Medians with their intervals beside what they must reach."""
    table = _table("", "median", "interval", "must be", "")
    for row in rows:
        interval = "" if row["low"] == row["high"] else f"[{row['low']:.{digits}f}, {row['high']:.{digits}f}]"
        sign = "≥" if row["at_least"] else "≤"
        bound = "" if row["bound"] is None else f"{sign} {row['bound']:g}{' throughout' * row['whole_interval']}"
        table.add_row(row["name"], f"{row['median']:.{digits}f}", interval, bound, _verdict(row["met"]))
    return table


def _verdict(met: bool | None) -> str:
    return "" if met is None else "met" if met else "not met"


def _table(*columns: str) -> Any:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in columns:
        table.add_column(title, justify="right")
    return table
