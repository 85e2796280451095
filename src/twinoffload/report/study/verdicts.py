"""Verdicts as a reader meets them: counted, laid out claim by claim, and told in sentences."""

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from twinoffload.experiments.verdict import Verdict
from twinoffload.report.study.claims import MAIN, Claim, claim_named, in_order, readings_in_order
from twinoffload.report.study.prose import slug
from twinoffload.report.wording import listed, number

SYMBOLS = {"holds": "✓", "fails": "✗", "undecided": "?", "mixed": "◐", "not tested": "–"}
_MANY = {"holds": "hold", "fails": "fail", "undecided": "undecided"}


class Count(NamedTuple):
    """How many verdicts are which."""

    holds: int
    fails: int
    undecided: int

    @classmethod
    def of(cls, verdicts: Iterable[Verdict]) -> "Count":
        """Of some verdicts."""
        words = [verdict.verdict for verdict in verdicts]
        return cls(*(words.count(word) for word in cls._fields))  # type: ignore[arg-type]

    @property
    def word(self) -> str:
        """The verdict that all share, else `mixed`."""
        found = [name for name, count in self._asdict().items() if count]
        return found[0] if len(found) == 1 else "mixed" if found else "not tested"

    @property
    def symbol(self) -> str:
        """Of the word."""
        return SYMBOLS[self.word]

    @property
    def text(self) -> str:
        """Such as "3 hold, 1 fails"."""
        return ", ".join(
            f"{count} {name if count == 1 else _MANY[name]}" for name, count in self._asdict().items() if count
        )


class Row(NamedTuple):
    """A verdict as a table's row.

    Attributes:
        verdict: the record.
        first: whether its part is said here; it is not in the rows of its other readings, which follow.
        reason: left out where the row above gives the same.
        effect, interval, test: as text.
        letter: of the command in the section's list.
    """

    verdict: Verdict
    first: bool
    reason: str
    effect: str
    interval: str
    test: str
    letter: str

    @property
    def symbol(self) -> str:
        """Of the verdict."""
        return SYMBOLS[self.verdict.verdict]


class Section(NamedTuple):
    """A claim with everything that was found.

    Attributes:
        claim: its words.
        main: verdicts under the main reading, counted.
        rows: part by part, the main reading first.
        commands: letter and command of every table that was read.
    """

    claim: Claim
    main: Count
    rows: list[Row]
    commands: dict[str, str]

    @property
    def heading(self) -> str:
        """Such as "C4: bandwidth"."""
        return f"{self.claim.id}: {self.claim.title}" if self.claim.title else self.claim.id

    @property
    def anchor(self) -> str:
        """Of the heading."""
        return slug(self.heading)


class Change(NamedTuple):
    """A part whose verdict another reading changes."""

    verdict: Verdict
    before: Verdict


def sections(verdicts: Sequence[Verdict], always: Sequence[str] = ()) -> list[Section]:
    """One for each claim that has verdicts, and for those that have a place `always`, in order."""
    found = []
    for name in in_order([*always, *(verdict.claim for verdict in verdicts)]):
        mine = [verdict for verdict in verdicts if verdict.claim == name]
        commands = {source: chr(ord("A") + at) for at, source in enumerate(dict.fromkeys(v.source for v in mine))}
        main = Count.of(verdict for verdict in mine if verdict.reading == MAIN)
        by_letter = {letter: source for source, letter in commands.items()}
        found.append(Section(claim_named(name), main, list(_rows(mine, commands)), by_letter))
    return found


def _rows(verdicts: list[Verdict], commands: dict[str, str]) -> Iterable[Row]:
    """Parts in the order of the main reading, each with its readings."""
    order = readings_in_order([verdict.reading for verdict in verdicts])
    ranked = sorted(verdicts, key=lambda verdict: order.index(verdict.reading))
    for part in dict.fromkeys(verdict.part for verdict in ranked):
        above = None
        for verdict in (verdict for verdict in ranked if verdict.part == part):
            reason = "" if above is not None and verdict.reason == above.reason else verdict.reason
            effect, interval = effect_text(verdict)
            yield Row(verdict, above is None, reason, effect, interval, test_text(verdict), commands[verdict.source])
            above = verdict


def matrix(claims: Sequence[Section]) -> tuple[list[str], list[tuple[Section, list[Count]]]]:
    """Readings, and for each claim its verdicts under each, counted."""
    readings = readings_in_order([MAIN, *(row.verdict.reading for section in claims for row in section.rows)])
    rows = []
    for section in claims:
        counts = [Count.of(row.verdict for row in section.rows if row.verdict.reading == name) for name in readings]
        rows.append((section, counts))
    return readings, rows


def effect_text(verdict: Verdict) -> tuple[str, str]:
    """Size with its unit, and the interval, with as many decimals as the largest of the three numbers needs."""
    if verdict.effect is None:
        return "–", ""
    ends = [verdict.low, verdict.high]
    known = [abs(value) for value in (verdict.effect, *ends) if value is not None and math.isfinite(value)]
    largest = max(known, default=0.0)
    if 0.0 < largest < 1e-3:
        effect, low, high = (_power(value) for value in (verdict.effect, *ends))
    else:
        digits = 3 if largest == 0.0 else max(0, 2 - math.floor(math.log10(largest)))
        effect, low, high = (number(value, digits) for value in (verdict.effect, *ends))
    interval = "" if verdict.low is None and verdict.high is None else f"[{low}, {high}]"
    return f"{effect} {verdict.unit}".strip(), interval


_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def _power(value: float | None) -> str:
    """Two digits and a power of ten."""
    if value is None or not math.isfinite(value) or value == 0.0:
        return number(value, 0)
    digits, power = f"{value:.1e}".split("e")
    return f"{digits}·10{str(int(power)).translate(_RAISED)}".replace("-", "−")


def test_text(verdict: Verdict) -> str:
    """The test, and its p to two digits."""
    if verdict.p is None:
        return verdict.test
    p = "p < 0.001" if verdict.p < 0.001 else f"p = {verdict.p:.2g}"
    return f"{verdict.test}, {p}" if verdict.test else p


def summary(verdicts: Sequence[Verdict]) -> list[str]:
    """Paragraphs: how many hold, fail and are undecided under the main reading, and which."""
    main = [verdict for verdict in verdicts if verdict.reading == MAIN]
    if not main:
        return ["Nothing has a verdict under the main reading yet."]
    paper = [section for section in sections(main) if not section.claim.id.startswith("D")]
    ours = [section for section in sections(main) if section.claim.id.startswith("D")]
    found = []
    if paper:
        count = Count.of(row.verdict for section in paper for row in section.rows)
        found.append(
            f"Read as printed, the paper's {_counted(len(paper), 'claim')} made {_counted(sum(count), 'statement')} that "
            f"a table can decide: {count.text}. {_which(paper)}"
        )
    if ours:
        count = Count.of(row.verdict for section in ours for row in section.rows)
        found.append(
            f"The paper contradicts itself in places. What follows from that for results, "
            f"{_counted(sum(count), 'statement')}: {count.text}. {_which(ours)}"
        )
    return found


def _counted(count: int, thing: str) -> str:
    return f"{count} {thing}{'' if count == 1 else 's'}"


def _which(claims: list[Section]) -> str:
    """Claims by what became of all their statements."""
    words = {
        "holds": "Everything holds of",
        "mixed": "The outcome is mixed for",
        "fails": "Everything fails of",
        "undecided": "Nothing is decided of",
    }
    told = []
    for word, beginning in words.items():
        names = [_named(section.claim) for section in claims if section.main.word == word]
        if names:
            told.append(f"{beginning} {listed(names)}.")
    return " ".join(told)


def _named(claim: Claim) -> str:
    return f"{claim.id} ({claim.title})" if claim.title else claim.id


def of_word(verdicts: Sequence[Verdict], word: str) -> list[Row]:
    """Rows of the main reading with this verdict, claim by claim."""
    main = [verdict for verdict in verdicts if verdict.reading == MAIN and verdict.verdict == word]
    return [row for section in sections(main) for row in section.rows]


def changes(verdicts: Sequence[Verdict]) -> dict[str, list[Change]]:
    """For each other reading that was tested, statements that come out otherwise than under the main one."""
    main = {(verdict.claim, verdict.part): verdict for verdict in verdicts if verdict.reading == MAIN}
    found: dict[str, list[Change]] = {}
    for reading in readings_in_order([verdict.reading for verdict in verdicts if verdict.reading != MAIN]):
        found[reading] = []
        for section in sections([verdict for verdict in verdicts if verdict.reading == reading]):
            for row in section.rows:
                before = main.get((row.verdict.claim, row.verdict.part))
                if before is not None and before.verdict != row.verdict.verdict:
                    found[reading].append(Change(row.verdict, before))
    return found


def shared(verdicts: Sequence[Verdict], reading: str) -> int:
    """How many statements have a verdict under the main reading and under another."""
    parts = [{(v.claim, v.part) for v in verdicts if v.reading == name} for name in (MAIN, reading)]
    return len(parts[0] & parts[1])
