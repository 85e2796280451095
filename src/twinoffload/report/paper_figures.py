"""The paper's Figs. 2 to 7, drawn from a study's table and nothing else: PDF and PNG, and what they show as CSV."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from twinoffload.experiments.interval import median_interval
from twinoffload.experiments.paper_figures import AXES, BASE, FIGURES, MAIN, RATES, Axis
from twinoffload.experiments.paper_groups import HELD_OUT, TRAINING, describe
from twinoffload.experiments.settling import WINDOW, settled
from twinoffload.files import write_text
from twinoffload.report import print_style
from twinoffload.report.print_style import SCHEMES, TWO_COLUMNS, looks, save

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
_LINES = ("amortised", "pairwise", "posted", "admission")  # of learning curves
_CURVES = {"fig2": MAPS, "fig3": OPERATOR}
_DODGE = 0.035  # between intervals that would cover each other, share of the axis between two values
_ROOM = 0.5  # beyond the medians, for intervals: share of the medians' range
_PARTS = ("median", "low", "high")
_END_COLUMNS = [f"{measure}_settled_{part}" for measure in (OPERATOR, MAPS) for part in ("seeds", *_PARTS)]


def draw(table: pl.DataFrame, figures: Sequence[str], folder: Path) -> list[Path]:
    """Some figures as files `NAME.pdf`, `NAME.png` and `NAME.csv` in a folder, which is made.

    Raises:
        ValueError: the table lacks what a figure shows.
    """
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for name in figures:
        rows = shown(table, name)
        with print_style.print_style():
            if name in _CURVES:
                figure = _draw_curves(rows, _CURVES[name])
            else:
                figure = _draw_effects(rows, FIGURES[name])
            made += save(figure, folder, name)
        made.append(write_text(folder / f"{name}.csv", rows.write_csv(float_precision=6)))
    return made


# what figures show


def shown(table: pl.DataFrame, name: str) -> pl.DataFrame:
    """What a figure shows of a study's table under the main reading, as its CSV has it.

    Raises:
        ValueError: the table lacks it.
    """
    try:
        read = table.filter(pl.col("reading") == MAIN.name)
        if name in _CURVES:
            read = shared(pl.concat([_trained(read), _known(read)]), ["phase", "scheme", "learning_rate"])
            rows = pl.concat([curves(read), marks(read)])
        else:
            rows = effects(read, FIGURES[name])
    except pl.exceptions.PolarsError as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ValueError(f"{name}: the table is not what it should be ({reason}); reproduce it anew") from None
    if rows.is_empty():
        raise ValueError(f"{name}: the table has no rows for it; `twinoffload reproduce {name}` computes them")
    return rows


def effects(table: pl.DataFrame, axes: Sequence[str]) -> pl.DataFrame:
    """Medians and intervals over seeds against some values, the others at the base scenario's.

    Over those seeds that all schemes have at all values of an axis: a study may have grown elsewhere.

    Returns:
        A row for each axis (`varied`, a column's name), its `value` and scheme: `seeds`, and of each measure
        `_median`, `_low`, `_high`.
    """
    parts, shown_schemes = [], list(looks(table["scheme"]))
    for name in axes:
        column = AXES[name].column
        held = [pl.col(other) == value for other, value in describe(BASE).items() if other != column]
        rows = table.filter(
            pl.col("phase") == HELD_OUT, pl.col("learning_rate").is_null(), pl.col("scheme").is_in(shown_schemes), *held
        )
        keys = [column, "scheme"]
        found = summary(shared(rows, keys), keys, (OPERATOR, MAPS, REGRET))
        label = pl.lit(column).alias("varied")
        parts.append(found.select(label, pl.col(column).cast(pl.Float64).alias("value"), pl.exclude(column)))
    order = pl.col("scheme").replace_strict({scheme: at for at, scheme in enumerate(shown_schemes)})
    return pl.concat([part.sort(order, "value") for part in parts])


def curves(table: pl.DataFrame) -> pl.DataFrame:
    """Medians and intervals over seeds against the training episode, from 1, a row for each rate and episode.

    `..._settled_median`, `_low` and `_high` are those of the episode in which a seed's utility has settled; empty: not
    by the end. `..._settled_seeds` says how many seeds have.
    """
    rows = _trained(table).with_columns(pl.col("episode") + 1)
    found = summary(rows, ["scheme", "learning_rate", "episode"], (OPERATOR, MAPS, REGRET))
    ends = [_ends(part) for part in rows.partition_by("learning_rate", maintain_order=True)]
    schema = {"learning_rate": pl.Float64} | dict.fromkeys(_END_COLUMNS, pl.Float64)
    found = found.join(pl.DataFrame(ends, schema), on="learning_rate", how="left")
    return found.sort("learning_rate", "episode", descending=[True, False])


def _ends(rows: pl.DataFrame) -> dict[str, Any]:
    """When the seeds of a rate settle: one that does not counts as later than all others."""
    told: dict[str, Any] = {"learning_rate": rows["learning_rate"][0]}
    seeds = rows.sort("episode").partition_by("seed")
    for measure in (OPERATOR, MAPS):
        found = [settled(one[measure].fill_null(math.nan).to_numpy()) for one in seeds]
        interval = median_interval([math.inf if end is None else end for end in found])
        told[f"{measure}_settled_seeds"] = float(sum(end is not None for end in found))
        for part in _PARTS:
            value = getattr(interval, part)
            told[f"{measure}_settled_{part}"] = value if math.isfinite(value) else None
    return told


def marks(table: pl.DataFrame) -> pl.DataFrame:
    """Utilities of schemes in the base scenario, held out: rows as those of `curves`, without rate and episode."""
    found = summary(_known(table), ["scheme", "learning_rate", "episode"], (OPERATOR, MAPS, REGRET))
    order = pl.col("scheme").replace_strict({name: at for at, name in enumerate(_lines(table))})
    return found.sort(order).with_columns(pl.lit(None, pl.Float64).alias(column) for column in _END_COLUMNS)


def _trained(table: pl.DataFrame) -> pl.DataFrame:
    return table.filter(pl.col("phase") == TRAINING)


def _known(table: pl.DataFrame) -> pl.DataFrame:
    held = [pl.col(column) == value for column, value in describe(BASE).items()]
    return table.filter(pl.col("phase") == HELD_OUT, pl.col("scheme").is_in(_lines(table)), *held)


def _lines(table: pl.DataFrame) -> list[str]:
    """What learning curves are laid beside."""
    return [*_LINES, *(name for name in looks(table["scheme"]) if name not in SCHEMES)]


def shared(rows: pl.DataFrame, keys: Sequence[str]) -> pl.DataFrame:
    """The rows of those seeds that every combination of keys has."""
    cells = rows.select(*keys, "seed").unique()
    counts = cells.group_by("seed").len()
    whole = counts.filter(pl.col("len") == cells.select(keys).n_unique())
    return rows.filter(pl.col("seed").is_in(whole["seed"].to_list()))


def summary(rows: pl.DataFrame, keys: Sequence[str], measures: Sequence[str]) -> pl.DataFrame:
    """`seeds`, and median and interval over them of each measure, a row for each combination of keys.

    A seed without a number, its training having diverged, counts as the worst.
    """
    gathered = rows.group_by(keys, maintain_order=True).agg(pl.len().alias("seeds"), *measures)
    columns = {}
    for measure in measures:
        worst = math.inf if measure == REGRET else -math.inf
        intervals = [
            median_interval([worst if value is None or math.isnan(value) else value for value in values])
            for values in gathered[measure].to_list()
        ]
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
    schemes = [*looks(shown["scheme"])]
    _legend(figure, grid[0][0], len(schemes) if len(schemes) <= len(SCHEMES) else -(-len(schemes) // 2), schemes)
    return figure


def _effect_panel(panel: Axes, here: pl.DataFrame, axis: Axis, measure: str) -> None:
    known = looks(here["scheme"])
    schemes = [scheme for scheme in known if scheme in here["scheme"]]
    learned = [scheme for scheme in schemes if known[scheme].marker]
    step = (axis.values[-1] - axis.values[0]) * _DODGE / 2
    bottom, top = _range_of(here, measure)
    for scheme in schemes:
        look, rows = known[scheme], here.filter(pl.col("scheme") == scheme)
        x, middle, low, high = (rows[name].to_numpy() for name in ("value", *(f"{measure}_{p}" for p in _PARTS)))
        if scheme not in learned:
            panel.plot(x, middle, label=scheme, zorder=4, **look.line())
            continue
        x = x + step * (learned.index(scheme) - (len(learned) - 1) / 2)
        with np.errstate(invalid="ignore"):  # a median that is no number has no ends
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
    middle = middle[np.isfinite(middle)]  # where most seeds diverged, an arrow is left
    if not len(middle):
        return 0.0, 1.0
    room = _ROOM * max(np.ptp(middle), 1e-3)
    bottom, top = max(low.min(), middle.min() - room), min(high.max(), middle.max() + room)
    margin = 0.06 * (top - bottom)
    return bottom - margin, top + margin


def _draw_curves(shown: pl.DataFrame, measure: str) -> Figure:
    figure = Figure(figsize=(TWO_COLUMNS, 2.75), layout="constrained")
    grid = figure.subplots(1, 2)
    lines, trained = (shown.filter(pl.col("episode").is_null() == held) for held in (True, False))
    for panel, what in zip(grid, (measure, REGRET), strict=True):
        panel.set_xlim(0, trained["episode"].max())
        medians = []
        for rate, look in zip(RATES, print_style.RATES, strict=True):
            rows = trained.filter(pl.col("learning_rate") == rate)
            if rows.is_empty():
                continue
            x, middle, low, high = (rows[name].to_numpy() for name in ("episode", *(f"{what}_{p}" for p in _PARTS)))
            panel.fill_between(x, low, high, color=look.color, alpha=0.18, linewidth=0)
            panel.plot(x, middle, color=look.color, linewidth=0.5, alpha=0.8, zorder=3)
            smooth = np.convolve(middle, np.full(WINDOW, 1.0 / WINDOW), mode="valid")
            panel.plot(x[WINDOW - 1 :], smooth, label=f"SAC, learning rate {rate:g}", zorder=4, **look.line())
            medians.append(middle)
            end = rows[f"{measure}_settled_median"][0]
            if what == measure and end is not None:
                at = np.interp(end, x[WINDOW - 1 :], smooth)
                panel.plot([end], [at], color=look.color, zorder=5, **_SETTLED)
        known = {row["scheme"]: row[f"{what}_median"] for row in lines.to_dicts()}
        for scheme, value in known.items():
            look = looks(known)[scheme]
            if what == measure:
                dash = (0, (2, 2)) if look.dash == "-" else look.dash
                panel.axhline(value, color=look.color, linestyle=dash, linewidth=1.0, label=scheme, zorder=2)
        _fit(panel, medians, list(known.values()) if what == measure else [0.0])
        panel.set_xlabel("Training episode")
        panel.set_ylabel(_TITLES[what])
    grid[0].plot([], [], color="white", label="settled", **_SETTLED)
    _letter(list(grid))
    _legend(figure, grid[0], 4, [*looks(shown["scheme"])])
    return figure


def _fit(panel: Axes, medians: Sequence[np.ndarray], lines: Sequence[float]) -> None:
    """Show the lines, and the medians after a tenth of training; how far they go beyond stands at the edge."""
    late = np.concatenate([np.asarray(lines), *(median[len(median) // 10 :] for median in medians)])
    late = late[np.isfinite(late)]
    low, high = late.min(), late.max()
    margin = 0.08 * (high - low) + 1e-9
    low, high = low - margin if low < 0 or min(lines) > 0 else 0.0, high + margin
    panel.set_ylim(low, high)
    everything = np.stack(medians)
    for worst, edge, sign, align in ((everything.min(), 0.02, "↓", "bottom"), (everything.max(), 0.98, "↑", "top")):
        if not low <= worst <= high:
            episode = int(np.argwhere(everything == worst)[0, -1]) + 1
            words, box = f"{sign} {worst:.1f} in episode {episode}", {"facecolor": "white", "alpha": 0.85, "pad": 1.0}
            place = {"transform": panel.transAxes, "ha": "left", "va": align, "zorder": 6}
            panel.text(0.06, edge, words, color="#333333", fontsize=6.5, bbox=box | {"edgecolor": "none"}, **place)


def _legend(figure: Figure, panel: Axes, columns: int, schemes: Sequence[str]) -> None:
    """Below all panels: learning rates, then schemes in their own order."""
    handles, names = panel.get_legend_handles_labels()
    order = sorted(range(len(names)), key=lambda at: schemes.index(names[at]) if names[at] in schemes else -1)
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
