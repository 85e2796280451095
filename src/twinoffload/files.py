"""Files written whole or not at all."""

import json
import math
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

LOCK = ".lock"


def write_whole(path: str | os.PathLike[str], write: Callable[[Path], object]) -> Path:
    """Let `write` fill a draft beside the target, then rename it into place; a failure leaves nothing behind."""
    target = Path(path)
    draft = draft_of(target)
    try:
        write(draft)
        mask = os.umask(0)
        os.umask(mask)
        draft.chmod(0o666 & ~mask)  # some writers make private files
        draft.replace(target)
    except OSError as error:
        # A full disk has no name, and the caller knows nothing of a draft.
        if error.errno is not None and error.filename in (None, str(draft)):
            error.filename = str(target)
        raise
    finally:
        draft.unlink(missing_ok=True)
    return target


def draft_of(target: Path) -> Path:
    """Where a file is written before it gets its name."""
    return target.with_name(f".{target.name}.{os.getpid()}.draft")


def write_folder(path: str | os.PathLike[str], write: Callable[[Path], object]) -> Path:
    """Let `write` fill a draft of a folder, then rename it into place; a failure leaves nothing behind.

    Raises:
        ValueError: there is something already.
    """
    target = Path(path).absolute()
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise ValueError(f"{path}: already exists and is not an empty folder; choose another one")
    above = next(parent for parent in target.parents if parent.exists())
    draft = above / f".{target.name}.{os.getpid()}.draft"
    try:
        draft.mkdir()
        write(draft)
        target.parent.mkdir(parents=True, exist_ok=True)
        draft.replace(target)
    except OSError as error:
        if error.errno is not None and error.filename is None:
            error.filename = str(target)
        elif error.filename is not None and Path(error.filename).is_relative_to(
            draft
        ):  # the caller knows nothing of a draft
            error.filename = str(target / Path(error.filename).relative_to(draft))
        raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return target


def drafts(path: str | os.PathLike[str]) -> list[Path]:
    """What writers of a file that were killed left beside it; nobody may be writing it now."""
    target = Path(path)
    return list(target.parent.glob(f".{target.name}.[0-9]*.draft"))


def first_line(error: BaseException) -> str:
    """What an error says, for a message of one line; its type where it says nothing."""
    return next(iter(str(error).splitlines()), "") or type(error).__name__


def json_text(content: Any) -> str:
    """Indented JSON; numbers that are not finite become null."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: plain(part) for key, part in value.items()}
        if isinstance(value, list | tuple):
            return [plain(part) for part in value]
        return None if isinstance(value, float) and not math.isfinite(value) else value

    return json.dumps(plain(content), indent=2, allow_nan=False)


def write_text(path: str | os.PathLike[str], text: str) -> Path:
    """Write a text file, UTF-8, whole or not at all."""
    return write_whole(path, lambda draft: draft.write_text(text, encoding="utf-8"))


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Nobody else computes in a folder for a while; the system lets go when the process ends, however it ends.

    Raises:
        ValueError: somebody does already.
    """
    import fcntl

    with open(folder / LOCK, "a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            owner = file.read().strip() or "of unknown number"
            raise ValueError(
                f"{folder}: process {owner} is at work there; wait for it, or choose another --out"
            ) from None
        with suppress(OSError):  # on a full disk the lock holds all the same, without the owner's number
            file.truncate(0)
            file.write(f"{os.getpid()}\n")
            file.flush()
        yield
