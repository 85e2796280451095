"""What the operator offers each mAP at the BS that it recommends."""

from dataclasses import dataclass

import torch
from torch import Tensor

from twinoffload.game.terms import Terms


@dataclass(frozen=True)
class Offer:
    """What the operator offers each mAP at its recommended BS.

    Attributes:
        association: the recommended BS, `[..., N]`; -1: off, or silent because it would send nothing.
        on: which pair that is, booleans `[..., N, M]`.
        terms: the parameters of those pairs, `[..., N]`.
        pair_rate: rate of every pair, for m != association after moving there, MB/s, `[..., N, M]`.
        rate: of the recommended pairs, MB/s, `[..., N]`.
        outside: the most an mAP could have elsewhere at the end of the range, money, `[..., N]`.
        price: money/MB, `[..., N]`.
    """

    association: Tensor
    on: Tensor
    terms: Terms
    pair_rate: Tensor
    rate: Tensor
    outside: Tensor
    price: Tensor


def at_choice(terms: Terms, association: Tensor) -> Terms:
    """The parameters of each mAP's own pair, broadcastable to `[..., N]`; off: those of the first BS."""
    where = association.clamp(min=0).unsqueeze(-1)

    def pick(tensor: Tensor) -> Tensor:
        if tensor.shape[-1] == 1:
            return tensor.squeeze(-1)
        return tensor.expand(*association.shape, tensor.shape[-1]).gather(-1, where).squeeze(-1)

    return terms.map(pick)


def exactly(number: float, like: Tensor) -> Tensor:
    """A number as a tensor of the same kind: exporters of graphs round plain numbers to float32."""
    return torch.tensor(number, dtype=like.dtype, device=like.device)
