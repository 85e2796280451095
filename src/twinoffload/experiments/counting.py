"""What a computation costs, counted and clocked: the counts are the same on every machine, the seconds are not."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry


class Count(TorchDispatchMode):
    """Counts what torch computes while it is entered.

    Attributes:
        kernel_calls: of kernels; views compute nothing and do not count. Each costs some microseconds however little it
            computes, the part of the time that does not grow with a batch.
        operations: 2 B I O for a product of `[B, I]` and `[I, O]`, and one for each number that any other kernel
            writes.
    """

    def __init__(self) -> None:
        super().__init__()
        self.kernel_calls = 0
        self.operations = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Compute as always, and count."""
        result = func(*args, **(kwargs or {}))
        if not func.is_view:
            self.kernel_calls += 1
            if (product := flop_registry.get(func.overloadpacket)) is not None:
                self.operations += product(*args, **(kwargs or {}), out_val=result)
            else:
                self.operations += _numbers(args[:1] if result is None else result)
        return result


def _numbers(tree: Any) -> int:
    """How many numbers the tensors in some results hold."""
    return sum(leaf.numel() for leaf in tree_leaves(tree) if isinstance(leaf, Tensor))


def processor_seconds(run: Callable[[], object]) -> float:
    """Processor time of this process in a run: what other processes take of a shared machine is not in it."""
    began = time.process_time()
    run()
    return time.process_time() - began


@contextmanager
def one_thread() -> Iterator[None]:
    """Torch computes in one thread for a while, so that processor time is that of the algorithm."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
