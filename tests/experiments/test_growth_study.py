"""Counts against arithmetic, and how they grow: polynomials in each size, known to the last operation."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from twinoffload import Scenario, solve
from twinoffload.equilibrium.gradient import GradientSettings
from twinoffload.experiments import growth_study
from twinoffload.experiments.counting import Count, one_thread
from twinoffload.experiments.growth_study import ALGORITHM_1, LEARNING, SHARED, Case, cases, measure, steps
from twinoffload.experiments.measure_settings import FULL, QUICK, MeasureSettings

TINY = MeasureSettings(
    growth_repeats=2,
    snapshots=3,
    algorithm_w=(1, 2),
    algorithm_n=(2, 3),
    algorithm_m=(1, 5),
    learning_n=(1, 2),
    learning_m=(1, 2),
    learning_e=(2, 4),
    learning_t=(1, 2),
)


def counted(case: Case) -> tuple[int, int]:
    count = case.count()
    return count.operations, count.kernel_calls


def differences(values: list[int], order: int) -> list[int]:
    return np.diff(np.array(values, dtype=np.int64), order).tolist()


def slope(sizes: tuple[int, ...], costs) -> float:
    """The exponent that a line through the logarithms has."""
    return float(np.polyfit(np.log(sizes), np.log(costs), 1)[0])


def test_products_numbers_and_calls_are_counted_and_views_are_not():
    left, right = torch.rand(2, 3), torch.rand(3, 4)
    with Count() as count:
        product = left @ right  # 2 x 2 x 3 x 4
        product.t().unsqueeze(0)  # views
        (product + 1.0).sum()  # 8 and 1
        product.mul_(2.0)  # 8, in place
    assert count.operations == 48 + 9 + 8
    assert count.kernel_calls == 4
    with Count() as count:
        torch.baddbmm(torch.zeros(5, 1, 4), torch.rand(5, 2, 3), torch.rand(5, 3, 4))
    assert count.operations == 20 + 30 + 60 + 5 * 48
    torch.rand(10)
    assert count.kernel_calls == 4  # what comes after is not counted


@pytest.mark.parametrize("what", ["operations", "kernel_calls"])
def test_algorithm_1_costs_a_quadratic_polynomial_in_its_iterations(what):
    costs = [getattr(Case(ALGORITHM_1, "W", w, iterations=w).count(), what) for w in range(1, 6)]
    assert differences(costs, 3) == [0, 0]
    square, _, _ = polynomial = np.polyfit(range(1, 6), costs, 2)
    assert square > 0
    assert slope(FULL.algorithm_w, np.polyval(polynomial, FULL.algorithm_w)) == pytest.approx(2.0, abs=0.05)


def test_algorithm_1_costs_linearly_in_maps_and_in_stations_with_calls_that_do_not_grow():
    by_map = [counted(Case(ALGORITHM_1, "N", n, iterations=3, maps=n, snapshots=2)) for n in (3, 4, 5, 6)]
    by_station = [counted(Case(ALGORITHM_1, "M", m, iterations=3, stations=m, snapshots=2)) for m in (5, 6, 7, 8)]
    for costs, first, sizes in ((by_map, 3, FULL.algorithm_n), (by_station, 5, FULL.algorithm_m)):
        operations, calls = map(list, zip(*costs, strict=True))
        assert differences(operations, 2) == [0, 0]
        line = np.polyfit(range(first, first + 4), operations, 1)
        assert slope(sizes, np.polyval(line, sizes)) == pytest.approx(1.0, abs=0.05)
        assert len(set(calls)) == 1


def test_switching_in_turn_costs_a_square_of_maps():
    """The counter would tell another growth: one mAP after another evaluates all rates anew."""
    costs = []
    for maps in (4, 8, 16):
        scenario = Scenario.load("paper").replace(maps=maps)
        with Count() as count:
            solve(
                scenario.market(),
                scenario.sample_gain(2),
                "gradient",
                settings=GradientSettings(4, switching="sequential"),
            )
        costs.append(count.operations)
    assert math.log2(costs[2] / costs[1]) > 1.6
    assert differences(costs, 2)[0] > 0


def test_learning_costs_linearly_in_episodes_slots_and_agents():
    by_episode = [counted(Case(LEARNING, "E", e, maps=2, episodes=e, slots=2)) for e in (2, 4, 6)]
    by_slot = [counted(Case(LEARNING, "T", t, maps=2, episodes=2, slots=t)) for t in (2, 3, 4)]
    for costs in (by_episode, by_slot):
        assert all(differences(list(column), 2) == [0] for column in zip(*costs, strict=True))
    assert by_episode[1][0] == 2 * by_episode[0][0]
    by_agent = [counted(Case(LEARNING, "N", n, maps=n, episodes=2, slots=2)) for n in (2, 3, 4)]
    operations, calls = map(list, zip(*by_agent, strict=True))
    assert differences(operations, 2) == [0]
    line = np.polyfit((2, 3, 4), operations, 1)
    assert slope(FULL.learning_n, np.polyval(line, FULL.learning_n)) == pytest.approx(1.0, abs=0.05)
    assert slope((4, 5, 6, 7, 8), np.polyval(line, (4, 5, 6, 7, 8))) < 0.95  # the paper's N: the operator costs, too
    assert len(set(calls)) == 1
    shared = [counted(Case(SHARED, "N", n, maps=n, episodes=2, slots=2))[0] for n in (2, 3)]
    assert differences(shared, 1)[0] < differences(operations, 1)[0]  # one policy's updates serve all


@pytest.mark.parametrize("case", [
    Case(ALGORITHM_1, "W", 3, iterations=3), Case(LEARNING, "E", 2, episodes=2, slots=2),
])  # fmt: skip
def test_counts_are_the_same_in_every_repeat(case):
    run = case.prepare(5)
    with Count() as count:
        run()
    assert (count.operations, count.kernel_calls) == counted(case)


def test_the_table_has_every_size_as_often_as_it_is_repeated_and_says_what_was_varied():
    told = []
    table = measure(TINY, told.append)
    sizes = cases(TINY)
    assert len(table) == 2 * len(sizes)
    assert len(told) == steps(TINY) == 3 * len(sizes)
    assert told[0] == "Algorithm 1, W = 1"
    assert table.columns == [
        "algorithm", "varied", "value", "repeat", "seconds", "operations", "kernel_calls", "iterations", "maps",
        "stations", "episodes", "slots", "snapshots",
    ]  # fmt: skip
    assert (table["seconds"] > 0).all()
    assert (table["operations"] > table["kernel_calls"]).all()
    column = {"W": "iterations", "N": "maps", "M": "stations", "E": "episodes", "T": "slots"}
    for row in table.iter_rows(named=True):
        assert row[column[row["varied"]]] == row["value"]
        assert (row["iterations"] is None) == (row["algorithm"] != ALGORITHM_1)
    assert table["repeat"].to_list() == [0, 1] * len(sizes)


def test_sizes_take_turns_in_another_order_in_each_repeat(monkeypatch):
    class Idle(Case):
        def prepare(self, repeat: int):
            return lambda: None

    told, count = [], 12
    monkeypatch.setattr(growth_study, "cases", lambda settings: [Idle(ALGORITHM_1, "W", w) for w in range(count)])
    measure(replace(TINY, growth_repeats=3), told.append)
    rounds = [told[count * i : count * (i + 1)] for i in range(4)]
    assert all(sorted(each) == sorted(rounds[0]) for each in rounds)
    assert len({tuple(each) for each in rounds}) == 4


def test_every_growth_has_five_sizes_and_repeats_in_full_and_three_sizes_in_the_quick_variant():
    for settings, sizes, repeats in ((FULL, 5, 5), (QUICK, 3, 2)):
        found = cases(settings)
        for kind in {(case.algorithm, case.varied) for case in found}:
            values = [case.value for case in found if (case.algorithm, case.varied) == kind]
            assert len(set(values)) >= sizes
            assert values == sorted(values)
        assert settings.growth_repeats >= repeats
        assert all(e % 2 == 0 for e in settings.learning_e)


def test_one_thread_gives_the_threads_back():
    before = torch.get_num_threads()
    with one_thread():
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before


def test_many_stations_have_places():
    assert growth_study._scenario(2, 40, 1).sample_gain(1).shape == (1, 2, 40)
