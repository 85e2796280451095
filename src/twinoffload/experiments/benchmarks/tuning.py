"""The search by which each algorithm gets its settings: as many trials, from the same draws, judged alike.

A trial trains a few seeds with what the algorithms share as in their presets, and draws the learning rates of operator
and mAPs, how much each explores, and the operator's batch. Trial k of every algorithm draws the same
numbers; where SAC reads a temperature from one of them, TD3 and DDPG read the exploration noise. What is best on
validation channels, which no other study plays, becomes the preset; nothing is chosen on the held-out channels.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch

from twinoffload.env.references import Equilibrium
from twinoffload.experiments.comparison import held_out, play_episodes
from twinoffload.learning.train_settings import TrainSettings
from twinoffload.learning.training import Trainer
from twinoffload.scenario import Scenario
from twinoffload.seeding import stream

ALGORITHMS = ("tuned", "tuned-td3", "tuned-ddpg")
TRIALS, EPISODES, SEEDS = 8, 40, (100, 101, 102)
VALIDATION, VALIDATION_EPISODES = 1_000, 4  # channels
RATES = (3e-4, 3e-3)
TEMPERATURES, NOISES = (0.005, 0.05), (0.05, 0.5)
BATCHES = (128, 256, 512)


def draws(trial: int) -> dict[str, float]:
    """Numbers in [0, 1) of a trial, the same for every algorithm."""
    names = ("operator_rate", "maps_rate", "operator_exploration", "maps_exploration", "operator_batch")
    numbers = torch.rand(len(names), generator=stream(trial, "tuning"), dtype=torch.float64)
    return dict(zip(names, numbers.tolist(), strict=True))


def settings_of(preset: str, trial: int, episodes: int = EPISODES) -> TrainSettings:
    """A preset with what a trial draws."""
    base, drawn = TrainSettings.load(preset), draws(trial)
    batch = BATCHES[int(drawn["operator_batch"] * len(BATCHES))]
    changed: dict[str, Any] = {"episodes": episodes}
    for who in ("operator", "maps"):
        learner = getattr(base, who)
        sac = learner.algorithm == "sac"
        name = "temperature" if sac else "exploration_noise"
        rate = _between(RATES, drawn[f"{who}_rate"])
        exploration = _between(TEMPERATURES if sac else NOISES, drawn[f"{who}_exploration"])
        changed[who] = learner.model_dump() | {"actor_rate": rate, "critic_rate": rate, name: exploration}
    changed["operator"]["batch"] = batch
    return base.replace(**changed)


def search(
    scenario: Scenario,
    presets: Sequence[str] = ALGORITHMS,
    *,
    trials: int = TRIALS,
    episodes: int = EPISODES,
    seeds: Sequence[int] = SEEDS,
    each: Callable[[dict[str, Any]], None] = lambda row: None,
) -> list[dict[str, Any]]:
    """Every trial of every algorithm, one row each: what was drawn, and medians over seeds on validation channels.

    The score is the operator's share and the mAPs' share of `admission` less the regret, whose share mAPs who over-buy
    cannot hide.

    Args:
        scenario: what is played.
        presets: of the algorithms.
        trials: of each.
        episodes: of each training.
        seeds: trained at once.
        each: called with each row.
    """
    channels = held_out(scenario, seeds, VALIDATION_EPISODES, VALIDATION)
    best = play_episodes(Equilibrium("admission"), channels)
    rows = []
    for trial in range(trials):
        for preset in presets:
            settings = settings_of(preset, trial, episodes)
            trainer = Trainer(scenario, settings, seeds)
            trainer.run(lambda rows: None)
            played = play_episodes(trainer.agents, channels)
            shares = {
                "operator_share_of_admission": played["operator"] / best["operator"],
                "map_share_of_admission": played["map"] / best["map"],
                "regret_share": played["regret"] / best["map"],
            }
            medians = {name: share.median().item() for name, share in shares.items()}
            operator, maps, regret = medians.values()
            rows.append(
                {"algorithm": settings.label, "trial": trial}
                | _drawn(settings)
                | medians
                | {"score": operator + maps - regret}
            )
            each(rows[-1])
    return rows


def _drawn(settings: TrainSettings) -> dict[str, Any]:
    """What a trial has drawn, in words of the settings."""
    values: dict[str, Any] = {"operator_batch": settings.operator.batch}
    for who in ("operator", "maps"):
        learner = getattr(settings, who)
        name = "temperature" if learner.algorithm == "sac" else "exploration_noise"
        values |= {f"{who}_rate": learner.actor_rate, f"{who}_exploration": getattr(learner, name)}
    return values


def _between(ends: tuple[float, float], share: float) -> float:
    """A number between two ends on a logarithmic scale, to two digits."""
    low, high = ends
    return float(f"{low * (high / low) ** share:.1e}")
