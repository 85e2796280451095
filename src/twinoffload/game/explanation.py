"""One pair's arithmetic, step by step, for those who check by hand.

Every value is what the library's own functions return for the pair; the words beside it say which formula that is.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from numbers import Integral
from typing import Any, Literal

import torch
from torch import Tensor

from twinoffload.game.accuracy_law import need_eq_7
from twinoffload.game.inputs import gain_array, market_terms, pair_array
from twinoffload.game.market import Market, as_numbers, first_bad
from twinoffload.game.pairs import pair_rate
from twinoffload.game.payoff import accuracy, delay, map_utility, profit, unit_delay, unit_delay_cost
from twinoffload.game.pricing import best_price, interior_total, kink_total, lambert_term, price_leaving, trades
from twinoffload.game.response import best_data
from twinoffload.game.special import inverse_gamma2
from twinoffload.game.terms import Terms
from twinoffload.network import link

Bound = Literal["interior", "kink", "cap", "no trade"]
"""What decides mu*: the profit's slope is 0; all raw data are sold; the cap; or there is nothing to share."""

_NAMED = 5  # interferers written out in the sum


@dataclass(frozen=True)
class Step:
    """`symbol = formula = numbers = value unit`.

    Attributes:
        key: name for programs.
        symbol: what is computed.
        formula: in symbols; empty where the value is given.
        numbers: the formula with its numbers; empty where the value is given.
        value: full precision.
        unit: empty for a pure number.
    """

    key: str
    symbol: str
    formula: str
    numbers: str
    value: float | bool
    unit: str = ""


@dataclass(frozen=True)
class Section:
    """Steps under a title, and what they mean."""

    title: str
    steps: tuple[Step, ...]
    remark: str = ""


@dataclass(frozen=True)
class Explanation:
    """The arithmetic of one pair.

    Attributes:
        parameters: what is given; `formula` holds the parameter's name.
        sections: what follows.
        bound: what decides mu*.
    """

    parameters: tuple[Step, ...]
    sections: tuple[Section, ...]
    bound: Bound

    def steps(self) -> list[Step]:
        """All of them, in order."""
        return [step for section in self.sections for step in section.steps]

    def values(self) -> dict[str, float | bool]:
        """Value of every step by its key."""
        return {step.key: step.value for step in self.steps()}


def check_explainable(market: Market) -> None:
    """Refuse a market whose formulas are not those that an explanation writes out.

    Raises:
        ValueError: naming the accuracy law and the remedy.
    """
    if isinstance(market, Market):
        need_eq_7(market.law, "`explain`")


def explain_rate(
    market: Market, rate: float, *, maps: int = 1, stations: int = 1, n: int = 0, m: int = 0, price: float | None = None
) -> Explanation:
    """The arithmetic of mAP n and BS m at a known uplink rate.

    Args:
        market: the parameters, without batch axes.
        rate: R in MB/s.
        maps: N, as the market's fields need it.
        stations: M.
        n: which mAP.
        m: which BS.
        price: what the mAP is charged, money/MB, inf: not offered; the best price where it is None.

    Raises:
        ValueError: bad input, named.
    """
    check_explainable(market)
    known = pair_array("rate", torch.full((maps, stations), float(rate), dtype=torch.float64))
    terms = _single(market_terms(market, known))
    pair = _Pair(market, terms, maps, stations, n, m)
    section = Section("Rate", (Step("rate", "R", "", "", float(rate), "MB/s"),))
    return pair.explain(known, section, price, [])


def explain_pair(
    market: Market,
    gain: Any,
    association: Sequence[int],
    *,
    n: int,
    m: int,
    price: float | None = None,
    posted: bool = False,
    map_names: Sequence[str] | None = None,
    station_names: Sequence[str] | None = None,
) -> Explanation:
    """The arithmetic of mAP n and BS m, given who is connected where.

    Args:
        market: the parameters, without batch axes.
        gain: channel power gain h, `[N, M]`.
        association: BS of each mAP; -1: on none. Where mAP n is elsewhere, the rate is what it would get on moving.
        n: which mAP.
        m: which BS.
        price: what the mAP is charged, money/MB, inf: not offered; the best price where it is None.
        posted: whether to show what the mAP could have elsewhere if every other offer is at the end of the
            operator's range, and the price that leaves it that much.
        map_names: of the mAPs.
        station_names: of the BSs.

    Raises:
        ValueError: bad input, named.
    """
    check_explainable(market)
    gain = gain_array(gain)
    if gain.ndim != 2:
        raise ValueError(f"gain: has shape {list(gain.shape)}; expected [N, M], one snapshot")
    terms = _single(market_terms(market, gain))
    maps, stations = gain.shape
    map_names = map_names or [f"mAP {i + 1}" for i in range(maps)]
    station_names = station_names or [f"BS {i + 1}" for i in range(stations)]
    pair = _Pair(market, terms, maps, stations, n, m)
    on = link.connected(_choices(association, maps, stations), stations)
    rate = pair_rate(terms, gain, on)
    extra = [pair.outside(rate, station_names)] if posted and stations > 1 else []
    return pair.explain(rate, pair.link(gain, on, rate, map_names), price, extra, gain=gain[n, m].item())


def _choices(association: Sequence[int], maps: int, stations: int) -> Tensor:
    """BS indices `[N]`, -1 for none, whatever the market allows: an explanation may ask what if.

    Raises:
        ValueError: naming the entry and the bound.
    """
    chosen = as_numbers("association", association)
    if chosen.shape != (maps,):
        raise ValueError(f"association: has shape {list(chosen.shape)}; expected [{maps}], one BS for each mAP")
    bad = (chosen != chosen.round()) | ~((chosen >= -1) & (chosen < stations))
    if bad.any():
        told = first_bad("association", chosen, bad)
        raise ValueError(f"{told}: must be a BS index 0..{stations - 1}, or -1: on none")
    return chosen.to(torch.int64)


class _Pair:
    """Steps of one pair; every method returns what the library computes, with the formula beside it."""

    def __init__(self, market: Market, terms: Terms, maps: int, stations: int, n: int, m: int):
        for name, index, size in (("n", n, maps), ("m", m, stations)):
            if not isinstance(index, Integral) or not 0 <= index < size:
                raise ValueError(f"{name} = {index}: must be in 0..{size - 1}")
        self.n, self.m, self.shape = n, m, (maps, stations)
        self.market, self.all = market, terms
        self.terms = terms.map(self._here)
        self.given = {name: self._here(value).item() for name, value in market.pairs(maps, stations).items()}

    def _here(self, tensor: Tensor) -> Tensor:
        return tensor.expand(self.shape)[self.n : self.n + 1, self.m : self.m + 1]

    def explain(
        self, rate: Tensor, first: Section, price: float | None, extra: list[Section], gain: float | None = None
    ) -> Explanation:
        if price is not None and not price >= 0.0:
            raise ValueError(f"price = {price}: must be at least 0 money/MB; inf: not offered")
        rate = self._here(rate)
        pair, delay_cost = self._pair_section(rate)
        best, bound, mu = self._price_section(delay_cost)
        charged = mu if price is None else torch.full_like(mu, price)
        return Explanation(
            parameters=tuple(self._parameters(gain)),
            sections=(first, pair, best, *extra, self._result_section(rate, delay_cost, charged)),
            bound=bound,
        )

    def _parameters(self, gain: float | None) -> list[Step]:
        rows = [
            ("gain", "h", "channel power gain", gain, ""),
            ("power", "p", "transmit power", self.given["power"], "W"),
            ("noise", "sigma2", "noise power", self.given["noise"], "W"),
            ("bandwidth", "W", "bandwidth", self.given["bandwidth"], "MHz"),
            ("compute", "f", "computing capability", self.given["compute"], "Gcycle/s"),
            ("cycles", "c", "cycles per data", self.given["cycles"], "Gcycle/MB"),
            ("quality", "x", "model quality", self.given["quality"], ""),
            ("accuracy_weight", "rho", "accuracy weight", self.given["accuracy_weight"], "1/MB"),
            ("accuracy_value", "gA", "weight of accuracy", self.given["accuracy_value"], "money"),
            ("delay_cost", "gD", "weight of delay", self.given["delay_cost"], "money/s"),
            ("energy_coefficient", "eps", "energy coefficient", self.given["energy_coefficient"], "money s^2/Gcycle^3"),
            ("raw_data", "o", "raw data", self.given["raw_data"], "MB"),
            ("price_cap", "cap", "highest price", self.given["price_cap"], "money/MB"),
        ]
        radio = ("gain", "power", "noise", "bandwidth")
        return [
            Step(key, symbol, name, "", value, unit)
            for key, symbol, name, value, unit in rows
            if value is not None and (gain is not None or key not in radio)
        ]

    def link(self, gain: Tensor, on: Tensor, rate: Tensor, names: Sequence[str]) -> Section:
        """From gains to the rate (Eq. 1)."""
        received = self.all.power * gain
        disturbance = link.interference(received, on)
        ratio = link.sinr(received, disturbance, self.all.noise)
        p, i, q, r = (self._here(value).item() for value in (received, disturbance, ratio, rate))
        others = [k for k in range(len(names)) if k != self.n and bool(on[k, self.m])]
        shown = [f"p h of {names[k]}" for k in others[:_NAMED]]
        numbers = [_g(received[k, self.m].item()) for k in others[:_NAMED]]
        if len(others) > _NAMED:
            more = f"... ({len(others) - _NAMED} more)"
            shown, numbers = [*shown, more], [*numbers, more]
        summed = " + ".join(numbers) if len(numbers) > 1 else ""
        steps = (
            Step(
                "received_power", "P", "p h", f"{_g(self.given['power'])} × {_g(gain[self.n, self.m].item())}", p, "W"
            ),
            Step("interference", "I", " + ".join(shown) or "nobody else is there", summed, i, "W"),
            Step("sinr", "SINR", "P / (I + sigma2)", f"{_g(p)} / ({_g(i)} + {_g(self.given['noise'])})", q),
            Step("rate", "R", "W/8 log2(1 + SINR)", f"{_g(self.given['bandwidth'])}/8 × log2(1 + {_g(q)})", r, "MB/s"),
        )
        return Section("Link", steps)

    def _pair_section(self, rate: Tensor) -> tuple[Section, Tensor]:
        terms, g = self.terms, {name: _g(value) for name, value in self.given.items()}
        time, delay_cost = unit_delay(terms, rate), unit_delay_cost(terms, rate)
        t, d, a, k, e, s = (
            value.item()
            for value in (
                time, delay_cost, terms.steepness, terms.first_value, terms.energy_cost, terms.energy_cost + delay_cost,
            )
        )  # fmt: skip
        trade = bool(trades(terms, delay_cost))
        steps = (
            Step("unit_delay", "t", "1/R + c/f", f"1/{_g(rate.item())} + {g['cycles']}/{g['compute']}", t, "s/MB"),
            Step("unit_delay_cost", "D", "gD t", f"{g['delay_cost']} × {_g(t)}", d, "money/MB"),
            Step("steepness", "a", "rho x", f"{g['accuracy_weight']} × {g['quality']}", a, "1/MB"),
            Step("first_value", "K", "gA a", f"{g['accuracy_value']} × {_g(a)}", k, "money/MB"),
            Step(
                "energy_cost",
                "e",
                "eps f^2 c",
                f"{g['energy_coefficient']} × {g['compute']}^2 × {g['cycles']}",
                e,
                "money/MB",
            ),
            Step("total_cost", "s", "e + D", f"{_g(e)} + {_g(d)}", s, "money/MB"),
            Step("trade", "trade?", "s < K", f"{_g(s)} < {_g(k)}", trade),
        )
        if trade:
            remark = "A first MB is worth more than it costs both sides: there is something to share."
        elif rate.item() == 0.0:
            remark = "The rate is 0, so the BS is out of reach."
        else:
            remark = "A first MB is worth no more than it costs both sides: there is nothing to share."
        return Section("What a MB costs, and what the first is worth", steps, remark), delay_cost

    def _price_section(self, delay_cost: Tensor) -> tuple[Section, Bound, Tensor]:
        terms = self.terms
        k, d, a = terms.first_value.item(), delay_cost.item(), terms.steepness.item()
        cap, o = self.given["price_cap"], self.given["raw_data"]
        mu = best_price(terms, delay_cost)
        free = best_price(replace(terms, price_cap=torch.full_like(terms.price_cap, torch.inf)), delay_cost).item()
        within, cap_text = ("", "") if cap == torch.inf else (", at most cap", f", at most {_g(cap)}")
        if not trades(terms, delay_cost):
            step = Step(
                "best_price", "mu*", f"max(K - D, 0){within}", f"max({_g(k)} - {_g(d)}, 0){cap_text}", mu.item(),
                "money/MB",
            )  # fmt: skip
            remark = "No trade: mu* is the price at which the mAP stops buying."
            if cap < free:
                remark = "No trade, but the cap is below the price at which the mAP stops buying: it buys below cost."
            return Section("The operator's best price", (step,), remark), "no trade", mu
        s = (terms.energy_cost + delay_cost).item()
        w, y, kink = (
            value.item()
            for value in (lambert_term(terms, delay_cost), interior_total(terms, delay_cost), kink_total(terms))
        )
        steps = (
            Step("w", "w", "W0(E s/K), E = 2.71828", f"W0(2.71828 × {_g(s)} / {_g(k)})", w),
            Step("u", "u", "1 - w", f"1 - {_g(w)}", 1.0 - w),
            Step("interior_total", "y*", "K exp(w - 1)", f"{_g(k)} × exp({_g(w)} - 1)", y, "money/MB"),
            Step("kink_total", "y_kink", "K exp(-a o)", f"{_g(k)} × exp(-{_g(a)} × {_g(o)})", kink, "money/MB"),
            Step(
                "best_price",
                "mu*",
                f"max(y*, y_kink) - D{within}",
                f"max({_g(y)}, {_g(kink)}) - {_g(d)}{cap_text}",
                mu.item(),
                "money/MB",
            ),
        )
        bound: Bound = "cap" if cap < free else "kink" if kink > y else "interior"
        remark = {
            "interior": "Interior: there the slope of the operator's profit is 0, and a Z = u.",
            "kink": "Kink: up to y_kink the mAP sends all its raw data, and the profit still rises with the price.",
            "cap": f"The cap binds: without it mu* would be {_g(free)} money/MB.",
        }[bound]
        return Section("The operator's best price", steps, remark), bound, mu

    def outside(self, rate: Tensor, names: Sequence[str]) -> Section:
        """What the mAP could have elsewhere at the end of the price range, and the price that leaves it that."""
        terms, n, m = self.all, self.n, self.m
        delay_cost = unit_delay_cost(terms, rate)
        limit = terms.price_limit
        data = best_data(terms, delay_cost, limit)
        worth = map_utility(terms, delay_cost, limit.expand_as(data), data)[n].clone()
        worth[m] = -torch.inf
        other = int(worth.argmax())

        def at(tensor: Tensor) -> str:
            return _g(tensor.expand(self.shape)[n, other].item())

        best = worth[other].reshape(1, 1)
        v = inverse_gamma2(best / self.terms.accuracy_value).item()
        leaving = price_leaving(self.terms, self._here(delay_cost), best)
        mu = best_price(self.terms, self._here(delay_cost))
        price = torch.minimum(mu, leaving).clamp(min=0.0).item()
        value, k, a, d = (
            t.item()
            for t in (self.terms.accuracy_value, self.terms.first_value, self.terms.steepness, self._here(delay_cost))
        )
        o = self.given["raw_data"]
        if v <= a * o:
            formula, numbers = "K exp(-v) - D", f"{_g(k)} × exp(-{_g(v)}) - {_g(d)}"
        else:
            formula = "(gA (1 - exp(-a o)) - V)/o - D"
            numbers = f"({_g(value)} × (1 - exp(-{_g(a)} × {_g(o)})) - {_g(best.item())})/{_g(o)} - {_g(d)}"
        there = {name: at(tensor) for name, tensor in self.market.pairs(*self.shape).items()}
        highest, k2, a2 = limit.item(), at(terms.first_value), at(terms.steepness)
        d2, z2, dear = at(delay_cost), at(data), _g(limit.item())
        end = "max K" if self.given["price_cap"] == torch.inf else "cap"
        steps = (
            Step("highest_price", "mu_max", end, "", highest, "money/MB"),
            Step("outside_unit_delay_cost", "D'", f"gD (1/R + c/f) at {names[other]}",
                 f"{there['delay_cost']} × (1/{at(rate)} + {there['cycles']}/{there['compute']})",
                 delay_cost[n, other].item(), "money/MB"),
            Step("outside_data", "Z'", "ln(K/(D' + mu_max))/a, within [0, o]",
                 f"ln({k2}/({d2} + {dear}))/{a2}, within [0, {_g(o)}]",
                 data[n, other].item(), "MB"),
            Step("outside_utility", "V", "gA (1 - exp(-a Z')) - (D' + mu_max) Z'",
                 f"{_g(value)} × (1 - exp(-{a2} × {z2})) - ({d2} + {dear}) × {z2}", best.item(), "money"),
            Step("outside_v", "v", "inverse of 1 - (1 + v) exp(-v), at V/gA",
                 f"inverse at {_g(best.item())}/{_g(value)}", v),
            Step("price_leaving", "mu_V", formula, numbers, leaving.item(), "money/MB"),
            Step("posted_price", "mu", "max(min(mu*, mu_V), 0)", f"max(min({_g(mu.item())}, {_g(leaving.item())}), 0)",
                 price, "money/MB"),
        )  # fmt: skip
        remark = f"Of the other offers, all at mu_max, that of {names[other]} is worth most to the mAP: V. "
        remark += (
            "At mu* it would leave, so its price is lowered to mu_V, which leaves it V here too."
            if price < mu.item()
            else "At mu* it has no reason to leave."
        )
        return Section("What keeps the mAP from leaving", steps, remark)

    def _result_section(self, rate: Tensor, delay_cost: Tensor, price: Tensor) -> Section:
        terms = self.terms
        data = best_data(terms, delay_cost, price)
        time, share = delay(terms, rate, data), accuracy(terms, data)
        worth, earned = map_utility(terms, delay_cost, price, data), profit(terms, price, data)
        mu, z, d, k, a = (v.item() for v in (price, data, delay_cost, terms.first_value, terms.steepness))
        value, o, e = self.given["accuracy_value"], self.given["raw_data"], terms.energy_cost.item()
        t, phi = time.item(), share.item()
        sampling = data.item() / o if o > 0.0 else float("nan")
        if z > 0.0:
            utility_numbers = f"{_g(value)} × {_g(phi)} - {_g(self.given['delay_cost'])} × {_g(t)} - {_g(mu)} × {_g(z)}"
            profit_numbers = f"({_g(mu)} - {_g(e)}) × {_g(z)}"
            delay_numbers = f"{_g(z)} × {_g(unit_delay(terms, rate).item())}"
        else:
            utility_numbers = profit_numbers = delay_numbers = "nothing is sent"
        steps = (
            Step("price", "mu", "", "", mu, "money/MB"),
            Step("total_price", "y", "D + mu", f"{_g(d)} + {_g(mu)}", (delay_cost + price).item(), "money/MB"),
            Step("data", "Z", "ln(K/y)/a, within [0, o]",
                 f"ln({_g(k)}/{_g(d + mu)})/{_g(a)}, within [0, {_g(o)}]", z, "MB"),
            Step("sampling_rate", "l", "Z/o", f"{_g(z)}/{_g(o)}", sampling),
            Step("accuracy", "phi", "1 - exp(-a Z)", f"1 - exp(-{_g(a)} × {_g(z)})", phi),
            Step("delay", "T", "Z t", delay_numbers, t, "s"),
            Step("map_utility", "U_f", "gA phi - gD T - mu Z", utility_numbers, worth.item(), "money"),
            Step("profit", "U_l", "(mu - e) Z", profit_numbers, earned.item(), "money"),
        )  # fmt: skip
        if mu == torch.inf:
            remark = "The BS is not offered."
        elif o == 0.0:
            remark = "The mAP has no raw data to send."
        elif z == 0.0:
            remark = "The mAP sends nothing: even the first MB would cost it K or more."
        elif z >= o:
            remark = "The mAP sends all its raw data."
        else:
            remark = "One more MB would be worth just what it costs: K exp(-a Z) = y."
        return Section("What the mAP does at the price it is charged", steps, remark)


def _single(terms: Terms) -> Terms:
    """The same, of one market.

    Raises:
        ValueError: it is a batch.
    """
    if terms.batch_shape():
        raise ValueError(f"market: has batch axes {list(terms.batch_shape())}; expected one slot")
    return terms


def _g(value: float) -> str:
    """Six significant digits."""
    return f"{value:.6g}"
