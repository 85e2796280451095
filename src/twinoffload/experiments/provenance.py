"""What numbers depend on besides what was asked: versions, and the sources that compute."""

import hashlib
import platform
from functools import cache
from pathlib import Path

import torch

import twinoffload

NOT_COMPUTING = (  # of the package: what asks, keeps, times, judges or shows
    "cli/",
    "report/",
    "experiments/benchmarks/",
    "experiments/claims/",
    *(
        f"experiments/{name}.py"
        for name in ("execution", "paper_figures", "provenance", "settling", "study", "verdict")
    ),
)


@cache
def versions() -> dict[str, str]:
    """What a part's numbers depend on besides its work: when the code changes, parts are computed anew."""
    return {
        "twinoffload": twinoffload.__version__,
        "sources": sources_hash(),
        "torch": str(torch.__version__),
        "machine": platform.machine(),
    }


def sources_hash(package: Path = Path(twinoffload.__file__).parent) -> str:
    """Of the package's files that compute: all but `NOT_COMPUTING`."""
    digest = hashlib.sha256()
    for file in sorted(package.rglob("*")):
        name = file.relative_to(package).as_posix()
        if file.suffix in (".py", ".yaml") and not name.startswith(NOT_COMPUTING):
            digest.update(f"{name}\0".encode() + file.read_bytes() + b"\0")
    return digest.hexdigest()[:16]
