"""`twinoffload evaluate`: trained agents on fresh channels, beside every reference."""

from pathlib import Path
from typing import Annotated, Any

import typer

from twinoffload.cli.options import GainOption


def evaluate(
    folder: Annotated[
        Path | None, typer.Argument(help="Folder of a run (`twinoffload train --out`); none: references and --scheme.")
    ] = None,
    scheme: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MODULE:CLASS|FOLDER", help="Beside it: a scheme of your own, or another run; may be repeated."
        ),
    ] = None,
    scenario: Annotated[
        str | None, typer.Option(help="Without a run: preset or YAML file that is played.", show_default="paper")
    ] = None,
    seeds: Annotated[
        int | None, typer.Option(min=1, max=1000, help="Without a run: seeds 0..K-1.", show_default="6")
    ] = None,
    gain: GainOption = None,
    seed: Annotated[int, typer.Option(min=0, help="Which held-out channels; each number gives others.")] = 0,
    episodes: Annotated[int, typer.Option(min=1, help="Held-out episodes for each trained seed.")] = 20,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of a table.")] = False,
    marl_eval: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write also, as JSON for marl-eval: training curves and these results."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite that file if it exists.")] = False,
    threads: Annotated[int, typer.Option(min=1, max=1024, help="CPU threads; more than one seldom helps.")] = 1,
) -> None:
    """Play a trained run on held-out episodes beside the schemes that need no learning.

    Utilities are money a slot; shares are of `admission`, the upper bound, on the same channels.

    \b
    Example
      twinoffload evaluate results/run --seed 1
      twinoffload evaluate --scheme my_schemes:MyScheme --scenario open
    """  # noqa: D301
    from rich.console import Console

    from twinoffload.cli.comparison_table import print_comparison
    from twinoffload.cli.options import check_out, use_machine
    from twinoffload.cli.progress import Bar, progress
    from twinoffload.experiments.comparison import (
        check_playable,
        compare,
        held_out,
        reference_names,
        references,
        summarise,
    )
    from twinoffload.experiments.marl_eval import check_lengths, write
    from twinoffload.experiments.own_schemes import runs_among, schemes_beside
    from twinoffload.files import json_text

    use_machine("cpu", threads)
    played, numbers, trained = _run(folder, scheme, scenario, gain, seeds)
    check_playable(played, len(numbers), episodes)
    beside = schemes_beside(scheme or [], played, numbers, None if trained is None else trained.scenario)
    trainer = None if trained is None else trained.trainer()
    own = [] if trainer is None else [trainer.agents]
    names = [one.name for one in (*own, *beside)]
    if len(set(names)) < len(names):
        raise ValueError(
            f"--scheme: two are called {max(names, key=names.count)!r}; give a scheme of your "
            "own another `name`, and evaluate two runs of one algorithm one after the other"
        )
    runs = {one.settings.label: one for one in runs_among([*([str(folder)] if folder else []), *(scheme or [])])}
    if marl_eval is not None:
        check_lengths(runs)
        check_out(marl_eval, force, "--marl-eval")
    with progress() as bars:
        bar = Bar(bars, "schemes", len(names) + len(reference_names(played)))
        schemes = [*own, *beside, *references(played, seed)]
        table = compare(schemes, held_out(played, numbers, episodes, seed), numbers, bar.advance)
    summary = {
        "scenario": played.name,
        **({} if played.gains is None else {"gains": played.gains.file}),
        "seeds": numbers,
        "episodes_trained": None if trainer is None else trainer.episode,
        "held_out": {"episodes": episodes, "slots": played.slots, "seed": seed},
        "rows": summarise(table),
    }
    if marl_eval is not None:
        write(marl_eval, table, runs, played.name)
    if json:
        typer.echo(json_text(summary))
    else:
        print_comparison(summary, Console())


def _run(
    folder: Path | None, scheme: list[str] | None, scenario: str | None, gain: Path | None, seeds: int | None
) -> tuple[Any, list[int], Any]:
    """What is played, for which seeds, and the training in the folder, if one was named."""
    from twinoffload.cli.options import with_gains
    from twinoffload.learning.run_folder import RunFolder
    from twinoffload.scenario import Scenario

    if folder is None and not scheme:
        raise ValueError("evaluate: name the folder of a run, or --scheme")
    if folder is None:
        chosen = with_gains(Scenario.load(scenario or "paper"), gain)
        return chosen, list(range(6 if seeds is None else seeds)), None
    for option, value in (("--scenario", scenario), ("--seeds", seeds)):
        if value is not None:
            raise ValueError(f"{option} {value}: a run is played in its own scenario and with its seeds; leave it out")
    run = RunFolder.open(folder)
    played = with_gains(run.scenario, gain)
    if (played.maps, played.stations) != (run.scenario.maps, run.scenario.stations):
        raise ValueError(
            f"--gain {gain}: has {played.maps} mAPs on {played.stations} BSs, but the run was trained for "
            f"{run.scenario.maps} on {run.scenario.stations}; train one on these gains"
        )
    if run.episodes_done() == 0:
        raise ValueError(f"{folder}: has no checkpoint yet; train it with `twinoffload train --resume --out {folder}`")
    return played, run.seeds, run
