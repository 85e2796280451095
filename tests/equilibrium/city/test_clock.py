"""The clock of a search: portions that follow the time, and a temperature that follows it."""

import math

import pytest

from twinoffload.equilibrium.city.clock import LONGEST_S, LOOKS, Clock
from twinoffload.equilibrium.city.cooling import COLD, COOLING, ENOUGH, HOT, PLATEAU, cool


class Ticking:
    """A time that goes on by so many seconds at each look, and when told."""

    def __init__(self, tick: float = 1.0):
        self.time, self._tick = 0.0, tick

    def __call__(self) -> float:
        self.time += self._tick
        return self.time


def test_without_an_end_nothing_depends_on_the_time():
    clock = Clock(now=Ticking())
    assert (clock.limited, clock.left, clock.share, clock.over) == (False, math.inf, 0.0, False)
    assert list(clock.part(0.5).steps(10)) == [(0, 10)]
    assert list(clock.steps(10, 4)) == [(0, 4), (4, 8), (8, 10)]
    assert list(clock.steps(0)) == []


def test_no_time_means_no_step():
    clock = Clock(0.0, Ticking(0.0))
    assert (clock.over, clock.share, list(clock.steps(5))) == (True, 1.0, [])
    assert Clock(-1.0, Ticking(0.0)).over


@pytest.mark.parametrize("cost", [1e-7, 1e-5, 1e-3])
def test_portions_take_about_as_long_as_a_look_may_wait(cost):
    """Late by no more than one portion, and not with more looks than needed."""
    now = Ticking(0.0)
    clock, longest, looks = Clock(5.0, now), 0.0, 0
    for begin, end in clock.steps(10**12):
        now.time += cost * (end - begin)
        longest, looks = max(longest, cost * (end - begin)), looks + 1
    assert 5.0 <= now.time <= 5.0 + 2 * LONGEST_S
    assert longest <= max(2 * LONGEST_S, 64 * cost)
    assert looks < 20 * LOOKS


def test_every_step_is_done_once():
    now, done = Ticking(0.0), []
    for begin, end in Clock(1e6, now).steps(10_000, 700):
        now.time += 1.0 if begin % 3 else 0.0
        done += range(begin, end)
    assert done == list(range(10_000))


def temperatures(clock: Clock, now: Ticking, cost: float, sweeps: int, maps: int = 1000) -> list[float]:
    """Of each portion, where a proposal takes so many seconds; relative to an mAP's mean profit."""
    seen = []

    def propose(steps: int, temperature: float) -> None:
        now.time += cost * steps
        seen.append(temperature)

    cool(clock, maps, sweeps, 1.0, HOT / COLD, lambda share: None, propose)
    return seen


def test_it_cools_with_the_steps_or_with_the_time():
    counted = temperatures(Clock(), Ticking(0.0), 1e-6, 400)
    assert len(counted) == 400 / PLATEAU
    assert counted[0] == pytest.approx(HOT)
    now = Ticking(0.0)
    timed = temperatures(Clock(5.0, now), now, 1e-6, 10**6)
    assert now.time == pytest.approx(5.0 * COOLING, abs=2 * LONGEST_S)
    for seen in (counted, timed[1:]):
        assert seen == sorted(seen, reverse=True)
        assert seen[-1] < 1.3 * COLD
    assert timed[1] > 0.9 * HOT


def test_where_time_is_short_it_begins_less_hot():
    """A tenth of the sweeps that pay a hot beginning."""
    now = Ticking(0.0)
    seen = temperatures(Clock(1.0, now), now, COOLING / (0.1 * ENOUGH * 100_000), 10**6, maps=100_000)
    assert now.time <= 1.0
    assert max(seen) < 2 * COLD
    assert len(seen) > LOOKS / 2
