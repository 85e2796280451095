"""A network over (mAP, BS) pairs that does not care how many there are, nor in which order they stand.

In each round every pair sees its own features, what the probabilities of the round before would come to, and three
pools: over the mAPs at its BS (each as much as it is there), over the BSs of its mAP (each as much as it is near), and
over all pairs (likewise). Where nearness is a share of gain, a BS out of reach changes no pool: what counts is how many
BSs an mAP can use, not how many there are, and a network of more BSs than were trained on looks familiar. The weights
are the same for every pair and in every round; renumbering mAPs or BSs renumbers the answers.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from twinoffload.learning.networks import ALIGNED
from twinoffload.learning.streams import Generators, uniform

Layers = list[tuple[Tensor, Tensor]]  # weight [S, in, out] and bias [S, 1, out] of each linear map

_POOLS = 3
HEADS = 2  # of each pair: for being there, and for its mAP being nowhere
_SMALL = 0.1  # first answers, so that training starts near uniform probabilities


@dataclass(frozen=True)
class PairNetwork:
    """Layout of the network; it holds no weights. S members are stacked in flat weights `[S, P]`.

    Attributes:
        features: numbers that describe a pair.
        prospects: numbers that say what probabilities would come to, for a pair.
        width: of the hidden layers.
        rounds: how often pairs hear of each other.
    """

    features: int
    prospects: int
    width: int
    rounds: int

    @cached_property
    def maps(self) -> list[tuple[int, int]]:
        """(in, out) of the three linear maps that every round uses."""
        seen = self.features + self.prospects + self.width
        return [(seen, self.width), ((1 + _POOLS) * self.width, self.width), (self.width, HEADS)]

    @cached_property
    def sizes(self) -> list[int]:
        """Numbers of weights and biases in the order of the flat tensor, and what fills them up (see `networks`)."""
        sizes = [size for seen, told in self.maps for size in (seen * told, told)]
        return [*sizes, -sum(sizes) % ALIGNED]

    def split(self, parameters: Tensor) -> Layers:
        """Views of `parameters [S, P]`."""
        *parts, _ = parameters.split_with_sizes(self.sizes, dim=-1)
        return [
            (parts[2 * at].unflatten(-1, size), parts[2 * at + 1].unsqueeze(-2)) for at, size in enumerate(self.maps)
        ]

    def initialise(self, members: int, generators: Generators) -> Tensor:
        """Initial weights `[S, P]`: uniform in +-1/sqrt(fan-in), the answers' smaller; biases 0."""
        numbers = uniform((members, sum(self.sizes)), generators)
        layers = self.split(numbers)
        for weight, bias in layers:
            weight.mul_(weight.shape[-2] ** -0.5)
            bias.zero_()
        layers[-1][0].mul_(_SMALL)
        return numbers

    def __call__(
        self,
        layers: Layers,
        features: Tensor,
        near: Tensor,
        prospects: Callable[[Tensor], Tensor],
        *,
        may_be_off: bool,
    ) -> Tensor:
        """Ln probabilities of where each mAP goes.

        Args:
            layers: as `split` gives them.
            features: of each pair, `[S, B, N, M, F]`.
            near: how much each BS counts for an mAP, in sum 1 over the BSs, `[S, B, N, M]`; also the probabilities
                that the first round looks at.
            prospects: what it would come to if each mAP were at each BS with some probability, `[S, B, N, M]` to
                `[S, B, N, M, prospects]`, of order one.
            may_be_off: whether an mAP may be on no BS.

        Returns:
            `[S, B, N, M]`, or `[S, B, N, M + 1]`, the last for being off.
        """
        into, mix, out = layers
        stations = features.shape[-2]
        here = near
        hidden = features.new_zeros((*features.shape[:-1], self.width))
        answer = torch.zeros_like(hidden[..., :HEADS])
        logarithms = answer[..., 0]
        for _ in range(self.rounds):
            first = torch.relu(_linear(into, torch.cat([features, prospects(here), hidden], dim=-1)))
            heard_of = (near.unsqueeze(-1) * first).sum(-2, keepdim=True)
            pools = (
                (here.unsqueeze(-1) * first).sum(-3, keepdim=True),
                heard_of,
                heard_of.mean(-3, keepdim=True),
            )
            heard = torch.cat([first, *(pool.expand_as(first) for pool in pools)], dim=-1)
            hidden = (hidden + torch.relu(_linear(mix, heard))) / 2.0
            answer = answer + _linear(out, hidden)
            logits, off = answer[..., 0], answer[..., 1].mean(-1, keepdim=True)
            logarithms = torch.log_softmax(torch.cat([logits, off], dim=-1) if may_be_off else logits, dim=-1)
            here = logarithms[..., :stations].exp()
        return logarithms


def _linear(layer: tuple[Tensor, Tensor], values: Tensor) -> Tensor:
    weight, bias = layer
    return torch.baddbmm(bias, values.flatten(1, -2), weight).unflatten(1, values.shape[1:-1])
