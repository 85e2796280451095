"""Random markets for property tests: the structure is drawn by hypothesis, the numbers follow from a drawn seed."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from reference import Instance

CAPS = ("none", "none", "tiny", "middling", "middling", "large", "below cost", "between costs", "zero")
SIZES = ("ample", "ample", "tight", "mixed", "zero for one")
GAINS = ("close", "wide", "wide", "some zero")
CALLS = dict(derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))


def calls(count: int) -> settings:
    """Reproducible settings: the same examples on every run."""
    return settings(max_examples=count, database=None, **CALLS)


def build(
    rng: np.random.Generator,
    maps: int,
    stations: int,
    cap: str = "none",
    size: str = "ample",
    gains: str = "wide",
    *,
    cycles_per_pair: bool = False,
    free_delay: bool = False,
    energy: str = "usual",
    twins: bool = False,
    idle_interferes: bool = True,
) -> Instance:
    """One market around the defaults, each parameter over about a decade, gains over up to ten."""

    def spread(middle: float, decades: float, *shape: int) -> np.ndarray:
        return middle * 10.0 ** rng.uniform(-decades / 2, decades / 2, shape)

    noise = spread(1e-13, 1.0, stations)
    if gains == "close":
        gain = spread(1e-9, 2.0, maps, stations)
    else:
        gain = spread(1e-9, 8.0, maps, stations)
    if gains == "some zero":
        reached = rng.integers(0, stations, maps)
        out_of_reach = rng.random((maps, stations)) < 0.4
        out_of_reach[np.arange(maps), reached] = False
        gain[out_of_reach] = 0.0
    cycles = spread(1.8, 0.5, maps, stations) if cycles_per_pair else spread(1.8, 0.5, maps)
    power, value, delay_cost = spread(0.2, 1.0, maps), spread(10.0, 0.8, maps), spread(1.0, 1.0, maps)
    compute, quality, weight = spread(18.0, 0.6, stations), spread(0.7, 0.6, stations), spread(1.0, 0.6, stations)
    bandwidth = spread(5.0, 1.0, stations)
    energy_coefficient = float(spread(2.5e-4, 1.0)) * {"free": 0.0, "usual": 1.0, "dear": 50.0}[energy]
    if free_delay:
        delay_cost[rng.random(maps) < 0.6] = 0.0
    raw = {
        "ample": lambda: np.full(maps, 5.0) / min(1.0, (quality * weight).min()),
        "tight": lambda: spread(0.1, 1.5, maps),
        "mixed": lambda: spread(0.5, 3.0, maps),
        "zero for one": lambda: np.where(np.arange(maps) == rng.integers(maps), 0.0, spread(0.7, 2.0, maps)),
    }[size]()
    if twins and maps > 1:
        for values in (gain, cycles, power, value, delay_cost, raw):
            values[1] = values[0]
    largest_k = float(value.max() * (quality * weight).max())
    costs = energy_coefficient * compute**2 * (cycles if cycles_per_pair else cycles[:, None])
    price_cap = {
        "none": None,
        "tiny": 0.01 * largest_k,
        "middling": float(largest_k * rng.uniform(0.1, 0.6)),
        "large": 1.5 * largest_k,
        "below cost": 0.5 * float(costs.min()),
        "between costs": float(np.quantile(costs, rng.uniform(0.2, 0.8))),
        "zero": 0.0,
    }[cap]

    def listed(values: np.ndarray) -> tuple:
        return tuple(tuple(map(float, row)) if values.ndim == 2 else float(row) for row in values)

    return Instance(
        gain=listed(gain),
        power=listed(power),
        bandwidth=listed(bandwidth),
        noise=listed(noise),
        compute=listed(compute),
        cycles=listed(cycles),
        quality=listed(quality),
        accuracy_weight=listed(weight),
        accuracy_value=listed(value),
        delay_cost=listed(delay_cost),
        energy_coefficient=energy_coefficient,
        price_cap=price_cap,
        raw_data=listed(raw),
        idle_interferes=idle_interferes,
    )


@st.composite
def instances(
    draw: st.DrawFn,
    most_maps: int = 4,
    most_stations: int = 3,
    caps: tuple[str, ...] = CAPS,
    sizes: tuple[str, ...] = SIZES,
    gains: tuple[str, ...] = GAINS,
    idle_interferes: bool | None = None,
    energies: tuple[str, ...] = ("usual", "usual", "free", "dear"),
) -> Instance:
    """A random market with gains: small, odd and extreme ones included."""
    maps, stations = draw(st.integers(1, most_maps)), draw(st.integers(1, most_stations))
    return build(
        np.random.default_rng(draw(st.integers(0, 2**32 - 1))),
        maps,
        stations,
        draw(st.sampled_from(caps)),
        draw(st.sampled_from(sizes)),
        draw(st.sampled_from(gains)),
        cycles_per_pair=draw(st.booleans()),
        free_delay=draw(st.sampled_from((False, False, True))),
        energy=draw(st.sampled_from(energies)),
        twins=draw(st.sampled_from((False, False, True))),
        idle_interferes=draw(st.booleans()) if idle_interferes is None else idle_interferes,
    )


def some_prices(instance: Instance, seed: int, share_not_offered: float = 0.15) -> list[list[float]]:
    """Prices over five decades around K, some offers missing, some free."""
    rng = np.random.default_rng(seed)
    shape = (instance.maps, instance.stations)
    worth = float(np.median(instance.accuracy_value)) * float(np.median(instance.quality))
    price = worth * 10.0 ** rng.uniform(-4.0, 0.5, shape)
    price[rng.random(shape) < share_not_offered] = math.inf
    price[rng.random(shape) < 0.1] = 0.0
    return price.tolist()


def some_profile(instance: Instance, seed: int) -> tuple[int, ...]:
    """A random association."""
    rng = np.random.default_rng(seed)
    first = 0 if instance.idle_interferes else -1
    return tuple(int(m) for m in rng.integers(first, instance.stations, instance.maps))


def no_equilibrium() -> tuple[Instance, list[list[float]]]:
    """Three mAPs, two stations and prices without a pure equilibrium: each avoids the next, round and round."""
    instance = Instance(
        gain=((0.12, 220.0), (1.8, 230.0), (2.1, 0.47)),
        power=(1.0, 1.0, 1.0),
        bandwidth=(8.0, 8.0),
        noise=(1.0, 1.0),
        compute=(20.0, 20.0),
        cycles=(0.02, 0.02, 0.02),
        quality=(1.0, 1.0),
        accuracy_weight=(1.0, 1.0),
        accuracy_value=(10.0, 10.0, 10.0),
        delay_cost=(0.06, 2.0, 0.003),
        energy_coefficient=0.0,
        price_cap=None,
        raw_data=(10.0, 10.0, 10.0),
    )
    return instance, [[0.5, 1.51], [0.5, 1.62], [1.5, 0.5]]


def infeasible() -> Instance:
    """The same market with prices turned into delays, under a cap of 0: no association can be implemented."""
    instance, price = no_equilibrium()
    cycles = tuple(
        tuple(c + f * mu / gamma for mu, f in zip(row, instance.compute, strict=True))
        for c, gamma, row in zip(instance.cycles, instance.delay_cost, price, strict=True)
    )
    return instance.with_(cycles=cycles, price_cap=0.0)
