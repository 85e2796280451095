"""The sampling rate: which records of a raw stream an mAP keeps."""

import torch
from torch import Tensor


def kept_order(records: int, generator: torch.Generator) -> Tensor:
    """The order in which a rising sampling rate takes in the records of a stream, int64 `[R]`.

    Each record is as likely as any other. A higher rate keeps what a lower one kept, and more.
    """
    return torch.randperm(records, generator=generator)


def thin(raw: Tensor, rate: float, generator: torch.Generator) -> Tensor:
    """The records kept at a sampling rate l: Z = l o to the nearest record, in order of time.

    Args:
        raw: a stream `[R, numbers]` of o MB.
        rate: l.
        generator: says which.

    Raises:
        ValueError: the rate is not in [0, 1].
    """
    if not 0.0 <= rate <= 1.0:
        raise ValueError(f"sampling rate = {rate}: must be in [0, 1]")
    count = round(rate * len(raw))
    return raw[kept_order(len(raw), generator)[:count].sort().values]
