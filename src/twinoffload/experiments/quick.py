"""The paper's scheme in one go: train, play on held-out episodes beside the references, write every table."""

import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import torch

from twinoffload.env.episodes import Episodes
from twinoffload.env.references import Equilibrium
from twinoffload.env.scheme import Scheme
from twinoffload.env.slots import Slots
from twinoffload.experiments.comparison import check_playable, compare, held_out, references, summarise
from twinoffload.files import json_text, write_text, write_whole
from twinoffload.learning.kinds import Settings, check
from twinoffload.learning.run_folder import RunFolder
from twinoffload.scenario import Scenario
from twinoffload.units import linear_to_db

PRODUCTS = ("comparison.parquet", "slot.parquet", "summary.json", "report.html")
SHOWN_SLOT = 20  # of the first held-out episode: late enough that everybody has met everybody


def quick_study(
    folder: str | Path,
    scenario: Scenario,
    settings: Settings,
    seeds: Sequence[int],
    *,
    command: str,
    episodes: int = 20,
    device: str = "cpu",
    each_episode: Callable[[list[dict[str, Any]]], None] = lambda rows: None,
    each_scheme: Callable[[str], None] = lambda name: None,
) -> dict[str, Any]:
    """Train in `folder/run`, compare, and write the tables from which the report is made.

    Args:
        folder: where results go; those of an earlier study there are replaced.
        scenario: what is played.
        settings: how it is trained.
        seeds: trained at once.
        command: the command line that asks for it, for the record.
        episodes: held-out episodes for each seed.
        device: where to train.
        each_episode: called after each training episode.
        each_scheme: called with the name of each scheme that has been played.

    Returns:
        The contents of `summary.json`.

    Raises:
        ValueError: scenario and settings cannot be trained, or the scenario is too large to solve; the folder holds
            something else than an earlier study.
    """
    began = time.perf_counter()
    check(scenario, settings, seeds)
    check_playable(scenario, len(seeds), episodes)
    folder = Path(folder)
    clear(folder)
    run = RunFolder.create(folder / "run", scenario, settings, seeds)
    agents = run.train(each_episode, device).agents
    summary = compare_run(folder, agents, scenario, seeds, episodes=episodes, each_scheme=each_scheme)
    summary = {"wall_s": round(time.perf_counter() - began, 1), "command": command} | summary
    write_text(folder / "summary.json", json_text(summary) + "\n")
    return summary


def compare_run(
    folder: Path,
    agents: Scheme,
    scenario: Scenario,
    seeds: Sequence[int],
    *,
    episodes: int = 20,
    seed: int = 0,
    each_scheme: Callable[[str], None] = lambda name: None,
) -> dict[str, Any]:
    """Play trained agents beside the references; writes `comparison.parquet` and `slot.parquet`.

    Args:
        folder: where the tables go.
        agents: the trained scheme.
        scenario: what is played.
        seeds: the agents' seeds.
        episodes: held-out episodes for each seed.
        seed: which held-out channels.
        each_scheme: called with the name of each scheme that has been played.
    """
    channels = held_out(scenario, seeds, episodes, seed)
    table = compare([agents, *references(scenario, seed)], channels, seeds, each_scheme)
    write_whole(folder / "comparison.parquet", table.write_parquet)
    slot = pl.concat([slot_table(scheme, channels) for scheme in (agents, Equilibrium("posted"))])
    write_whole(folder / "slot.parquet", slot.write_parquet)
    return {
        "scenario": scenario.name,
        "seeds": list(seeds),
        "held_out": {"episodes": episodes, "slots": scenario.slots, "seed": seed},
        "rows": summarise(table),
    }


def slot_table(scheme: Scheme, channels: Episodes, at: int = SHOWN_SLOT) -> pl.DataFrame:
    """One slot of the first seed's first held-out episode, one row a pair; indices count from 0."""
    slots = Slots(channels)
    scheme.begin(slots)
    for _ in range(min(at, len(channels.gain) - 1)):
        price = scheme.price(slots)
        slots.step(price, *scheme.offload(slots, price))
    slot, gain = slots.slot, slots.gain[0, 0]
    price = scheme.price(slots)
    association, data = scheme.offload(slots, price)
    payoff = slots.step(price, association, data)
    measured = channels.scenario.gains is not None  # and tells no positions
    stations = torch.full((gain.shape[1], 2), torch.nan) if measured else channels.scenario.layout()
    rows = []
    for n in range(gain.shape[0]):
        for m in range(gain.shape[1]):
            on = int(association[0, 0, n]) == m
            rows.append(
                {
                    "scheme": scheme.name,
                    "slot": slot,
                    "map": n,
                    "station": m,
                    "map_x_m": channels.positions[slot, 0, 0, n, 0].item(),
                    "map_y_m": channels.positions[slot, 0, 0, n, 1].item(),
                    "station_x_m": stations[m, 0].item(),
                    "station_y_m": stations[m, 1].item(),
                    "gain_db": linear_to_db(gain[n, m].item()),
                    "price_money_per_mb": price[0, 0, n, m].item(),
                    "chosen": on,
                    "data_mb": data[0, 0, n].item() if on else 0.0,
                    "map_utility_money": payoff["map_utility"][0, 0, n].item(),
                    "regret_money": payoff["regret"][0, 0, n].item(),
                }
            )
    return pl.DataFrame(rows)


def clear(folder: Path) -> None:
    """Remove an earlier study's files, so that nothing old stands beside something new.

    Raises:
        ValueError: the folder holds something that no study writes.
    """
    if not folder.exists():
        return
    if not folder.is_dir():
        raise ValueError(f"{folder}: is not a folder; choose another --out")
    strange = sorted(entry.name for entry in folder.iterdir() if entry.name not in (*PRODUCTS, "run", "figures"))
    run = folder / "run"
    if run.exists() and any(run.iterdir()) and not (run / "settings.yaml").is_file():
        strange.append("run")
    if strange:
        raise ValueError(f"{folder}: holds {strange[0]!r}, which no study wrote; choose another --out")
    for name in PRODUCTS:
        (folder / name).unlink(missing_ok=True)
    for part in (run, folder / "figures"):
        if part.exists():
            shutil.rmtree(part)
