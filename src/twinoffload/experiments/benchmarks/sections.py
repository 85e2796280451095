"""What benchmarks of several sections share."""

import platform
from collections.abc import Sequence
from typing import Any

import torch


def check_sections(only: str | None, known: Sequence[str]) -> list[str]:
    """Sections of a comma-separated list, all where it is None.

    Raises:
        ValueError: one is unknown.
    """
    chosen: list[str] = [*known] if only is None else [name.strip() for name in only.split(",")]
    for name in chosen:
        if name not in known:
            raise ValueError(f"--only {name!r}: must be of {', '.join(known)}, separated by commas")
    return chosen


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    return {
        "cpu": platform.processor() or platform.machine(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
    }
