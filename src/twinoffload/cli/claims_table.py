"""Verdicts as tables in the terminal: one a claim and reading, then how many parts of each hold."""

from collections.abc import Sequence
from itertools import groupby

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from twinoffload.cli.console import NOTHING
from twinoffload.experiments.claims import READINGS, Claim
from twinoffload.experiments.claims.holm import LEVEL
from twinoffload.experiments.verdict import Verdict

_STYLES = {"holds": "bold green", "fails": "bold red", "undecided": "yellow"}
_SIGNS = {"holds": "+", "fails": "-", "undecided": "?"}
_WIDE = 120  # columns up to which tables grow


def print_verdicts(
    verdicts: Sequence[Verdict], claims: Sequence[Claim], console: Console, *, reasons: bool = False
) -> None:
    """Print a table for each claim and reading, and an overview.

    Args:
        verdicts: claim by claim, reading by reading.
        claims: their words.
        console: to print on.
        reasons: give them for all parts, not only for those that fail.
    """
    known = {claim.id: claim for claim in claims}
    for name, of_claim in groupby(verdicts, lambda verdict: verdict.claim):
        claim = known[name]
        console.print(Text.assemble("\n", (f"{claim.id}  {claim.words}", "bold"), (f"  ({claim.figure})", "dim")))
        for reading, parts in groupby(of_claim, lambda verdict: verdict.reading):
            _print_reading(list(parts), reading, console, reasons)
    console.print("\nHow many parts hold (+), fail (-) and are undecided (?), by claim and reading", style="bold")
    console.print(_overview(verdicts))
    for reading in dict.fromkeys(verdict.reading for verdict in verdicts):
        console.print(Text.assemble((reading, "underline"), (f": {READINGS[reading]}", "dim")))
    console.print(
        "Intervals cover one effect with 95 %. Among the parts of a claim under a reading the probability of any false "
        f"verdict is at most {100 * LEVEL:g} % each way (Holm). n: seeds, repeats or markets."
    )


def _print_reading(parts: list[Verdict], reading: str, console: Console, reasons: bool) -> None:
    shared = _shared_reason(parts)
    console.print(Text.assemble((reading, "underline"), (f": {shared}" if shared else "", "dim")))
    if all(part.effect is None for part in parts):
        words = f"{len(parts)} parts" if len(parts) > 1 else parts[0].part
        console.print(
            Text.assemble(("undecided", _STYLES["undecided"]), f" {words}{'' if shared else f': {parts[0].reason}'}")
        )
        return
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 1, 0, 0), width=min(console.width, _WIDE))
    table.add_column(width=max(map(len, _STYLES)), no_wrap=True)
    table.add_column(ratio=1)
    table.add_column(width=20)
    table.add_column(width=17)
    for part in parts:
        words, reason = Text(part.part), part.reason.removeprefix(shared).removeprefix("; ")
        if reason and (reasons or part.verdict == "fails" or part.effect is None):
            words.append(f"\n{reason}", "dim")
        table.add_row(Text(part.verdict, _STYLES[part.verdict]), words, _effect(part), _test(part))
    console.print(table)


def _shared_reason(parts: list[Verdict]) -> str:
    """The first reason where all parts have it, as where seeds are too few: told once."""
    first, *others = (part.reason.partition("; ")[0] for part in parts)
    measured = any(part.effect is not None for part in parts)
    return first if all(other == first for other in others) and (others or not measured) else ""


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
    p = "" if part.p is None else f"p {part.p:.3f}, " if part.p >= 0.001 else "p < .001, "
    return Text.assemble(name, (f"\n{p}n = {part.seeds}", "dim"))


def _number(value: float) -> str:
    """Three significant digits, or the whole number."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:z.3g}"


def _overview(verdicts: Sequence[Verdict]) -> Table:
    """Counts of verdicts, a row a claim and a column a reading."""
    readings = [reading for reading in READINGS if any(verdict.reading == reading for verdict in verdicts)]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim")
    table.add_column("claim", no_wrap=True)
    for reading in readings:
        table.add_column(reading.replace("-", "-\n") if len(reading) > 10 else reading, no_wrap=True)
    for claim, of_claim in groupby(verdicts, lambda verdict: verdict.claim):
        words: dict[str, list[str]] = {}
        for verdict in of_claim:
            words.setdefault(verdict.reading, []).append(verdict.verdict)
        table.add_row(claim, *(_counts(words.get(reading, [])) for reading in readings))
    return table


def _counts(words: Sequence[str]) -> Text:
    """Such as "8+ 2-"."""
    counted = [(f"{words.count(word)}{sign} ", _STYLES[word]) for word, sign in _SIGNS.items() if word in words]
    text = Text.assemble(*counted)
    text.rstrip()
    return text
