"""Rows that diverged: how they are told, in words that name the row, who, when, what and the remedy."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor


class DivergenceWarning(RuntimeWarning):
    """A row of an ensemble was stopped; the others go on."""


@dataclass(frozen=True)
class Divergence:
    """What went wrong in a row, as early in its episode as it can be told.

    Attributes:
        who: "operator" or "maps".
        what: which quantity, in words.
        slot: the first slot in which it was measured so, or None where only the end of the episode shows it.
        finite: whether the quantity was finite, but beyond the bound.
    """

    who: str
    what: str
    slot: int | None
    finite: bool = False

    def message(self, seed: int, episode: int, bound: float) -> str:
        """One line for whoever trains."""
        who = {"operator": "the operator", "maps": "the mAPs"}[self.who]
        where = "" if self.slot is None else f" from slot {self.slot} on"
        fault = f"beyond value_bound = {bound:g}" if self.finite else "not finite"
        return (
            f"seed {seed} stopped in episode {episode}: {self.what} of {who} {'is' if self.slot is None else 'was'} "
            f"{fault}{where}; its weights from before that episode are kept and frozen, the other seeds go on. "
            f"Lower {self.who}.critic_rate and {self.who}.actor_rate, or set {self.who}.gradient_clip"
        )


_SUSPECTS = (  # metric, whose, what; where several begin in one slot, the first is the cause
    ("operator_q_mean", "operator", "the critics' value"),
    ("maps_q_mean", "maps", "the critics' value"),
    ("operator_critic_loss", "operator", "the critics' loss"),
    ("maps_critic_loss", "maps", "the critics' loss"),
    ("operator_actor_loss", "operator", "the actor's loss"),
    ("maps_actor_loss", "maps", "the actor's loss"),
    ("price_money_per_mb", "operator", "the action (price)"),
    ("data_mb", "maps", "the action (data)"),
)


def sound(measured: dict[str, Tensor], finite: dict[str, Tensor], bound: float) -> Tensor:
    """Whether a row's training is sound, `[S]`.

    Args:
        measured: mean of each metric over an episode, `[S]`.
        finite: whether all weights of the row's learner are finite, `[S]`, by learner.
        bound: largest magnitude of the critics' mean, money.
    """
    good = [*finite.values()]
    for name, _, _ in _SUSPECTS:
        if name in measured:
            value = measured[name]
            good.append(value.abs() <= bound if name.endswith("q_mean") else value.isfinite())
    return torch.stack(good).all(0)


def diagnose(series: dict[str, tuple[list[int], list[float]]], finite: dict[str, bool], bound: float) -> Divergence:
    """What went wrong first in a row that is not sound.

    Args:
        series: of each metric the slots in which it was measured and what it was.
        finite: whether all weights are finite at the end of the episode, by learner.
        bound: largest magnitude of the critics' mean, money.
    """
    found = []
    for name, who, what in _SUSPECTS:
        limit = bound if name.endswith("q_mean") else math.inf
        for slot, value in zip(*series.get(name, ([], [])), strict=True):
            if not math.isfinite(value) or abs(value) > limit:
                found.append(Divergence(who, what, slot, math.isfinite(value)))
                break
    if found:
        return min(found, key=lambda fault: fault.slot)
    who = next((who for who, good in finite.items() if not good), "operator")
    return Divergence(who, "a weight", None)
