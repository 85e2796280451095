"""Bad input raises before any work and names the field, the entry, the value and the bound."""

import math

import numpy as np
import pytest
import torch

from twinoffload import Market, best_response, evaluate_prices, nash_equilibria, optimal_price, solve, uplink_rate

PER_MAP = {"power": 0.2, "cycles": 1.6, "accuracy_value": 10.0, "delay_cost": 1.0, "raw_data": 5.0}
PER_STATION = {"bandwidth": 5.0, "noise": 6e-14, "compute": 20.0, "quality": 0.64, "accuracy_weight": 1.0}
GAIN = [[1e-9, 2e-10], [3e-10, 4e-9], [1e-9, 1e-9]]
MAY_BE_ZERO = ("cycles", "delay_cost", "raw_data")


def fields(**changes):
    base = {name: [value] * 3 for name, value in PER_MAP.items()}
    base |= {name: [value] * 2 for name, value in PER_STATION.items()}
    return base | {"energy_coefficient": 2.5e-4, "price_cap": 1.25} | changes


def calls_with(market=None, gain=GAIN, price=None, start=None):
    """Every function that takes a gain."""
    market = Market(**fields()) if market is None else market
    price = [[0.5, 0.5]] * 3 if price is None else price
    return [
        *(lambda c=c: solve(market, gain, concept=c, start=start) for c in ("pairwise", "posted", "admission")),
        lambda: evaluate_prices(market, gain, price, start=start),
    ]


def refused(call, *words) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 (the words are checked below)
        call()
    message = str(caught.value)
    for word in words:
        assert word in message, f"{word!r} missing in: {message}"
    assert "\n" not in message


def test_good_input_passes():
    for call in calls_with():
        assert torch.isfinite(call().operator_utility)


@pytest.mark.parametrize("name", [*PER_MAP, *PER_STATION])
@pytest.mark.parametrize(
    ("value", "shown"), [(math.nan, "nan"), (math.inf, "inf"), (-1.5, "-1.5"), (-math.inf, "-inf")]
)
def test_a_bad_entry_of_a_field_is_named(name, value, shown):
    values = fields()[name]
    values[1] = value
    refused(lambda: Market(**fields(**{name: values})), name, "1", shown)
    refused(lambda: Market(**fields(**{name: np.array(values)})), name, shown)


@pytest.mark.parametrize("name", [*PER_MAP, *PER_STATION])
def test_zero_only_where_it_means_something(name):
    values = fields()[name]
    values[0] = 0.0
    if name in MAY_BE_ZERO:
        for call in calls_with(Market(**fields(**{name: values}))):
            assert torch.isfinite(call().operator_utility)
    else:
        refused(lambda: Market(**fields(**{name: values})), name, "0", "above 0")


@pytest.mark.parametrize("name", ["energy_coefficient", "price_cap"])
@pytest.mark.parametrize("value", [math.nan, -1.5, math.inf, "much"])
def test_a_bad_single_value_is_named(name, value):
    refused(lambda: Market(**fields(**{name: value})), name, str(value)[:3])


@pytest.mark.parametrize("name", [*PER_MAP, *PER_STATION])
def test_a_wrong_length_says_which_axis(name):
    axis = "mAP" if name in PER_MAP else "BS"

    def build_and_solve():
        solve(Market(**fields(**{name: [1.0] * 4})), GAIN, concept="pairwise")

    refused(build_and_solve, name, "4", axis)


@pytest.mark.parametrize("name", ["power", "bandwidth", "cycles"])
@pytest.mark.parametrize("value", ["text", ["a", "b"], [[1.0], [1.0, 2.0]], None, {}, [1j, 2.0]])
def test_what_is_no_array_of_numbers_is_refused(name, value):
    refused(lambda: Market(**fields(**{name: value})), name)


def test_market_and_gain_must_agree():
    market = Market(**fields())
    refused(lambda: solve(market, [[1e-9, 1e-9]] * 4), "mAP", "3", "4")
    refused(lambda: solve(market, [[1e-9] * 3] * 3), "BS", "2", "3")
    refused(lambda: solve(market, [1e-9, 1e-9]), "gain", "[2]")


@pytest.mark.parametrize(("value", "shown"), [(math.nan, "nan"), (math.inf, "inf"), (-1e-9, "-1e-09")])
def test_a_bad_gain_is_named(value, shown):
    gain = [list(row) for row in GAIN]
    gain[2][1] = value
    for call in calls_with(gain=gain):
        refused(call, "gain[2, 1]", shown)
    refused(lambda: uplink_rate(Market(**fields()), gain, [0, 0, 0]), "gain[2, 1]", shown)
    refused(lambda: nash_equilibria(Market(**fields()), gain, [[0.5, 0.5]] * 3), "gain[2, 1]", shown)


def test_a_map_that_reaches_no_station_is_named():
    gain = [list(row) for row in GAIN]
    gain[1] = [0.0, 0.0]
    for call in calls_with(gain=gain):
        refused(call, "mAP 1", "no BS")
    for call in calls_with(gain=[GAIN, gain]):
        refused(call, "mAP 1", "1, 1")


@pytest.mark.parametrize(("value", "shown"), [(math.nan, "nan"), (-0.5, "-0.5")])
def test_a_bad_price_is_named_and_an_infinite_one_is_none(value, shown):
    market, price = Market(**fields()), [[0.5, 0.5], [0.5, value], [0.5, 0.5]]
    refused(lambda: evaluate_prices(market, GAIN, price), "price[1, 1]", shown)
    refused(lambda: nash_equilibria(market, GAIN, price), "price[1, 1]", shown)
    refused(lambda: best_response(market, [[1.0, 1.0]] * 3, price), "price[1, 1]", shown)
    assert evaluate_prices(market, GAIN, [[0.5, math.inf]] * 3).status == "converged"
    refused(lambda: evaluate_prices(market, GAIN, [[0.5] * 3] * 3), "price")


def test_a_bad_rate_is_named():
    market = Market(**fields())
    for value in (math.nan, math.inf, -1.0):
        rate = [[1.0, 1.0], [1.0, value], [1.0, 1.0]]
        refused(lambda rate=rate: optimal_price(market, rate), "rate[1, 1]")
        refused(lambda rate=rate: best_response(market, rate, [[0.5, 0.5]] * 3), "rate[1, 1]")


@pytest.mark.parametrize("start", [[0, 0, 2], [0, 0, -2], [0, 0.5, 1], [0, math.nan, 1], [0, 0, -1]])
def test_a_start_out_of_range_is_named(start):
    for call in calls_with(start=start):
        refused(call, "start", "0..1")
    refused(lambda: uplink_rate(Market(**fields()), GAIN, start), "association", "0..1")


def test_off_is_a_start_only_where_idle_maps_are_silent():
    silent = Market(**fields(idle_interferes=False))
    assert solve(silent, GAIN, concept="pairwise", start=[0, -1, 1]).status == "converged"
    assert float(uplink_rate(silent, GAIN, [0, -1, -1])[0, 0]) > float(uplink_rate(silent, GAIN, [0, 0, 0])[0, 0])
    refused(lambda: solve(silent, GAIN, concept="pairwise", start=[0, -2, 1]), "start[1]", "-2")


@pytest.mark.parametrize("start", [[0, 0], [0, 0, 0, 0], 0])
def test_a_start_of_the_wrong_length_is_refused(start):
    refused(lambda: solve(Market(**fields()), GAIN, concept="pairwise", start=start), "start", "3")


@pytest.mark.parametrize("order", [[0, 1], [0, 1, 1], [1, 2, 3], [0, 1, 2, 3], [-1, 0, 1]])
def test_an_order_that_is_no_permutation_is_refused(order):
    refused(lambda: solve(Market(**fields()), GAIN, concept="pairwise", order=order), "order", "0..2")
    refused(lambda: evaluate_prices(Market(**fields()), GAIN, [[0.5] * 2] * 3, order=order), "order", "0..2")


@pytest.mark.parametrize("concept", ["Pairwise", "nash", "", None, 3])
def test_an_unknown_concept_is_named_and_the_known_ones_listed(concept):
    refused(lambda: solve(Market(**fields()), GAIN, concept=concept), "concept", "pairwise", "posted", "admission")


def test_idle_interferes_is_a_truth_value():
    refused(lambda: Market(**fields(idle_interferes="yes")), "idle_interferes", "yes")


def test_batch_axes_that_do_not_match_are_refused():
    market = Market(**fields(bandwidth=[[[5.0, 5.0]]] * 2))
    solve(market, [GAIN] * 3, concept="pairwise")
    clash = Market(**fields(bandwidth=[[5.0, 5.0]] * 2))
    refused(lambda: solve(clash, [GAIN] * 3, concept="pairwise"), "batch", "3", "2")


def test_nash_equilibria_takes_one_instance_at_a_time():
    refused(lambda: nash_equilibria(Market(**fields()), [GAIN] * 2, [[0.5, 0.5]] * 3), "one instance")


@pytest.mark.parametrize("concept", ["posted", "admission"])
def test_a_market_beyond_enumeration_is_refused_before_any_work(concept):
    maps = 16
    large = fields(**{name: value for name, value in PER_MAP.items()})
    large |= {name: value for name, value in PER_STATION.items()}
    gain = np.full((maps, 4), 1e-9)
    if concept == "posted":  # admission may have a way beyond enumeration
        refused(lambda: solve(Market(**large), gain, concept=concept), "16", "4")
    assert solve(Market(**large), gain, concept="pairwise").association.shape == (maps,)


def test_any_positive_value_is_accepted():
    """Plausibility is the scenario's business: the market takes a watt of noise and a petawatt of power."""
    market = Market(**fields(noise=[1.0, 1e-300], power=[1e15, 1e-15, 1.0], bandwidth=[1e-9, 1e9]))
    for call in calls_with(market):
        outcome = call()
        assert torch.isfinite(outcome.operator_utility)
        assert torch.isfinite(outcome.data).all()


@pytest.mark.parametrize("order", [[0.9, 1.2, 2], "012", "abc", 3, [0, 1], [[0, 1, 2]], [0, 1, 1]])
def test_an_order_is_a_list_of_whole_numbers(order):
    refused(lambda: solve(Market(**fields()), GAIN, "pairwise", order=order), "order")


def test_truth_values_are_no_numbers_and_messages_stay_on_one_line():
    refused(lambda: solve(Market(**fields()), torch.tensor(GAIN) > 0), "gain", "True")
    refused(lambda: Market(**fields(power=torch.tensor([True, True, False]))), "power")
    refused(lambda: Market(**fields(power=np.array([["a", "b"], ["c", "d"]]))), "power")


def test_a_market_keeps_its_numbers_whatever_becomes_of_its_arguments():
    power = torch.tensor([0.1, 0.2, 0.3], dtype=torch.float64)
    market = Market(**fields(power=power))
    power[:] = -9
    assert market.power.tolist() == [0.1, 0.2, 0.3]


def test_products_beyond_the_largest_number_are_refused():
    refused(lambda: solve(Market(**fields(quality=1e308, accuracy_weight=1e308)), GAIN), "accuracy_weight x quality")
    refused(lambda: solve(Market(**fields(compute=1e200)), GAIN), "compute^2")
