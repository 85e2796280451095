"""C10: whether the closed forms are the unique optima, market by market (propositions.csv).

Both sentences speak of every market, so one counterexample fails them; none among n random ones holds, and leaves at
most a share 1 - 0.05^(1/n) of such markets (95 %; that of 600: 0.5 %).
"""

from dataclasses import replace

import polars as pl

from twinoffload.experiments.claims import commands
from twinoffload.experiments.claims.part import Part, joined, verdicts
from twinoffload.experiments.claims.shares import share_interval
from twinoffload.experiments.claims.study_folder import Tables
from twinoffload.experiments.interval import Interval
from twinoffload.experiments.verdict import Verdict

GAIN = 1e-9  # share of gamma^A: a deviation that gains less gains by rounding
MARKETS = 60  # from which no counterexample leaves less than 5 % of them
CLOSED = "closed form"
BEATEN = pl.col("gain_share").is_null() | (pl.col("gain_share") > GAIN)
_UNIT = "% of markets against it"
_PRINTED = {
    "Eq. 15 unclipped": (1, "Eq. 15 as printed, unclipped, is no optimum in some markets"),
    "Eq. 19 as the price": (2, "the price that Eq. 19 shows is no optimum in some markets"),
}


def optima(tables: Tables, reading: str) -> list[Verdict]:
    """C10: the best response and the best price, in closed form, are the only optima."""
    closed = _rows(tables, pl.col("formula") == CLOSED)
    several = (pl.col("maxima") != 1) | (pl.col("flat_share") > 0)
    first, second = pl.col("proposition") == 1, (pl.col("proposition") == 2) & pl.col("trade")
    parts = [
        _never("Proposition 1: no amount is better than Eq. 15, clipped to [0, Zmax]", closed, first, BEATEN),
        _never("Proposition 1: that amount is the only optimum", closed, first, several),
        _never("Proposition 2: no price is better than the closed form", closed, pl.col("proposition") == 2, BEATEN),
        _never("Proposition 2: that price is the only optimum, where a pair can trade", closed, second, several),
    ]
    return verdicts("C10", reading, parts)


def printed(tables: Tables, reading: str) -> list[Verdict]:
    """D5: what the paper prints around the propositions does not hold: Eq. 15 without a clip, Eq. 19, concavity."""
    parts = [
        _some(words, _rows(tables, pl.col("formula") == formula), pl.col("proposition") == which, BEATEN)
        for formula, (which, words) in _PRINTED.items()
    ]
    bent = pl.col("convex_share") > 0
    words = "the operator's profit is not strictly concave in the price (after Eq. 22) in some markets"
    parts.append(_some(words, _rows(tables, pl.col("formula") == CLOSED), pl.col("proposition") == 2, bent))
    return verdicts("D5", reading, parts)


def _rows(tables: Tables, which: pl.Expr) -> pl.DataFrame | None:
    return None if tables.propositions is None else tables.propositions.filter(which)


def _counted(words: str, rows: pl.DataFrame | None, held: pl.Expr, against: pl.Expr) -> tuple[Part, int]:
    """The share of markets against a sentence, and how many those are."""
    part = Part(words, _UNIT, commands.PROPOSITIONS, counted="markets", test="brute force")
    here = None if rows is None else rows.filter(held)
    if here is None or here.is_empty():
        return replace(part, reason=f"not measured: `{commands.PROPOSITIONS}` measures it"), 0
    count, found = len(here), int(here.select(against.fill_null(False).sum()).item())
    low, high = share_interval(found, count)
    reason = joined(f"{found} of {count} markets", _gains(here) if against is BEATEN else "")
    return replace(part, effect=Interval(100 * found / count, 100 * low, 100 * high), seeds=count, reason=reason), found


def _gains(rows: pl.DataFrame) -> str:
    """What the best deviations gain, and how many formulas' amounts cannot be sent at all."""
    gains, outside = rows["gain_share"].drop_nulls().to_list(), rows["gain_share"].null_count()
    return joined(
        f"the best deviation gains up to {max(gains):.2g} γᴬ" if gains and max(gains) > GAIN else "",
        f"{outside} amounts are outside [0, Zmax]" if outside else "",
    )


def _never(words: str, rows: pl.DataFrame | None, held: pl.Expr, against: pl.Expr) -> Part:
    """A sentence about every market."""
    part, found = _counted(words, rows, held, against)
    if part.effect is None:
        return part
    if not found and part.seeds < MARKETS:
        return replace(part, word="undecided", reason=f"fewer than {MARKETS} markets; {part.reason}")
    return replace(part, word="fails" if found else "holds")


def _some(words: str, rows: pl.DataFrame | None, held: pl.Expr, against: pl.Expr) -> Part:
    """A sentence about some market."""
    part, found = _counted(words, rows, held, against)
    part = replace(part, unit="% of markets show it")
    if part.effect is None:
        return part
    if not found and part.seeds < MARKETS:
        return replace(part, word="undecided", reason=f"fewer than {MARKETS} markets; {part.reason}")
    return replace(part, word="holds" if found else "fails")
