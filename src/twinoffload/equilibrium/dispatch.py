"""Concepts by name, for a flat batch that is already checked."""

from dataclasses import replace
from typing import Literal, get_args

import torch
from torch import Tensor

from twinoffload.equilibrium.admission import admission
from twinoffload.equilibrium.gradient import GradientSettings, gradient
from twinoffload.equilibrium.outcome import Outcome
from twinoffload.equilibrium.pairwise import pairwise
from twinoffload.equilibrium.posted import posted
from twinoffload.game.terms import Terms

Concept = Literal["gradient", "pairwise", "posted", "admission"]
CONCEPTS: tuple[str, ...] = get_args(Concept)


def strongest_station(gain: Tensor) -> Tensor:
    """The default start: each mAP on the BS of its strongest gain, the lowest index among equals, `[..., N]`."""
    return gain.argmax(-1)


def solve_flat(
    concept: str,
    terms: Terms,
    gain: Tensor,
    start: Tensor | None = None,
    order: list[int] | None = None,
    settings: GradientSettings | None = None,
    within: Tensor | None = None,
) -> Outcome:
    """Solve a flat batch: parameters `[B or 1, ., .]`, gain `[B, N, M]`, start `[B, N]`, order a permutation.

    Pairs not within reach, booleans `[B, N, M]`, have gain 0 and are offered nothing.
    """
    outcome = _solve(concept, terms, gain, start, order, settings, within)
    return outcome if within is None else replace(outcome, price=torch.where(within, outcome.price, torch.inf))


def _solve(
    concept: str, terms: Terms, gain: Tensor, start: Tensor | None, order: list[int] | None,
    settings: GradientSettings | None, within: Tensor | None,
) -> Outcome:  # fmt: skip
    if concept == "posted":
        return posted(terms, gain, within)
    if concept == "admission":
        return admission(terms, gain, within)
    order = list(range(gain.shape[-2])) if order is None else order
    if concept == "gradient":
        return gradient(terms, gain, start, order, settings or GradientSettings(), within)
    return pairwise(terms, gain, strongest_station(gain) if start is None else start, order)
