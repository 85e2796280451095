"""Where a decision falls short of the best reply: at the wrong BS, or with the wrong amount of data."""

from dataclasses import dataclass

import torch
from torch import Tensor

from twinoffload.equilibrium.outcome import chosen, replies
from twinoffload.game.terms import Terms


@dataclass(frozen=True)
class Mistakes:
    """Each mAP's decision beside its best reply to the same prices and the others' choices.

    Attributes:
        wrong_association: whether a move to another BS (or off) would pay, booleans `[..., N]`.
        excess: data sent less the best reply's on the chosen BS, MB, `[..., N]`; 0 where the mAP is off.
    """

    wrong_association: Tensor
    excess: Tensor


def mistakes(terms: Terms, gain: Tensor, association: Tensor, price: Tensor, data: Tensor) -> Mistakes:
    """Judge decisions that were made at given prices.

    With V[n, m] the utility (Eq. 11) of mAP n's best response Z*[n, m] (Eq. 15) at BS m, at the rate that it would
    have there while the others stay as they are,

        wrong association:  V[n, chi_n] < max(0, max_m V[n, m]) - 1e-12 gamma^A
        excess of data:     Z_n - Z*[n, chi_n]

    so the BS is judged as if the amount were right, and the amount on the BS that was chosen. BSs within the game's
    tolerance of the best are all right, and so is any BS where none is worth sending to. An mAP that is off has V = 0.

    Args:
        terms: the parameters.
        gain: `[..., N, M]`.
        association: `[..., N]`; -1: off.
        price: money/MB, `[..., N, M]`; inf: not offered.
        data: MB sent to the chosen BS, `[..., N]`.
    """
    _, _, reply, value = replies(terms, gain, association, price, data)
    best = value.amax(-1).clamp(min=0.0)
    wrong = chosen(value, association) < best - terms.tolerance.amax(-1)
    return Mistakes(wrong, torch.where(association < 0, 0.0, data - chosen(reply, association)))
