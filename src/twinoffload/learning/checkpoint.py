"""A training's tensors on disk, with a check sum of what they hold; the file before stays beside the newest one."""

import zlib
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from twinoffload.files import first_line, write_whole

NEWEST, OLDER = "checkpoint.safetensors", "checkpoint.older.safetensors"
_FORMAT = "2"
_READ = ("1", _FORMAT)  # the first has no check sum; one field holds both, since files keep no order of several


def save(folder: Path, state: Mapping[str, torch.Tensor]) -> None:
    """Write a checkpoint whole or not at all; the newest so far becomes the older one."""
    tensors = {name: tensor.contiguous() for name, tensor in state.items()}

    def write(draft: Path) -> None:
        save_file(tensors, draft, {"format": f"{_FORMAT} crc32 {_checksum(tensors)}"})
        if (folder / NEWEST).exists():
            (folder / NEWEST).replace(folder / OLDER)

    write_whole(folder / NEWEST, write)


def found(folder: Path) -> list[Path]:
    """The checkpoints that are there, the newest first."""
    return [folder / name for name in (NEWEST, OLDER) if (folder / name).exists()]


def load(file: Path) -> dict[str, torch.Tensor]:
    """What a checkpoint holds.

    Raises:
        ValueError: it is damaged, or of a version that is not known here.
    """
    try:
        with safe_open(file, framework="pt") as opened:
            told = (opened.metadata() or {}).get("format", "unknown")
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118 (it is no mapping)
    except (SafetensorError, OSError, RuntimeError, ValueError) as error:
        raise ValueError(f"{file}: cannot be read ({first_line(error)}); restore it or train anew") from None
    version, _, checksum = told.partition(" crc32 ")
    if version not in _READ:
        raise ValueError(
            f"{file}: has format {version}, and this version reads {' and '.join(_READ)}; "
            "use the version that versions.json names, or train anew"
        )
    if version != "1" and checksum != _checksum(tensors):
        raise ValueError(f"{file}: is damaged (its check sum differs); restore it or train anew")
    return tensors


def _checksum(tensors: Mapping[str, torch.Tensor]) -> str:
    """CRC-32 of names, types, shapes and values."""
    total = 0
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        total = zlib.crc32(f"{name} {tensor.dtype} {list(tensor.shape)}".encode(), total)
        total = zlib.crc32(tensor.reshape(-1).view(torch.uint8).numpy().data, total)
    return f"{total:08x}"
