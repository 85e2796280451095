"""The order of ids: numbers by value; names with the digits in them by value."""

import re
from decimal import Decimal
from itertools import pairwise

import polars as pl

_NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?$"
_WHOLE = r"^(0|-?[1-9][0-9]{0,17})$"  # numbers written in the only way a whole one has
_COUNTED = r"^([^0-9]*)([0-9]{1,18})$"  # such as car-2


def sorted_ids(names: pl.Series) -> pl.Series:
    """Different ids, sorted: by value where all are numbers, else `car-2` before `car-10`."""
    if names.str.contains(_WHOLE).all():
        return names.gather(names.cast(pl.Int64).arg_sort())
    if names.str.contains(_NUMBER).all():
        return pl.Series(names.name, sorted(names, key=lambda name: (Decimal(name), name)))
    frame = pl.DataFrame({"name": names})
    if names.str.contains(_COUNTED).all():
        parts = pl.col("name").str.extract(_COUNTED, 1), pl.col("name").str.extract(_COUNTED, 2).cast(pl.Int64)
    else:
        parts = (pl.col("name").map_elements(_natural, return_dtype=pl.String),)
    return frame.sort(*parts, "name")["name"].alias(names.name)


def same_numbers(names: pl.Series) -> tuple[int, int] | None:
    """Places of the first two of sorted ids that are one number written in two ways."""
    if names.str.contains(_WHOLE).all() or not names.str.contains(_NUMBER).all():
        return None
    values = (Decimal(name) for name in names)
    return next(((i, i + 1) for i, (one, other) in enumerate(pairwise(values)) if one == other), None)


def _natural(name: str) -> str:
    """A key of text: before each run of digits, a sign below all others and the run's length without leading zeros."""
    return re.sub("[0-9]+", _measured, name)


def _measured(found: re.Match) -> str:
    digits = found[0].lstrip("0")
    return f"\0{chr(1 + min(len(digits), 0xD7FE))}{digits}"
