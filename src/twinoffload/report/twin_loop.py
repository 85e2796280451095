"""The loop with trained twins: realised against promised accuracy as a picture, and what wrong laws cost in words."""

import math
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl
from matplotlib.figure import Figure

from twinoffload.experiments.interval import Interval
from twinoffload.experiments.twin_loop import OPERATOR, REALISED, Row
from twinoffload.files import write_text
from twinoffload.report.style import MUTED, new_figure, plain_axes, standalone, style, to_svg
from twinoffload.report.wording import interval, listed, number
from twinoffload.twin.beliefs import CALIBRATED, LAW, PRINTED
from twinoffload.twin.loop import MEASURED, OWN

LABELS = {PRINTED: "Eq. 7 as set", CALIBRATED: "Eq. 7 fitted", LAW: "measured law"}
_LOOKS = {PRINTED: ("#7a5fd0", "s"), CALIBRATED: ("#d55e00", "^"), LAW: ("#0072b2", "o")}
_COLUMNS = 3  # panels side by side


def draw(table: pl.DataFrame) -> Figure:
    """A panel for each task, a point for each mAP and slot by the belief that all share; call it within `style()`."""
    shared = table.filter(pl.col("bought_by") == OWN, pl.col("accuracy_realised").is_not_nan())
    tasks = shared["task"].unique(maintain_order=True).to_list()
    lines = -(-len(tasks) // _COLUMNS)
    figure = new_figure(0.5 + 3.1 * lines if len(tasks) > 1 else 4.2)
    panels = figure.subplots(lines, min(_COLUMNS, len(tasks)), squeeze=False, sharex=True, sharey=True)
    for panel in panels.flat[len(tasks) :]:
        panel.set_axis_off()
    for panel, task in zip(panels.flat, tasks, strict=False):
        plain_axes(panel)
        panel.axline((0.0, 0.0), slope=1.0, color=MUTED, linewidth=0.9, linestyle=(0, (4, 2)), zorder=1)
        for belief, (color, marker) in _LOOKS.items():
            points = shared.filter(pl.col("task") == task, pl.col("belief") == belief)
            panel.scatter(
                points["accuracy_promised"], points["accuracy_realised"], s=13, color=color, marker=marker, alpha=0.65,
                linewidths=0, label=LABELS[belief], zorder=2, rasterized=True,  # a thousand points
            )  # fmt: skip
        panel.set_title(task)
        panel.set_xlabel("promised accuracy φ", color=MUTED)
    panels[0][0].set_xlim(-0.02, 1.02)
    panels[0][0].set_ylim(min(-0.02, float(shared["accuracy_realised"].min() or 0.0) - 0.02), 1.02)  # type: ignore[arg-type]
    for line in panels:
        line[0].set_ylabel("realised accuracy φ", color=MUTED)
    figure.legend(*panels[0][0].get_legend_handles_labels(), loc="outside upper center", ncols=len(_LOOKS))
    return figure


def svg(table: pl.DataFrame, rows: Sequence[Row]) -> str:
    """The figure as an `<svg>` element for a page."""
    with style():
        return to_svg(draw(table), "twin_loop", f"Realised against promised accuracy. {' '.join(sentences(rows)[:1])}")


def save(table: pl.DataFrame, rows: Sequence[Row], path: str | os.PathLike[str]) -> Path:
    """The figure as an SVG file; the same table makes the same bytes."""
    return write_text(path, standalone(svg(table, rows)))


def sentences(rows: Sequence[Row]) -> list[str]:
    """What a summary says, in plain words: the accuracies, then what each wrong belief costs; task by task."""
    return [sentence for told in _by_task(rows) for sentence in told]


def paragraphs(rows: Sequence[Row]) -> list[str]:
    """The sentences of each task, as one text."""
    return [" ".join(told) for told in _by_task(rows)]


def _by_task(rows: Sequence[Row]) -> Iterator[list[str]]:
    tasks = list(dict.fromkeys(row.task for row in rows))
    for task in tasks:
        found = {(row.belief, row.bought_by): row for row in rows if row.task == task}
        shared = [found[belief, OWN] for belief in LABELS]
        accuracies = listed([_accuracies(row) for row in shared])
        lead = f"{task}: p" if len(tasks) > 1 else "P"
        accurate = f"{lead}romised and realised accuracy, medians over {shared[0].seeds} seeds: {accuracies}."
        yield [accurate, *(_cost(found[belief, OWN], found[belief, MEASURED]) for belief in (PRINTED, CALIBRATED))]


def cells(row: Row) -> list[str]:
    """A row of the report's table as text: accuracies, utilities and losses, with intervals."""
    names = ("accuracy_promised", "accuracy_realised", "map_utility_promised_money", REALISED, OPERATOR)
    return [spread(value) for value in (*(row.values[name] for name in names), row.operator_loss, row.map_loss)]


def spread(value: Interval) -> str:
    """Such as "0.512 [0.480, 0.533]"."""
    return f"{number(value.median)} {interval(value._asdict())}"


def _accuracies(row: Row) -> str:
    promised, realised = (row.values[f"accuracy_{name}"].median for name in ("promised", "realised"))
    return f"{LABELS[row.belief]} {number(promised)} and {number(realised)}"


def _cost(shared: Row, informed: Row) -> str:
    name = LABELS[shared.belief]
    return (
        f"Against the measured law, in money a slot: where all believe in {name}, the operator earns "
        f"{_than(shared.operator_loss)} and an mAP {_than(shared.map_loss)}; where the operator alone does, "
        f"it earns {_than(informed.operator_loss)} and an mAP {_than(informed.map_loss)}."
    )


def _than(loss: Interval) -> str:
    if any(math.isnan(value) for value in loss):
        return "an unknown amount"
    if max(map(abs, loss)) < 5e-4:
        return "as much"
    if loss.low > 0.0:
        return f"{number(loss.median)} less [{number(loss.low)}, {number(loss.high)}]"
    if loss.high < 0.0:
        return f"{number(-loss.median)} more [{number(-loss.high)}, {number(-loss.low)}]"
    return f"about as much (loss {spread(loss)})"
