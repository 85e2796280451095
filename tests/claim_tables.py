"""Made-up studies: tables of the right shape whose every effect is set."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import polars as pl

from twinoffload.experiments.claims import Tables
from twinoffload.experiments.paper_figures import AXES, BASE, PRESETS, RATES, REFERENCES
from twinoffload.experiments.paper_groups import HELD_OUT, SCHEMA, TRAINING, describe

LEVELS = {
    "sac": 4.0, "td3": 3.0, "ddpg": 3.5, "amortised": 4.9, "pairwise": 4.9, "posted": 4.95, "admission": 5.1,
    "reactive": 4.9, "committed": 4.9,
}  # fmt: skip
LEARNED = tuple(PRESETS)
OPERATOR, MAPS = "operator_utility_money", "map_utility_money"
HOLDING = {  # change over the whole axis, as the paper has it
    "bandwidth": {OPERATOR: 1.0, MAPS: 0.5},
    "compute": {OPERATOR: -1.0, MAPS: 0.5},
    "maps": {OPERATOR: -1.0, MAPS: -0.5},
    "stations": {OPERATOR: 1.0, MAPS: 0.5},
    "accuracy_value": {OPERATOR: 1.0, MAPS: 0.5},
}
SETTLES = dict(zip(RATES, (50, 50, 90), strict=True))


STATED = {("Algorithm 1", "W"): 2.0, ("Algorithm 1", "N"): 1.0, ("Algorithm 1", "M"): 1.0} | {
    ("learning", name): 1.0 for name in ("N", "E", "T")
}


def scaled(changes, factor):
    return {axis: {name: factor * value for name, value in row.items()} for axis, row in changes.items()}


def held_out(
    seeds=10, *, reading="main", schemes=None, changes=HOLDING, levels=None, axes=tuple(AXES), noise=0.02, shift=0.0,
    regret=0.0, bias=0.0, spread=0.0, salt=0,
):  # fmt: skip
    """Held-out rows of schemes along axes; a seed's luck is shared by all of its rows (common random numbers)."""
    rng, levels = np.random.default_rng(salt), LEVELS | (levels or {})
    luck = rng.normal(0.0, 0.3, seeds)
    rows, done = [], set()
    for axis in axes or (None,):
        for at in AXES[axis].values if axis else (None,):
            scenario = BASE if at is None else BASE.replace(**{AXES[axis].field: at})
            for scheme in schemes or LEVELS:
                for seed in range(seeds):
                    key = (scheme, seed, *describe(scenario).values())
                    if key in done:
                        continue
                    done.add(key)
                    place = 0.0
                    if axis:
                        values = AXES[axis].values
                        place = (at - getattr(BASE, AXES[axis].field)) / (values[-1] - values[0])
                    own = rng.normal(0.0, noise, 2) + spread * rng.normal(0.0, 1.0, 2) * (scheme in LEARNED)
                    change = changes[axis] if axis else {OPERATOR: 0.0, MAPS: 0.0}
                    up = levels[scheme] + shift * (scheme in LEARNED) + luck[seed]
                    rows.append(
                        {"reading": reading, "phase": HELD_OUT, "scheme": scheme, "seed": seed}
                        | describe(scenario)
                        | {OPERATOR: up + place * change[OPERATOR] + own[0]}
                        | {MAPS: 0.5 * up + place * change[MAPS] + own[1]}
                        | {"regret_money": regret if scheme in LEARNED else 0.0}
                        | {"data_bias_mb": bias if scheme in LEARNED else 0.0, "stopped": False}
                    )
    return table(rows)


def curve(settles, episodes, final, rng, noise):
    """A learning curve whose ten-episode mean comes to stay at about an episode."""
    x = np.arange(1, episodes + 1)
    rate = 0.35
    # the mean of the last ten lags by 4.5 episodes: it is 5 % off where the curve itself is so 4.5 episodes earlier
    return final * (1.0 - 1.0 / (1.0 + np.exp(rate * (x - settles + 4.5 + math.log(19.0) / rate)))) + rng.normal(
        0.0, noise, episodes
    )


def learning(seeds=10, *, reading="main", settles=SETTLES, episodes=120, rough=None, finals=None, jitter=4.0, salt=1):
    """Training rows of SAC at the three rates, and what it earns held out afterwards."""
    rng = np.random.default_rng(salt)
    rough = rough or dict(zip(RATES, (0.1, 0.05, 0.01), strict=True))
    finals = finals or dict(zip(RATES, (3.0, 4.0, 3.9), strict=True))
    rows = []
    for rate in RATES:
        for seed in range(seeds):
            when = settles[rate] + rng.uniform(-jitter, jitter)
            label = {"reading": reading, "scheme": "sac", "seed": seed, "learning_rate": rate} | describe(BASE)
            operator, maps = (curve(when, episodes, final, rng, rough[rate]) for final in (4.0, 2.0))
            for episode in range(episodes):
                rows.append(
                    label
                    | {"phase": TRAINING, "episode": episode, "regret_money": 0.1}
                    | {OPERATOR: operator[episode], MAPS: maps[episode], "stopped": False}
                )
            final = finals[rate] + rng.normal(0.0, 0.05)
            rows.append(
                label
                | {"phase": HELD_OUT, OPERATOR: final, MAPS: 0.5 * final, "regret_money": 0.1, "data_bias_mb": 0.0}
                | {"stopped": False}
            )
    return table(rows)


def table(rows):
    frame = pl.DataFrame(rows, infer_schema_length=None)
    missing = [pl.lit(None).alias(name) for name in SCHEMA if name not in frame.columns]
    return frame.with_columns(missing).select(SCHEMA.names()).cast(dict(SCHEMA))


def decision_time(repeats=10, ratio=20.0, pairwise=3.0, sizes=(2, 4, 8), noise=0.1, salt=2):  # fmt: skip
    rng = np.random.default_rng(salt)
    rows = []
    for maps in sizes:
        for repeat in range(repeats):
            drift = rng.normal(0.0, 0.3)
            for scheme, ms in (("sac", 1.0), ("pairwise", pairwise), ("gradient", ratio)):
                taken = ms * math.exp(drift + rng.normal(0.0, noise))
                rows.append({"scheme": scheme, "maps": maps, "stations": 2, "repeat": repeat, "decision_ms": taken})
    return pl.DataFrame(rows)


def growth(repeats=8, exponents=None, sizes=(10, 20, 40, 80, 160), noise=0.02, salt=3):
    """Costs that grow as powers: `exponents` of operations and of seconds, by algorithm and what is varied."""
    rng = np.random.default_rng(salt)
    rows = []
    for (algorithm, varied), exponent in (STATED | (exponents or {})).items():
        for value in sizes:
            for repeat in range(repeats):
                seconds = 1e-3 * value**exponent * math.exp(rng.normal(0.0, noise))
                rows.append(
                    {"algorithm": algorithm, "varied": varied, "value": value, "repeat": repeat}
                    | {"seconds": seconds, "operations": round(1000 * value**exponent)}
                )
    return pl.DataFrame(rows)


def propositions(markets=100, beaten=0, several=0, printed_beaten=30, bent=40):
    rows = []
    for proposition in (1, 2):
        for market in range(markets):
            rows.append(
                {"proposition": proposition, "formula": "closed form", "market": market, "trade": market % 10 != 0}
                | {"outside_share": 0.0, "gain_share": 1e-3 if market < beaten else 1e-15}
                | {"maxima": 2 if 1 <= market <= several else 1, "flat_share": 0.0}
                | {"convex_share": 0.3 if proposition == 2 and market < bent else 0.0}
            )
            formula = "Eq. 15 unclipped" if proposition == 1 else "Eq. 19 as the price"
            rows.append(
                {"proposition": proposition, "formula": formula, "market": market, "trade": True}
                | {"outside_share": 0.2 if market < printed_beaten else 0.0}
                | {"gain_share": (None if proposition == 1 else 0.4) if market < printed_beaten else 1e-15}
                | {"maxima": None, "flat_share": None, "convex_share": None}
            )
    return pl.DataFrame(rows, infer_schema_length=None)


def learning_curves(seeds=10, curve=lambda z: 1.0 - np.exp(-0.8 * z), noise=0.004, salt=4):
    """Accuracies against data for one task and two structures, of which the large one has twice the data's worth."""
    rng = np.random.default_rng(salt)
    rows = []
    for structure, worth in (("small", 1.0), ("large", 2.0)):
        for seed in range(seeds):
            for size in np.geomspace(0.05, 5.0, 8):
                value = float(curve(worth * size)) + rng.normal(0.0, noise)
                rows.append(
                    {"task": "fault", "structure": structure, "seed": seed, "records": round(1000 * size)}
                    | {"data_mb": float(size), "accuracy": value}
                )
    return pl.DataFrame(rows)


def twin_loop(seeds=6, slots=2, maps=4):
    """Twins sold by three laws, of which Eq. 7 as set promises 0.2 less and as fitted 0.2 more than is realised."""
    rng = np.random.default_rng(6)
    rows = []
    for belief, off in (("printed", -0.2), ("eq7", 0.2), ("law", 0.0)):
        for bought_by in ("belief", "law") if belief != "law" else ("belief",):
            promised = 0.6 + (off if bought_by == "belief" else 0.0)
            for seed, slot, one in product(range(seeds), range(slots), range(maps)):
                realised = 0.6 + rng.normal(0.0, 0.01)
                wrong = off != 0.0 and bought_by == "belief"
                rows.append(
                    {"task": "fault", "belief": belief, "bought_by": bought_by, "seed": seed, "slot": slot, "map": one}
                    | {"data_mb": 1.0, "accuracy_promised": promised, "accuracy_realised": realised}
                    | {"map_utility_promised_money": 10.0 * promised - 3.0 - wrong}
                    | {"map_utility_realised_money": 10.0 * realised - 3.0 - wrong}
                    | {"regret_money": float(wrong), "profit_money": 1.0 + 0.1 * wrong}
                )
    return pl.DataFrame(rows)


def whole(seeds=10, other_seeds=5):
    """A study in which every claim of the paper holds under the main reading."""
    shared = {"axes": (), "schemes": LEARNED}
    falling = HOLDING | {"compute": {OPERATOR: -1.0, MAPS: -0.5}}
    rising = HOLDING | {"maps": {OPERATOR: 0.5, MAPS: -0.5}}
    parts = [
        held_out(seeds),
        learning(seeds),
        held_out(other_seeds, reading="discount-0", **shared),
        held_out(other_seeds, reading="load", shift=0.6, **shared),
        held_out(other_seeds, reading="paper-literal", shift=-2.0, **shared),
        held_out(other_seeds, reading="longer", shift=0.2, **shared),
        held_out(other_seeds, reading="uncapped", changes=falling, schemes=REFERENCES),
        held_out(other_seeds, reading="uncapped", **shared),
        held_out(other_seeds, reading="silent", changes=rising, schemes=REFERENCES),
        held_out(other_seeds, reading="silent", **shared),
        *(
            learning(other_seeds, reading=reading)
            for reading in ("discount-0", "load", "uncapped", "silent", "paper-literal")
        ),
    ]
    return Tables(pl.concat(parts), decision_time(), growth(), propositions(), learning_curves(), twin_loop())


def emptied(tables):
    """The same tables without rows."""
    return Tables(*(one.clear() for one in vars(tables).values()))


def written(tables, folder):
    """A folder with the tables as files."""
    folder.mkdir()
    tables.cells.write_parquet(folder / "table.parquet")
    for name in ("decision_time", "growth", "propositions", "learning_curves", "twin_loop"):
        if (table := getattr(tables, name)) is not None:
            table.write_csv(folder / f"{name}.csv")
    return folder


def change(file, how):
    """A table in a file, changed."""
    if file.suffix == ".parquet":
        how(pl.read_parquet(file)).write_parquet(file)
    else:
        how(pl.read_csv(file)).write_csv(file)
