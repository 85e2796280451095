"""A part of a claim as two hypotheses, and how the parts of a claim become verdicts.

Every part says that an effect lies above something ("rises": above 0). Two one-sided tests decide it:

* `holds` if "the effect is at most 0" is rejected;
* `fails` if "the effect is at least the margin" is rejected: it goes the other way, or is too small to be seen.

So `undecided` means what it says, and "no effect" is told from "cannot tell". Where the effect lies between 0 and the
margin both may be rejected; then the part fails, for want of size. Each of the two families of hypotheses, "holds" and
"fails" over the parts of one claim under one reading, is corrected by Holm: the probability of any false `holds` is
at most 5 %, that of any false `fails` too. The interval beside the effect is one part's own, at 95 %, uncorrected.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from twinoffload.experiments.claims.holm import LEVEL, holm, seeds_needed
from twinoffload.experiments.claims.rank_tests import Values, hodges_lehmann, p_greater, p_less
from twinoffload.experiments.interval import Interval
from twinoffload.experiments.verdict import Verdict, Word

SIGNED_RANK = "signed-rank, one-sided, Holm"


@dataclass(frozen=True)
class Part:
    """What a table says of a part, before correction.

    Attributes:
        words: what is said, a sentence.
        unit: of the effect.
        source: the command that makes the table.
        effect: estimate and interval; None where there was nothing to measure.
        holds: p-value of the hypothesis that it does not hold.
        fails: p-value of the hypothesis that it holds.
        test: which they are of.
        seeds: that the effect is over.
        counted: what they are, if not seeds.
        reason: what the data or the theory say beside it.
        because: what the theory says, by the verdict that it explains; beside another it would contradict it.
        word: the verdict where the interval alone decides; then there are no p-values.
    """

    words: str
    unit: str
    source: str
    effect: Interval | None = None
    holds: float = 1.0
    fails: float = 1.0
    test: str = SIGNED_RANK
    seeds: int = 0
    counted: str = "seeds"
    reason: str = ""
    because: Mapping[Word, str] = field(default_factory=dict)
    word: Word | None = None


def shifted(part: Part, values: Values, *, above: float, margin: float) -> Part:
    """A part that says that the centre of `values`, one a seed, is above something, measured by signed ranks.

    Args:
        part: its words, unit and source.
        values: of the effect.
        above: what it must exceed to hold.
        margin: by how much it would have to exceed that to be worth the name; fails if it is less.
    """
    if not len(values):
        return part
    return replace(
        part,
        effect=hodges_lehmann(values),
        holds=p_greater(values, above),
        fails=p_less(values, above + margin),
        seeds=len(values),
    )


def all_of(part: Part, parts: Sequence[Part]) -> Part:
    """One part that says that all of some hold; its effect is that of the one farthest from holding, or the smallest.

    It holds if each does, so its p-value is the largest (an intersection-union test, which needs no correction); it
    fails if any fails, for which the least p-value is multiplied by their number.
    """
    if any(one.effect is None for one in parts):
        missing = next(one for one in parts if one.effect is None)
        return replace(part, reason=missing.reason)
    weakest = max(parts, key=lambda one: (one.holds, -abs(one.effect.median if one.effect else 0.0)))
    return replace(
        part,
        effect=weakest.effect,
        unit=weakest.unit,
        holds=weakest.holds,
        fails=min(len(parts) * min(one.fails for one in parts), 1.0),
        test=f"{weakest.test.removesuffix(', Holm')}, each of {len(parts)}",
        seeds=min(one.seeds for one in parts),
        reason=joined(*(one.reason for one in parts)),
    )


def verdicts(claim: str, reading: str, parts: Sequence[Part]) -> list[Verdict]:
    """The parts of a claim under one reading, corrected for each other.

    A part with nothing measured, or with so few seeds that no outcome could decide it, is no comparison and takes no
    share of the correction: which those are does not depend on the values.
    """
    tested = [one for one in parts if one.effect is not None and one.word is None and 0.5**one.seeds <= LEVEL]
    holds = holm([one.holds for one in tested])
    fails = holm([one.fails for one in tested])
    adjusted = {id(one): (hold, fail) for one, hold, fail in zip(tested, holds, fails, strict=True)}
    return [_verdict(claim, reading, one, adjusted.get(id(one)), len(tested)) for one in parts]


def _verdict(claim: str, reading: str, part: Part, p: tuple[float, float] | None, family: int) -> Verdict:
    word, reached, reason = part.word or "undecided", None, part.reason
    if p is not None:
        holds, fails = p
        word = "fails" if fails <= LEVEL else "holds" if holds <= LEVEL else "undecided"
        reached = {"holds": holds, "fails": fails, "undecided": min(p)}[word]
        if word == "undecided" and family * 0.5**part.seeds > LEVEL:
            reason = joined(
                f"{part.seeds} {part.counted} cannot decide {family} parts, which takes {seeds_needed(family)} or more",
                reason,
            )
    elif part.effect is not None and part.word is None:
        reason = joined(f"{part.seeds} {part.counted} decide nothing, which takes {seeds_needed(1)} or more", reason)
    if part.effect is not None:
        reason = joined(reason, part.because.get(word, ""))
    value, low, high = part.effect or (None, None, None)
    return Verdict(
        claim=claim, part=part.words, reading=reading, verdict=word, effect=value, low=low, high=high, unit=part.unit,
        test=part.test if part.effect is not None else "none", p=reached, seeds=part.seeds, reason=reason,
        source=part.source,
    )  # fmt: skip


def joined(*reasons: str) -> str:
    """Reasons as one, without the empty ones."""
    return "; ".join(reason for reason in reasons if reason)


def agreeing(values: Values, what: str = "above") -> str:
    """Such as "9 of 10 seeds above"."""
    return f"{int((np.asarray(values) > 0).sum())} of {len(values)} seeds {what}"
