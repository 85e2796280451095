"""The schedule of an annealing search: how hot it is after how many steps, or how much of its time."""

from collections.abc import Callable

from twinoffload.equilibrium.city.clock import Clock

HOT, COLD = 0.1, 0.004  # first and last temperature over the mean profit of an undisturbed mAP
ROUNDS, SMALL = 8, 100  # most rounds; mAPs up to which there is more than one
MILD = 1.5  # first over last temperature of a round that is not to destroy its start
HOTTER = 5.0  # every second round, for markets whose profits differ by decades
PLATEAU = 20  # most sweeps at one temperature
COOLING = 0.8  # of a round's time; the rest is for the descent
ENOUGH = 20.0  # sweeps from which it pays to begin hot: fewer leave an association worse than they found it


def heats(maps: int, crowded: bool, rounds: int | None = None) -> list[float]:
    """First over last temperature of each round in a market of N mAPs.

    In a crowded one, where idle mAPs interfere, the first begins mildly: it is for a start that heat would destroy.
    """
    rounds = max(1, min(ROUNDS, SMALL // maps)) if rounds is None else rounds
    hot = [HOT / COLD * (HOTTER if i % 2 else 1.0) for i in range(rounds)]
    return [MILD, *hot] if crowded and hot else hot


def cool(
    clock: Clock,
    maps: int,
    sweeps: int,
    scale: float,
    heat: float,
    look: Callable[[float], None],
    propose: Callable[[int, float], object],
) -> int:
    """Propose moves while it cools; how many there were for each mAP.

    The temperature follows the sweeps or the clock, whichever is ahead. Where the time is too short for `ENOUGH` sweeps
    it begins less hot, as far as the steps so far can tell.

    Args:
        clock: the round's time, of which it takes the share `COOLING`.
        maps: N.
        sweeps: most proposals per mAP.
        scale: what an undisturbed mAP earns on average, money.
        heat: first over last temperature.
        look: called now and then with how far it is, in [0, 1].
        propose: makes a number of proposals at a temperature in money.
    """
    time, total, done = clock.part(COOLING), sweeps * maps, 0
    for begin, end in time.steps(total, PLATEAU * maps):
        passed = time.share
        progress = max(begin / total, passed)
        look(progress)
        expected = min(begin / passed, total) if passed > 0.0 else total
        ease = min(expected / (ENOUGH * maps), 1.0) if begin or not time.limited else 0.0
        propose(end - begin, scale * COLD * heat ** (ease * (1.0 - progress)))
        done = end
    return done // maps
