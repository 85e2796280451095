"""How loops are compiled and kept: IEEE arithmetic, on disk between runs, anew when a file of theirs changes."""

import contextlib
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from numba import njit

_FILES = sorted(Path(__file__).parent.glob("*/**/city*/*.py")) + sorted(Path(__file__).parent.glob("*/city.py"))
_SOURCES = hashlib.sha256(b"".join(path.read_bytes() for path in _FILES)).hexdigest()


def compiled(function: Callable[..., Any]) -> Any:
    """Compile a loop that makes arrays."""
    return _kept(function)


def lean(function: Callable[..., Any]) -> Any:
    """Compile any other loop: inlined, and not counting references to the arrays it is handed.

    To count them would take ten times the arithmetic.
    """
    return _kept(function, _nrt=False, forceinline=True)


def _kept(function: Callable[..., Any], **options: Any) -> Any:
    """Numba looks at the time of a function's own file; what it inlines from another file counts too."""
    settings: Any = {"fastmath": False, "error_model": "numpy", **options}
    try:
        dispatcher: Any = njit(cache=True, **settings)(function)
    except RuntimeError:  # nowhere to keep it
        return njit(**settings)(function)
    own = Path(function.__code__.co_filename).read_bytes()
    with contextlib.suppress(AttributeError):  # where a later numba keeps its index elsewhere
        dispatcher._cache._cache_file._source_stamp = hashlib.sha256(own + _SOURCES.encode()).hexdigest()
    return dispatcher
