"""One pair's arithmetic in words: what was asked for, found, and printed in lines of 80 columns or as JSON."""

import json
import math
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from twinoffload import Scenario, solve
from twinoffload.game.explanation import Explanation, Step, check_explainable, explain_pair, explain_rate
from twinoffload.game.market import Market
from twinoffload.network.gain_file import Gains, read_gains

WIDTH = 80
SYMBOL = 8  # columns for what is computed
NAMED = 5  # names listed before the rest is counted


@dataclass(frozen=True)
class Request:
    """The options as they were given; None: left out."""

    mobile: str | None
    station: str | None
    snapshot: str | None
    concept: str | None
    beside: str | None
    price: float | None


@dataclass(frozen=True)
class Told:
    """An explanation and whose it is."""

    scenario: Scenario
    mobile: str
    station: str
    explanation: Explanation
    notes: tuple[str, ...]
    facts: dict[str, Any]


def from_rate(scenario: str, rate: float, request: Request) -> Told:
    """At a known rate; mAP and BS by number, as the scenario's lists of values repeat over them.

    Raises:
        ValueError: naming the option.
    """
    unwanted = {
        "--snapshot": request.snapshot,
        "--concept": request.concept,
        "--with": request.beside,
    }
    for name, value in unwanted.items():
        if value is not None:
            raise ValueError(f"{name}: goes with --gain; with --rate the rate is known already")
    _at_least_0("--rate", rate, infinite=False)
    price = _price(request)
    chosen = Scenario.load(scenario)
    n = _number("--map", request.mobile)
    m = _number("--station", request.station)
    chosen = chosen.replace(gains=None, maps=max(chosen.maps, n), stations=max(chosen.stations, m))
    explanation = explain_rate(
        chosen.market(), rate, maps=chosen.maps, stations=chosen.stations, n=n - 1, m=m - 1, price=price
    )
    notes = [f"At a rate of {rate:g} MB/s.", *_scenario_notes(chosen), *_price_notes(price)]
    return Told(chosen, f"mAP {n}", f"BS {m}", explanation, tuple(notes), {"map": n, "station": m})


def from_gains(scenario: str, path: Path, request: Request) -> Told:
    """In a snapshot of a file of gains, under a concept's solution or beside named mAPs.

    Raises:
        ValueError: naming the option or the place in the file.
    """
    for name, value in (("--map", request.mobile), ("--station", request.station)):
        if value is None:
            raise ValueError(f"{name}: is missing; with --gain, name one mAP and one BS of the file")
    if request.concept is not None and request.beside is not None:
        raise ValueError("--concept, --with: name one; each says who shares the BS")
    price = _price(request)
    chosen = Scenario.load(scenario)
    check_explainable(chosen.market())
    gains = read_gains(path)
    gains = gains.only(gains.snapshots[0] if request.snapshot is None else request.snapshot)
    n = _place("--map", request.mobile or "", gains.maps, path)
    m = _place("--station", request.station or "", gains.stations, path)
    chosen = chosen.replace(gains=None, maps=len(gains.maps), stations=len(gains.stations))
    market = chosen.market()
    facts: dict[str, Any] = {"snapshot": gains.snapshots[0], "map": gains.maps[n], "station": gains.stations[m]}
    if request.beside is None:
        concept = request.concept or "posted"
        association, offer, note = _solution(market, gains, concept, n, m)
    else:
        concept, offer = None, None
        others = [
            _place("--with", word.strip(), gains.maps, path) for word in request.beside.split(",") if word.strip()
        ]
        if n in others:
            raise ValueError(f"--with {request.beside!r}: lists the mAP itself; list the others")
        association = [m if k in others else -1 for k in range(len(gains.maps))]
        note = ""
    on_it = [name for k, name in enumerate(gains.maps) if association[k] == m and k != n]
    notes = [f"Snapshot {gains.snapshots[0]}.", *([note] if note else []), _company(on_it, gains.stations[m])]
    explanation = explain_pair(
        market,
        gains.gain[0],
        association,
        n=n,
        m=m,
        price=offer if price is None else price,
        posted=concept == "posted" and association[n] == m and price is None,
        map_names=gains.maps,
        station_names=gains.stations,
    )
    facts |= {"concept": concept, "with": on_it}
    notes += [*_scenario_notes(chosen), *_price_notes(price)]
    return Told(chosen, gains.maps[n], gains.stations[m], explanation, tuple(notes), facts)


def _solution(market: Market, gains: Gains, concept: str, n: int, m: int) -> tuple[list[int], float, str]:
    """(association, the price of the pair, what to say about both) under a concept."""
    outcome = solve(market, gains.gain, concept=concept)
    status = str(outcome.status[0])
    if status == "infeasible":
        raise ValueError(
            f"--concept {concept}: snapshot {gains.snapshots[0]} has no solution under the cap; raise price_cap, or "
            "take --concept pairwise or --with"
        )
    association, offer = outcome.association[0].tolist(), outcome.price[0, n, m].item()
    here, there = gains.maps[n], gains.stations[m]
    if association[n] == m:
        note = f"Under {concept} ({status}), {here} is on {there}."
    else:
        place = "off" if association[n] < 0 else f"on {gains.stations[association[n]]}"
        note = f"Under {concept} ({status}), {here} is {place}: the numbers are those it would find on moving."
        if math.isinf(offer):
            note += f" {there} is not offered to it."
        elif concept == "posted":
            note += " Offers that it should not take stand at the highest price."
    return association, offer, note


def _company(names: list[str], station: str) -> str:
    if not names:
        return f"Nobody else is on {station}."
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"Also on {station}: {', '.join(names[:NAMED])}{more}."


def _scenario_notes(scenario: Scenario) -> list[str]:
    notes = []
    if scenario.is_private:
        notes.append("What mAPs keep private stands at its mean.")
    if scenario.raw_data == "uniform":
        notes.append("Raw data stands at its largest.")
    return notes


def _price_notes(price: float | None) -> list[str]:
    return [] if price is None else [f"The mAP is charged the given price, {price:g} money/MB."]


def _price(request: Request) -> float | None:
    if request.price is not None:
        _at_least_0("--price", request.price, infinite=True)
    return request.price


def _at_least_0(name: str, value: float, *, infinite: bool) -> None:
    if not (value >= 0.0 and (infinite or math.isfinite(value))):
        bound = "at least 0 (inf: not offered)" if infinite else "finite and at least 0"
        raise ValueError(f"{name} {value:g}: must be {bound}")


def _number(name: str, word: str | None) -> int:
    """A number from 1; 1 where none is given."""
    if word is None:
        return 1
    if not (word.isascii() and word.isdigit() and 1 <= int(word) <= 1000):
        raise ValueError(f"{name} {word!r}: with --rate it is a number, 1..1000")
    return int(word)


def _place(name: str, word: str, known: tuple[str, ...], path: Path) -> int:
    if word not in known:
        told = ", ".join(known[:NAMED]) + (", ..." if len(known) > NAMED else "")
        raise ValueError(f"{name} {word!r}: is not in {path}, which has {told}")
    return known.index(word)


def document(told: Told) -> str:
    """One JSON document; null where a value is infinite or there is none."""
    content = {
        "scenario": told.scenario.name,
        **told.facts,
        "notes": list(told.notes),
        "bound": told.explanation.bound,
        "parameters": {
            step.key: {"symbol": step.symbol, "name": step.formula, "value": _finite(step.value), "unit": step.unit}
            for step in told.explanation.parameters
        },
        "sections": [
            {
                "title": section.title,
                "steps": [
                    {
                        "key": step.key,
                        "symbol": step.symbol,
                        "formula": step.formula,
                        "numbers": step.numbers,
                        "value": _finite(step.value),
                        "unit": step.unit,
                    }
                    for step in section.steps
                ],
                "remark": section.remark,
            }
            for section in told.explanation.sections
        ],
    }
    return json.dumps(content, indent=1, allow_nan=False)


def _finite(value: float | bool) -> float | bool | None:
    return value if math.isfinite(value) else None


def show(console: Console, told: Told) -> None:
    """The given values, then each section's steps and what they mean."""

    def say(text: str, style: str | None = None, indent: str = "") -> None:
        for line in textwrap.wrap(text, WIDTH, initial_indent=indent, subsequent_indent=indent):
            console.print(line, style=style, soft_wrap=True)

    say(f"{told.mobile} and {told.station}, scenario {told.scenario.name}", "bold")
    say(" ".join(told.notes))
    console.print("\nGiven", style="bold")
    names = max(len(step.formula) for step in told.explanation.parameters)
    for step in told.explanation.parameters:
        if step.key == "price_cap" and math.isinf(step.value):
            value = "none"
        else:
            value = _value(step)
        console.print(f"  {step.symbol:{SYMBOL}}{step.formula:{names}}  {value}", soft_wrap=True)
    for section in told.explanation.sections:
        console.print(f"\n{section.title}", style="bold")
        for step in section.steps:
            for line in lines(step):
                console.print(line, soft_wrap=True)
        say(section.remark, indent="  ")


def lines(step: Step) -> list[str]:
    """`symbol = formula = numbers = value unit` on one line where it fits, else a line for each part."""
    parts = [part for part in (step.formula, step.numbers, _value(step)) if part]
    head = f"  {step.symbol:{SYMBOL}}= "
    whole = head + " = ".join(parts)
    if len(whole) <= WIDTH:
        return [whole]
    made = []
    for i, part in enumerate(parts):
        first = head if i == 0 else " " * (len(head) - 2) + "= "
        made += textwrap.wrap(part, WIDTH, initial_indent=first, subsequent_indent=" " * (len(head) + 2))
    return made


def _value(step: Step) -> str:
    if isinstance(step.value, bool):
        return "yes" if step.value else "no"
    if math.isnan(step.value):
        return "-"
    return f"{step.value:.6g} {step.unit}".rstrip()
