"""A plausible study's folder, fabricated in a moment."""

import json
import random
from pathlib import Path

import polars as pl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from claim_tables import learning_curves, twin_loop
from twinoffload.experiments.paper_figures import BASE, FIGURES, QUICK, RATES, groups, points
from twinoffload.experiments.paper_groups import SCHEMA, describe
from twinoffload.experiments.study import Study
from twinoffload.report import paper_figures

SEEDS, EPISODES = 10, 25
SHARES = {  # operator, mAPs, regret, of `admission`
    "sac": (0.79, 0.72, 0.46),
    "td3": (0.78, 0.72, 0.45),
    "ddpg": (0.85, 0.66, 0.53),
    "amortised": (0.960, 0.967, 0.0),
    "pairwise": (0.956, 0.960, 0.0),
    "posted": (0.961, 0.966, 0.0),
    "admission": (1.0, 1.0, 0.0),
    "reactive": (0.955, 0.938, 0.033),
    "committed": (0.962, 0.966, 0.001),
}
LEARNED = ("sac", "td3", "ddpg")
READINGS = ("discount-0", "load", "uncapped", "silent", "paper-literal", "longer")


def make_study(folder: Path, *, readings=READINGS, timing=True, trained=True, figures=tuple(FIGURES)) -> Path:
    """Write a study's files.

    Args:
        folder: made if need be.
        readings: beside the main one.
        timing: whether times were measured.
        trained: whether twins were.
        figures: those that were drawn.
    """
    folder.mkdir(parents=True, exist_ok=True)
    study = Study(folder, groups(list(FIGURES), SEEDS, QUICK))
    manifest = study.manifest()
    base = [group for group in manifest["groups"] if group["work"]["kind"] == "learned"][:3]
    for reading in readings:
        manifest["groups"] += [group | {"work": group["work"] | {"reading": reading}} for group in base]
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    table = make_table(readings)
    table.write_parquet(folder / "table.parquet")
    for name in figures:
        main = table.filter(pl.col("reading") == "main")
        curved = name in ("fig2", "fig3")
        shown = pl.concat([paper_figures.curves(main), paper_figures.marks(main)]) if curved else None
        shown = paper_figures.effects(main, FIGURES[name]) if shown is None else shown
        shown.write_csv(folder / f"{name}.csv", float_precision=6)
        _dot(folder / f"{name}.png")
    if timing:
        decision_times().write_csv(folder / "decision_time.csv")
        growth().write_csv(folder / "growth.csv")
    if trained:
        learning_curves(5).write_csv(folder / "learning_curves.csv")
        twin_loop().write_csv(folder / "twin_loop.csv")
    return folder


def make_table(readings=READINGS) -> pl.DataFrame:
    """Utilities that rise with W and M and fall with N, all the more for the better schemes."""
    draw = random.Random(5)
    rows = [
        _held_out(draw, "main", scheme, one, seed) for one in points() for scheme in SHARES for seed in range(SEEDS)
    ]
    for reading in readings:
        known = [*LEARNED, "pairwise", "posted", "admission"] if reading in ("uncapped", "silent") else LEARNED
        rows += [_held_out(draw, reading, scheme, BASE, seed) for scheme in known for seed in range(5)]
    for rate in RATES:
        for seed in range(SEEDS):
            for episode in range(EPISODES):
                grown = 1.0 - (1.0 - min(1.0, 5 * rate**0.5)) ** (episode + 1)
                rows.append(
                    {"reading": "main", "phase": "training", "scheme": "sac", "seed": seed, "learning_rate": rate}
                    | {"episode": episode, "operator_utility_money": 5 * grown, "map_utility_money": 2 * grown}
                    | {"regret_money": 1 - grown + 0.01 * seed}
                    | describe(BASE)
                )
    frame = pl.DataFrame(rows, infer_schema_length=None)
    missing = [pl.lit(None).alias(name) for name in SCHEMA if name not in frame.columns]
    return frame.with_columns(missing).select(SCHEMA.names()).cast(dict(SCHEMA))


def _held_out(draw, reading, scheme, scenario, seed):
    operator, maps, regret = SHARES[scheme]
    if reading == "load" and scheme in LEARNED:
        operator, maps, regret = 0.95, 0.94, 0.03
    size = (0.6 + 0.08 * scenario.bandwidth) * (1 + 0.1 * scenario.stations - 0.03 * scenario.maps)
    noise = 0.0 if scheme == "admission" else 0.02 * draw.random()
    return (
        {"reading": reading, "phase": "held-out", "scheme": scheme, "seed": seed, "stopped": False}
        | {
            "operator_utility_money": 5.15 * size * (operator + noise),
            "map_utility_money": 2.28 * size * (maps + noise),
        }
        | {"regret_money": 2.28 * size * regret}
        | describe(scenario)
    )


def decision_times() -> pl.DataFrame:
    """Flat for what is learned, exponential for what enumerates."""
    draw = random.Random(7)
    costs = {"sac": lambda n: 0.6, "reactive": lambda n: 0.3, "pairwise": lambda n: 1.0 + 0.3 * n}
    costs |= {"posted": lambda n: 2.0 + 0.05 * 2**n, "gradient": lambda n: 30.0 + 2 * n}
    rows = [
        {
            "scheme": scheme,
            "maps": n,
            "stations": 2,
            "repeat": repeat,
            "decision_ms": cost(n) * (1 + 0.1 * draw.random()),
        }
        for scheme, cost in costs.items()
        for n in (2, 4, 6, 8, 12, 16)
        for repeat in range(5)
        if scheme != "posted" or n < 16
    ]
    return pl.DataFrame(rows)


def growth() -> pl.DataFrame:
    """Powers of one count, with noise."""
    draw = random.Random(8)
    powers = {("Algorithm 1", "W"): 2.0, ("Algorithm 1", "N"): 1.1, ("Algorithm 1", "M"): 0.9}
    powers |= {("learning", "N"): 0.9, ("learning", "E"): 1.0, ("learning", "T"): 1.0}
    rows = [
        {"algorithm": algorithm, "varied": varied, "value": value, "repeat": repeat}
        | {"seconds": 0.01 * value**power * (1 + 0.05 * draw.random())}
        for (algorithm, varied), power in powers.items()
        for value in (8, 16, 32, 64, 128)
        for repeat in range(5)
    ]
    return pl.DataFrame(rows)


def _dot(path):
    figure = Figure(figsize=(2.0, 1.0))
    FigureCanvasAgg(figure)
    figure.subplots().plot([0, 1], [0, 1])
    figure.savefig(path, format="png", dpi=50)
