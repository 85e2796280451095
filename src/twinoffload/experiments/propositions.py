"""Propositions 1 and 2 against brute force: what any other amount or price gains over the closed form (C10).

Table `propositions.csv`. Each random market with a random slot (gains and association) gives one pair, an mAP on its
BS at the rate that then holds, and one row for each formula:

    proposition           1: the mAP's amount at a price (drawn at random); 2: the operator's price, mAP answering
    formula               "closed form": Eq. 15 clipped to [0, Zmax], and the price by Lambert's function;
                          the others are controls that should lose:
                          "Eq. 15 unclipped": as printed, as an amount; under 2 the price at which Eq. 21 is 0, which
                          takes the answer to be unclipped;
                          "Eq. 19 as the price": the printed upper end, which lacks gamma^D, where the paper says that
                          the optimal price is shown;
                          "Eq. 19 as a bound": the closed form lowered to that end
    market                from 0; a slot of its own each
    capped                whether prices have a cap, which is the end of their range; else it is the largest K
    trade                 whether there is anything to share, e + D < K
    answer                the mAP's at the row's price (1: the best amount): "nothing", "part" or "all" of its data
    price_money_per_mb    the price: given (1) or the formula's (2), lowered and raised to its range
    data_mb               the amount: the formula's (1) or the mAP's answer (2)
    outside_share         how far the amount (1) or price (2) of the formula is outside its range, share of the range
    gain_share            what the best deviation gains over the formula, share of gamma^A; below about 1e-12 it is
                          rounding. Empty where the amount cannot be sent: it solves nothing
    distance_share        from the formula to the best place found, share of the range; empty likewise. A search places
                          a smooth maximum no better than to 1e-8 or so, and anywhere in an interval that is best
    maxima                local maxima of utility over amount (1), of profit over price (2)
    flat_share            share of the range that has the largest value; 0 where the maximiser is unique
    concave_share         share of a grid's points at which the second difference is below 0 beyond rounding
    convex_share          likewise above 0
    concave_inside_share  of the points between which the mAP sends part of its data, the same; empty where there are
                          none. Under 2 that is where Eq. 22 speaks

The last five describe the curve and stand in the rows of the closed form only. Markets are drawn about the
defaults of `paper`, every parameter over one to three decades. The closed forms are the package's; the search is
`brute_force`, which shares no code with them, rates included.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
import torch

from twinoffload.experiments.brute_force import Array, Curve, Pairs, search
from twinoffload.experiments.measure_settings import FULL, MeasureSettings
from twinoffload.game.market import Market
from twinoffload.game.pairs import best_response, optimal_price, uplink_rate
from twinoffload.seeding import stream

FILE = "propositions.csv"
CLOSED, UNCLIPPED, END, BOUND = "closed form", "Eq. 15 unclipped", "Eq. 19 as the price", "Eq. 19 as a bound"
MAPS, STATIONS = 4, 2
HALVINGS = 60
NOTHING = 1e-12  # share of Zmax that is rounding at the price which ends demand

# parameter: (middle, decades, whether it is the mAP's)
_PER_MAP = {
    "power": (0.2, 1.0),
    "cycles": (1.8, 1.0),
    "accuracy_value": (10.0, 2.0),
    "delay_cost": (0.5, 2.0),
    "raw_data": (1.0, 1.4),
}
_PER_STATION = {
    "bandwidth": (5.0, 1.0),
    "noise": (1e-13, 1.0),
    "compute": (18.0, 0.6),
    "quality": (0.7, 0.6),
    "accuracy_weight": (1.0, 0.6),
}


@dataclass(frozen=True)
class Draw:
    """B random markets with slots.

    Attributes:
        fields: of `Market` by name, arrays `[B, N]`, `[B, M]` or `[B]`; `price_cap` is inf where there is none.
        gain: `[B, N, M]`.
        association: `[B, N]`.
        mover: the mAP that is looked at, `[B]`.
        price: at which it sends, money/MB, `[B]`.
    """

    fields: dict[str, Array]
    gain: Array
    association: Array
    mover: Array
    price: Array

    def of_map(self, name: str) -> Array:
        """The mover's value, `[B, 1]`."""
        return np.take_along_axis(self.fields[name], self.mover[:, None], 1)

    def of_station(self, name: str) -> Array:
        """That of the mover's BS, `[B, 1]`."""
        return np.take_along_axis(self.fields[name], self._own[:, None], 1)

    @property
    def _own(self) -> Array:
        return np.take_along_axis(self.association, self.mover[:, None], 1)[:, 0]

    @property
    def pairs(self) -> Pairs:
        """The movers and their BSs, rates by Eq. 1 as it stands."""
        steepness = self.fields["accuracy_weight"] * self.fields["quality"]
        largest = self.fields["accuracy_value"].max(1) * steepness.max(1)
        end = np.where(np.isinf(self.fields["price_cap"]), largest, self.fields["price_cap"])
        return Pairs(
            accuracy_value=self.of_map("accuracy_value"),
            delay_cost=self.of_map("delay_cost"),
            steepness=self.of_station("accuracy_weight") * self.of_station("quality"),
            rate=self._rate()[:, None],
            cycles=self.of_map("cycles"),
            compute=self.of_station("compute"),
            energy_coefficient=self.fields["energy_coefficient"][:, None],
            raw_data=self.of_map("raw_data"),
            highest_price=end[:, None],
        )

    def _rate(self) -> Array:
        """R of the mover at its BS in MB/s, `[B]`."""
        received = self.fields["power"] * np.take_along_axis(self.gain, self._own[:, None, None], 2)[..., 0]
        others = (self.association == self._own[:, None]) & (np.arange(MAPS) != self.mover[:, None])
        disturbed = (received * others).sum(1) + self.of_station("noise")[:, 0]
        signal = np.take_along_axis(received, self.mover[:, None], 1)[:, 0]
        return self.of_station("bandwidth")[:, 0] / 8.0 * np.log1p(signal / disturbed) / np.log(2.0)

    def closed_forms(self) -> tuple[Array, Array]:
        """The package's: the amount at the given price, and the best price, `[B, 1]` each."""
        amount, price = np.empty((len(self.mover), 1)), np.empty((len(self.mover), 1))
        capped = np.isfinite(self.fields["price_cap"])
        for rows in (np.flatnonzero(capped), np.flatnonzero(~capped)):
            given: dict[str, Any] = {name: value[rows] for name, value in self.fields.items()}
            if rows.size and np.isinf(given["price_cap"][0]):
                given["price_cap"] = None
            market = Market(**given)
            rate = uplink_rate(market, self.gain[rows], self.association[rows])
            asked = torch.from_numpy(self.price[rows])[:, None, None].expand_as(rate)
            pick = np.arange(len(rows)), self.mover[rows], self._own[rows]
            amount[rows, 0] = best_response(market, rate, asked).data.numpy()[pick]
            price[rows, 0] = optimal_price(market, rate).price.numpy()[pick]
        return amount, price


def draw(count: int, seed: int = 0) -> Draw:
    """Random markets and slots; every other has a cap. At least two."""
    generator = stream(seed, "propositions")

    def uniform(*shape: int) -> Array:
        return torch.rand(shape, dtype=torch.float64, generator=generator).numpy()

    def spread(middle: float, decades: float, *shape: int) -> Array:
        return middle * 10.0 ** (decades * (uniform(*shape) - 0.5))

    fields = {name: spread(*around, count, MAPS) for name, around in _PER_MAP.items()}
    fields |= {name: spread(*around, count, STATIONS) for name, around in _PER_STATION.items()}
    fields["energy_coefficient"] = spread(2.5e-4, 2.0, count)
    gain, mover = spread(3e-10, 5.0, count, MAPS, STATIONS), (MAPS * uniform(count)).astype(np.int64)
    association = (STATIONS * uniform(count, MAPS)).astype(np.int64)
    fields["price_cap"] = np.full(count, np.inf)
    drawn = Draw(fields, gain, association, mover, uniform(count))
    first = (drawn.pairs.accuracy_value * drawn.pairs.steepness)[:, 0]  # K
    cap = np.where(np.arange(count) % 2 == 0, first * 10.0 ** (2.2 * uniform(count) - 2.0), np.inf)
    return Draw(fields | {"price_cap": cap}, gain, association, mover, 1.2 * first * drawn.price)


def steps(settings: MeasureSettings = FULL) -> int:
    """How often `measure` calls `each`."""
    return 2


def measure(settings: MeasureSettings = FULL, each: Callable[[str], None] = lambda label: None) -> pl.DataFrame:
    """The table; the same on every run.

    Args:
        settings: how many markets, and how fine the grid.
        each: called after each proposition.
    """
    drawn = draw(settings.markets)
    pairs, (amount, price) = drawn.pairs, drawn.closed_forms()
    asked = drawn.price[:, None]
    tables = []
    curve = search(lambda data: pairs.utility(asked, data), pairs.raw_data, settings.points)
    first = _Tested(1, pairs, drawn, curve, pairs.raw_data)
    tables += [first.rows(CLOSED, amount, asked), first.rows(UNCLIPPED, printed_amount(pairs, asked), asked)]
    each("Proposition 1")

    def sends_part(places: Array) -> Array:
        answer = pairs.answer(places)
        return (answer > 0.0) & (answer < pairs.raw_data)

    curve = search(pairs.earnings, pairs.highest_price, settings.points, sends_part)
    second, printed_end = _Tested(2, pairs, drawn, curve, pairs.highest_price), printed_end_of_prices(pairs)
    tables += [
        second.rows(CLOSED, price),
        second.rows(UNCLIPPED, stationary_price(pairs)),
        second.rows(END, printed_end),
        second.rows(BOUND, np.minimum(price, printed_end)),
    ]
    each("Proposition 2")
    return pl.concat(tables)


@dataclass(frozen=True)
class _Tested:
    """A proposition's curves, beside which formulas are laid."""

    proposition: int
    pairs: Pairs
    drawn: Draw
    curve: Curve
    limit: Array

    def rows(self, formula: str, place: Array, asked: Array | None = None) -> pl.DataFrame:
        """What a formula's places are worth; amounts at the prices `asked`, or prices, `[B, 1]`."""
        inside = place.clip(0.0, self.limit)
        outside = (np.abs(place - inside) / self.limit)[:, 0]
        if asked is None:
            data, paid, worth = self.pairs.answer(inside), inside, self.pairs.earnings(inside)
        else:
            data, paid, worth = place, asked, self.pairs.utility(asked, place)
        sendable = (outside == 0.0) if asked is not None else np.ones(len(outside), dtype=bool)
        gain = (self.curve.best - worth[:, 0]) / self.pairs.accuracy_value[:, 0]
        distance = np.abs(self.curve.place - inside[:, 0]) / self.limit[:, 0]
        energy = self.pairs.energy_coefficient * self.pairs.compute**2 * self.pairs.cycles
        first = self.pairs.accuracy_value * self.pairs.steepness
        answer = self.pairs.answer(paid)
        words = np.where(
            answer <= NOTHING * self.pairs.raw_data, "nothing", np.where(answer < self.pairs.raw_data, "part", "all")
        )
        table = pl.DataFrame(
            {
                "proposition": np.full(len(gain), self.proposition),
                "formula": [formula] * len(gain),
                "market": np.arange(len(gain)),
                "capped": np.isfinite(self.drawn.fields["price_cap"]),
                "trade": (energy + self.pairs.unit_cost < first)[:, 0],
                "answer": words[:, 0].tolist(),
                "price_money_per_mb": paid[:, 0],
                "data_mb": data[:, 0],
                "outside_share": outside,
                "gain_share": np.where(sendable, gain, np.nan),
                "distance_share": np.where(sendable, distance, np.nan),
                "maxima": self.curve.maxima,
                "flat_share": self.curve.flat_share,
                "concave_share": self.curve.concave_share,
                "convex_share": self.curve.convex_share,
                "concave_inside_share": self.curve.concave_inside_share,
            }
        ).with_columns(pl.col(pl.Float64).fill_nan(None))
        shape = ("maxima", "flat_share", "concave_share", "convex_share", "concave_inside_share")
        own = pl.lit(formula == CLOSED)
        return table.with_columns(pl.when(own).then(pl.col(name)).alias(name) for name in shape)


def printed_amount(pairs: Pairs, price: Array) -> Array:
    """Eq. 15 as printed, MB, `[B, 1]`: below 0 or above Zmax where it is not clipped."""
    worth = pairs.accuracy_value * pairs.steepness
    rate, compute = pairs.rate, pairs.compute
    delay = pairs.delay_cost * (compute + pairs.cycles * rate) / (worth * rate * compute)
    return -1.0 / pairs.steepness * np.log(delay + price / worth)


def printed_end_of_prices(pairs: Pairs) -> Array:
    """mu^max of Eq. 19 as printed, without gamma^D, money/MB, `[B, 1]`."""
    rate, compute = pairs.rate, pairs.compute
    return pairs.accuracy_value * pairs.steepness - (compute + pairs.cycles * rate) / (rate * compute)


def stationary_price(pairs: Pairs) -> Array:
    """Where Eq. 21, the profit's slope if the answer were not clipped, is 0 in the operator's range, `[B, 1]`."""
    worth, energy = pairs.accuracy_value * pairs.steepness, pairs.energy_coefficient * pairs.compute**2 * pairs.cycles
    low, high = np.zeros_like(worth), pairs.highest_price
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        total = pairs.unit_cost + middle
        rising = np.log(total / worth) + (middle - energy) / total < 0.0  # times -1 / a
        low, high = np.where(rising, middle, low), np.where(rising, high, middle)
    return 0.5 * (low + high)
