"""The comparison as a table in the terminal."""

import math
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from twinoffload.cli.console import NOTHING
from twinoffload.experiments.comparison import REFERENCES, TIMES

_EARNED = (
    ("operator\nutility", "operator_utility", 2),
    ("share of\nadmission", "operator_share_of_admission", 3),
    ("mAP\nutility", "map_utility", 2),
    ("share of\nadmission", "map_share_of_admission", 3),
    ("regret\nshare", "regret_share", 3),
)
_DECIDED = (
    ("wrong\nBS", "wrong_association_share", 3),
    ("less best\nreply, MB", "data_bias_mb", 2),
    ("absolute\nMB", "data_error_mb", 2),
    ("decision\nms", "decision_ms", 2),
    ("batched\nms", "batched_decision_ms", 4),
)


def print_comparison(summary: dict[str, Any], console: Console) -> None:
    """Medians with their intervals over seeds, a row a scheme: what was earned, then how the mAPs decided."""
    held_out, seeds = summary["held_out"], summary["seeds"]
    console.print(
        f"\nScenario [bold]{summary['scenario']}[/bold]: {held_out['episodes']} held-out episodes of "
        f"{held_out['slots']} slots for each of {len(seeds)} seeds; median and interval over seeds, in money a slot."
    )
    console.print(_table(summary["rows"], _EARNED))
    console.print(
        "[dim]Regret: what an mAP's best reply to the same prices would have added, as a share of admission's mean mAP "
        "utility. A utility with large regret is no achievement: the mAPs paid too much or too little.[/dim]"
    )
    console.print(_table(summary["rows"], _DECIDED))
    console.print(
        "[dim]Wrong BS: share of decisions after which a move would pay. Data sent less the best reply's on the BS "
        "chosen, signed and absolute. One slot's decision, alone and in a batch, as measured here.[/dim]"
    )


def _number(value: float, digits: int) -> str:
    """Fewer digits before many: an interval of large or negative numbers would not fit."""
    if not math.isfinite(value):
        return NOTHING
    before = len(f"{value:z.0f}") - 1
    return f"{value:z.{max(digits - before, 0)}f}"


def _table(rows: list[dict[str, Any]], columns: tuple[tuple[str, str, int], ...]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1), header_style="bold")
    table.add_column("scheme\n(mAPs see)", no_wrap=True)
    for title, _, _ in columns:
        table.add_column(title, justify="right", no_wrap=True)
    for row in rows:
        cells = [f"{row['scheme']}\n[dim]({row['observation']})[/dim]"]
        for _, measure, digits in columns:
            value = row[measure]
            ends = (value[end] for end in ("median", "low", "high"))
            median, low, high = (_number(end, digits) for end in ends)
            cells.append(median if measure in TIMES else f"{median}\n[dim]{low}–{high}[/dim]")
        table.add_row(*cells, style="bold" if row["scheme"] not in REFERENCES else None)
    return table
