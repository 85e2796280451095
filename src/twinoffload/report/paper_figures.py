"""The paper's Figs. 2 to 7, drawn from a study's table and nothing else: PDF and PNG, and what they show as CSV."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from twinoffload.experiments.interval import median_interval
from twinoffload.experiments.paper_figures import AXES, BASE, FIGURES, RATES, Axis
from twinoffload.experiments.paper_groups import HELD_OUT, TRAINING, describe
from twinoffload.files import write_text
from twinoffload.report import print_style
from twinoffload.report.convergence import settled
from twinoffload.report.print_style import SCHEMES, TWO_COLUMNS, save

OPERATOR, MAPS, REGRET = "operator_utility_money", "map_utility_money", "regret_money"
_TITLES = {
    OPERATOR: "Utility of the operator\n(money/slot)",
    MAPS: "Average utility of mAPs\n(money/slot)",
    REGRET: "Average regret of mAPs\n(money/slot)",
}
_LABELS = {"sac": "SAC", "td3": "TD3", "ddpg": "DDPG"}
_SETTLED: dict[str, Any] = {
    "marker": "o", "markersize": 5, "markeredgecolor": "black", "markeredgewidth": 0.6, "linestyle": "none"
}  # fmt: skip
_CURVES = {"fig2": MAPS, "fig3": OPERATOR}
_DODGE = 0.035  # between intervals that would cover each other, share of the axis between two values
_ROOM = 0.5  # beyond the medians, for intervals: share of the medians' range
_PARTS = ("median", "low", "high")


def draw(table: pl.DataFrame, figures: Sequence[str], folder: Path) -> list[Path]:
    """Some figures as files `NAME.pdf`, `NAME.png` and `NAME.csv` in a folder, which is made.

    Raises:
        ValueError: the table lacks what a figure shows.
    """
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for name in figures:
        try:
            shown = curves(table) if name in _CURVES else effects(table, FIGURES[name])
        except pl.exceptions.PolarsError as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise ValueError(f"{name}: the table is not what it should be ({reason}); reproduce it anew") from None
        if shown.is_empty():
            raise ValueError(f"{name}: the table has no rows for it; `twinoffload reproduce {name}` computes them")
        with print_style.print_style():
            if name in _CURVES:
                figure = _draw_curves(shown, marks(table), _CURVES[name])
            else:
                figure = _draw_effects(shown, FIGURES[name])
            made += save(figure, folder, name)
        made.append(write_text(folder / f"{name}.csv", shown.write_csv(float_precision=6)))
    return made


# what figures show


def effects(table: pl.DataFrame, axes: Sequence[str]) -> pl.DataFrame:
    """Medians and intervals over seeds against some values, the others at the base scenario's.

    Returns:
        A row for each axis (`varied`, a column's name), its `value` and scheme: `seeds`, and of each measure
        `_median`, `_low`, `_high`.
    """
    parts = []
    for name in axes:
        column = AXES[name].column
        held = [pl.col(other) == value for other, value in describe(BASE).items() if other != column]
        rows = table.filter(
            pl.col("phase") == HELD_OUT, pl.col("learning_rate").is_null(), pl.col("scheme").is_in(list(SCHEMES)), *held
        )
        found = summary(rows, [column, "scheme"], (OPERATOR, MAPS, REGRET))
        label = pl.lit(column).alias("varied")
        parts.append(found.select(label, pl.col(column).cast(pl.Float64).alias("value"), pl.exclude(column)))
    order = pl.col("scheme").replace_strict({scheme: at for at, scheme in enumerate(SCHEMES)}, default=len(SCHEMES))
    return pl.concat([part.sort(order, "value") for part in parts])


def curves(table: pl.DataFrame) -> pl.DataFrame:
    """Medians and intervals over seeds against the training episode, from 1, a row for each rate and episode.

    `settled` is the first episode after which the mean of ten episodes of the median stays within 5 % of its final
    value: of `map_utility_money` in Fig. 2, of `operator_utility_money` in Fig. 3.
    """
    rows = table.filter(pl.col("phase") == TRAINING).with_columns(pl.col("episode") + 1)
    found = summary(rows, ["learning_rate", "episode"], (OPERATOR, MAPS, REGRET))
    found = found.sort("learning_rate", "episode", descending=[True, False])
    parts = []
    for part in found.partition_by("learning_rate", maintain_order=True):
        ends = {f"{measure}_settled": settled(part[f"{measure}_median"].to_numpy()) for measure in (OPERATOR, MAPS)}
        parts.append(part.with_columns(**{name: pl.lit(end, pl.Int64) for name, end in ends.items()}))
    return pl.concat(parts) if parts else found


def marks(table: pl.DataFrame) -> dict[str, dict[str, float]]:
    """Median utilities of schemes in the base scenario, held out, by scheme and measure."""
    held = [pl.col(column) == value for column, value in describe(BASE).items()]
    names = ("amortised", "pairwise", "posted", "admission")
    rows = table.filter(pl.col("phase") == HELD_OUT, pl.col("scheme").is_in(names), *held)
    medians = rows.group_by("scheme").agg(pl.col(OPERATOR, MAPS, REGRET).median()).to_dicts()
    return {row["scheme"]: row for row in sorted(medians, key=lambda row: names.index(row["scheme"]))}


def summary(rows: pl.DataFrame, keys: Sequence[str], measures: Sequence[str]) -> pl.DataFrame:
    """`seeds`, and median and interval over them of each measure, a row for each combination of keys."""
    gathered = rows.group_by(keys, maintain_order=True).agg(pl.len().alias("seeds"), *measures)
    columns = {}
    for measure in measures:
        intervals = [median_interval(values) for values in gathered[measure].to_list()]
        for part in _PARTS:
            columns[f"{measure}_{part}"] = pl.Series([getattr(one, part) for one in intervals], dtype=pl.Float64)
    return gathered.select(*keys, "seeds").with_columns(**columns)


# how


def _draw_effects(shown: pl.DataFrame, axes: Sequence[str]) -> Figure:
    figure = Figure(figsize=(TWO_COLUMNS, 2.15 * len(axes) + 0.45), layout="constrained")
    grid = figure.subplots(len(axes), len(_TITLES), squeeze=False)
    for line, name in zip(grid, axes, strict=True):
        axis = AXES[name]
        here = shown.filter(pl.col("varied") == axis.column)
        for panel, measure in zip(line, _TITLES, strict=True):
            _effect_panel(panel, here, axis, measure)
    _letter(list(grid.flat))
    _legend(figure, grid[0][0], len(SCHEMES))
    return figure


def _effect_panel(panel: Axes, here: pl.DataFrame, axis: Axis, measure: str) -> None:
    schemes = [scheme for scheme in SCHEMES if scheme in here["scheme"]]
    learned = [scheme for scheme in schemes if SCHEMES[scheme].marker]
    step = (axis.values[-1] - axis.values[0]) * _DODGE / 2
    bottom, top = _range_of(here, measure)
    for scheme in schemes:
        look, rows = SCHEMES[scheme], here.filter(pl.col("scheme") == scheme)
        x, middle, low, high = (rows[name].to_numpy() for name in ("value", *(f"{measure}_{p}" for p in _PARTS)))
        if scheme not in learned:
            panel.plot(x, middle, label=scheme, zorder=4, **look.line())
            continue
        x = x + step * (learned.index(scheme) - (len(learned) - 1) / 2)
        ends = np.stack((middle - low, high - middle))
        panel.errorbar(
            x, middle, ends, label=scheme, capsize=1.8, elinewidth=0.8, capthick=0.8, zorder=3, **look.line()
        )
        for cut, edge, arrow in ((low < bottom, bottom, "v"), (high > top, top, "^")):
            for at in x[cut]:
                (tip,) = panel.plot([at], [edge], marker=arrow, color=look.color, markersize=3, clip_on=False, zorder=5)
                tip.set_in_layout(False)
    panel.set_ylim(bottom, top)
    panel.set_xticks(axis.values, [f"{value:g}" for value in axis.values])
    panel.set_xlabel(_math(axis.label))
    panel.set_ylabel(_TITLES[measure])
    panel.yaxis.set_major_locator(MaxNLocator(nbins=6))


def _range_of(here: pl.DataFrame, measure: str) -> tuple[float, float]:
    """All medians, and intervals as far as they are not so long that they would squeeze the medians."""
    middle, low, high = (here[f"{measure}_{part}"].to_numpy() for part in _PARTS)
    room = _ROOM * max(np.ptp(middle), 1e-3)
    bottom, top = max(low.min(), middle.min() - room), min(high.max(), middle.max() + room)
    margin = 0.06 * (top - bottom)
    return bottom - margin, top + margin


def _draw_curves(shown: pl.DataFrame, lines: dict[str, dict[str, float]], measure: str) -> Figure:
    figure = Figure(figsize=(TWO_COLUMNS, 2.75), layout="constrained")
    grid = figure.subplots(1, 2)
    for panel, what in zip(grid, (measure, REGRET), strict=True):
        medians = []
        for rate, look in zip(RATES, print_style.RATES, strict=True):
            rows = shown.filter(pl.col("learning_rate") == rate)
            if rows.is_empty():
                continue
            x, middle, low, high = (rows[name].to_numpy() for name in ("episode", *(f"{what}_{p}" for p in _PARTS)))
            panel.fill_between(x, low, high, color=look.color, alpha=0.16, linewidth=0)
            panel.plot(x, middle, label=f"learning rate {rate:g}", zorder=3, **look.line())
            medians.append(middle)
            end = rows[f"{measure}_settled"][0]
            if what == measure and end is not None:
                panel.plot([end], [middle[end - 1]], color=look.color, zorder=5, **_SETTLED)
        for scheme, values in lines.items():
            look = SCHEMES[scheme]
            if what == measure:
                dash = (0, (2, 2)) if scheme == "amortised" else look.dash
                panel.axhline(values[what], color=look.color, linestyle=dash, linewidth=1.0, label=scheme, zorder=2)
        _fit(panel, medians, [values[what] for values in lines.values()])
        panel.set_xlabel("Training episode")
        panel.set_ylabel(_TITLES[what])
        panel.set_xlim(0, shown["episode"].max())
        if what == REGRET:
            panel.set_ylim(bottom=0.0)
    grid[0].plot([], [], color="white", label="settled", **_SETTLED)
    _letter(list(grid))
    _legend(figure, grid[0], 4)
    return figure


def _fit(panel: Axes, medians: Sequence[np.ndarray], lines: Sequence[float]) -> None:
    """The axis shows the lines and where the medians go after a tenth of training; what lies beyond is cut off."""
    late = np.concatenate([np.asarray(lines), *(median[len(median) // 10 :] for median in medians)])
    low, high = np.quantile(late, (0.02, 0.98))
    low, high = min(low, *lines, high), max(high, *lines, low)
    margin = 0.12 * (high - low) + 1e-9
    panel.set_ylim(low - margin, high + margin)


def _legend(figure: Figure, panel: Axes, columns: int) -> None:
    """Below all panels: learning rates, then schemes in their own order."""
    handles, names = panel.get_legend_handles_labels()
    order = sorted(range(len(names)), key=lambda at: [*SCHEMES].index(names[at]) if names[at] in SCHEMES else -1)
    labels = [_LABELS.get(str(names[at]), str(names[at])) for at in order]
    figure.legend([handles[at] for at in order], labels, loc="outside lower center", ncols=columns, columnspacing=1.2)


def _letter(panels: Sequence[Axes]) -> None:
    for letter, panel in zip("abcdefghi", panels, strict=False):
        panel.set_title(f"({letter})", loc="left", pad=3)


def _math(label: str) -> str:
    """Symbols after the comma in italics, as formulas."""
    words, comma, rest = label.partition(", ")
    symbol, space, unit = rest.partition(" ")
    known = {"γᴬ": r"\gamma^{A}"}
    return f"{words[:1].upper()}{words[1:]}{comma}${known.get(symbol, symbol)}${space}{unit}"
