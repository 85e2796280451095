"""One slot as it can be drawn: who stood where, what was posted, and who sent how much to whom."""

from dataclasses import dataclass

import torch
from torch import Tensor

from twinoffload.env.episodes import Episodes
from twinoffload.env.slots import Slots


@dataclass(frozen=True)
class Scene:
    """A slot of the first episode of a batch.

    Attributes:
        slot: its number, from 0.
        slots: of the episode.
        side: of the square, m.
        task: the largest amount that could be sent, MB.
        stations: positions of the BSs in m, `[M, 2]`.
        maps: positions of the mAPs in m, `[N, 2]`.
        price: posted in money/MB, `[N, M]`; None before anything was played, as all that follow.
        association: BS of each mAP, `[N]`; -1: off.
        data: MB sent there, `[N]`.
        operator_utility: money.
        map_utility: money, `[N]`.
        regret: money, `[N]`.
    """

    slot: int
    slots: int
    side: float
    task: float
    stations: Tensor
    maps: Tensor
    price: Tensor | None = None
    association: Tensor | None = None
    data: Tensor | None = None
    operator_utility: float = 0.0
    map_utility: Tensor | None = None
    regret: Tensor | None = None

    @classmethod
    def before(cls, game: Slots) -> "Scene":
        """Slot 0, not yet played."""
        return cls(**_place(game.episodes, game.slot))

    @classmethod
    def of(cls, episodes: Episodes, slot: int, told: dict[str, Tensor]) -> "Scene":
        """A slot that was played; `told` has a batch axis [E]."""
        first = {name: value[0] for name, value in told.items()}
        first["operator_utility"] = first["operator_utility"].item()  # pyright: ignore[reportArgumentType]
        return cls(**_place(episodes, slot), **first)  # pyright: ignore[reportArgumentType]


def _place(episodes: Episodes, slot: int) -> dict:
    scenario = episodes.scenario
    task = torch.as_tensor(scenario.task_size, dtype=torch.float64).max().item()
    return {
        "slot": slot,
        "slots": len(episodes.gain) - 1,
        "side": scenario.side,
        "task": max(task, 1e-9),
        "stations": scenario.layout(),
        "maps": episodes.positions[slot][(0,) * len(episodes.batch)],
    }
