"""Anybody's learning curves from a CSV file; what no law can be fitted to is refused in one line."""

import csv
import math
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NoReturn

import numpy as np
from scipy import stats

from twinoffload.twin.curve import Curve

NEEDED, OPTIONAL = ("data_mb", "accuracy"), ("task", "structure", "seed")
FEWEST = 4  # sizes of a curve
FALL = 0.05  # of phi: a curve may fall by so much behind its peak, and by _NOISES standard deviations of its noise
_NOISES = 3.0
_LARGEST = 50_000_000  # bytes


def read_curves(path: str | os.PathLike[str], *, clip: bool = False) -> list[Curve]:
    """The curves of a file, one for each task and structure, in the order of the file.

    Args:
        path: CSV, UTF-8, with the columns `data_mb` (MB, above 0) and `accuracy` (phi, in [0, 1]), and if there are
            several curves or seeds `task`, `structure` and `seed`; other columns are left alone.
        clip: take accuracies outside of [0, 1] as 0 or 1: a model that is worse than none measures below 0.

    Raises:
        ValueError: the file or a value is unfit, or a curve has too few sizes or falls; the message is one line with
            the place, the value and the remedy.
    """
    rows: dict[tuple[str, str], list[tuple[float, float, str | None]]] = {}
    for line, row in _rows(Path(path)):
        size = _number(path, line, "data_mb", row)
        if not 0.0 < size < math.inf:
            _refuse(path, f"{row['data_mb']!r} is no size above 0 MB; leave the row out", line, "data_mb")
        accuracy = _number(path, line, "accuracy", row)
        if not 0.0 <= accuracy <= 1.0:
            if not clip or math.isinf(accuracy):
                _refuse(path, f"{accuracy:g} is outside [0, 1]; write shares (Eq. 8), or use --clip", line, "accuracy")
            accuracy = min(max(accuracy, 0.0), 1.0)
        rows.setdefault((row.get("task", ""), row.get("structure", "")), []).append((size, accuracy, row.get("seed")))
    if not rows:
        _refuse(path, "has no rows below its header; write one for each measurement")
    return [_checked(path, _curve(values, *names)) for names, values in rows.items()]


def check_rises(curve: Curve) -> None:
    """That a curve rises with data.

    It must have a positive rank correlation (Spearman) of the means with the sizes; and behind its peak the running
    median of three means, which one bad run does not move, may fall by no more than `FALL`, or three standard
    deviations of the noise of a mean where that is more.

    Raises:
        ValueError: it does not; one line.
    """
    means, sizes = curve.means, curve.sizes
    if np.ptp(means) == 0.0 or np.asarray(stats.spearmanr(sizes, means))[0] <= 0.0:
        raise ValueError(
            f"{curve.label}: accuracy does not rise with data_mb ({means[0]:.3g} at {sizes[0]:g} MB, "
            f"{means[-1]:.3g} at {sizes[-1]:g} MB); check the columns, or train until more data helps"
        )
    smooth = means.copy()
    smooth[1:-1] = np.median([means[:-2], means[1:-1], means[2:]], axis=0)
    peaks = np.maximum.accumulate(smooth)
    worst = int((peaks - smooth).argmax())
    allowed = max(FALL, _NOISES * float(np.sqrt((curve.variance / curve.counts).mean())))
    if peaks[worst] - smooth[worst] > allowed:
        peak = int(smooth[: worst + 1].argmax())
        raise ValueError(
            f"{curve.label}: accuracy falls from {smooth[peak]:.3g} at {sizes[peak]:g} MB to {smooth[worst]:.3g} at "
            f"{sizes[worst]:g} MB, by more than its noise ({allowed:.2g}); check how long the larger ones were trained"
        )


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Line numbers and rows as text without surrounding blanks; blank lines are left out."""
    if path.is_dir() or not path.is_file():
        what = "is a folder" if path.is_dir() else "no such file"
        _refuse(path, f"{what}; name a CSV file with the columns {', '.join(NEEDED)}")
    if path.stat().st_size > _LARGEST:
        _refuse(path, f"is larger than {_LARGEST:,} bytes; average its measurements")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        _refuse(path, "is not text in UTF-8; save it as CSV (comma-separated, UTF-8)")
    reader = csv.reader(text.splitlines(), strict=True)
    header: list[str] = []
    try:
        for cells in reader:
            values = [cell.strip() for cell in cells]
            if not any(values):
                continue
            if not header:
                header = _header(path, values)
                continue
            if len(values) != len(header):
                remedy = "write decimals with a point"
                _refuse(path, f"has {len(values)} cells for {len(header)} columns; {remedy}", reader.line_num)
            yield reader.line_num, dict(zip(header, values, strict=True))
    except csv.Error as error:
        _refuse(path, f"cannot be split into columns ({error}); save it as CSV", reader.line_num)
    if not header:
        _refuse(path, f"is empty; its first line names the columns, {', '.join(NEEDED)}")


def _header(path: Path, names: list[str]) -> list[str]:
    for name in (*NEEDED, *OPTIONAL):
        if names.count(name) > 1:
            _refuse(path, f"has the column {name!r} twice; keep one")
    missing = [name for name in NEEDED if name not in names]
    if missing:
        told = ", ".join(names)[:80]
        remedy = "separate columns by commas" if len(names) == 1 else "name them in the first line"
        _refuse(path, f"has no column {' and no column '.join(map(repr, missing))} among: {told}; {remedy}")
    return names


def _number(path: str | os.PathLike[str], line: int, column: str, row: dict[str, str]) -> float:
    try:
        value = float(row[column])
    except ValueError:
        value = math.nan
    if math.isnan(value):
        _refuse(path, f"{row[column][:40]!r} is no number; write one, or leave the row out", line, column)
    return value


def _curve(rows: Sequence[tuple[float, float, str | None]], task: str, structure: str) -> Curve:
    size, accuracy, seed = zip(*rows, strict=True)
    known = None if None in seed else np.unique(np.array(seed, str), return_inverse=True)[1].astype(np.int64)
    return Curve(np.array(size), np.array(accuracy), known, task, structure)


def _checked(path: str | os.PathLike[str], curve: Curve) -> Curve:
    if len(curve.sizes) < FEWEST:
        _refuse(path, f"{curve.label}: {len(curve.sizes)} different sizes, a law needs {FEWEST}; measure more")
    try:
        check_rises(curve)
    except ValueError as error:
        _refuse(path, str(error))
    return curve


def _refuse(path: str | os.PathLike[str], message: str, line: int | None = None, column: str | None = None) -> NoReturn:
    place = "".join([str(path), f", line {line}" if line else "", f", column {column}" if column else ""])
    raise ValueError(f"{place}: {message}") from None
