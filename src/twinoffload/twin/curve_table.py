"""The curves in a table of trained twins, such as `learning_curves` measures."""

import polars as pl

from twinoffload.twin.curve import Curve


def measured(table: pl.DataFrame) -> list[Curve]:
    """The curves of a study, in order; what is no number is left out.

    Seeds that lack a size are left out too: they would shift the means of the others.
    """
    found = []
    usable = table.filter(pl.col("accuracy").is_finite(), pl.col("data_mb") > 0)
    for rows in usable.sort("task", "structure").partition_by("task", "structure", maintain_order=True):
        whole = rows.filter(pl.col("data_mb").n_unique().over("seed") == pl.col("data_mb").n_unique())
        rows = whole.sort("seed", "data_mb")
        columns = (rows[name].to_numpy() for name in ("data_mb", "accuracy", "seed"))
        if len(rows):
            found.append(Curve(*columns, task=rows["task"][0], structure=rows["structure"][0]))
    return found
