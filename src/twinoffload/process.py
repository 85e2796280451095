"""How a process is set up for many small tensor operations: the same for commands and for the workers of a study."""

import contextlib
import ctypes

import torch


def prepare(threads: int) -> None:
    """Set this whole process up; results are the same to the bit in all that are set up alike on one machine."""
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)  # dead units otherwise fill the optimiser with denormals, which are slow
    _keep_freed_memory()


def _keep_freed_memory() -> None:
    """Have glibc reuse temporaries of a few MB instead of handing them back to the system after every operation."""
    trim_threshold, mmap_threshold = -1, -3  # M_TRIM_THRESHOLD, M_MMAP_THRESHOLD of malloc.h
    with contextlib.suppress(OSError, AttributeError):
        library = ctypes.CDLL(None)
        for parameter in (trim_threshold, mmap_threshold):
            library.mallopt(parameter, 1 << 30)
