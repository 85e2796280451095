"""Verdicts as tables in the terminal: one a claim, the first reading first."""

from collections.abc import Sequence
from itertools import groupby

from rich.console import Console
from rich.table import Table
from rich.text import Text

from twinoffload.cli.console import NOTHING
from twinoffload.experiments.claims import READINGS, Claim
from twinoffload.experiments.claims.holm import LEVEL
from twinoffload.experiments.verdict import Verdict

_STYLES = {"holds": "bold green", "fails": "bold red", "undecided": "yellow"}
_WIDTHS = {"verdict": 9, "effect": 20, "test": 20}
_WIDE = 120  # columns up to which tables grow


def print_verdicts(
    verdicts: Sequence[Verdict], claims: Sequence[Claim], console: Console, *, reasons: bool = False
) -> None:
    """Print a table for each claim, and how many parts hold.

    Args:
        verdicts: claim by claim, reading by reading.
        claims: their words.
        console: to print on.
        reasons: give them for parts that hold, too.
    """
    known = {claim.id: claim for claim in claims}
    for name, of_claim in groupby(verdicts, lambda verdict: verdict.claim):
        claim = known[name]
        console.print(Text.assemble("\n", (f"{claim.id}  {claim.words}", "bold"), (f"  ({claim.figure})", "dim")))
        for reading, parts in groupby(of_claim, lambda verdict: verdict.reading):
            _print_reading(list(parts), reading, console, reasons)
    console.print()
    for line in _summary(verdicts):
        console.print(line)


def _print_reading(parts: list[Verdict], reading: str, console: Console, reasons: bool) -> None:
    console.print(Text.assemble((f"{reading}: ", "underline"), (READINGS[reading], "dim")))
    if all(part.effect is None for part in parts):
        words = f"{len(parts)} parts" if len(parts) > 1 else "1 part"
        console.print(Text.assemble(("undecided", _STYLES["undecided"]), f" {words}: {parts[0].reason}"))
        return
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 1, 0, 0), width=min(console.width, _WIDE))
    table.add_column(width=_WIDTHS["verdict"], no_wrap=True)
    table.add_column(ratio=1)
    table.add_column(width=_WIDTHS["effect"])
    table.add_column(width=_WIDTHS["test"])
    for part in parts:
        told = Text(part.part)
        if part.reason and (reasons or part.verdict != "holds"):
            told.append(f"\n{part.reason}", "dim")
        table.add_row(Text(part.verdict, _STYLES[part.verdict]), told, _effect(part), _test(part))
    console.print(table)


def _effect(part: Verdict) -> Text:
    """Estimate and unit, then the interval."""
    if part.effect is None or part.low is None or part.high is None:
        return Text(NOTHING)
    ends = "" if part.low == part.high else f"\n[{_number(part.low)}, {_number(part.high)}]"
    return Text.assemble(f"{_number(part.effect)} {part.unit}", (ends, "dim"))


def _test(part: Verdict) -> Text:
    if part.effect is None:
        return Text(NOTHING)
    name, _, _ = part.test.partition(",")
    p = "" if part.p is None else f"p {part.p:.3f}, " if part.p >= 0.001 else "p < 0.001, "
    return Text.assemble(name, (f"\n{p}n = {part.seeds}", "dim"))


def _number(value: float) -> str:
    """Three significant digits, or the whole number."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:z.3g}"


def _summary(verdicts: Sequence[Verdict]) -> list[str]:
    lines = []
    for reading in READINGS:
        words = [verdict.verdict for verdict in verdicts if verdict.reading == reading]
        if words:
            counts = ", ".join(f"{words.count(word)} {said}" for word, said in _COUNTED.items())
            lines.append(f"{reading}: of {len(words)} parts {counts}.")
    lines.append(
        f"Intervals cover one effect with 95 %. Within a claim and reading a false verdict has at most {LEVEL:.0%} each "
        "way (Holm); n is the number of seeds, or of repeats or markets."
    )
    return lines


_COUNTED = {"holds": "hold", "fails": "fail", "undecided": "are undecided"}
