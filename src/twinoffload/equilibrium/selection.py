"""The selection problem: prices do not say which of several equilibria the mAPs will play."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from twinoffload.equilibrium.nash import rest_table
from twinoffload.equilibrium.outcome import Outcome
from twinoffload.equilibrium.pairwise import followers
from twinoffload.equilibrium.profiles import CHUNK, all_profiles, possible
from twinoffload.game.terms import Terms


@dataclass(frozen=True)
class Selection:
    """Every pure Nash equilibrium of the mAPs at posted prices, in figures; `[...]` are the batch axes.

    Attributes:
        count: how many there are, int64 `[...]`; ties count. Where it is 0 the figures below are NaN.
        operator_worst: the operator's utility at the one that is worst for it, money, `[...]`.
        operator_best: at the one that is best for it.
        map_worst: mean mAP utility at the one where that is lowest, money, `[...]`.
        map_best: at the one where it is highest.
        reached: where best responses from the stated start, in the stated order, come to rest.
    """

    count: Tensor
    operator_worst: Tensor
    operator_best: Tensor
    map_worst: Tensor
    map_best: Tensor
    reached: Outcome

    def reshape(self, batch: torch.Size) -> "Selection":
        """The flat batch axis given its shape back."""
        figures = {name: value.reshape(batch) for name, value in vars(self).items() if isinstance(value, Tensor)}
        return replace(self, **figures, reached=self.reached.reshape(batch))


def select(
    terms: Terms, gain: Tensor, price: Tensor, start: Tensor, order: list[int], within: Tensor | None = None
) -> Selection:
    """The interval for a flat batch, by enumeration, and the point in it that is reached from `start`."""
    profiles = all_profiles(*gain.shape[-2:], terms.idle_interferes, gain.device)
    size = max(profiles.companions.numel() * gain.shape[-1], profiles.association.numel() * gain.shape[-1])
    step = max(1, CHUNK // size)
    rows = []
    for begin in range(0, len(gain), step):
        part = slice(begin, begin + step)
        calm, operator, maps = rest_table(terms.rows(part), gain[part], price[part], profiles)
        if within is not None:
            calm &= possible(within[part], profiles)
        found = calm.sum(-1)
        figures = [
            torch.where(calm, value, sign * torch.inf).mul(sign).amin(-1).mul(sign)
            for value in (operator, maps)
            for sign in (1.0, -1.0)
        ]
        rows.append([found, *(torch.where(found > 0, figure, torch.nan) for figure in figures)])
    count, operator_worst, operator_best, map_worst, map_best = (
        torch.cat(column) for column in zip(*rows, strict=True)
    )
    reached = followers(terms, gain, price, start, order)
    return Selection(count, operator_worst, operator_best, map_worst, map_best, reached)
