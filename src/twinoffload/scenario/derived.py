"""What follows from a scenario: noise, prices, signals, sizes; and what in it may not be meant."""

import math
from dataclasses import dataclass

from twinoffload.equilibrium.profiles import profile_count
from twinoffload.scenario.described import plain
from twinoffload.scenario.files import OF_STATION, VALUE_FIELDS
from twinoffload.scenario.model import Scenario
from twinoffload.units import linear_to_db

SNAPSHOTS = 400  # from which signals are measured


@dataclass(frozen=True)
class Derived:
    """Figures that a scenario does not state.

    Attributes:
        noise_w: noise power of each BS, W, `[M]`.
        worth_money_per_mb: price from which nobody buys from any BS, whatever the rate.
        cap_money_per_mb: highest price that may be posted; None: no cap.
        snr_db: of a pair without interference, in dB, on the mean; None for a city.
        best_snr_db: the same of each mAP at its strongest BS.
        associations: M^N, or (M + 1)^N where mAPs may be off; None where it has over 18 digits.
        slots: of the trace, for training, held out; None without one.
        warnings: what may not be meant, a line each.
    """

    noise_w: list[float]
    worth_money_per_mb: float
    cap_money_per_mb: float | None
    snr_db: float | None
    best_snr_db: float | None
    associations: int | None
    slots: tuple[int, int, int] | None
    warnings: list[str]


def derive(scenario: Scenario) -> Derived:
    """The figures of a scenario."""
    noise = scenario.market().pairs(scenario.maps, scenario.stations)["noise"].flatten()
    snr = best = None
    if scenario.station_layout == "listed":
        decibels = _snr_db(scenario)
        snr, best = decibels.mean().item(), decibels.amax(-1).mean().item()
    digits = scenario.maps * math.log10(scenario.stations + (0 if scenario.idle_interferes else 1))
    trace = scenario.gains
    return Derived(
        noise_w=noise.tolist(),
        worth_money_per_mb=scenario.replace(price_cap=None).highest_price,
        cap_money_per_mb=scenario.price_cap,
        snr_db=snr,
        best_snr_db=best,
        associations=(
            profile_count(scenario.maps, scenario.stations, scenario.idle_interferes) if digits <= 18 else None
        ),
        slots=None if trace is None else (len(trace.gain), trace.size("training"), trace.size("held-out")),
        warnings=uneven(scenario),
    )


def uneven(scenario: Scenario) -> list[str]:
    """Lists that do not repeat evenly over the mAPs or BSs, or are longer than there are any, a line each."""
    found = []
    for name in VALUE_FIELDS:
        value = plain(getattr(scenario, name))
        of_station = name in OF_STATION
        axes = [("BSs", scenario.stations)] if of_station else [("mAPs", scenario.maps), ("BSs", scenario.stations)]
        for what, count in axes:
            if not isinstance(value, list):
                break
            length = len(value)
            if length > count:
                found.append(
                    f"{name}: lists {length:,} values for {count:,} {what}; those after {count:,} are not used"
                )
            elif count % length:
                found.append(
                    f"{name}: lists {length:,} values for {count:,} {what}; the last round of them is cut short"
                )
            value = value[0]
    return found


def _snr_db(scenario: Scenario):
    """Of independent snapshots, `[S, N, M]`."""
    pairs = scenario.market().pairs(scenario.maps, scenario.stations)
    ratio = pairs["power"] * scenario.sample_gain(SNAPSHOTS) / pairs["noise"]
    return linear_to_db(ratio)
