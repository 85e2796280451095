"""Random numbers for stacked members, each block of members from its own generator.

Members are ordered generator-major: with `S` generators and `G` members, generator `s` serves members
`s * G / S` to `(s + 1) * G / S - 1`. What a block draws therefore does not depend on how many other blocks
(usually seeds) are stacked beside it. One generator for all members is allowed, and is fastest where
thousands of members live on a GPU. A generator must be on the device of the tensors it fills.
"""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

Generators = Sequence[torch.Generator]


def blocks(tensor: Tensor, generators: Generators) -> Iterable[tuple[Tensor, torch.Generator]]:
    """Pair each generator with its block of `tensor [G, ...]`; `G` must be a multiple of their number."""
    members, count = tensor.shape[0], len(generators)
    if count == 0 or members % count:
        raise ValueError(f"{members} members cannot be shared equally among {count} generators")
    return zip(tensor.split(members // count), generators, strict=True)


def normal(shape: Sequence[int], generators: Generators) -> Tensor:
    """Standard normal float32 numbers of `shape [G, ...]`."""
    numbers = torch.empty(tuple(shape), device=generators[0].device)
    for block, generator in blocks(numbers, generators):
        block.normal_(generator=generator)
    return numbers


def uniform(shape: Sequence[int], generators: Generators) -> Tensor:
    """Uniform float32 numbers in [-1, 1) of `shape [G, ...]`."""
    numbers = torch.empty(tuple(shape), device=generators[0].device)
    for block, generator in blocks(numbers, generators):
        block.uniform_(-1.0, 1.0, generator=generator)
    return numbers


def integers(high: int, shape: Sequence[int], generators: Generators) -> Tensor:
    """Uniform int64 numbers in 0 ... high - 1 of `shape [G, ...]`."""
    numbers = torch.empty(tuple(shape), dtype=torch.int64, device=generators[0].device)
    for block, generator in blocks(numbers, generators):
        block.random_(0, high, generator=generator)
    return numbers
