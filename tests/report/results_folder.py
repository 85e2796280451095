"""A plausible results folder, fabricated in a moment."""

import json
import math
from pathlib import Path

import numpy as np
import polars as pl
import torch
import yaml

from twinoffload import Scenario
from twinoffload.experiments.comparison import MEASURES, summarise
from twinoffload.learning.training import TrainSettings

# operator's and mAPs' share of admission, regret share, what mAPs see
SCHEMES = {
    "sac": (0.935, 0.884, 0.061, "load"),
    "pairwise": (0.941, 0.946, 0.0, "full"),
    "posted": (0.947, 0.957, 0.0, "full"),
    "admission": (1.0, 1.0, 0.0, "full"),
    "constant": (0.940, 0.946, 0.0, "full"),
    "random": (0.434, 1.331, 0.0, "full"),
    "reactive": (0.940, 0.933, 0.021, "load"),
    "committed": (0.946, 0.957, 0.0, "paper"),
}


def make_results(
    folder: Path,
    *,
    scenario: Scenario | None = None,
    seeds: int = 6,
    episodes: int = 60,
    positions: int = 0,
    infinite: bool = False,
    off: bool = False,
) -> Path:
    """Write every file of a study.

    Args:
        folder: made if need be.
        scenario: of the study; default `paper`.
        seeds, episodes: how many.
        positions: seed of where everybody stands in the slot.
        infinite: some offers are withheld (price inf).
        off: the first mAP chooses no BS.
    """
    scenario = scenario or Scenario.load("paper")
    run = folder / "run"
    run.mkdir(parents=True, exist_ok=True)
    scenario.save(run / "scenario.yaml")
    settings = TrainSettings(episodes=episodes)
    stored = {"seeds": list(range(seeds)), "settings": settings.model_dump(mode="json")}
    (run / "settings.yaml").write_text(yaml.safe_dump(stored, sort_keys=False), encoding="utf-8")
    versions = {"twinoffload": "0.1.0", "python": "3.11.9", "torch": "2.13.0", "threads": 2, "device": "cpu"}
    (run / "versions.json").write_text(json.dumps(versions), encoding="utf-8")
    _metrics(seeds, episodes).write_parquet(run / "metrics.parquet")
    comparison = _comparison(seeds)
    comparison.write_parquet(folder / "comparison.parquet")
    _slot(scenario, positions, infinite, off).write_parquet(folder / "slot.parquet")
    summary = {
        "wall_s": 251.4,
        "command": f"twinoffload quick --scenario {scenario.name} --seeds {seeds}",
        "scenario": scenario.name,
        "seeds": list(range(seeds)),
        "held_out": {"episodes": 20, "slots": scenario.slots, "seed": 0},
        "rows": summarise(comparison),
    }
    (folder / "summary.json").write_text(json.dumps(summary, indent=2), encoding="utf-8")
    return folder


def _comparison(seeds: int) -> pl.DataFrame:
    random = np.random.default_rng(1)
    channel = random.normal(0.0, 0.008, seeds)
    rows = []
    for scheme, (operator, maps, regret, observation) in SCHEMES.items():
        for seed in range(seeds):
            noise = 0.0 if scheme == "admission" else channel[seed] + random.normal(0.0, 0.003)
            own = abs(random.normal(regret, regret / 5))
            rows.append(
                {
                    "scheme": scheme,
                    "observation": observation,
                    "seed": seed,
                    "operator_utility_money": 5.14 * (operator + noise),
                    "operator_share_of_admission": operator + noise,
                    "map_utility_money": 2.27 * (maps + noise),
                    "map_share_of_admission": maps + noise,
                    "regret_money": 2.27 * own,
                    "regret_share": own,
                    "wrong_association_share": own / 2,
                    "data_mb": 2.6 + noise,
                    "data_bias_mb": own / 3,
                    "data_error_mb": own,
                    "decision_ms": 1.0 + abs(noise),
                    "batched_decision_ms": 0.0125,
                }
            )
    return pl.DataFrame(rows)


def _metrics(seeds: int, episodes: int) -> pl.DataFrame:
    """Curves that saturate; the learners' columns begin empty, then null, then numbers."""
    random = np.random.default_rng(2)
    rows = []
    for episode in range(episodes):
        for seed in range(seeds):
            done = 1.0 - math.exp(-episode / (6.0 + seed))
            row = {
                "episode": episode,
                "seed": seed,
                "operator_utility_money": 2.0 + 2.7 * done + random.normal(0.0, 0.08),
                "map_utility_money": -1.2 + 3.1 * done + random.normal(0.0, 0.07),
                "map_regret_money": abs(3.2 * (1.0 - done) + 0.2 + random.normal(0.0, 0.03)),
                "price_money_per_mb": 0.6 + 0.6 * done,
                "data_mb": 2.6,
            }
            for learner in ("operator", "maps"):
                for name in ("critic_loss", "q_mean", "actor_loss", "entropy", "temperature"):
                    row[f"{learner}_{name}"] = [math.nan, None][episode] if episode < 2 else 0.1
            rows.append(row)
    return pl.DataFrame(rows, infer_schema_length=None)


def _slot(scenario: Scenario, seed: int, infinite: bool, off: bool) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    N, M = scenario.maps, scenario.stations
    at = random.uniform(0.0, scenario.side, (N, 2))
    stations = scenario.layout().numpy()
    gain = scenario.gain_at(torch.from_numpy(at)).numpy()
    top = 1.25 if scenario.price_cap is None else scenario.price_cap
    rows = []
    for scheme in ("sac", "posted"):
        for n in range(N):
            price = np.full(M, top) if scheme == "posted" else random.uniform(0.6 * top, top, M)
            pick = int(gain[n].argmax()) if random.uniform() < 0.8 else int(random.integers(M))
            price[pick] = random.uniform(0.8 * top, top)
            if infinite:
                price[(pick + 1) % M] = math.inf
            data = random.uniform(1.0, 4.5) if random.uniform() < 0.85 else 0.0
            if off and n == 0:
                pick, data = -1, 0.0
            for m in range(M):
                rows.append(
                    {
                        "scheme": scheme,
                        "slot": 20,
                        "map": n,
                        "station": m,
                        "map_x_m": at[n, 0],
                        "map_y_m": at[n, 1],
                        "station_x_m": stations[m, 0],
                        "station_y_m": stations[m, 1],
                        "gain_db": 10.0 * math.log10(gain[n, m]),
                        "price_money_per_mb": price[m],
                        "chosen": m == pick,
                        "data_mb": data if m == pick else 0.0,
                        "map_utility_money": 1.3 * math.sqrt(data),
                        "regret_money": 0.0 if scheme == "posted" else 0.12,
                    }
                )
    return pl.DataFrame(rows)


__all__ = ["MEASURES", "SCHEMES", "make_results"]
