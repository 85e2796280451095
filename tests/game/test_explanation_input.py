"""What an explanation, a market and an accuracy law refuse, each in one line."""

import pytest
import torch

from twinoffload import Market, Scenario, optimal_price, uplink_rate
from twinoffload.game.explanation import explain_pair
from twinoffload.game.law_check import check_law

MARKET, GAIN = Scenario.load("paper").market(), Scenario.load("paper").sample_gain(1)[0]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"price": -1.0}, "price = -1.0: must be at least 0 money/MB"),
        ({"price": float("nan")}, "price = nan: must be at least 0 money/MB"),
        ({"association": [0, 1, 7, 0]}, r"association\[2\] = 7: must be a BS index 0\.\.1, or -1: on none"),
        ({"association": [0, 0.5, 1, 1]}, r"association\[1\] = 0\.5: must be a BS index"),
        ({"association": [0, 1]}, r"association: has shape \[2\]; expected \[4\], one BS for each mAP"),
        ({"n": 4}, r"n = 4: must be in 0\.\.3"),
        ({"m": 0.5}, r"m = 0\.5: must be in 0\.\.1"),
    ],
)
def test_an_explanation(change, told):
    asked = {"association": [0, 1, 0, 1], "n": 0, "m": 0} | change
    association = asked.pop("association")
    with pytest.raises(ValueError, match=told):
        explain_pair(MARKET, GAIN, association, **asked)


def test_an_explanation_allows_somebody_on_no_bs_and_no_offer():
    off = explain_pair(MARKET, GAIN, [0, -1, -1, -1], n=0, m=0, price=float("inf")).values()
    assert off["profit"] == 0.0


def test_a_market():
    with pytest.raises(ValueError, match="power: has no entries"):
        Market(**(_fields() | {"power": []}))
    with pytest.raises(ValueError, match="cycles: has 3 entries on its mAP axis, but"):
        uplink_rate(Market(**(_fields() | {"cycles": [1.0, 2.0, 3.0]})), GAIN, [0, 0, 1, 1])
    with pytest.raises(ValueError, match=r"cycles: has shape \[3, 3\]; expected"):
        uplink_rate(Market(**(_fields() | {"cycles": torch.ones(3, 3)})), GAIN, [0, 0, 1, 1])
    with pytest.raises(ValueError, match="market: expected a Market, got dict"):
        optimal_price({}, torch.ones(4, 2))


def _fields():
    return {name: getattr(MARKET, name) for name in MARKET.__dataclass_fields__}


class _Law:
    kind, ceiling = "mine", 1.0

    def value(self, v):
        return torch.sqrt(v) / 100.0

    def slope(self, v):
        return 0.005 / torch.sqrt(v)


class _Flat(_Law):
    def value(self, v):
        return 0.0 * v

    def slope(self, v):
        return 0.0 * v


def test_a_law():
    with pytest.raises(ValueError, match="slope"):
        check_law(_Law())
    with pytest.raises(ValueError, match=r"slope\(0\) = 0: must be above 0"):
        check_law(_Flat())
