"""`twinoffload reproduce`: the paper's Figs. 2 to 7, computed and drawn."""

from pathlib import Path
from typing import Annotated, Any

import typer


def reproduce(
    figures: Annotated[str, typer.Argument(help="fig2 ... fig7, several separated by commas, or all.")],
    quick: Annotated[bool, typer.Option("--quick", help="Short trainings and 3 seeds: to see it run.")] = False,
    seeds: Annotated[
        int | None, typer.Option(min=1, max=1000, help="Seeds 0..K-1.", show_default="10, with --quick 3")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the study.", show_default="results/paper or results/paper-quick")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Take over what --out holds: finished groups are not computed again.")
    ] = False,
    device: Annotated[str, typer.Option(help="Where policies are trained: auto, cpu or cuda.")] = "cpu",
    workers: Annotated[
        int | None, typer.Option(min=1, max=1024, help="Processes, each of one thread.", show_default="all cores")
    ] = None,
    ray: Annotated[
        str | None,
        typer.Option(help="Compute on a Ray cluster: its address, auto (the one that runs here) or local (begin one)."),
    ] = None,
) -> None:
    """Reproduce the paper's figures with intervals over seeds, and what the paper lacks.

    Killed or interrupted, the same command with --resume goes on and ends in the same table. Writes table.parquet, and
    a PDF, a PNG and a CSV for each figure.

    \b
    Example
      twinoffload reproduce all --quick
      twinoffload reproduce fig4,fig7 --seeds 20 --resume
    """  # noqa: D301
    import time
    from shlex import quote

    from twinoffload.cli.options import RunInterruptedError, use_machine
    from twinoffload.experiments import execution, paper_groups
    from twinoffload.experiments.paper_figures import FULL, QUICK, check_figures, groups
    from twinoffload.experiments.study import Study, check_folder
    from twinoffload.report.paper_figures import draw

    names = check_figures(figures)
    where = use_machine(device, execution.THREADS)
    folder = out or Path("results/paper-quick" if quick else "results/paper")
    check_folder(folder, resume)
    count = seeds or (3 if quick else 10)
    study = Study(folder, groups(names, count, QUICK if quick else FULL, where))
    if ray is not None:
        execute = execution.on_ray(paper_groups.compute, ray)
    else:
        execute = execution.on_cores(paper_groups.compute, workers or (execution.cores() if where == "cpu" else 1))
    began = time.perf_counter()
    try:
        table = _with_progress(study, execute, resume)
    except KeyboardInterrupt:
        words = f"{'--quick ' if quick else ''}{f'--seeds {seeds} ' if seeds else ''}--out {quote(str(folder))}"
        raise RunInterruptedError(
            f"interrupted; go on with `twinoffload reproduce {figures} {words} --resume`"
        ) from None
    taken = time.perf_counter() - began
    for path in draw(table, names, folder):
        typer.echo(path)
    typer.echo(f"{folder / 'table.parquet'}: {len(table):,} rows in {taken:.0f} s")
    _tell_stopped(table)
    _tell_time(study)


def _with_progress(study: Any, execute: Any, resume: bool) -> Any:
    """Run the study with a bar that counts what groups are expected to cost, so that the time left is told."""
    from twinoffload.cli.progress import Shares, progress

    with progress() as bars:
        bar = Shares(bars, "groups", [group.cost for group in study.groups])
        return study.run(execute, resume=resume, each=lambda group, found: bar.advance(group.cost, group.label, found))


def _tell_stopped(table: Any) -> None:
    """Trainings that diverged are no secret."""
    import polars as pl

    stopped = table.filter(pl.col("stopped"), pl.col("episode").is_null())
    for row in stopped.group_by("scheme", "learning_rate", maintain_order=True).len().iter_rows(named=True):
        rate = "" if row["learning_rate"] is None else f" at learning rate {row['learning_rate']:g}"
        typer.echo(f"{row['len']} trainings of {row['scheme']}{rate} diverged and were stopped; their last good "
                   "weights played")  # fmt: skip


def _tell_time(study: Any) -> None:
    """Where the workers' time went."""
    from twinoffload.experiments.paper_groups import shares

    seconds = study.seconds()
    total = sum(seconds.values())
    if total > 0:
        told = ", ".join(f"{name} {share:.0%}" for name, share in shares(seconds).items())
        typer.echo(f"{total / 60:.1f} minutes of workers' time: {told}")
