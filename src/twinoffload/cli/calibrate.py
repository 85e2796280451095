"""`twinoffload calibrate`: measured learning curves as a scenario's accuracy."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from twinoffload.twin.calibration import Calibration, Fields
    from twinoffload.twin.curve import Curve

_PLOTS = (".png", ".pdf", ".svg")


def calibrate(
    curve: Annotated[
        Path,
        typer.Argument(
            metavar="CURVE.csv",
            help="Measurements: columns data_mb (MB, above 0) and accuracy (φ of Eq. 8, in [0, 1]); task, structure "
            "and seed if there are several.",
        ),
    ],
    task: Annotated[str | None, typer.Option(help="Of several tasks, this one.", show_default="all")] = None,
    structure: Annotated[str | None, typer.Option(help="Of several structures, this.", show_default="all")] = None,
    stations: Annotated[
        str | None,
        typer.Option(
            metavar="LIST",
            help="Structures of BS 1, 2, ..., with commas; a list repeats over the BSs.",
            show_default="the structure, if there is one",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE.yaml", help="Write a scenario: `paper` with the fields calibrated.")
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw measurements, laws and bands: .png, .pdf or .svg.")
    ] = None,
    clip: Annotated[bool, typer.Option("--clip", help="Take accuracies outside [0, 1] as 0 or 1.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite --out and --plot if they exist.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document, in full precision.")] = False,
) -> None:
    """Turn measured learning curves into the scenario's accuracy: how much data makes how good a twin.

    For each task and structure: a = rho x in 1/MB with its 95 % interval, the accuracy law that predicts sizes left out
    best, how far each law misses them, whether Eq. 7 fits; and the fields of a scenario. At least four sizes.

    \b
    Example
      twinoffload calibrate examples/learning_curve.csv
      twinoffload calibrate examples/learning_curve.csv --stations small,large \\
          --out measured.yaml --plot measured.svg
      twinoffload solve --gain examples/gains.csv --scenario measured.yaml
    """  # noqa: D301
    from twinoffload.cli.console import output
    from twinoffload.cli.options import check_out
    from twinoffload.cli.progress import Bar, progress
    from twinoffload.files import json_text, write_text
    from twinoffload.report.learning_curves import save
    from twinoffload.twin.calibration import calibrate as calibrated
    from twinoffload.twin.calibration import record, scenario_yaml
    from twinoffload.twin.curve_file import read_curves

    if plot is not None and plot.suffix.lower() not in _PLOTS:
        raise ValueError(f"--plot {plot}: must end in {', '.join(_PLOTS)}")
    for option, target in (("--out", out), ("--plot", plot)):
        if target is not None:
            check_out(target, force, option, CURVE=curve)
    curves = _chosen(read_curves(curve, clip=clip), task, structure)
    wanted = _stations(curves, stations, out is not None)
    fields, unfit = _fields(curves, wanted)
    if unfit and out is not None:
        raise ValueError(*unfit.values())
    with progress() as bars:
        bar = Bar(bars, "fitting", len(curves))
        found = []
        for one in curves:
            found.append(calibrated(one))
            bar.advance(one.label)
    if as_json:
        scenarios = [
            {"task": name, "stations": wanted[name], "fields": fields[name].values, "error": fields[name].error}
            for name in fields
        ]
        scenarios += [{"task": name, "fields": None, "reason": reason} for name, reason in unfit.items()]
        typer.echo(json_text({"curves": [record(one) for one in found], "scenarios": scenarios}))
    else:
        _show(output(), found, fields, wanted)
        for name, reason in unfit.items():
            typer.echo(f"\nNo scenario{f' for {name}' if name else ''}: {reason}")
    if out is not None:
        (name,) = wanted
        write_text(out, scenario_yaml(fields[name].values, curve.name, name, wanted[name]))
    if plot is not None:
        save(found, plot)
    if not as_json:
        for target in (out, plot):
            if target is not None:
                typer.echo(target)


def _chosen(curves: "list[Curve]", task: str | None, structure: str | None) -> "list[Curve]":
    for name, wanted in (("task", task), ("structure", structure)):
        known = dict.fromkeys(getattr(one, name) for one in curves)
        if wanted is not None and wanted not in known:
            told = ", ".join(filter(None, known)) or f"none: the file has no column {name}"
            raise ValueError(f"--{name} {wanted!r}: is not in the file, which has {told}")
        curves = [one for one in curves if wanted is None or getattr(one, name) == wanted]
    if not curves:
        raise ValueError(f"--task {task!r}, --structure {structure!r}: the file has them, but not together")
    return curves


def _stations(curves: "list[Curve]", stations: str | None, written: bool) -> dict[str, list[str]]:
    """Structures of the BSs for each task whose scenario is told; none of one with several, unless asked."""
    by_task = {one.task: [c.structure for c in curves if c.task == one.task] for one in curves}
    if written and len(by_task) > 1:
        raise ValueError(f"--out: a scenario has one task, the file {', '.join(by_task)}; choose with --task")
    if stations is not None:
        names = [name.strip() for name in stations.split(",")]
        for task, known in by_task.items():
            for name in names:
                if name not in known:
                    of = f" of {task}" if task else ""
                    told = ", ".join(filter(None, known)) or "no structures"
                    raise ValueError(f"--stations: {name!r} is no structure{of}, which has {told}")
        return {task: names for task in by_task}
    if written and len(known := next(iter(by_task.values()))) > 1:
        raise ValueError(f"--out: the file has structures {', '.join(known)}; say which BS has which with --stations")
    return by_task


def _fields(curves: "list[Curve]", wanted: dict[str, list[str]]) -> "tuple[dict[str, Fields], dict[str, str]]":
    """Fields of a scenario for each task, and why others have none."""
    from twinoffload.twin.calibration import scenario_fields

    found, unfit = {}, {}
    for task, stations in wanted.items():
        try:
            found[task] = scenario_fields({one.structure: one for one in curves if one.task == task}, stations)
        except ValueError as error:
            unfit[task] = str(error)
    return found, unfit


def _show(
    console: "Console", found: "Sequence[Calibration]", fields: "dict[str, Fields]", stations: dict[str, list[str]]
) -> None:
    from rich.text import Text

    from twinoffload.cli.console import number, table
    from twinoffload.twin.law_fit import LAWS

    laws = table("", "a = ρ x\n1/MB", "exponent", "ceiling", name_width=36)
    errors = table("", "Eq. 7", "Eq. 7,\nceiling", "power", "power,\nceiling", name_width=36)
    for one in found:
        values = one.law.parameters
        told = [_told(values[name]) if name in values else "" for name in ("a", "exponent", "ceiling")]
        laws.add_row(f"{one.curve.label}\n  {one.choice.chosen.title}", *told)
        misses = [one.choice.error(kind) for kind in LAWS]
        errors.add_row(one.curve.label, *("-" if error is None else number(error, 4) for error in misses))
    console.print(Text("Law of each curve, with 95 % intervals", "bold"))
    console.print(laws)
    console.print(Text("\nMean error in φ at sizes left out", "bold"))
    console.print(errors)
    console.print()
    for one in found:
        console.print(f"{one.curve.label}: {one.sentence}", soft_wrap=True)
    for task, told in fields.items():
        console.print(Text(f"\nScenario{f' for {task}' if task else ''}", "bold"))
        for name, value in told.values.items():
            console.print(f"  {name}: {_yaml(value)}", soft_wrap=True)
        if len(set(stations[task])) > 1:
            console.print(
                f"  BSs in turn: {', '.join(stations[task])}. They share one law, whose error is {told.error:.4f}; "
                f"laws of their own {_beside(told)}.",
                soft_wrap=True,
            )
    console.print(
        "\nOnly a = ρ x is measured: quality x of the best structure is set to 1. Both are fields per BS.",
        soft_wrap=True,
    )


def _beside(told: "Fields") -> str:
    """What laws of their own would come to; chosen on less, they need not be better."""
    if told.own_error >= told.error:
        return f"would be no better ({told.own_error:.4f})"
    return f"would come to {told.own_error:.4f}"


def _told(values: tuple[float, float, float]) -> str:
    value, low, high = (f"{one:.3g}" for one in values)
    return f"{value}\n[{low}, {high}]"


def _yaml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_yaml(one)}" for key, one in value.items()) + "}"
    return str(value)
