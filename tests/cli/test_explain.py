"""`explain`: every number is the library's, every branch is told, and the formulas printed give the numbers printed."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import pytest
import torch

from twinoffload import Market, Scenario, best_response, optimal_price, solve, uplink_rate
from twinoffload.cli import main
from twinoffload.cli.explanation import WIDTH, lines
from twinoffload.game.explanation import Step, explain_pair, explain_rate
from twinoffload.network.gain_file import read_gains

EXAMPLE = Path(__file__).parents[2] / "examples" / "gains.csv"
PAIR = ("--gain", EXAMPLE, "--map", "map-1", "--station", "bs-1")


def run(capfd, *arguments: object) -> tuple[int, str, str]:
    """(exit status, standard output, standard error)."""
    with pytest.raises(SystemExit) as caught:
        main([str(argument) for argument in ("explain", *arguments)])
    out, err = capfd.readouterr()
    return caught.value.code, out, err


def told(capfd, *arguments: object) -> str:
    """What is printed: plain text of at most 80 columns."""
    status, out, err = run(capfd, *arguments)
    assert (status, err) == (0, "")
    assert "\x1b" not in out
    assert all(len(line) <= WIDTH for line in out.splitlines())
    return out


def values(capfd, *arguments: object) -> dict:
    """The steps' values by key."""
    found = json.loads(told_json(capfd, *arguments))
    return {step["key"]: step["value"] for section in found["sections"] for step in section["steps"]}


def told_json(capfd, *arguments: object) -> str:
    status, out, err = run(capfd, "--json", *arguments)
    assert (status, err) == (0, "")
    assert not re.search("NaN|Infinity", out)
    return out


@pytest.mark.parametrize("preset", ["paper", "open"])
@pytest.mark.parametrize("concept", ["pairwise", "posted", "admission"])
def test_every_pair_of_the_example_agrees_with_the_solution(preset, concept):
    gains = read_gains(EXAMPLE)
    market = Scenario.load(preset).market()
    outcome = solve(market, gains.gain, concept=concept)
    for s, gain in enumerate(gains.gain):
        association = outcome.association[s].tolist()
        rate = uplink_rate(market, gain, association)
        offer = optimal_price(market, rate)
        response = best_response(market, rate, outcome.price[s])
        for n in range(4):
            for m in range(2):
                mine = association[n] == m
                found = explain_pair(
                    market,
                    gain,
                    association,
                    n=n,
                    m=m,
                    price=outcome.price[s, n, m].item(),
                    posted=concept == "posted" and mine,
                ).values()
                assert found["rate"] == rate[n, m]
                assert found["best_price"] == offer.price[n, m]
                assert found["trade"] == offer.trade[n, m]
                assert found["price"] == outcome.price[s, n, m]
                assert found["data"] == response.data[n, m]
                assert found["map_utility"] == response.utility[n, m]
                assert found["total_cost"] == found["energy_cost"] + found["unit_delay_cost"]
                if not mine:
                    continue
                for key in ("rate", "data", "accuracy", "delay", "map_utility"):
                    assert found[key] == getattr(outcome, key)[s, n]
                if concept == "posted":
                    assert found["posted_price"] == pytest.approx(found["price"], abs=1e-12)
                    assert found["map_utility"] >= found["outside_utility"] - 1e-9
        total = sum(
            explain_pair(market, gain, association, n=n, m=m, price=outcome.price[s, n, m].item()).values()["profit"]
            for n, m in enumerate(association)
        )
        assert total == pytest.approx(outcome.operator_utility[s].item(), abs=1e-12)


def test_the_command_shows_the_default_solution(capfd):
    gains = read_gains(EXAMPLE)
    outcome = solve(Scenario.load("paper").market(), gains.gain)
    found = values(capfd, *PAIR)
    assert outcome.association[0, 0] == 0
    for key in ("rate", "data", "accuracy", "delay", "map_utility"):
        assert found[key] == getattr(outcome, key)[0, 0].item()
    assert found["sampling_rate"] == found["data"] / 5.0
    second = values(capfd, *PAIR, "--snapshot", "1", "--concept", "pairwise")
    assert second["rate"] != found["rate"]
    text = told(capfd, *PAIR)
    for word in ("Under posted (optimal), map-1 is on bs-1", "Also on bs-1: map-2", "Snapshot 0", "W0(", "cap"):
        assert word in " ".join(text.split())


def test_who_shares_the_station_can_be_named(capfd):
    gains = read_gains(EXAMPLE)
    market = Scenario.load("paper").market()
    for beside, association in (("map-2,map-3", [0, 0, 0, 1]), ("", [0, 1, 1, 1]), (" map-4 ", [0, 1, 1, 0])):
        found = values(capfd, *PAIR, "--with", beside)
        rate = uplink_rate(market, gains.gain[0], association)
        offer = optimal_price(market, rate)
        assert found["rate"] == rate[0, 0].item()
        assert found["price"] == offer.price[0, 0].item()
        assert found["profit"] == offer.profit[0, 0].item()
    assert "Nobody else is on bs-1" in told(capfd, *PAIR, "--with", "")


def market_of(**changes: object) -> Market:
    """One pair with round numbers."""
    fields = dict(power=0.2, bandwidth=5.0, noise=1e-13, compute=20.0, cycles=2.0, quality=0.8, accuracy_weight=1.0)
    fields |= dict(accuracy_value=10.0, delay_cost=1.0, energy_coefficient=2.5e-4, raw_data=5.0, price_cap=None)
    return Market(**fields | changes)


@pytest.mark.parametrize(
    ("changes", "rate", "bound", "words"),
    [
        ({}, 2.0, "interior", ["Interior", "One more MB"]),
        ({"raw_data": 0.3}, 2.0, "kink", ["Kink", "all its raw data"]),
        ({"price_cap": 1.25}, 2.0, "cap", ["The cap binds: without it mu* would be 3.06168"]),
        ({"price_cap": 0.1}, 2.0, "cap", ["The cap binds"]),
        ({"raw_data": 0.3, "price_cap": 1.0}, 2.0, "cap", ["The cap binds", "all its raw data"]),
        ({}, 0.1, "no trade", ["nothing to share", "stops buying", "sends nothing"]),
        ({"energy_coefficient": 0.05, "price_cap": 1.0}, 2.0, "no trade", ["buys below cost", "One more MB"]),
        ({}, 0.0, "no trade", ["out of reach", "sends nothing"]),
        ({"delay_cost": 0.0}, 0.0, "no trade", ["out of reach", "sends nothing"]),
        ({"raw_data": 0.0}, 2.0, "kink", ["Kink", "no raw data to send"]),
    ],
)
def test_what_decides_the_price_is_told(changes, rate, bound, words):
    market = market_of(**changes)
    found = explain_rate(market, rate)
    offer = optimal_price(market, [[rate]])
    response = best_response(market, [[rate]], offer.price)
    assert found.bound == bound
    assert found.values()["best_price"] == offer.price.item()
    assert found.values()["trade"] is bool(offer.trade)
    assert found.values()["data"] == response.data.item()
    assert found.values()["map_utility"] == response.utility.item()
    assert found.values()["profit"] == offer.profit.item()
    remarks = " ".join(section.remark for section in found.sections)
    for word in words:
        assert word in remarks
    if bound == "interior":
        assert found.values()["u"] == pytest.approx(found.values()["steepness"] * found.values()["data"], abs=1e-14)


def evaluate(numbers: str) -> float:
    """What a reader with a calculator gets."""
    number, *bounds = re.split(", (?=at most|within)", numbers)
    number, bounds = number.replace("×", "*").replace("^", "**"), "".join(bounds)
    from scipy.special import lambertw

    words = {"exp": math.exp, "ln": math.log, "log2": math.log2, "max": max, "min": min, "inf": math.inf}
    value = eval(number, {"__builtins__": {}}, words | {"W0": lambda x: lambertw(x).real})
    if bounds.startswith("at most"):
        return min(value, float(bounds.split()[-1]))
    if bounds.startswith("within"):
        low, high = map(float, re.findall(r"[\d.e+-]+", bounds))
        return min(max(value, low), high)
    return value


@pytest.mark.parametrize("preset", ["paper", "open"])
@pytest.mark.parametrize("scale", [1.0, 0.05])
def test_the_numbers_printed_give_the_value_printed(preset, scale):
    """Each step's numbers, worked out, agree with its value to the digits shown."""
    scenario = Scenario.load(preset).replace(task_size=5.0 * scale)
    market, gains = scenario.market(), read_gains(EXAMPLE)
    checked = set()
    outcome = solve(market, gains.gain)
    for s, gain in enumerate(gains.gain):
        association = outcome.association[s].tolist()
        for n, m in enumerate(association):
            price = outcome.price[s, n, m].item()
            for step in explain_pair(market, gain, association, n=n, m=m, price=price, posted=True).steps():
                if step.numbers and not re.search(r"[a-z] |inverse|<", step.numbers.split(",")[0]):
                    assert evaluate(step.numbers) == pytest.approx(step.value, rel=3e-4, abs=3e-5), step
                    checked.add(step.key)
    assert {"rate", "unit_delay", "best_price", "data", "map_utility", "profit", "price_leaving"} <= checked


@pytest.mark.parametrize("cap", [1.25, 3.0])
def test_the_price_is_lowered_until_the_mobile_stays(cap):
    scenario = Scenario.load("paper").replace(price_cap=cap)
    market, gain = scenario.market(), scenario.sample_gain(60)
    outcome = solve(market, gain)
    lowered = 0
    for s in range(60):
        association = outcome.association[s].tolist()
        for n, m in enumerate(association):
            price = outcome.price[s, n, m].item()
            explanation = explain_pair(market, gain[s], association, n=n, m=m, price=price, posted=True)
            found = explanation.values()
            assert found["posted_price"] == pytest.approx(price, abs=1e-12)
            if price < found["best_price"] - 1e-9:
                lowered += 1
                assert found["map_utility"] == pytest.approx(found["outside_utility"], abs=1e-9)
                assert any("lowered to mu_V" in section.remark for section in explanation.sections)
    assert lowered > 0


def test_a_rate_alone_needs_no_file(capfd):
    scenario = Scenario.load("open")
    found = values(capfd, "--rate", "4.2", "--map", "2", "--scenario", "open")
    offer = optimal_price(scenario.market(), torch.full((4, 2), 4.2))
    assert found["best_price"] == pytest.approx(offer.price[1, 0].item(), abs=1e-6)  # the tensor above is float32
    assert found["rate"] == 4.2
    assert json.loads(told_json(capfd, "--rate", "4.2"))["parameters"].keys().isdisjoint({"gain", "power"})
    sixth = values(capfd, "--rate", "4.2", "--map", "6", "--station", "3", "--scenario", "open")
    assert sixth == pytest.approx(found)  # cycles and qualities repeat
    nothing = json.loads(told_json(capfd, "--rate", "0"))
    assert nothing["bound"] == "no trade"
    assert nothing["sections"][1]["steps"][0]["value"] is None  # 1/R
    assert "inf" in told(capfd, "--rate", "0")


def test_a_price_of_ones_own(capfd):
    market = Scenario.load("paper").market()
    for price in (0.0, 0.7, 2.0, math.inf):
        found = values(capfd, *PAIR, "--price", price)
        rate = uplink_rate(market, read_gains(EXAMPLE).gain[0], [0, 0, 1, 1])
        response = best_response(market, rate, torch.full((4, 2), price, dtype=torch.float64))
        assert found["price"] == (price if math.isfinite(price) else None)
        assert found["data"] == response.data[0, 0].item()
        assert "posted_price" not in found
    assert "given price, 0.7 money/MB" in told(capfd, *PAIR, "--price", "0.7")
    assert "The BS is not offered" in told(capfd, *PAIR, "--price", "inf")


def test_where_the_mobile_is_not(capfd):
    text = " ".join(told(capfd, "--gain", EXAMPLE, "--map", "map-1", "--station", "bs-2").split())
    assert "map-1 is on bs-1: the numbers are those it would find on moving" in text
    assert "stand at the highest price" in text
    text = " ".join(
        told(capfd, "--gain", EXAMPLE, "--map", "map-1", "--station", "bs-2", "--concept", "admission").split()
    )
    assert "bs-2 is not offered to it" in text


def test_out_of_reach_many_sharers_and_long_names(capfd, tmp_path):
    path = tmp_path / "gains.csv"
    many = "".join(f"a rather long name of an mAP {n},b,{1e-9 * (n + 1)!r}\n" for n in range(9))
    path.write_text("map,station,gain\nfar,near by,1e-9\n" + many)
    pair = ("--gain", path, "--concept", "pairwise", "--map", "far")
    found = values(capfd, *pair, "--station", "b")
    assert (found["rate"], found["unit_delay"], found["data"], found["trade"]) == (0.0, None, 0.0, False)
    text = told(capfd, *pair, "--station", "b")
    assert "(4 more)" in text
    assert "and 4 more" in text
    alone = told(capfd, *pair, "--station", "near by")
    assert "nobody else is there = 0 W" in alone


def test_idle_mobiles_are_silent_and_off(capfd, tmp_path):
    path = tmp_path / "silent.yaml"
    path.write_text("extends: paper\nidle_interferes: false\naccuracy_value: 0.3\n")
    text = " ".join(told(capfd, *PAIR, "--scenario", path).split())
    assert "map-1 is off" in text
    assert "Nobody else is on bs-1" in text


def test_a_scenario_that_draws_values_says_what_stands_for_them(capfd, tmp_path):
    path = tmp_path / "drawn.yaml"
    path.write_text("extends: private\nraw_data: uniform\n")
    text = told(capfd, *PAIR, "--scenario", path)
    assert "What mAPs keep private stands at its mean." in " ".join(text.split())
    assert "Raw data stands at its largest." in " ".join(text.split())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], ["--gain, --rate", "name one"]),
        (["--rate", "1", "--gain", EXAMPLE], ["--gain, --rate", "name one"]),
        (["--gain", EXAMPLE, "--station", "bs-1"], ["--map", "missing"]),
        (["--gain", EXAMPLE, "--map", "map-1"], ["--station", "missing"]),
        (["--gain", EXAMPLE, "--map", "map-9", "--station", "bs-1"], ["--map 'map-9'", "gains.csv", "map-1, map-2"]),
        (["--gain", EXAMPLE, "--map", "map-1", "--station", "1"], ["--station '1'", "bs-1, bs-2"]),
        ([*PAIR, "--snapshot", "7"], ["snapshot '7'", "0, 1, 2"]),
        ([*PAIR, "--with", "map-2,map-x"], ["--with 'map-x'", "map-1"]),
        ([*PAIR, "--with", "map-1"], ["--with 'map-1'", "itself"]),
        ([*PAIR, "--with", "", "--concept", "posted"], ["--concept, --with", "name one"]),
        ([*PAIR, "--concept", "gradient"], ["--concept", "'gradient'"]),
        ([*PAIR, "--price", "-1"], ["--price -1", "at least 0"]),
        ([*PAIR, "--price", "nan"], ["--price nan", "at least 0"]),
        ([*PAIR, "--scenario", "papr"], ["papr", "paper"]),
        (["--gain", "none.csv", "--map", "1", "--station", "1"], ["none.csv: no such file"]),
        (["--rate", "-1"], ["--rate -1", "at least 0"]),
        (["--rate", "inf"], ["--rate inf", "finite"]),
        (["--rate", "nan"], ["--rate nan", "finite"]),
        (["--rate", "fast"], ["--rate", "number"]),
        (["--rate", "1", "--map", "0"], ["--map '0'", "1..1000"]),
        (["--rate", "1", "--station", "bs-1"], ["--station 'bs-1'", "1..1000"]),
        (["--rate", "1", "--snapshot", "0"], ["--snapshot", "--gain"]),
        (["--rate", "1", "--concept", "posted"], ["--concept", "--gain"]),
        (["--rate", "1", "--with", ""], ["--with", "--gain"]),
    ],
)
def test_bad_input_is_one_line(capfd, arguments, words):
    status, out, err = run(capfd, *arguments)
    assert (status, out) == (2, "")
    assert re.fullmatch(r"error: [^\n]+\n", err)
    for word in words:
        assert word in err


def test_no_solution_is_told_with_the_remedy(capfd, monkeypatch):
    from twinoffload.cli import explanation

    class Infeasible:
        status = ("infeasible",)

    monkeypatch.setattr(explanation, "solve", lambda *_, **__: Infeasible())
    status, out, err = run(capfd, *PAIR)
    assert (status, out) == (2, "")
    assert "no solution under the cap" in err
    assert "--with" in err


def test_the_library_refuses_what_it_cannot_explain():
    market = market_of()
    with pytest.raises(ValueError, match="one snapshot"):
        explain_pair(market, torch.ones(2, 1, 1), [0], n=0, m=0)
    with pytest.raises(ValueError, match=r"n = 1: must be in 0..0"):
        explain_rate(market, 1.0, n=1)
    with pytest.raises(ValueError, match="batch axes"):
        explain_rate(market_of(raw_data=[[1.0], [2.0]]), 1.0)
    with pytest.raises(ValueError, match="rate"):
        explain_rate(market, -1.0)


def test_long_steps_are_broken_at_their_equals_signs():
    short = Step("key", "R", "a", "1", 2.0, "MB")
    assert lines(short) == ["  R       = a = 1 = 2 MB"]
    long = Step("key", "R", "a " * 60, "1 " * 20, 2.0, "MB")
    made = lines(long)
    assert all(len(line) <= WIDTH for line in made)
    assert made[-1] == "          = 2 MB"
    assert sum("=" in line for line in made) == 3
