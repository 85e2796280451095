"""The pictures and tables of `docs/equilibrium.md`, from the tables of `experiments.equilibrium_study` alone.

Tables lie in `tables/equilibrium-NAME.csv`, pictures in `images/equilibrium-NAME.svg`; in the page, what stands between
`<!-- table NAME -->` and `<!-- end -->` is written here.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from twinoffload.files import write_text
from twinoffload.report import figure_tables
from twinoffload.report.schemes import scheme_named
from twinoffload.report.style import (
    INK,
    LINE,
    MUTED,
    PAPER,
    new_figure,
    plain_axes,
    standalone,
    style,
    to_svg,
)
from twinoffload.report.wording import number

Tables = Mapping[str, pl.DataFrame]

PAGE = "equilibrium.md"
PREFIX = "equilibrium-"
DIGITS = 6  # decimals of the numbers in a table
_PROFIT, _UTILITY = "#0072b2", "#d55e00"
_MAPS = (("#0072b2", "-"), ("#d55e00", (0, (5, 1.5))), ("#009e73", (0, (1, 1))), ("#cc79a7", (0, (5, 1.5, 1, 1.5))))
_STATIONS = (MUTED, LINE)
_SHOWN = 30  # outer iterations of a trajectory
_TITLES = {"paper": "paper: cap 1.25 money/MB", "open": "open: no cap"}


def write_tables(tables: Tables, folder: Path) -> list[Path]:
    """The tables as CSV files under `folder/tables`."""
    return figure_tables.write_tables(tables, folder, PREFIX, DIGITS)


def read_tables(folder: Path) -> dict[str, pl.DataFrame]:
    """The tables under `folder/tables` by name.

    Raises:
        ValueError: one is missing or damaged; the message names it and the command that makes it.
    """
    return figure_tables.read_tables(_NEEDED, folder, PREFIX, _anew(folder))


def draw(tables: Tables, folder: Path) -> list[Path]:
    """Every picture as a file under `folder/images`, and the tables of the page where it is there."""
    page = folder / PAGE
    try:
        pictures = {name: standalone(picture(tables)) for name, picture in PICTURES.items()}
        text = fill(page.read_text(encoding="utf-8"), tables) if page.is_file() else None
    except (pl.exceptions.PolarsError, KeyError, IndexError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ValueError(f"{folder / 'tables'}: a table is not what it should be ({reason}); {_anew(folder)}") from None
    (folder / "images").mkdir(parents=True, exist_ok=True)
    made = [write_text(folder / "images" / f"{PREFIX}{name}.svg", picture) for name, picture in pictures.items()]
    return made if text is None else [*made, write_text(page, text)]


def _anew(folder: Path) -> str:
    return f"measure with `twinoffload figures --out {folder}`"


def fill(text: str, tables: Tables) -> str:
    """A page with its marked tables written anew.

    Raises:
        ValueError: the page names a table that nobody makes.
    """

    def table(match: re.Match[str]) -> str:
        name = match[1]
        if name not in FRAGMENTS:
            raise ValueError(f"{PAGE}: unknown table {name!r}; known: {', '.join(FRAGMENTS)}")
        return f"<!-- table {name} -->\n{FRAGMENTS[name](tables)}<!-- end -->"

    return re.sub(r"<!-- table ([\w-]+) -->\n.*?<!-- end -->", table, text, flags=re.DOTALL)


# pictures


def draw_price_curves(tables: Tables) -> str:
    """Profit and mAP's utility of one pair against its price, in three markets; an SVG element."""
    titles = {"interior": "Interior", "kink": "All raw data sent", "cap": "The cap binds"}
    notes = {"interior": "o = 5 MB, no cap", "kink": "o = 0.5 MB, no cap", "cap": "o = 5 MB, cap 1.25"}
    with style():
        figure = _figure(3.5)
        panels = figure.subplots(1, len(titles), sharey=True)
        for axes, (pair, title) in zip(panels, titles.items(), strict=True):
            curve = tables["price-curves"].filter(pl.col("pair") == pair)
            (best,) = tables["best-prices"].filter(pl.col("pair") == pair).to_dicts()
            _price_panel(axes, curve, best)
            axes.set_title(f"{title}: {notes[pair]}", fontsize=9)
            axes.set_xlabel("price μ in money/MB", color=MUTED)
        panels[0].set_ylabel("money a slot", color=MUTED)
        _legend(figure, panels[0])
        return to_svg(figure, "price", _price_alt(tables["best-prices"]))


def _price_panel(axes: Axes, curve: pl.DataFrame, best: dict[str, Any]) -> None:
    plain_axes(axes)
    x, cap = curve["price_money_per_mb"], best["cap_money_per_mb"]
    price, leaving = best["price_money_per_mb"], best["leaving_price_money_per_mb"]
    if cap is not None:
        axes.axvspan(cap, x[-1], color=LINE, alpha=0.5, linewidth=0)
        axes.text(cap + 0.2, 8.75, "above the cap", color=MUTED, va="top")
    axes.plot(x, curve["profit_money"], color=_PROFIT, label="operator's profit")
    axes.plot(x, curve["map_utility_money"], color=_UTILITY, linestyle=(0, (5, 2)), label="mAP's utility")
    axes.axvline(price, color=INK, linewidth=0.9, linestyle=(0, (1, 1.5)))
    look: dict[str, Any] = {"linestyle": "none", "markeredgecolor": PAPER, "markeredgewidth": 0.8, "clip_on": False}
    axes.plot(price, best["profit_money"], marker="o", markersize=8, color=_PROFIT, label="best price μ*", **look)
    axes.plot(
        leaving,
        best["outside_money"],
        marker="D",
        markersize=6.5,
        color=_UTILITY,
        label=f"price that leaves the mAP V = {best['outside_money']:g}",
        **look,
    )
    axes.annotate(f"μ* = {number(price, 2)}", (price, 7.4), xytext=(6, 0), textcoords="offset points", va="center")
    axes.set_xlim(0, x[-1])
    axes.set_ylim(-0.5, 9)


def _price_alt(best: pl.DataFrame) -> str:
    parts = [
        f"{row['pair']}: best price {number(row['price_money_per_mb'], 2)}, profit {number(row['profit_money'], 2)}"
        for row in best.to_dicts()
    ]
    return "Profit and utility of one pair against the price. " + "; ".join(parts) + "."


def draw_gaps(tables: Tables) -> str:
    """Quantiles over snapshots of each concept's share of `admission`, against N; an SVG element."""
    shown = {
        "pairwise_worst": ("worst pairwise equilibrium", MUTED, "v", -0.24),
        "pairwise": ("pairwise", scheme_named("pairwise").color, "s", 0.0),
        "posted": ("posted", scheme_named("posted").color, "D", 0.24),
    }
    with style():
        figure = _figure(3.7)
        panels = figure.subplots(1, 2, sharey=True)
        for axes, (scenario, title) in zip(panels, _TITLES.items(), strict=True):
            plain_axes(axes, "y")
            axes.axhline(1.0, color=MUTED, linewidth=0.8, linestyle=(0, (4, 3)))
            here = tables["gaps"].filter(pl.col("scenario") == scenario)
            for concept, (label, color, marker, shift) in shown.items():
                rows = here.filter(pl.col("concept") == concept).sort("maps")
                x = rows["maps"] + shift
                axes.vlines(x, rows["share_p05"], rows["share_p95"], color=color, linewidth=1.2)
                axes.vlines(x, rows["share_p25"], rows["share_p75"], color=color, linewidth=4.5)
                axes.plot(
                    x,
                    rows["share_p50"],
                    linestyle="none",
                    marker=marker,
                    markersize=6,
                    color=color,
                    markerfacecolor=PAPER,
                    markeredgewidth=1.6,
                    label=label,
                )
            axes.set_title(title)
            axes.set_xlabel("mAPs, N (M = 2 BSs)", color=MUTED)
            axes.set_xticks(here["maps"].unique().sort().to_list())
        panels[0].set_ylabel("operator's utility, share of admission", color=MUTED)
        _legend(figure, panels[0])
        return to_svg(figure, "gaps", _gaps_alt(tables["gaps"]))


def _gaps_alt(gaps: pl.DataFrame) -> str:
    rows = gaps.filter(pl.col("concept").is_in(["pairwise", "posted"]))
    parts = [
        f"{r['scenario']} N = {r['maps']}: {r['concept']} {number(r['share_p50'])}"
        for r in rows.sort("scenario", "maps", descending=[True, False]).to_dicts()
    ]
    return "Median share of admission's operator utility. " + "; ".join(parts) + "."


def draw_selections(tables: Tables) -> str:
    """The interval over all equilibria at `posted`'s prices, snapshots in order of the worst; an SVG element."""
    with style():
        figure = _figure(3.5)
        panels = figure.subplots(1, 2, sharey=True)
        for axes, (scenario, title) in zip(panels, _TITLES.items(), strict=True):
            plain_axes(axes, "y")
            rows = (
                tables["selections"]
                .filter(pl.col("scenario") == scenario)
                .sort("worst_share", "reached_share", "snapshot")
            )
            x = range(1, len(rows) + 1)
            color = scheme_named("posted").color
            axes.vlines(
                x,
                rows["worst_share"],
                rows["best_share"],
                color=color,
                linewidth=2.0,
                label="worst to best equilibrium",
            )
            axes.plot(
                x,
                rows["reached_share"],
                linestyle="none",
                marker="o",
                markersize=4.5,
                color=INK,
                markeredgecolor=PAPER,
                markeredgewidth=0.5,
                label="reached from the strongest BSs",
                clip_on=False,
            )
            unique = (rows["equilibria"] == 1).sum()
            axes.set_title(f"{title}; one equilibrium in {unique} of {len(rows)}", fontsize=9)
            axes.set_xlabel("snapshots, sorted by their worst equilibrium", color=MUTED)
        panels[0].set_ylabel("operator's utility, share of posted", color=MUTED)
        _legend(figure, panels[0])
        alt = "Operator's utility over all equilibria of the mAPs at posted prices, snapshot by snapshot."
        return to_svg(figure, "selection", alt)


def draw_trajectories(tables: Tables) -> str:
    """Algorithm 1 on one snapshot in three ways: prices above, associations below; an SVG element."""
    titles = {
        "at once": "mAPs switch at once (as printed)",
        "in turn": "mAPs switch in turn",
        "in turn, high kappa": "in turn, κ at 3 times its limit",
    }
    table = tables["trajectories"]
    with style():
        figure = _figure(4.4)
        grid = figure.subplots(2, len(titles), sharex=True, sharey="row", height_ratios=(3, 1.5))
        for column, (run, title) in enumerate(titles.items()):
            rows = table.filter((pl.col("run") == run) & (pl.col("iteration") <= _SHOWN))
            _prices_panel(grid[0][column], rows)
            _stations_panel(grid[1][column], rows)
            grid[0][column].set_title(title, fontsize=9)
            grid[1][column].set_xlabel("outer iteration ω", color=MUTED)
        grid[0][0].set_ylabel("price at the chosen BS\nin money/MB", color=MUTED)
        grid[0][0].set_xlim(-0.5, _SHOWN + 0.5)
        handles, labels = grid[0][0].get_legend_handles_labels()
        more, names = grid[1][0].get_legend_handles_labels()
        figure.legend(handles + more, labels + names, loc="outside lower center", ncols=6)
        return to_svg(figure, "trajectory", "Prices and associations under Algorithm 1, iteration by iteration.")


def _prices_panel(axes: Axes, rows: pl.DataFrame) -> None:
    plain_axes(axes, "y")
    for n, part in enumerate(rows.partition_by("map", maintain_order=True)):
        color, dash = _MAPS[n % len(_MAPS)]
        part = part.sort("iteration")
        axes.plot(
            part["iteration"],
            part["price_money_per_mb"],
            color=color,
            linestyle=dash,
            linewidth=1.4,
            label=f"mAP {n + 1}",
        )


def _stations_panel(axes: Axes, rows: pl.DataFrame) -> None:
    """A row each mAP, coloured by the BS it is on, from one outer iteration to the next."""
    plain_axes(axes, "x")
    axes.grid(False)
    axes.spines["left"].set_visible(False)
    count = rows["map"].n_unique()
    for station in sorted(rows["station"].unique()):
        for n in range(count):
            there = rows.filter((pl.col("map") == n) & (pl.col("station") == station))["iteration"].to_list()
            label = f"on BS {station + 1}" if n == 0 else None
            color = _STATIONS[station % len(_STATIONS)]
            axes.broken_barh(_runs(there), (n - 0.38, 0.76), facecolors=color, linewidth=0, label=label)
    axes.set_yticks(range(count), [f"mAP {n + 1}" for n in range(count)])
    axes.set_ylim(count - 0.5, -0.5)


def _runs(iterations: list[int]) -> list[tuple[float, float]]:
    """(beginning, length) of each run of successive iterations, each drawn half an iteration early."""
    runs: list[tuple[float, float]] = []
    for i in sorted(iterations):
        if runs and sum(runs[-1]) == i - 0.5:
            runs[-1] = runs[-1][0], runs[-1][1] + 1.0
        else:
            runs.append((i - 0.5, 1.0))
    return runs


def _figure(height: float) -> Figure:
    """On paper, not transparent: the file is also read on dark pages."""
    figure = new_figure(height)
    figure.set_facecolor(PAPER)
    return figure


def _legend(figure: Figure, axes: Axes) -> None:
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))


# tables of the page


def _markdown(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _with_error(row: dict[str, Any], name: str, unit: str = "", digits: int = 3) -> str:
    end = f"_{unit}" if unit else ""
    return f"{number(row[f'{name}{end}'], digits)} ± {number(row[f'{name}_se{end}'], digits)}"


def _pairs_table(tables: Tables) -> str:
    head = ["pair", "o (MB)", "cap", "μ* (money/MB)", "Z* (MB)", "accuracy", "profit (money)", "mAP's utility (money)"]
    head.append("price leaving V = 2 (money/MB)")
    rows = []
    for row in tables["best-prices"].to_dicts():
        cap = "none" if row["cap_money_per_mb"] is None else number(row["cap_money_per_mb"], 2)
        names = ("price_money_per_mb", "data_mb", "accuracy", "profit_money", "map_utility_money")
        values = [number(row[name]) for name in (*names, "leaving_price_money_per_mb")]
        rows.append([row["pair"], number(row["raw_data_mb"], 1), cap, *values])
    return _markdown(head, rows)


def _means_table(tables: Tables) -> str:
    concepts = ("pairwise", "posted", "admission")
    head = ["preset", "N", *(f"operator, `{c}`" for c in concepts), *(f"mAP, `{c}`" for c in concepts)]
    rows = []
    for (scenario, maps), part in tables["gaps"].group_by(["scenario", "maps"], maintain_order=True):
        by = {row["concept"]: row for row in part.to_dicts()}
        operator = [_with_error(by[c], "operator", "money") for c in concepts]
        rows.append([f"`{scenario}`", str(maps), *operator, *(_with_error(by[c], "map", "money") for c in concepts)])
    return _markdown(head, rows)


def _anarchy_table(tables: Tables) -> str:
    head = ["preset", "N", "share, `pairwise`", "share, `posted`", "least share, `pairwise`", "price of anarchy"]
    head += ["largest", "price of stability"]
    rows = []
    for (scenario, maps), part in tables["gaps"].group_by(["scenario", "maps"], maintain_order=True):
        by = {row["concept"]: row for row in part.to_dicts()}
        shares = [_with_error(by[c], "share") for c in ("pairwise", "posted")]
        worst = by["pairwise_worst"]
        cells = [_with_error(worst, "ratio"), number(worst["ratio_max"]), _with_error(by["pairwise_best"], "ratio")]
        rows.append([f"`{scenario}`", str(maps), *shares, number(by["pairwise"]["share_min"]), *cells])
    return _markdown(head, rows)


def _remedies_table(tables: Tables) -> str:
    head = ["preset", "idle mAPs", "prices", "one equilibrium", "worst", "reached", "best"]
    rows = []
    for row in tables["remedies"].to_dicts():
        idle = "interfere" if row["idle_interferes"] else "silent"
        ends = [_with_error(row, name, "share", 4) for name in ("worst", "reached", "best")]
        rows.append([f"`{row['scenario']}`", idle, row["prices"], _percent(row["unique"]), *ends])
    return _markdown(head, rows)


def _steps_table(tables: Tables) -> str:
    head = ["preset", "mAPs switch", "κ, ν over their limits", "still switching", "as `pairwise`", "at an equilibrium"]
    head += ["operator / `pairwise`", "the same if mAPs then reply", "largest regret (money)"]
    rows = []
    for row in tables["steps"].to_dicts():
        steps = f"{row['price_step_over_limit']:g}, {row['data_step_over_limit']:g}"
        shares = [_percent(row[name]) for name in ("still_switching", "as_pairwise", "at_an_equilibrium")]
        ends = [_with_error(row, name) for name in ("operator_share", "replying_share")]
        regret = _with_error(row, "largest_regret", "money", digits=2)
        switching = "at once" if row["switching"] == "simultaneous" else "in turn"
        rows.append([f"`{row['scenario']}`", switching, steps, *shares, *ends, regret])
    return _markdown(head, rows)


def _switching_table(tables: Tables) -> str:
    head = ["preset", "N", "M", "still switching", "snapshots that rest from every start", "from none"]
    rows = []
    for row in tables["switching"].to_dicts():
        often = f"{_percent(row['still_switching'])} ± {_percent(row['still_switching_se'])}"
        sizes = [f"`{row['scenario']}`", str(row["maps"]), str(row["stations"])]
        rows.append([*sizes, often, _percent(row["from_no_start"]), _percent(row["from_every_start"])])
    return _markdown(head, rows)


def _sizes_table(tables: Tables) -> str:
    rows = [
        [str(row["maps"]), str(row["stations"]), f"{row['associations']:,}", number(row["solve_s"], 3)]
        for row in tables["sizes"].to_dicts()
    ]
    return _markdown(["N", "M", "associations", "`admission`, seconds"], rows)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


PICTURES: dict[str, Callable[[Tables], str]] = {
    "price": draw_price_curves,
    "gaps": draw_gaps,
    "selection": draw_selections,
    "trajectory": draw_trajectories,
}

FRAGMENTS: dict[str, Callable[[Tables], str]] = {
    "best-prices": _pairs_table,
    "means": _means_table,
    "anarchy": _anarchy_table,
    "remedies": _remedies_table,
    "steps": _steps_table,
    "switching": _switching_table,
    "sizes": _sizes_table,
}

_NEEDED = (
    "price-curves",
    "best-prices",
    "gaps",
    "selections",
    "remedies",
    "trajectories",
    "steps",
    "switching",
    "sizes",
)
