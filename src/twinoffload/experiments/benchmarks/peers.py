"""Packages that benchmarks compare with and nothing else needs."""

import importlib
from typing import Any


def import_peer(module: str) -> Any:
    """A package that only a benchmark needs.

    Raises:
        ValueError: it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError:
        name = module.replace("_", "-")
        raise ValueError(f"this benchmark compares with {name}: install it (pip install {name})") from None
