"""`twinoffload export`: a trained policy as ONNX, for use outside."""

from pathlib import Path
from typing import Annotated

import typer


def export(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run (`twinoffload train --out`).")],
    out: Annotated[Path, typer.Option(help="Folder to write, new or empty.")],
    seed: Annotated[
        int | None, typer.Option(help="Which trained seed; one a folder.", show_default="the run's first")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of a line.")] = False,
    threads: Annotated[int, typer.Option(min=1, max=1024, help="CPU threads; more than one seldom helps.")] = 1,
) -> None:
    """Write a trained operator and its mAPs as ONNX graphs that take and give physical values.

    Writes operator.onnx (gain to price, money/MB), maps.onnx (gain, price and whatever else an mAP sees to association
    and data, MB) and policy.json (names, shapes and units of all inputs and outputs, scenario, settings, versions).
    What was written is checked against torch on held-out slots; unless it agrees to 1e-5, nothing is left behind.
    Needs the extra `export`: pip install 'twinoffload[export]'.

    Example: twinoffload export results/run --out results/policy --seed 2
    """
    from twinoffload.cli.console import spinner
    from twinoffload.cli.options import use_machine
    from twinoffload.files import json_text
    from twinoffload.learning.export.agreement import TOLERANCE
    from twinoffload.learning.export.folder import export_run
    from twinoffload.learning.run_folder import RunFolder

    use_machine("cpu", threads)
    run = RunFolder.open(folder)
    with spinner("exporting"):
        found = export_run(run, out, seed)
    if json:
        typer.echo(
            json_text(
                {
                    "out": str(out),
                    "seed": run.seeds[0] if seed is None else seed,
                    "largest_relative_difference": found.difference,
                    "tolerance": TOLERANCE,
                    "ties": found.ties,
                    "decisions": found.decisions,
                }
            )
        )
    else:
        typer.echo(
            f"exported seed {run.seeds[0] if seed is None else seed}: {out}; largest difference from torch in "
            f"{found.decisions} held-out decisions: {found.difference:.1e} of the range"
        )
