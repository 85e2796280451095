"""Files written whole or not at all."""

import os
from collections.abc import Callable
from pathlib import Path


def write_whole(path: str | os.PathLike[str], write: Callable[[Path], object]) -> Path:
    """Let `write` fill a draft beside the target, then rename it into place; a failure leaves nothing behind."""
    target = Path(path)
    draft = target.with_name(f".{target.name}.{os.getpid()}.draft")
    try:
        write(draft)
        mask = os.umask(0)
        os.umask(mask)
        draft.chmod(0o666 & ~mask)  # some writers make private files
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
    return target


def write_text(path: str | os.PathLike[str], text: str) -> Path:
    """Write a text file, UTF-8, whole or not at all."""
    return write_whole(path, lambda draft: draft.write_text(text, encoding="utf-8"))
