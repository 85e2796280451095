"""`twinoffload bench environment`: slots a second, beside mobile-env's steps on networks of the same sizes.

A step is one slot in which everybody decides at random: mAPs or users have moved, channels are new, rates and utilities
follow, and the next observation is there; regret, which mobile-env has not, is left out. mobile-env plays one
environment at a time; ours are played in batches. What ours cost is told twice: slots alone, on episodes that are drawn
already, and whole, with drawing trajectories and channels and with all that operator and mAPs see.
"""

import time
import warnings
from collections.abc import Callable
from statistics import median
from typing import Any

import torch

from twinoffload.env.episodes import draw_episodes
from twinoffload.env.observation import Encoder
from twinoffload.env.slots import Slots
from twinoffload.experiments.benchmarks.peers import import_peer
from twinoffload.scenario import Scenario
from twinoffload.seeding import stream

PEERS = ("small", "medium", "large")  # mobile-env's own: 5, 15 and 30 users
BATCHES = (1, 100, 1000, 10_000)
PAIRS = 200_000  # of a batch, beyond which its arrays leave the caches
SLOTS = 40  # of an episode
TURNS = 5  # in which everybody is timed once; medians count


def steps(turns: int = TURNS) -> int:
    """How often `each` is called."""
    return turns * (1 + len(PEERS))


def speeds(
    scenario: Scenario,
    *,
    batches: tuple[int, ...] = BATCHES,
    turns: int = TURNS,
    window_s: float = 1.0,
    each: Callable[[str], None] = lambda name: None,
) -> list[dict[str, Any]]:
    """Steps a second at the scenario's own size, then at those of mobile-env's scenarios; a row a size and batch.

    Args:
        scenario: what is played, with as many mAPs and BSs as mobile-env has users and BSs.
        batches: episodes played at once.
        turns: in which everybody is timed once.
        window_s: about how long mobile-env is timed in a turn.
        each: called with a label after each size and turn.

    Raises:
        ValueError: mobile-env is not installed.
    """
    peers = {name: _Peer(name, window_s) for name in PEERS}
    cases: list[tuple[str | None, Scenario]] = [(None, scenario)]
    cases += [(name, _sized(scenario, peer.maps, peer.stations)) for name, peer in peers.items()]
    taken: dict[tuple[int, str, int], list[float]] = {}
    for _ in range(turns):
        for at, (name, sized) in enumerate(cases):
            if name is not None:
                taken.setdefault((at, "peer", 0), []).append(peers[name].per_second())
            for batch in _fitting(batches, sized):
                found = zip(("slots", "whole"), _ours(sized, batch), strict=True)
                for kind, speed in found:
                    taken.setdefault((at, kind, batch), []).append(speed)
            each(name or scenario.name)
    rows = []
    for at, (name, sized) in enumerate(cases):
        peer = taken.get((at, "peer", 0))
        for batch in _fitting(batches, sized):
            row: dict[str, Any] = {"maps": sized.maps, "stations": sized.stations, "mobile_env": name, "batch": batch}
            row["mobile_env_steps_per_s"] = None if peer is None else median(peer)
            for kind in ("slots", "whole"):
                ours = taken[at, kind, batch]
                ratios = None if peer is None else [a / b for a, b in zip(ours, peer, strict=True)]
                row[f"{kind}_per_s"] = median(ours)
                for end, pick in (("", median), ("_low", min), ("_high", max)):
                    row[f"{kind}_times_faster{end}"] = None if ratios is None else pick(ratios)
            rows.append(row)
    return rows


def _fitting(batches: tuple[int, ...], scenario: Scenario) -> list[int]:
    return [batch for batch in batches if batch * scenario.maps * scenario.stations <= PAIRS]


def _sized(scenario: Scenario, maps: int, stations: int) -> Scenario:
    """Another number of mAPs and BSs; BSs on a grid of places."""
    side = max(1, round(stations**0.5))
    places = tuple(((i % side + 0.5) / side, (i // side + 0.5) / (-(-stations // side))) for i in range(stations))
    return scenario.replace(maps=maps, stations=stations, station_positions=places)


def _ours(scenario: Scenario, batch: int) -> tuple[float, float]:
    """(slots a second on drawn episodes, slots a second with drawing and observing)."""
    encoder = Encoder.of(scenario, "load")
    random = torch.Generator().manual_seed(0)
    slots = max(2, min(SLOTS, scenario.slots))
    shape = (1, batch, scenario.maps)
    prices = (
        torch.rand(slots, *shape, scenario.stations, dtype=torch.float64, generator=random) * scenario.highest_price
    )
    chosen = torch.randint(0, scenario.stations, (slots, *shape), generator=random)
    sent = torch.rand(slots, *shape, dtype=torch.float64, generator=random)

    def play(game: Slots, see: bool) -> None:
        for slot in range(slots):
            if see:
                encoder.operator_features(game)
                encoder.map_features(game, prices[slot])
            game.step(prices[slot], chosen[slot], sent[slot] * game.terms.raw_data.squeeze(-1), regret=False)

    begun = time.perf_counter()
    episodes = draw_episodes(scenario, batch, [stream(0, "environment benchmark")], slots=slots + 1)
    play(Slots(episodes), see=True)
    whole = time.perf_counter() - begun
    begun = time.perf_counter()
    play(Slots(episodes), see=False)
    alone = time.perf_counter() - begun
    return batch * slots / alone, batch * slots / whole


class _Peer:
    """One of mobile-env's scenarios with a central agent that acts at random.

    Attributes:
        maps: its users.
        stations: its BSs.
    """

    def __init__(self, name: str, window_s: float):
        import_peer("mobile_env")
        self.window_s = window_s
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.env = import_peer("gymnasium").make(f"mobile-{name}-central-v0")
            self.env.reset(seed=0)
            self.env.action_space.seed(0)
        inside = self.env.unwrapped
        self.maps, self.stations = len(inside.users), len(inside.stations)

    def per_second(self) -> float:
        """Steps a second in a window; actions are drawn beforehand, resets count."""
        done, taken = 0, 0.0
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            while taken < self.window_s:
                actions = [self.env.action_space.sample() for _ in range(20)]
                begun = time.perf_counter()
                for action in actions:
                    *_, terminated, truncated, _ = self.env.step(action)
                    if terminated or truncated:
                        self.env.reset()
                taken += time.perf_counter() - begun
                done += len(actions)
        return done / taken
