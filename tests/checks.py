"""What must hold for any outcome, whatever the concept: every number follows from its association and prices."""

from __future__ import annotations

import math
import re

import pytest
from mpmath import mpf

from reference import Game, Instance, Reply
from twinoffload import Market, Outcome

NOTHING = Reply(*[mpf(0)] * 6)


def market_of(instance: Instance) -> Market:
    """The package's market of an instance."""
    return Market(**instance.market_fields())


def profile_of(outcome: Outcome) -> tuple[int, ...]:
    """The association as a tuple."""
    return tuple(outcome.association.tolist())


def close(found: object, expected: object, tolerance: float) -> None:
    """Equal within an absolute tolerance."""
    assert float(found) == pytest.approx(float(expected), abs=tolerance)


def check_play(game: Game, outcome: Outcome) -> None:
    """Data, rate, accuracy, delay, utilities and regret as the reference finds them at the outcome's prices."""
    instance, profile, price = game.instance, profile_of(outcome), outcome.price.tolist()
    profit = mpf(0)
    for n, m in enumerate(profile):
        value = instance.accuracy_value[n]
        replies = game.replies(n, profile, price)
        own = replies[m] if m >= 0 else NOTHING
        profit += own.profit
        rate = float(game.rate(n, m, profile)) if m >= 0 else 0.0
        assert float(outcome.rate[n]) == pytest.approx(rate, rel=1e-11, abs=0)
        close(outcome.data[n], own.data, 1e-10 * value)
        close(outcome.accuracy[n], own.accuracy, 1e-10)
        assert float(outcome.delay[n]) == pytest.approx(float(own.delay), rel=1e-9, abs=1e-10)
        close(outcome.map_utility[n], own.utility, 1e-10 * value)
        close(outcome.regret[n], max(reply.utility for reply in replies) - own.utility, 1e-10 * value)
        if not instance.idle_interferes:
            assert (m == -1) == (float(outcome.data[n]) == 0)
        else:
            assert m >= 0
    close(outcome.operator_utility, profit, 1e-10 * max(instance.accuracy_value))


def check_shapes(instance: Instance, outcome: Outcome, batch: tuple[int, ...] = ()) -> None:
    """The shapes and types that the public face promises."""
    maps, stations = instance.maps, instance.stations
    assert str(outcome.association.dtype) == "torch.int64"
    for name in ("association", "data", "rate", "accuracy", "delay", "map_utility", "regret"):
        assert tuple(getattr(outcome, name).shape) == (*batch, maps), name
    assert tuple(outcome.price.shape) == (*batch, maps, stations)
    for name in ("operator_utility", "sweeps", "bound"):
        assert tuple(getattr(outcome, name).shape) == batch, name
    assert outcome.status.shape == batch
    for name in ("data", "rate", "accuracy", "delay", "map_utility", "regret", "price", "operator_utility"):
        assert str(getattr(outcome, name).dtype) == "torch.float64", name


def largest_k(instance: Instance) -> float:
    """max K over all pairs."""
    steepness = max(a * b for a, b in zip(instance.quality, instance.accuracy_weight, strict=True))
    return max(instance.accuracy_value) * steepness


def check_prices(instance: Instance, found: list[list[float]], expected: list[list[float]]) -> None:
    """Prices within 1e-9 of K, infinite ones where expected."""
    for n, row in enumerate(expected):
        for m, price in enumerate(row):
            k = instance.accuracy_value[n] * instance.accuracy_weight[m] * instance.quality[m]
            if math.isinf(price):
                assert math.isinf(found[n][m])
            else:
                assert found[n][m] == pytest.approx(price, abs=1e-9 * k)


_NUMBER = re.compile(r"-?\d+\.?\d*")


def printed_as(shown: str, printed: str, close: float = 0.02) -> bool:
    """Whether a page shows what is printed: the same words, and numbers but for digits in which processors differ."""
    if _NUMBER.sub("#", shown).split() != _NUMBER.sub("#", printed).split():
        return False
    pairs = zip(_NUMBER.findall(shown), _NUMBER.findall(printed), strict=True)
    return all(abs(float(a) - float(b)) <= close * max(1.0, abs(float(a))) for a, b in pairs)
