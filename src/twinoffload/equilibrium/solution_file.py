"""What becomes of each mAP in a solved market, written as a table."""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
import torch
from torch import Tensor

from twinoffload.equilibrium.outcome import Outcome
from twinoffload.tables import Column, Progress, write_table


def write_solution(
    path: str | os.PathLike[str],
    solution: Outcome,
    raw_data: Any,
    *,
    maps: Sequence[str],
    stations: Sequence[str],
    snapshots: Sequence[str] = ("0",),
    overwrite: bool = False,
    each: Progress | None = None,
) -> None:
    """Write one row for each mAP in each snapshot, `.parquet`, `.npz` or, whatever else the suffix, CSV.

    Columns: `snapshot`, `map`, `station`, `price_money_per_mb`, `data_mb`, `sampling_rate`, `accuracy`, `delay_s`,
    `utility_money`, `regret_money`. An mAP that is off has no station, and no price, like one without an offer;
    without a solution there are ids alone. What is missing is an empty cell in CSV, null in Parquet, and NaN or an
    empty text in NPZ.

    Args:
        path: the file.
        solution: what `solve` found, of nothing or one axis of snapshots.
        raw_data: Zmax in MB, a number or `[N]`.
        maps: N names.
        stations: M names.
        snapshots: S names.
        overwrite: replace what is there.
        each: called batch by batch with the rows written and their number.

    Raises:
        ValueError: the names do not fit the solution; the file exists (unless `overwrite`) or cannot be written.
    """
    count, size = len(snapshots), len(maps)
    association = torch.as_tensor(solution.association).cpu()
    shape = (count, size) if association.ndim > 1 else (size,)
    if association.shape != shape or (count != 1 and association.ndim == 1):
        raise ValueError(
            f"association: has shape {list(association.shape)}, but there are {count} snapshots and {size} mAPs by name"
        )
    if tuple(solution.price.shape) != (*shape, len(stations)):
        raise ValueError(
            f"price: has shape {list(solution.price.shape)}; the names of mAPs and BSs need {[*shape, len(stations)]}"
        )
    numbers = {
        "price_money_per_mb": chosen_price(solution.price, association),
        "data_mb": solution.data,
        "sampling_rate": solution.data / torch.as_tensor(raw_data, device=solution.data.device),
        "accuracy": solution.accuracy,
        "delay_s": solution.delay,
        "utility_money": solution.map_utility,
        "regret_money": solution.regret,
    }
    station = association.reshape(-1).numpy()
    columns: dict[str, Column] = {
        "snapshot": _names(snapshots, lambda row: row // size),
        "map": _names(maps, lambda row: row % size),
        "station": _names(stations, lambda row: station[row]),
    }
    columns |= {name: _numbers(value) for name, value in numbers.items()}
    write_table(path, columns, count * size, overwrite=overwrite, each=each)


def chosen_price(price: Tensor, association: Tensor) -> Tensor:
    """The price on each mAP's BS, money/MB, `[..., N]`; NaN where it is off, or its BS makes no offer.

    Args:
        price: `[..., N, M]`, or sparse CSR `[N, M]`.
        association: `[..., N]`.
    """
    if price.layout != torch.sparse_csr:
        association = association.to(price.device)
        own = price.gather(-1, association.clamp(min=0).unsqueeze(-1)).squeeze(-1)
        return torch.where((association < 0) | own.isinf(), torch.nan, own)
    price = price.cpu()
    offset = price.crow_indices()
    n = torch.repeat_interleave(torch.arange(len(offset) - 1), offset.diff())
    own = (price.col_indices() == association.cpu()[n]) & ~price.values().isinf()
    found = torch.full((len(offset) - 1,), torch.nan, dtype=price.dtype)
    found[n[own]] = price.values()[own]
    return found


def _names(names: Sequence[str], index: Any) -> Column:
    """Names by an index that follows from the number of the row; none where it is negative."""
    series = pl.Series(names, dtype=pl.String)

    def column(part: slice) -> pl.Series:
        place = pl.Series(index(np.arange(part.start, part.stop)), dtype=pl.Int64)
        return series.gather(place.set(place < 0, None))

    return column


def _numbers(value: Tensor) -> Column:
    flat = value.detach().reshape(-1).cpu().numpy()
    return lambda part: pl.Series(flat[part])
