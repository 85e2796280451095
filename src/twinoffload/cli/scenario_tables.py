"""Screens of `twinoffload scenario`."""

from typing import Any

from rich.table import Table
from rich.text import Text

from twinoffload.cli.console import number, output
from twinoffload.scenario import Scenario
from twinoffload.scenario.derived import Derived
from twinoffload.scenario.described import rows

_SHOWN = 6  # values of a list
_PLACES = ("station_layout", "density", "candidates", "side", "station_positions", "height", "path_loss", "mobility")


def show_fields(scenario: Scenario) -> None:
    """A line a field; a star where it differs from the default."""
    console = output()
    table = Table(header_style="dim", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("field", no_wrap=True)
    table.add_column("value", max_width=22, overflow="fold")
    table.add_column("unit", max_width=12)
    table.add_column("meaning", ratio=1)
    for row in rows(scenario):
        if scenario.gains is not None and row.name.startswith(_PLACES):
            continue
        look = "bold" if row.changed else ""
        mark = "*" if row.changed else " "
        table.add_row(
            Text(f"{mark} {row.name}", look), Text(_told(row.value), look), Text(row.unit), Text(row.meaning, "dim")
        )
    console.print(Text(f"Scenario {scenario.name}", "bold"))
    console.print(table)
    console.print("* differs from the default. Lists repeat over the mAPs, or the BSs.")
    if scenario.gains is not None:
        console.print(f"Not used beside measured gains: {', '.join(_PLACES)}.")


def show_check(source: str, scenario: Scenario, derived: Derived, obstacles: dict[str, str | None]) -> None:
    """What follows from a sound scenario."""
    console = output()
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(ratio=1)
    for name, told in _facts(scenario, derived):
        table.add_row(Text(f"  {name}", "dim"), Text(told))
    for name, reason in obstacles.items():
        words = "yes" if reason is None else f"no: {reason.removeprefix(f'scenario {scenario.name}: ')}"
        table.add_row(Text(f"  {name}", "dim"), Text(words, "" if reason is None else "yellow"))
    for warning in derived.warnings:
        table.add_row(Text("  look", "yellow"), Text(warning, "yellow"))
    console.print(Text.assemble((source, "bold"), ": sound"), soft_wrap=True)
    console.print(table)


def _facts(scenario: Scenario, derived: Derived) -> list[tuple[str, str]]:
    worth, cap = derived.worth_money_per_mb, derived.cap_money_per_mb
    limit = "no cap" if cap is None else f"cap {cap:g}, {'which binds' if cap < worth else 'beyond it'}"
    facts = [
        ("size", f"{scenario.maps:,} mAPs on {scenario.stations:,} BSs, episodes of {scenario.slots:,} slots"),
        ("noise", f"{_told([float(f'{noise:.3g}') for noise in dict.fromkeys(derived.noise_w)])} W at each BS"),
        ("highest price", f"nobody buys from {worth:g} money/MB on; {limit}"),
    ]
    if derived.snr_db is not None and derived.best_snr_db is not None:
        signal = (
            f"{number(derived.snr_db, 1)} dB on average over all pairs, {number(derived.best_snr_db, 1)} dB at the "
        )
        facts.append(("SNR", f"{signal}strongest BS of each mAP (no interference)"))
    if derived.slots is not None:
        total, training, held_out = derived.slots
        facts.append(("trace", f"{total:,} slots: {training:,} for training, {held_out:,} held out"))
    many = "over 10^17" if derived.associations is None else f"{derived.associations:,}"
    return [*facts, ("associations", f"{many} in an exact search")]


def _told(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{key} {_told(part)}" for key, part in value.items() if part is not None and key != "sha256")
    if isinstance(value, list):
        more = f", ... ({len(value):,} in all)" if len(value) > _SHOWN else ""
        parts = [f"({_told(part)})" if isinstance(part, list) else _told(part) for part in value[:_SHOWN]]
        return ", ".join(parts) + more
    return f"{value:g}" if isinstance(value, float) else str(value)
