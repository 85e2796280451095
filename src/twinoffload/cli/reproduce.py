"""`twinoffload reproduce`: the paper's Figs. 2 to 7, computed and drawn."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer


def reproduce(
    figures: Annotated[
        str,
        typer.Argument(
            help="fig2 ... fig7, several separated by commas, or all. For `twinoffload claims` also: readings (other "
            "readings of the paper), timing (six minutes, alone on the machine), propositions, twin (learning "
            "curves and the whole loop)."
        ),
    ],
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
    scheme: Annotated[
        list[str] | None,
        typer.Option(metavar="MODULE:CLASS", help="In every figure also: a scheme of your own; may be repeated."),
    ] = None,
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

    Killed or interrupted, the same command with --resume goes on and ends in the same table. Other figures or more
    seeds with --resume are added to what the folder holds; tables of timing, propositions and twins are measured anew.
    Writes table.parquet, and a PDF, a PNG and a CSV for each figure.

    \b
    Example
      twinoffload reproduce all --quick
      twinoffload reproduce fig4,fig7 --seeds 20 --resume
      twinoffload reproduce readings,timing,propositions --resume
      twinoffload reproduce fig7 --quick --scheme my_schemes:MyScheme
    """  # noqa: D301
    import time

    from twinoffload.cli.options import use_machine
    from twinoffload.experiments import execution, measures, paper_groups
    from twinoffload.experiments.paper_figures import FIGURES, FULL, QUICK, check_names, check_seeds, groups
    from twinoffload.experiments.study import Study, check_folder
    from twinoffload.report.paper_figures import draw

    names, count = check_names(figures), check_seeds(seeds or (3 if quick else 10))
    where = use_machine(device, execution.THREADS)
    folder = out or Path("results/paper-quick" if quick else "results/paper")
    check_folder(folder, resume, measures.FILES)
    options = {"--seeds": seeds, "--out": folder, "--workers": workers, "--ray": ray}
    options |= {"--device": None if device == "cpu" else device}
    options |= {"--scheme": scheme}
    again = _again(figures, quick, options)
    computed = [name for name in names if name not in measures.BY_NAME]
    if computed:
        title = f"the paper's figures, {'quick' if quick else 'full'}, {where}"
        study = Study(
            folder, groups(computed, count, QUICK if quick else FULL, where, scheme or ()), title, measures.FILES
        )
        if ray is not None:
            execute = execution.on_ray(paper_groups.compute, ray)
        else:
            execute = execution.on_cores(paper_groups.compute, workers or (execution.cores() if where == "cpu" else 1))
        began = time.perf_counter()
        with _interrupted_by(again):
            table = _with_progress(study, execute, resume)
        taken = time.perf_counter() - began
        drawn = [name for name in FIGURES if name in names or (folder / f"{name}.csv").exists()]
        for path in draw(table, drawn, folder):
            typer.echo(path)
        typer.echo(f"{folder / 'table.parquet'}: {len(table):,} rows in {taken:.0f} s")
        _tell_stopped(table)
        _tell_time(study)
    with _interrupted_by(again):
        measured = _measured([name for name in names if name in measures.BY_NAME], folder, quick)
    for path in measured:
        typer.echo(path)


@contextmanager
def _interrupted_by(again: str) -> Iterator[None]:
    """Whoever presses Ctrl-C is told the command that goes on."""
    from twinoffload.cli.options import RunInterruptedError

    try:
        yield
    except KeyboardInterrupt:
        raise RunInterruptedError(f"interrupted; go on with `{again}`") from None


def _measured(names: list[str], folder: Path, quick: bool) -> list[Path]:
    """Tables that no cells make, measured anew; nobody else computes in the folder meanwhile."""
    from twinoffload.cli.progress import Bar, progress
    from twinoffload.experiments import measure_settings, measures
    from twinoffload.files import locked

    settings = measure_settings.QUICK if quick else measure_settings.FULL
    wanted = [one for name in names for one in measures.BY_NAME[name]]
    if not wanted:
        return []
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder), progress() as bars:
        bar = Bar(bars, "measuring", measures.steps(wanted, settings))
        return measures.write_tables(folder, wanted, settings, bar.advance)


def _again(figures: str, quick: bool, options: dict[str, Any]) -> str:
    """The command that goes on where this one stopped."""
    from shlex import join

    several = {name: value if isinstance(value, list) else [value] for name, value in options.items() if value}
    given = [word for name, values in several.items() for value in values for word in (name, str(value))]
    return join(["twinoffload", "reproduce", figures, *(["--quick"] if quick else []), *given, "--resume"])


def _with_progress(study: Any, execute: Any, resume: bool) -> Any:
    """Run the study with a bar that counts what groups are expected to cost, so that the time left is told."""
    from twinoffload.cli.progress import Shares, progress

    with progress() as bars:
        bar = Shares(bars, "groups")
        return study.run(
            execute,
            resume=resume,
            begins=lambda groups: bar.begin([group.cost for group in groups]),
            each=lambda group, found: bar.advance(group.cost, group.label, found),
        )


def _tell_stopped(table: Any) -> None:
    """Trainings that diverged are no secret; one of `amortised` played at many values."""
    import polars as pl

    stopped = table.filter(pl.col("stopped"), pl.col("episode").is_null())
    keys = ("reading", "scheme", "learning_rate")
    once = pl.when(pl.col("scheme") == "amortised").then(pl.col("seed").n_unique()).otherwise(pl.len())
    trainings = stopped.group_by(keys, maintain_order=True).agg(once.first().alias("count"))
    for row in trainings.iter_rows(named=True):
        rate = "" if row["learning_rate"] is None else f" at learning rate {row['learning_rate']:g}"
        typer.echo(f"{row['scheme']}{rate}, reading {row['reading']}: trainings that diverged and were stopped: "
                   f"{row['count']}; their last good weights played")  # fmt: skip


def _tell_time(study: Any) -> None:
    """Where the workers' time went."""
    from twinoffload.experiments.paper_groups import shares

    seconds = study.seconds()
    total = sum(seconds.values())
    if total > 0:
        told = ", ".join(f"{name} {share:.0%}" for name, share in shares(seconds).items())
        typer.echo(f"{total / 60:.1f} minutes of workers' time: {told}")
