"""What was asked, what was found and what to beware of, written from the numbers."""

from typing import NamedTuple

import numpy as np
import polars as pl

from twinoffload.experiments.interval import coverage
from twinoffload.experiments.paired import paired
from twinoffload.experiments.settling import settled
from twinoffload.report.convergence import curves
from twinoffload.report.results import Results
from twinoffload.report.wording import interval, listed, number

_RIVALS = ("reactive", "constant", "pairwise")
_SHARES = (
    ("operator_share_of_admission", "the learned operator"),
    ("map_share_of_admission", "the learned mAPs' mean"),
)
_NEAR = 0.98  # of what the best prices earn: a constant price at this share leaves pricing little to learn
_WRONG = 0.05  # a regret share from here on is worth a warning


class Findings(NamedTuple):
    """Paragraphs of the report's head."""

    asked: str
    found: list[str]
    beware: list[str]
    curve: str


def write_findings(results: Results) -> Findings:
    """From the summary, the comparison and the curves; nothing is said that they do not say."""
    return Findings(_asked(results), _found(results), _beware(results), _curve(results))


def _asked(results: Results) -> str:
    scenario = results.scenario
    return (
        f"An operator with {_count(scenario.stations, 'BS', 'BSs')} posts prices; "
        f"{_count(scenario.maps, 'mobile access point (mAP)', 'mobile access points (mAPs)')} choose a BS and how much "
        "data to send there for training a digital twin. Can agents that learn by trial come close to what the exact "
        "solution of the game in every slot would pay them, on channels that they have never met?"
    )


def _count(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"


def _found(results: Results) -> list[str]:
    name = results.learned
    row = results.row(name)
    assert row is not None
    operator, maps, regret = (
        row[measure] for measure in ("operator_share_of_admission", "map_share_of_admission", "regret_share")
    )
    found = [
        f"On held-out channels the learned scheme, {name}, earned the operator {number(operator['median'])} "
        f"{interval(operator)} of admission, the most that mAPs who answer at their best would let an operator earn, "
        f"and the mAPs {number(maps['median'])} {interval(maps)} of theirs there. Mean regret, what an mAP's best "
        f"reply would have added, was {number(regret['median'])} {interval(regret)} of admission's mean mAP utility."
    ]
    beside = _beside(results)
    learning = _learning(results)
    return found + [text for text in (beside, learning) if text]


def _beside(results: Results) -> str:
    """The rivals' shares, and on which side of them the learned scheme stands beyond the interval."""
    shares = []
    for rival in _RIVALS:
        medians = [results.median(rival, column) for column, _ in _SHARES]
        if None not in medians:
            shares.append(f"{rival} {' and '.join(number(value) for value in medians)}")
    if not shares:
        return ""
    return f"In the same two shares the references have: {'; '.join(shares)}. " + " ".join(
        f"Seed by seed on the same channels, {who} {_standing(results, column)}."
        if first
        else f"{who[0].upper()}{who[1:]} {_standing(results, column)}."
        for first, (column, who) in zip((True, False), _SHARES, strict=True)
    )


def _standing(results: Results, column: str) -> str:
    """Above which rivals, below which, and which are undecided."""
    sides: dict[str, list[str]] = {"above": [], "equal": [], "below": [], "undecided": []}
    for rival in _RIVALS:
        found = paired(results.comparison, results.learned, rival, column)
        if found is not None:
            sides[found.verdict].append(rival)
    words = {"above": "beats", "equal": "equals", "below": "stays below", "undecided": "cannot be told from"}
    parts = [f"{words[side]} {listed(names)}" for side, names in sides.items() if names]
    return listed(parts) if parts else "cannot be compared"


def _learning(results: Results) -> str:
    """How far training came."""
    parts = []
    for column, who in (("operator_utility_money", "the operator's utility"), ("map_utility_money", "the mean mAP's")):
        _, values = curves(results.metrics, column)
        if len(values) < 2 or not np.isfinite(values[[0, -1]]).all():
            return ""
        parts.append(f"{who} went from {number(np.median(values[0]), 2)} to {number(np.median(values[-1]), 2)}")
    text = (
        f"In {len(values)} training episodes {listed(parts)} money a slot (medians over seeds, as measured in training)"
    )
    _, values = curves(results.metrics, "map_utility_money")
    when = [settled(values[:, i]) for i in range(values.shape[1])]
    if when and None not in when:
        known = [episode for episode in when if episode is not None]
        span = f"{min(known)}" if min(known) == max(known) else f"{min(known)} to {max(known)}"
        text += (
            f"; the 10-episode mean of mAP utility stays within 5 % of its last value from episode {span} on, "
            "depending on the seed"
            if len(known) > 1
            else f"; the 10-episode mean of mAP utility stays within 5 % of its last value from episode {span} on"
        )
    return text + "."


def _beware(results: Results) -> list[str]:
    notes = (
        _constant_is_enough(results),
        _mistakes(results),
        _not_alike(results),
        _started_above(results),
        _private(results),
        _few_seeds(results),
    )
    return [note for note in notes if note]


def _constant_is_enough(results: Results) -> str:
    constant, best = (results.median(name, "operator_utility") for name in ("constant", "posted"))
    if constant is None or best is None or not best > 0 or constant < _NEAR * best:
        return ""
    cap = results.scenario.price_cap
    why = "" if cap is None else f" The cap of {cap:g} money/MB makes it so."
    where = "" if cap is None else " The preset open, which has no cap, asks for that."
    return (
        f"In this scenario a constant price is nearly optimal: constant earns the operator {number(constant / best)} "
        f"of what posted, the best prices anew in every slot, earns.{why} So a good share shows that the mAPs learned "
        "where to go and how much to send, and the operator how high to go; it does not show that pricing was learned "
        f"well.{where}"
    )


def _mistakes(results: Results) -> str:
    regret = results.median(results.learned, "regret_share")
    if regret is None or regret < _WRONG:
        return ""
    return (
        f"The learned mAPs leave {number(regret)} of admission's mean mAP utility on the table. Where they send more "
        "than they should, the operator is paid for their mistake: read its utility only beside the regret."
    )


def _not_alike(results: Results) -> str:
    row = results.row(results.learned)
    assert row is not None
    seen = row["observation"]
    full = [r["scheme"] for r in results.rows if r["observation"] == "full"]
    alike = [r["scheme"] for r in results.rows if r["observation"] == seen and r["scheme"] != results.learned]
    if not full:
        return ""
    peers = f"; {listed(alike)} see{'s' if len(alike) == 1 else ''} what the learned mAPs see" if alike else ""
    return f"Not all rows know the same: the mAPs of {listed(full)} see everything (observation full){peers}."


def _started_above(results: Results) -> str:
    """A curve that begins above `reactive` shows no learning."""
    column = "map_utility_money"  # the operator's may begin high on what untrained mAPs overpay
    mark = results.comparison.filter(pl.col("scheme") == "reactive")[column].median()
    _, values = curves(results.metrics, column)
    if isinstance(mark, float) and np.median(values[0]) >= mark:
        return "The mAPs' curve starts above reactive, a rule that needs no learning."
    return ""


def _curve(results: Results) -> str:
    """Why the operator's curve may begin high and fall."""
    episodes, operator = curves(results.metrics, "operator_utility_money")
    _, maps = curves(results.metrics, "map_utility_money")
    if len(operator) < 3 or not (np.isfinite(operator).all() and np.isfinite(maps).all()):
        return ""
    operator, maps = np.median(operator, axis=-1), np.median(maps, axis=-1)
    low = int(operator.argmin())
    if maps.argmin() != 0 or maps[0] >= 0.0 or low == 0 or operator[low] > 0.9 * operator[0]:
        return ""
    return (
        f"Untrained mAPs send too much: in episode 1 each loses {number(-maps[0], 2)} money a slot on average, and the "
        f"operator lives on that ({number(operator[0], 2)}). As they learn to refuse, its utility falls to "
        f"{number(operator[low], 2)} in episode {episodes[low]}, and rises again as prices and answers come to fit."
    )


def _private(results: Results) -> str:
    if not results.scenario.is_private:
        return ""
    return (
        "What accuracy and delay are worth to an mAP is private here. pairwise, posted and admission know it all the "
        "same; no operator could play them. expected knows how it is drawn and no more: what it lacks to admission is "
        "information, what another scheme lacks to expected is not."
    )


def _few_seeds(results: Results) -> str:
    seeds = len(results.summary["seeds"])
    cover = coverage(seeds)
    if seeds == 1:
        return "One seed says nothing about chance: there are no intervals, and nothing is called above or below."
    if cover < 0.95:
        return f"With {seeds} seeds an interval covers the median only {100 * cover:.0f} % of the time, not 95 %."
    return (
        f"{seeds} seeds of one scenario. Each interval stands for itself ({100 * cover:.1f} %): among many comparisons "
        "one may come out by chance."
    )
