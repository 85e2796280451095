"""`twinoffload gains`: a scenario's channel gains as the file that `solve` reads."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from twinoffload import Scenario
    from twinoffload.network.gain_file import Gains, SparseGains


def gains(
    out: Annotated[
        Path,
        typer.Option(
            metavar="FILE",
            help="File to write, whole or not at all: Parquet (.parquet), NumPy arrays (.npz), or CSV (else).",
        ),
    ],
    scenario: Annotated[str, typer.Option(metavar="NAME|FILE", help="Preset or YAML file.")] = "paper",
    count: Annotated[int, typer.Option(help="Snapshots, at least 1.")] = 1,
    walk: Annotated[
        bool, typer.Option("--walk", help="Snapshots are consecutive slots along one walk, not independent.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Seed of the draw, at least 0.")] = 0,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file if it exists.")] = False,
) -> None:
    """Draw channel gains of a scenario and write them as CSV, Parquet or NPZ.

    Columns: snapshot (from 0), map, station, gain (channel power gain, linear). An NPZ file holds one array gain
    [snapshot, map, station] and the names along its axes. Of a city (`--scenario city`) each mAP has its nearest BSs
    alone, and there is no snapshot.

    \b
    Example
      twinoffload gains --scenario paper --count 3 --out gains.csv
      twinoffload solve --gain gains.csv
      twinoffload gains --count 600 --walk --out trace.npz
      twinoffload train --gain trace.npz
    """  # noqa: D301
    from twinoffload import Scenario
    from twinoffload.cli.console import output, spinner
    from twinoffload.cli.options import check_out
    from twinoffload.network.gain_file import write_gains

    check_out(out, force, scenario=scenario)
    chosen = Scenario.load(scenario)
    with spinner("Drawing gains"):
        drawn, pairs = (_city if chosen.station_layout == "scattered" else _snapshots)(chosen, count, seed, walk)
        write_gains(out, drawn, overwrite=force)
    output().print(f"{out}: {pairs:,} gains of scenario {chosen.name}, seed {seed}", soft_wrap=True)


def _snapshots(scenario: "Scenario", count: int, seed: int, walk: bool) -> "tuple[Gains, int]":
    """Snapshots, and how many gains that makes."""
    from twinoffload.network.gain_file import PAIR_LIMIT, Gains
    from twinoffload.seeding import stream

    pairs = count * scenario.maps * scenario.stations
    if pairs > PAIR_LIMIT:
        raise ValueError(f"--count {count}: makes {pairs:,} pairs, more than {PAIR_LIMIT:,}; draw fewer snapshots")
    if walk and count >= 1:
        gain = scenario.sample_episode(1, count, stream(seed, "walk"))[1][:, 0]
    else:
        gain = scenario.sample_gain(count, seed)
    return Gains(gain, tuple(map(str, range(count))), *_names(scenario)), pairs


def _city(scenario: "Scenario", count: int, seed: int, walk: bool) -> "tuple[SparseGains, int]":
    """One city, each mAP at its nearest BSs, and how many gains that makes."""
    from twinoffload.network.gain_file import SparseGains

    if count != 1 or walk:
        given = "--walk" if walk else f"--count {count}"
        raise ValueError(f"{given}: a city is one snapshot; draw another with another --seed")
    _, gain = scenario.sample_city(seed)
    return SparseGains(gain, *_names(scenario)), gain.values().numel()


def _names(scenario: "Scenario") -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of mAPs and of BSs."""
    if scenario.gains is not None:
        return scenario.gains.gains.maps, scenario.gains.gains.stations
    maps = tuple(f"map-{n + 1}" for n in range(scenario.maps))
    return maps, tuple(f"bs-{m + 1}" for m in range(scenario.stations))
