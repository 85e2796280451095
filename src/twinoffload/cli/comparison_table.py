"""The comparison as a table in the terminal."""

import math
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from twinoffload.cli.console import NOTHING

_COLUMNS = (
    ("operator\nutility", "operator_utility", 2),
    ("share of\nadmission", "operator_share_of_admission", 3),
    ("mAP\nutility", "map_utility", 2),
    ("share of\nadmission", "map_share_of_admission", 3),
    ("regret\nshare", "regret_share", 3),
)


def print_comparison(summary: dict[str, Any], console: Console) -> None:
    """Medians with their intervals over seeds, a row a scheme."""
    held_out, seeds = summary["held_out"], summary["seeds"]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1), header_style="bold")
    table.add_column("scheme\n(mAPs see)", no_wrap=True)
    for title, _, _ in _COLUMNS:
        table.add_column(title, justify="right", no_wrap=True)
    for row in summary["rows"]:
        cells = [f"{row['scheme']}\n[dim]({row['observation']})[/dim]"]
        for _, measure, digits in _COLUMNS:
            value = row[measure]
            ends = (value[end] for end in ("median", "low", "high"))
            median, low, high = (f"{end:.{digits}f}" if math.isfinite(end) else NOTHING for end in ends)
            cells.append(f"{median}\n[dim]{low}–{high}[/dim]")
        table.add_row(*cells, style="bold" if row["scheme"] == "sac" else None)
    console.print(
        f"\nScenario [bold]{summary['scenario']}[/bold]: {held_out['episodes']} held-out episodes of "
        f"{held_out['slots']} slots for each of {len(seeds)} seeds; median and interval over seeds, in money a slot."
    )
    console.print(table)
    console.print(
        "[dim]Regret: what an mAP's best reply to the same prices would have added, as a share of admission's mean mAP "
        "utility. A utility with large regret is no achievement: the mAPs paid too much or too little.[/dim]"
    )
