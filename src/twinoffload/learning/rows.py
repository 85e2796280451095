"""Rows of an ensemble: (scenario, seed) pairs of equal shape, stacked so that scenario values share one run."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from twinoffload.env.episodes import Episodes, draw_episodes
from twinoffload.env.observation import own_fields, private_fields
from twinoffload.game.terms import Terms
from twinoffload.scenario import Scenario


def scenario_of_rows(scenario: Scenario | Sequence[Scenario], seeds: Sequence[int]) -> list[Scenario]:
    """One scenario for each row, given one for all or one for each.

    Raises:
        ValueError: the numbers of scenarios and seeds differ, there are none, or the scenarios cannot be stacked.
    """
    if not seeds:
        raise ValueError("seeds: there are none; give at least one")
    if isinstance(scenario, Scenario):
        return [scenario] * len(seeds)
    if len(scenario) != len(seeds):
        raise ValueError(f"{len(scenario)} scenarios for {len(seeds)} seeds; give one scenario for each row, or one")
    first = _kind(scenario[0])
    for other in scenario[1:]:
        for name, value in _kind(other).items():
            if value != first[name]:
                raise ValueError(
                    f"scenarios {scenario[0].name} and {other.name} cannot be stacked: {name} is {first[name]} and "
                    f"{value}; train them one after the other"
                )
    return list(scenario)


def draw_rows(
    scenarios: Sequence[Scenario],
    count: int,
    generators: Sequence[torch.Generator],
    *,
    slots: int,
    device: torch.device | str = "cpu",
) -> Episodes:
    """Independent episodes, batch axes [rows, count]; each row draws from its own generator, as it would alone.

    The result's `scenario` is the first row's: whoever plays rows of several scenarios must not read values there.
    """
    if all(scenario == scenarios[0] for scenario in scenarios):
        return draw_episodes(scenarios[0], count, generators, slots=slots, device=device)
    drawn = [
        draw_episodes(scenario, count, [generator], slots=slots)
        for scenario, generator in zip(scenarios, generators, strict=True)
    ]

    def joined(name: str) -> Tensor:
        return torch.cat([getattr(one, name) for one in drawn], dim=1).to(device)

    return Episodes(
        scenarios[0],
        joined("positions"),
        joined("gain"),
        _stack([one.parameters for one in drawn]).to(device),
        joined("raw_data"),
    )


def _stack(rows: list[Terms]) -> Terms:
    """Parameters `[1, count, ., .]`, or `[., .]` where an episode does not vary them, to `[rows, count or 1, ., .]`."""

    def stacked(name: str) -> Tensor:
        tensors = [getattr(row, name) for row in rows]
        return torch.cat([tensor[None, None] if tensor.ndim == 2 else tensor for tensor in tensors])

    return replace(rows[0], **{name: stacked(name) for name in rows[0].tensors()})


def _kind(scenario: Scenario) -> dict[str, Any]:
    """What rows of one ensemble must agree on."""
    names = ("maps", "stations", "slots", "raw_data", "idle_interferes", "accuracy_law")
    return {name: getattr(scenario, name) for name in names} | {
        "what mAPs alone know": ", ".join(private_fields(scenario)) or "nothing",
        "what mAPs differ in": ", ".join(own_fields(scenario)) or "nothing",
    }
