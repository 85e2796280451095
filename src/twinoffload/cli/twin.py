"""`twinoffload twin`: the whole loop, from prices to trained twins and what they were worth."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from twinoffload.cli.solve import Concept

if TYPE_CHECKING:
    from twinoffload.experiments.twin_loop import Row
    from twinoffload.twin.beliefs import Belief
    from twinoffload.twin.loop import Loop

TABLE, FIGURE, SCENARIO = "twin_loop.csv", "twin_loop.svg", "law.yaml"


def twin(
    scenario: Annotated[
        str, typer.Argument(metavar="SCENARIO", help="A preset (see `twinoffload presets`) or a YAML file.")
    ] = "paper",
    task: Annotated[
        str, typer.Option(help="What all mAPs' twins learn: traffic, antenna, fault, or digits (the control).")
    ] = "antenna",
    structures: Annotated[
        str | None,
        typer.Option(
            metavar="LIST",
            help="Models of BS 1, 2, ..., with commas: small, large; one is for all BSs.",
            show_default="small and large in turn",
        ),
    ] = None,
    curves: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.csv",
            help="Learning curves that tell the laws, as for `twinoffload calibrate`; of this scenario's network.",
            show_default="measured first",
        ),
    ] = None,
    concept: Annotated[
        Concept, typer.Option(help="By which the operator sets its prices; see `twinoffload solve`.")
    ] = "posted",
    slots: Annotated[
        int | None, typer.Option(min=1, max=1000, help="Slots for each seed.", show_default="3, with --quick 1")
    ] = None,
    seeds: Annotated[
        int | None,
        typer.Option(min=1, max=1000, help="Worlds that are played, 0..K-1.", show_default="10, with --quick 2"),
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Few sizes, seeds and slots: to see it run.")] = False,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help=f"Write {TABLE}, {FIGURE} and {SCENARIO}, the scenario with the law."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite what --out holds of these.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document, in full precision.")] = False,
) -> None:
    """Close the loop: price, sell data, train the mAPs' twins on it, and see what they were worth.

    The operator prices, and the mAPs buy, by three beliefs: Eq. 7 as the scenario sets it, Eq. 7 fitted to measured
    learning curves, and the law that predicts these best. Each BS trains the twins of its mAPs on the data that they
    send; accuracy is measured on data that nobody trained on (Eq. 8). It also tells what becomes of prices by a wrong
    law if the mAPs know the measured one. Minutes; --quick takes less.

    \b
    Units
      accuracy       of the twins, at most 1
      utility, loss  money a slot; of an mAP, or of the operator from all mAPs
      data           MB a slot

    \b
    Example
      twinoffload twin --quick
      twinoffload twin --task fault --structures large --out results/fault
      twinoffload twin --curves results/paper/learning_curves.csv --json
    """  # noqa: D301
    from twinoffload.cli.console import output
    from twinoffload.cli.progress import Bar, progress
    from twinoffload.experiments import measure_settings, twin_loop
    from twinoffload.files import json_text
    from twinoffload.scenario import Scenario
    from twinoffload.twin.beliefs import beliefs

    settings = measure_settings.QUICK if quick else measure_settings.FULL
    count, given = seeds or settings.loop_seeds, [name.strip() for name in structures.split(",")] if structures else []
    loop = twin_loop.prepare(Scenario.load(scenario), task, given, concept=concept, slots=slots or settings.loop_slots)
    if out is not None:
        _check_out(out, force)
    known = twin_loop.curves_of(curves, loop) if curves is not None else None
    with progress() as bars:
        if known is None:
            bar = Bar(bars, "learning curves", len(set(loop.structures)))
            known = twin_loop.measure_curves(loop, settings.curve_sizes, settings.curve_seeds, bar.advance)
        believed = beliefs(loop.scenario, known, loop.structures)
        table = twin_loop.run(loop, believed, count, Bar(bars, "seeds played", count).advance)
    rows = twin_loop.summary(table)
    if as_json:
        typer.echo(json_text(_document(loop, believed, rows, count)))
    else:
        _show(output(), loop, believed, rows)
    for path in _write(out, table, rows, believed) if out is not None else []:
        if not as_json:
            typer.echo(path)


def _check_out(folder: Path, force: bool) -> None:
    """That the results can be written, before any work."""
    from twinoffload.cli.options import check_out

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(f"--out {folder}: cannot be a folder: {error.strerror}; choose another place") from None
    for name in (TABLE, FIGURE, SCENARIO):
        check_out(folder / name, force)


def _write(folder: Path, table: Any, rows: "Sequence[Row]", believed: "Sequence[Belief]") -> list[Path]:
    from twinoffload.files import write_text
    from twinoffload.report.twin_loop import save

    believed[-1].scenario.save(folder / SCENARIO)
    return [
        write_text(folder / TABLE, table.write_csv()),
        save(table, rows, folder / FIGURE),
        folder / SCENARIO,
    ]


def _document(loop: "Loop", believed: "Sequence[Belief]", rows: "Sequence[Row]", seeds: int) -> dict[str, Any]:
    from twinoffload.report.twin_loop import sentences

    return {
        "scenario": loop.scenario.name,
        "task": loop.task,
        "structures": loop.structures,
        "concept": loop.concept,
        "seeds": seeds,
        "slots": loop.slots,
        "beliefs": [
            {
                "belief": one.name,
                "quality": one.scenario.quality,
                "accuracy_weight": one.scenario.accuracy_weight,
                "accuracy_law": asdict(one.scenario.accuracy_law),
                "error": one.error,
            }
            for one in believed
        ],
        "rows": [
            {name: getattr(row, name) for name in ("belief", "bought_by", "seeds")}
            | {name: value._asdict() for name, value in row.values.items()}
            | {f"{side}_loss_money": getattr(row, f"{side}_loss")._asdict() for side in ("operator", "map")}
            for row in rows
        ],
        "sentences": sentences(rows),
    }


def _show(console: Any, loop: "Loop", believed: "Sequence[Belief]", rows: "Sequence[Row]") -> None:
    from rich.text import Text

    from twinoffload.cli.console import number, table
    from twinoffload.experiments.twin_loop import OPERATOR, REALISED
    from twinoffload.report.twin_loop import LABELS, sentences
    from twinoffload.twin.loop import OWN

    console.print(
        f"Scenario {loop.scenario.name}, task {loop.task}, BSs in turn {', '.join(loop.structures)}; {rows[0].seeds} "
        f"seeds of {loop.slots} slots; medians over seeds, with intervals.\n",
        soft_wrap=True,
    )
    for one in believed:
        law = one.scenario
        steepness = law.market().terms(law.maps, law.stations).steepness.flatten().tolist()
        error = "" if one.error is None else f"; misses φ at sizes left out by {one.error:.3f}"
        told = ", ".join(f"{a:.3g}" for a in steepness)
        console.print(f"{LABELS[one.name]}: {law.accuracy_law}; a = ρ x of each BS {told} 1/MB{error}", soft_wrap=True)
    heads = ("data\nMB", "φ,\npromised", "φ,\nrealised", "mAP,\npromised", "mAP,\nrealised", "operator")
    earned = table("", *heads, name_width=16)
    lost = table("", "operator\nloss", "mAP\nloss", "mAP\nregret", name_width=16)
    names = ("data_mb", "accuracy_promised", "accuracy_realised", "map_utility_promised_money", REALISED, OPERATOR)
    for row in rows:
        label = LABELS[row.belief] if row.bought_by == OWN else "  mAPs know law"
        earned.add_row(label, *(number(row.values[name].median) for name in names))
        lost.add_row(label, *(_cell(one) for one in (row.operator_loss, row.map_loss, row.values["regret_money"])))
    console.print(Text("\nPromised and realised, utilities in money a slot", "bold"))
    console.print(earned)
    console.print(Text("\nLoss against the measured law, same slots and seeds, money a slot", "bold"))
    console.print(lost)
    console.print()
    for sentence in sentences(rows):
        console.print(sentence, soft_wrap=True)


def _cell(value: Any) -> str:
    from twinoffload.cli.console import number

    return f"{number(value.median)}\n[{number(value.low)}, {number(value.high)}]"
