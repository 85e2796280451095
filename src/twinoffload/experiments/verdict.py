"""A claim's verdict: what was measured, by which test, and what it says."""

from dataclasses import dataclass
from typing import Literal

Word = Literal["holds", "fails", "undecided"]


@dataclass(frozen=True)
class Verdict:
    """Of one part of a claim, under one reading.

    Attributes:
        claim: of the paper, "C1" ... "C12", or "D1" ... for what its contradictions imply.
        part: what is said, a sentence.
        reading: how the paper was read; "main" is with what the paper lets mAPs see and its discount.
        verdict: `holds`, `fails`, or `undecided` where the table cannot tell.
        effect: the measured size, in `unit`; None where there was nothing to measure.
        low: of the effect's interval.
        high: of the effect's interval.
        unit: of the effect.
        test: which decided.
        p: of that test for the verdict that was reached, corrected for the other parts of the claim; None where the
            interval alone decided.
        seeds: or repeats, that the interval is over.
        reason: why, where theory or the data say so.
        source: the command that makes the table which was read.
    """

    claim: str
    part: str
    reading: str
    verdict: Word
    effect: float | None
    low: float | None
    high: float | None
    unit: str
    test: str
    p: float | None
    seeds: int
    reason: str
    source: str
