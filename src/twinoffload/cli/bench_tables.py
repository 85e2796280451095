"""How `twinoffload bench` shows what it measured."""

import statistics
from typing import Any


def _throughput(console: Any, found: dict[str, Any]) -> None:
    console.print("\nAgent updates a second, 10 seeds stacked; one agent of stable-baselines3's")
    table = new_table(
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
    console.print(bar_table(found["bars"]))


def _phases(console: Any, found: dict[str, Any]) -> None:
    console.print(f"\nWhere a training run's time goes, {1e3 * found['slot_s']:.1f} ms a slot of 10 seeds")
    table = new_table("phase", "ms a slot", "share")
    for row in found["rows"]:
        table.add_row(row["phase"], f"{row['ms_per_slot']:.2f}", f"{row['share']:.1%}")
    console.print(table)
    console.print(f"With the clock a slot takes {found['clocked']:.2f} times as long.")


def _probes(console: Any, found: dict[str, Any]) -> None:
    console.print("\nProbes: the value of all seeds that is farthest from the known one")
    table = new_table("probe", "learner", "quantity", "known", "found", "within", "")
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
        console.print(bar_table([row | {"name": f"{name}, {row['seconds']:.0f} s for all seeds"}], digits=0))


def _paper(console: Any, found: list[dict[str, Any]]) -> None:
    for case in found:
        console.print(f"\n{case['name']}: trained in {case['train_s']:.0f} s")
        console.print(bar_table(case["bars"]))


def _information(console: Any, found: list[dict[str, Any]]) -> None:
    console.print(
        "\nShare of the gap to admission under observation paper that the same learner closes if it sees more"
    )
    table = new_table("observation", "operator", "mAPs")
    for row in found:
        table.add_row(row["observation"], f"{row['operator_gap_closed']:.0%}", f"{row['map_gap_closed']:.0%}")
    console.print(table)


def _tuning(console: Any, found: list[dict[str, Any]]) -> None:
    console.print("\nTrials: medians over seeds on validation channels, best score first")
    table = new_table(
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


def _reached(console: Any, found: dict[str, Any]) -> None:
    rows = found["rows"]
    console.print(f"\namortised on held-out channels, trained in {found['train_s']:.0f} s; medians over seeds")
    table = new_table("scheme", "operator", "mAPs", "regret", "operator, share", "mAPs, share", "regret, share")
    for name in dict.fromkeys(row["scheme"] for row in rows):
        own = [row for row in rows if row["scheme"] == name]
        columns = (
            "operator_utility_money", "map_utility_money", "regret_money",
            "operator_share_of_admission", "map_share_of_admission", "regret_share",
        )  # fmt: skip
        table.add_row(name, *(f"{statistics.median(row[column] for row in own):.3f}" for column in columns))
    console.print(table)
    console.print("Money a slot, then shares of admission.")
    console.print(bar_table(found["bars"]))


def _sizes(console: Any, found: dict[str, Any]) -> None:
    console.print(f"\nOne policy on every size, trained in {found['train_s']:.0f} s; money a slot, medians [interval]")
    names = list(dict.fromkeys(bar["name"] for row in found["rows"] for bar in row["bars"]))
    table = new_table("N", "M", *(name.replace(" above", "\nabove").replace(" over", "\nover") for name in names))
    for row in found["rows"]:
        bars = {bar["name"]: bar for bar in row["bars"]}
        cells = (_cell(bars[name]) if name in bars else "" for name in names)
        table.add_row(str(row["maps"]), str(row["stations"]), *cells)
    console.print(table)
    console.print("!: misses its bar.")
    console.print(bar_table(found["bars"]))


def _speed(console: Any, found: dict[str, Any]) -> None:
    batch = found["batch"]
    console.print(
        f"\nA decision for {batch['networks']:,} networks: {1e3 * batch['decision_s']:.1f} ms, Algorithm 1 "
        f"{batch['algorithm_1_s']:.1f} s;\n{batch['gflop_per_s']:.1f} GFLOP/s in linear maps, products of large "
        f"matrices {batch['matrix_gflop_per_s']:.0f} GFLOP/s"
    )
    console.print(bar_table(found["bars"]))
    sizes = list(dict.fromkeys(row["maps"] for row in found["rows"]))
    console.print("One decision for one network, ms; *: a search that was stopped")
    table = new_table("scheme", *(f"N={maps:,}" for maps in sizes), "grows as N^")
    for name, slope in found["exponents"].items():
        own = [row for row in found["rows"] if row["scheme"] == name]
        cells = [
            row["how"] if row["decision_s"] is None
            else f"{1e3 * row['decision_s']:,.2f}{'*' * (row['how'] == 'searched')}"
            for row in own
        ]  # fmt: skip
        table.add_row(name, *cells, "" if slope is None else f"{slope:.2f}")
    console.print(table)


AMORTISED_TABLES = {"paper": _reached, "open": _reached, "private": _reached, "sizes": _sizes, "speed": _speed}


def _cell(bar: dict[str, Any]) -> str:
    missed = "!" if bar["met"] is False else ""
    return f"{bar['median']:.3f} [{bar['low']:.3f}, {bar['high']:.3f}]{missed}"


def bar_table(rows: list[dict[str, Any]], digits: int = 3) -> Any:
    """Medians with their intervals beside what they must reach."""
    table = new_table("", "median", "interval", "must be", "")
    for row in rows:
        interval = "" if row["low"] == row["high"] else f"[{row['low']:.{digits}f}, {row['high']:.{digits}f}]"
        sign = "≥" if row["at_least"] else "≤"
        bound = "" if row["bound"] is None else f"{sign} {row['bound']:g}{' throughout' * row['whole_interval']}"
        table.add_row(row["name"], f"{row['median']:.{digits}f}", interval, bound, _verdict(row["met"]))
    return table


def _verdict(met: bool | None) -> str:
    return "" if met is None else "met" if met else "not met"


def new_table(*columns: str) -> Any:
    """An empty table with right-aligned columns."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in columns:
        table.add_column(title, justify="right")
    return table
