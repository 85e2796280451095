"""A solved market in words: one JSON document for programs, tables for people."""

import json
import math
from collections import Counter
from dataclasses import dataclass
from typing import Any

import torch
from rich.console import Console
from torch import Tensor

from twinoffload import Market, Outcome, Scenario, certificate, selection
from twinoffload.cli.console import NOTHING, number, table
from twinoffload.equilibrium.certificate import Certificate
from twinoffload.equilibrium.profiles import PROFILE_LIMIT, profile_count
from twinoffload.equilibrium.selection import Selection
from twinoffload.network.gain_file import Gains, SparseGains

SNAPSHOTS_SHOWN = 3
MAPS_SHOWN = 30
STATIONS_SHOWN = 6

UNITS = {
    "operator_utility": "money",
    "bound": "money",
    "gap": "1",
    "price_step": "money/MB^2",
    "data_step": "MB^2/money",
    "price": "money/MB",
    "data": "MB",
    "sampling_rate": "1",
    "rate": "MB/s",
    "accuracy": "1",
    "delay": "s",
    "utility": "money",
    "regret": "money",
}

MEANING = {
    "optimal": "optimal: the best there is under this concept, found by exact search.",
    "bounded": "bounded: found by search; the bound says how far from the best it can be at most.",
    "converged": "converged: the search came to rest, no mAP moves any more.",
    "cycle": "cycle: the mAPs' best replies go round in a circle, so nobody comes to rest; shown is the association of "
    "least regret among those visited.",
    "sweep_limit": "sweep_limit: the mAPs' best replies had not come to rest when the search stopped; shown is where "
    "it stood.",
    "oscillating": "oscillating: mAPs were still changing their BS when Algorithm 1 stopped; shown is where it stood.",
    "iteration_limit": "iteration_limit: prices or data were still changing when Algorithm 1 stopped; shown is where "
    "it stood.",
    "round_limit": "round_limit: the mAPs' best replies had not come to rest when the rounds stopped; shown is where "
    "it stood.",
    "infeasible": "infeasible: no prices under the cap make any association one that every mAP is content with, so "
    "there is no solution; raise price_cap, or see --concept admission.",
}


@dataclass(frozen=True)
class Checked:
    """What `--certify` adds, `[S]` each."""

    certificate: Certificate
    selection: Selection | None

    def values(self, s: int) -> dict[str, dict[str, Any]]:
        """Those of one snapshot by name; null where there is no number."""
        found, rest = self.certificate, self.selection
        deviations = {
            "map_deviation": _finite(found.map_deviation[s].item()),
            "operator_deviation": _finite(found.operator_deviation[s].item()),
            "prices_tried": found.prices,
        }
        if rest is None:
            return {"certificate": deviations}
        return {
            "certificate": deviations,
            "equilibria_at_these_prices": {
                "count": int(rest.count[s]),
                **{
                    name: _finite(getattr(rest, name)[s].item())
                    for name in ("operator_worst", "operator_best", "map_worst", "map_best")
                },
                "operator_from_strongest_station": _finite(rest.reached.operator_utility[s].item()),
            },
        }


def check(market: Market, gains: Gains, outcome: Outcome) -> Checked:
    """Deviations from every solution, and all equilibria of the mAPs at its prices where they can be enumerated.

    Raises:
        ValueError: too many associations to enumerate under "posted" or "admission".
    """
    within = gains.gain > 0.0
    found = certificate(market, gains.gain, outcome, within=within)
    if profile_count(len(gains.maps), len(gains.stations), market.idle_interferes) > PROFILE_LIMIT:
        return Checked(found, None)
    price = torch.where(outcome.price.isnan(), torch.inf, outcome.price)  # infeasible: nothing is offered
    return Checked(found, selection(market, gains.gain, price, within=within))


def document(scenario: Scenario, market: Market, gains: Gains, outcome: Outcome, checked: Checked | None = None) -> str:
    """One JSON document; null where there is no number, and for the price of a BS that is not offered."""
    content = {
        "concept": outcome.concept,
        "scenario": scenario.name,
        "units": UNITS,
        "snapshots": [
            _snapshot(market, gains, outcome, s) | (checked.values(s) if checked else {})
            for s in range(len(gains.snapshots))
        ],
    }
    return json.dumps(content, indent=1, allow_nan=False)


def _snapshot(market: Market, gains: Gains, outcome: Outcome, s: int) -> dict[str, Any]:
    prices = outcome.price[s].tolist()
    return {
        "snapshot": gains.snapshots[s],
        "status": str(outcome.status[s]),
        "method": outcome.method,
        "operator_utility": _finite(outcome.operator_utility[s].item()),
        "bound": _finite(outcome.bound[s].item()),
        "sweeps": int(outcome.sweeps[s]),
        **_step_sizes(outcome, s),
        "prices": {
            name: dict(zip(gains.stations, map(_finite, row), strict=True))
            for name, row in zip(gains.maps, prices, strict=True)
        },
        "maps": [
            {"map": row.pop("map"), "station": row.pop("station")} | {key: _finite(value) for key, value in row.items()}
            for row in _rows(market, gains, outcome, s)
        ],
    }


def _step_sizes(outcome: Outcome, s: int) -> dict[str, Any]:
    """Algorithm 1's steps and the smallest local limits over the pairs that trade."""
    if outcome.steps is None:
        return {}
    taken = outcome.steps
    limits = [limit[s][~limit[s].isnan()] for limit in (taken.price_limit, taken.data_limit)]
    smallest = [limit.min().item() if limit.numel() else None for limit in limits]
    return {
        "price_step": {"taken": taken.price_step[s].item(), "local_limit": smallest[0]},
        "data_step": {"taken": taken.data_step[s].item(), "local_limit": smallest[1]},
    }


def _rows(market: Market, gains: Gains, outcome: Outcome, s: int) -> list[dict[str, Any]]:
    """What becomes of each mAP in one snapshot."""
    data = outcome.data[s]
    columns: dict[str, Tensor] = {
        "data": data,
        "sampling_rate": data / torch.as_tensor(market.raw_data),
        "rate": outcome.rate[s],
        "accuracy": outcome.accuracy[s],
        "delay": outcome.delay[s],
        "utility": outcome.map_utility[s],
        "regret": outcome.regret[s],
    }
    rows = []
    for n, (name, m) in enumerate(zip(gains.maps, outcome.association[s].tolist(), strict=True)):
        place = {
            "map": name,
            "station": None if m < 0 else gains.stations[m],
            "price": math.nan if m < 0 else outcome.price[s, n, m].item(),
        }
        rows.append(place | {key: column[n].item() for key, column in columns.items()})
    return rows


def show(
    console: Console,
    scenario: Scenario,
    market: Market,
    gains: Gains,
    outcome: Outcome,
    checked: Checked | None = None,
) -> None:
    """The first snapshots in tables, and the means of all where there are more."""
    count, maps, stations = outcome.price.shape
    cap = "no cap" if scenario.price_cap is None else f"cap {scenario.price_cap:g} money/MB"
    console.print(
        f"{outcome.concept}, scenario {scenario.name} ({cap}): "
        f"{_many(maps, 'mAP')}, {_many(stations, 'BS')}, {_many(count, 'snapshot')}"
    )
    notes = []
    if scenario.is_private:
        notes.append("What mAPs keep private stands at its mean.")
    if scenario.raw_data == "uniform":
        notes.append("Raw data stands at its largest.")
    if notes:
        console.print(" ".join(notes))
    for s in range(min(count, SNAPSHOTS_SHOWN)):
        _show_snapshot(console, market, gains, outcome, s)
        if checked and outcome.status[s] != "infeasible":
            _show_check(console, checked.values(s))
    if count > 1:
        _show_summary(console, gains, outcome)
    console.print()
    for status in sorted(set(outcome.status.tolist())):
        console.print(MEANING.get(status, status))
    hidden = count > SNAPSHOTS_SHOWN or maps > MAPS_SHOWN or stations > STATIONS_SHOWN
    if hidden:
        console.print("Not everything is shown; --json gives all of it.")


def _show_snapshot(console: Console, market: Market, gains: Gains, outcome: Outcome, s: int) -> None:
    status = str(outcome.status[s])
    console.print()
    heading = f"Snapshot {gains.snapshots[s]}"
    if status == "infeasible":
        console.print(f"{heading}: infeasible, no solution", style="bold")
        return
    rounds = _many(int(outcome.sweeps[s]), "iteration" if outcome.concept == "gradient" else "sweep")
    found = f"{status} after {rounds}" if outcome.sweeps[s] else status
    utility = number(outcome.operator_utility[s].item(), 4)
    console.print(f"{heading}: operator utility {utility} money, {found}", style="bold")
    chosen = table(
        "mAP", "BS", "price\nmoney/MB", "data\nMB", "sampling\nrate", "accuracy", "delay\ns", "utility\nmoney",
        "regret\nmoney", names=2,
    )  # fmt: skip
    rows = _rows(market, gains, outcome, s)
    for row in rows[:MAPS_SHOWN]:
        station = f"{NOTHING} (off)" if row["station"] is None else row["station"]
        digits = {"price": 4, "data": 3, "sampling_rate": 3, "accuracy": 3, "delay": 3, "utility": 4, "regret": 4}
        chosen.add_row(row["map"], station, *(number(row[key], d) for key, d in digits.items()))
    console.print(chosen)
    _more(console, len(rows) - MAPS_SHOWN, "mAP")
    console.print("\nPrices in money/MB (-: not offered)")
    offered = table("mAP", *gains.stations[:STATIONS_SHOWN])
    for name, prices in list(zip(gains.maps, outcome.price[s].tolist(), strict=True))[:MAPS_SHOWN]:
        offered.add_row(name, *(number(price, 4) for price in prices[:STATIONS_SHOWN]))
    console.print(offered)
    _more(console, len(gains.maps) - MAPS_SHOWN, "mAP")
    _more(console, len(gains.stations) - STATIONS_SHOWN, "BS")


def city_document(scenario: Scenario, gains: SparseGains, outcome: Outcome) -> str:
    """One JSON document of the whole; what each mAP does is for a table."""
    content = {
        "concept": outcome.concept,
        "scenario": scenario.name,
        "units": UNITS,
        "snapshot": gains.snapshot,
        "size": _city_size(gains),
        "status": str(outcome.status),
        "method": outcome.method,
        "operator_utility": _finite(outcome.operator_utility.item()),
        "bound": _finite(outcome.bound.item()),
        "gap": _finite(outcome.gap.item()),
        "sweeps": int(outcome.sweeps),
        "largest_regret": outcome.regret.max().item(),
        "sending": int((outcome.data > 0).sum()),
        "means": {name: values.mean().item() for name, values in _city_means(outcome).items()},
    }
    return json.dumps(content, indent=1, allow_nan=False)


def show_city(console: Console, scenario: Scenario, gains: SparseGains, outcome: Outcome) -> None:
    """Figures of the whole, and how good they are."""
    size = _city_size(gains)
    cap = "no cap" if scenario.price_cap is None else f"cap {scenario.price_cap:g} money/MB"
    console.print(
        f"{outcome.concept}, scenario {scenario.name} ({cap}): {_many(size['maps'], 'mAP')}, "
        f"{_many(size['stations'], 'BS')}, {_many(size['pairs'], 'pair')} in reach"
    )
    rounds = f" after {_many(int(outcome.sweeps), 'sweep')}" if outcome.sweeps else ""
    console.print(f"\nFound by {outcome.method}: {outcome.status}{rounds}", style="bold")
    told = table("", "", name_width=52)
    told.add_row("operator utility, money", number(outcome.operator_utility.item(), 2))
    if math.isfinite(outcome.bound.item()):
        told.add_row("no association earns more than, money", number(outcome.bound.item(), 2))
        told.add_row("so the best is at most this share above it", number(outcome.gap.item(), 4))
    told.add_row("mAPs that send data", f"{int((outcome.data > 0).sum()):,}")
    told.add_row("largest regret of any mAP, money", number(outcome.regret.max().item(), 4))
    for name, values in _city_means(outcome).items():
        told.add_row(f"mean {name}, {UNITS[name]}", number(values.mean().item(), 4))
    console.print(told)
    console.print()
    console.print(MEANING[str(outcome.status)])
    console.print("What each mAP does: --out FILE.")


def _city_size(gains: SparseGains) -> dict[str, int]:
    maps, stations = gains.gain.shape
    return {"maps": maps, "stations": stations, "pairs": gains.gain.values().numel()}


def _city_means(outcome: Outcome) -> dict[str, Tensor]:
    return {
        "utility": outcome.map_utility,
        "regret": outcome.regret,
        "data": outcome.data,
        "rate": outcome.rate,
        "delay": outcome.delay,
        "accuracy": outcome.accuracy,
    }


def _show_check(console: Console, values: dict[str, dict[str, Any]]) -> None:
    found, rest = values["certificate"], values.get("equilibria_at_these_prices")

    def money(value: float | None) -> str:
        return NOTHING if value is None else number(value, 4)

    console.print("\nChecked by dense search")
    told = table("", "money", name_width=62)
    told.add_row("most that any mAP could add by another BS or amount", money(found["map_deviation"]))
    told.add_row(
        f"most that {found['prices_tried']:,} prices for each pair add for the operator",
        money(found["operator_deviation"]),
    )
    if rest is not None:
        told.add_row(f"operator at these prices, worst of {_many(rest['count'], 'equilibrium', 'equilibria')}",
                     money(rest["operator_worst"]))  # fmt: skip
        told.add_row("operator at these prices, best", money(rest["operator_best"]))
        told.add_row("operator if mAPs start at their strongest BS", money(rest["operator_from_strongest_station"]))
    console.print(told)
    if rest is None:
        console.print("There are too many associations to list the equilibria at these prices.")


def _show_summary(console: Console, gains: Gains, outcome: Outcome) -> None:
    counts = Counter(outcome.status.tolist())
    told = ", ".join(f"{name} {count:,}" for name, count in counts.most_common())
    solved = len(gains.snapshots) - counts["infeasible"]
    console.print(f"\nAll {len(gains.snapshots):,} snapshots: {told}", style="bold")
    if not solved:
        return
    means = table("mean of", "", name_width=40)
    for name, values in (
        ("operator utility, money", outcome.operator_utility),
        ("mAP utility, money", outcome.map_utility),
        ("mAP regret, money", outcome.regret),
        ("mAP data, MB", outcome.data),
        ("mAP delay, s", outcome.delay),
        ("mAP accuracy", outcome.accuracy),
    ):
        means.add_row(name, number(values.nanmean().item(), 4))
    console.print(means)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _many(count: int, noun: str, plural: str = "") -> str:
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def _more(console: Console, count: int, noun: str) -> None:
    if count > 0:
        console.print(f"... and {_many(count, f'more {noun}')}")
