"""Verdicts as a reader meets them: counted, laid out claim by claim, and told in sentences."""

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from twinoffload.experiments.verdict import Verdict
from twinoffload.report.study.claims import MAIN, Claim, claim_named, in_order, readings_in_order
from twinoffload.report.study.prose import slug
from twinoffload.report.wording import decimals, listed, number

SYMBOLS = {"holds": "✓", "fails": "✗", "undecided": "?", "mixed": "◐", "missing": "○"}
_SAID = {  # of one, of several
    "holds": ("holds", "hold"),
    "fails": ("fails", "fail"),
    "undecided": ("undecided", "undecided"),
    "missing": ("not measured", "not measured"),
}


class Count(NamedTuple):
    """How many verdicts are which; those for which there was nothing to measure apart from those undecided."""

    holds: int
    fails: int
    undecided: int
    missing: int

    @classmethod
    def of(cls, verdicts: Iterable[Verdict]) -> "Count":
        """Of some verdicts."""
        words = ["missing" if verdict.effect is None else verdict.verdict for verdict in verdicts]
        return cls(*(words.count(word) for word in cls._fields))

    @property
    def word(self) -> str:
        """The one that all share, else `mixed`."""
        found = [name for name, count in self._asdict().items() if count]
        return found[0] if len(found) == 1 else "mixed"

    @property
    def name(self) -> str:
        """The word as it is said of one."""
        return _SAID[self.word][0] if self.word in _SAID else self.word

    @property
    def symbol(self) -> str:
        """Of the word."""
        return SYMBOLS[self.word]

    @property
    def each(self) -> list[tuple[str, str]]:
        """Words that occur, with their number: such as ("holds", "3 hold")."""
        return [(name, f"{count} {_SAID[name][count > 1]}") for name, count in self._asdict().items() if count]

    @property
    def whole(self) -> str:
        """Such as "4 statements"."""
        return counted(sum(self), "statement")

    @property
    def text(self) -> str:
        """Such as "3 hold, 1 fails"."""
        return ", ".join(said for _, said in self.each)


class Row(NamedTuple):
    """A verdict as a table's row.

    Attributes:
        verdict: the record.
        first: whether its part is said here; it is not in the rows of its other readings, which follow.
        size: effect and interval as text.
        p: as text.
        unit, test: left out where the row above, of the same part, says the same.
        reason: as the verdict has it.
        letter: of the command in the section's list.
    """

    verdict: Verdict
    first: bool
    size: str
    p: str
    unit: str
    test: str
    reason: str
    letter: str

    @property
    def symbol(self) -> str:
        """Of the verdict."""
        return SYMBOLS[self.verdict.verdict]

    @property
    def effect(self) -> str:
        """Size with its unit, in a sentence; nothing where nothing was measured."""
        return "" if self.verdict.effect is None else f"{self.size} {self.verdict.unit}".strip()


class Section(NamedTuple):
    """A claim with everything that was found.

    Attributes:
        claim: its words.
        count: of verdicts under the main reading; under all where it is not on what the paper claims, or has none.
        rows: part by part, the main reading first.
        commands: letter and command of every table that was read.
    """

    claim: Claim
    count: Count
    rows: list[Row]
    commands: dict[str, str]

    @property
    def heading(self) -> str:
        """Such as "C4: bandwidth"."""
        title = self.claim.told.title
        return f"{self.claim.id}: {title}" if title else self.claim.id

    @property
    def anchor(self) -> str:
        """Of the heading."""
        return slug(self.heading)


class Changes(NamedTuple):
    """What becomes of the main reading's verdicts under another reading.

    Attributes:
        reading: which.
        both: how many statements were tested under both, on as many seeds as under the main one.
        turned: that hold where they failed, or fail where they held.
        settled: how many are decided that were not.
        lost: how many are no longer decided.
    """

    reading: str
    both: int
    turned: list[Verdict]
    settled: int
    lost: int


def sections(verdicts: Sequence[Verdict], always: Sequence[str] = ()) -> list[Section]:
    """One for each claim that has verdicts, and for those that have a place `always`, in order."""
    found = []
    for name in in_order([*always, *(verdict.claim for verdict in verdicts)]):
        mine = [verdict for verdict in verdicts if verdict.claim == name]
        commands = {source: chr(ord("A") + at) for at, source in enumerate(dict.fromkeys(v.source for v in mine))}
        count = Count.of([v for v in mine if v.reading == MAIN and not is_ours(v)] or mine)
        by_letter = {letter: source for source, letter in commands.items()}
        found.append(Section(claim_named(name), count, list(_rows(mine, commands)), by_letter))
    return found


def _rows(verdicts: list[Verdict], commands: dict[str, str]) -> Iterable[Row]:
    """Parts in the order of the main reading, each with its readings."""
    order = readings_in_order([verdict.reading for verdict in verdicts])
    ranked = sorted(verdicts, key=lambda verdict: order.index(verdict.reading))
    for part in dict.fromkeys(verdict.part for verdict in ranked):
        above = None
        for verdict in (verdict for verdict in ranked if verdict.part == part):
            unit, test = (
                "" if above is not None and getattr(above, name) == getattr(verdict, name) else getattr(verdict, name)
                for name in ("unit", "test")
            )
            size, p, letter = size_text(verdict), p_text(verdict), commands[verdict.source]
            yield Row(verdict, above is None, size, p, unit, test, verdict.reason, letter)
            above = verdict


def matrix(claims: Sequence[Section]) -> tuple[list[str], list[tuple[Section, list[Count]]]]:
    """Readings, and for each claim its verdicts under each, counted."""
    readings = readings_in_order([MAIN, *(row.verdict.reading for section in claims for row in section.rows)])
    rows = []
    for section in claims:
        counts = [Count.of(row.verdict for row in section.rows if row.verdict.reading == name) for name in readings]
        rows.append((section, counts))
    return readings, rows


def size_text(verdict: Verdict) -> str:
    """Effect and interval: three digits of the largest, or as many as show the nearer end apart."""
    if verdict.effect is None:
        return "–"
    values = (verdict.effect, verdict.low, verdict.high)
    largest = max((abs(value) for value in values if value is not None and math.isfinite(value)), default=0.0)
    if 0.0 < largest < 1e-3:
        effect, low, high = (_power(value) for value in values)
    else:
        ends = [abs(end - verdict.effect) for end in (verdict.low, verdict.high) if end is not None]
        near = min((end for end in ends if end > 1e-3 * largest), default=largest)
        effect, low, high = (number(value, max(decimals(largest), decimals(near, 1))) for value in values)
    known = not (verdict.low is None and verdict.high is None) and not verdict.low == verdict.effect == verdict.high
    return f"{effect} [{low}, {high}]" if known else effect


_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def _power(value: float | None) -> str:
    """Two digits and a power of ten."""
    if value is None or not math.isfinite(value) or value == 0.0:
        return number(value, 0)
    digits, power = f"{value:.1e}".split("e")
    return f"{digits}·10{str(int(power)).translate(_RAISED)}".replace("-", "−")


def p_text(verdict: Verdict) -> str:
    """To two digits."""
    if verdict.p is None:
        return ""
    return "p < 0.001" if verdict.p < 0.001 else f"p = {verdict.p:.2g}"


def summary(verdicts: Sequence[Verdict]) -> list[str]:
    """Paragraphs: how many hold, fail and are undecided under the main reading, and which."""
    paper = sections([verdict for verdict in verdicts if verdict.reading == MAIN and not is_ours(verdict)])
    ours = sections([verdict for verdict in verdicts if is_ours(verdict)])
    found = []
    if paper:
        count = Count.of(row.verdict for section in paper for row in section.rows)
        found.append(
            f"Under the main reading, {counted(len(paper), 'claim')} of the paper "
            f"{'comes' if len(paper) == 1 else 'come'} to {counted(sum(count), 'statement')}: {count.text}. "
            f"{_which(paper)}"
        )
    else:
        found.append("Nothing that the paper claims has a verdict under the main reading yet.")
    if ours:
        count = Count.of(row.verdict for section in ours for row in section.rows)
        found.append(
            "The paper contradicts itself in places. What follows from that for results, "
            f"{counted(sum(count), 'statement')}: {count.text}. {_which(ours)}"
        )
    return found


def is_ours(verdict: Verdict) -> bool:
    """Whether it is on what the paper's contradictions imply, not on what the paper claims."""
    return verdict.claim.startswith("D")


def counted(count: int, thing: str) -> str:
    """Such as "1 claim" or "3 claims"."""
    return f"{count} {thing}{'' if count == 1 else 's'}"


def _which(claims: list[Section]) -> str:
    """Claims by what became of all their statements."""
    words = {
        "holds": "All statements hold of",
        "mixed": "The outcome is mixed for",
        "fails": "All fail of",
        "undecided": "Nothing is decided of",
        "missing": "Nothing was measured of",
    }
    told = []
    for word, beginning in words.items():
        names = [section.claim.name for section in claims if section.count.word == word]
        if names:
            told.append(f"{beginning} {listed(names)}.")
    return " ".join(told)


def of_word(verdicts: Sequence[Verdict], word: str) -> list[Row]:
    """Rows of the main reading with this verdict for which something was measured, claim by claim."""
    main = [one for one in verdicts if one.reading == MAIN and one.verdict == word and one.effect is not None]
    return [row for section in sections(main) for row in section.rows]


def changes(verdicts: Sequence[Verdict]) -> list[Changes]:
    """For each other reading that was tested, in order."""
    main = {(verdict.claim, verdict.part): verdict for verdict in verdicts if verdict.reading == MAIN}
    found = []
    for reading in readings_in_order([verdict.reading for verdict in verdicts if verdict.reading != MAIN]):
        mine = [row.verdict for one in sections([v for v in verdicts if v.reading == reading]) for row in one.rows]
        beside = [(main[v.claim, v.part], v) for v in mine if (v.claim, v.part) in main]
        pairs = [(before.verdict, v) for before, v in beside if v.seeds >= before.seeds]
        turned = [v for before, v in pairs if {before, v.verdict} == {"holds", "fails"}]
        settled = sum(before == "undecided" != v.verdict for before, v in pairs)
        lost = sum(v.verdict == "undecided" != before for before, v in pairs)
        found.append(Changes(reading, len(pairs), turned, settled, lost))
    return found
