"""Makes trace.csv: what a measurement of four cars at two sites over ten minutes might look like."""

from pathlib import Path

import polars as pl

from twinoffload import Scenario
from twinoffload.network.shadowing import draw_fields
from twinoffload.seeding import stream

SLOTS, SHADOWING_DB, CORRELATION_M = 600, 6.0, 40.0

scenario = Scenario.load("paper")
generator = stream(0, "example trace")
positions, gain = scenario.sample_episode(1, SLOTS, generator)
shadowing = SHADOWING_DB * draw_fields(scenario.stations, CORRELATION_M, generator).at(positions)
gain_db = (10.0 * gain.log10() + shadowing)[:, 0]

rows = [
    (slot, f"car-{n + 1}", f"site-{'AB'[m]}", f"{gain_db[slot, n, m]:.1f}")
    for slot in range(SLOTS)
    for n in range(scenario.maps)
    for m in range(scenario.stations)
]
table = pl.DataFrame(rows, schema=["snapshot", "map", "station", "gain_db"], orient="row")
table.write_csv(Path(__file__).with_name("trace.csv"))
