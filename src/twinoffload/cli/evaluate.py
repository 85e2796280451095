"""`twinoffload evaluate`: trained agents on fresh channels, beside every reference."""

from pathlib import Path
from typing import Annotated

import typer

from twinoffload.cli.options import GainOption


def evaluate(
    folder: Annotated[Path, typer.Argument(help="Folder of a run (`twinoffload train --out`).")],
    gain: GainOption = None,
    seed: Annotated[int, typer.Option(min=0, help="Which held-out channels; each number gives others.")] = 0,
    episodes: Annotated[int, typer.Option(min=1, help="Held-out episodes for each trained seed.")] = 20,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of a table.")] = False,
    threads: Annotated[int, typer.Option(min=1, max=1024, help="CPU threads; more than one seldom helps.")] = 1,
) -> None:
    """Play a trained run on held-out episodes beside the schemes that need no learning.

    Utilities are money a slot; shares are of `admission`, the upper bound, on the same channels.

    Example: twinoffload evaluate results/run --seed 1
    """
    from rich.console import Console

    from twinoffload.cli.comparison_table import print_comparison
    from twinoffload.cli.options import use_machine, with_gains
    from twinoffload.cli.progress import Bar, progress
    from twinoffload.experiments.comparison import (
        check_playable,
        compare,
        held_out,
        reference_names,
        references,
        summarise,
    )
    from twinoffload.files import json_text
    from twinoffload.learning.run_folder import RunFolder

    use_machine("cpu", threads)
    run = RunFolder.open(folder)
    scenario = with_gains(run.scenario, gain)
    if (scenario.maps, scenario.stations) != (run.scenario.maps, run.scenario.stations):
        raise ValueError(
            f"--gain {gain}: has {scenario.maps} mAPs on {scenario.stations} BSs, but the run was trained for "
            f"{run.scenario.maps} on {run.scenario.stations}; train one on these gains"
        )
    check_playable(scenario, len(run.seeds), episodes)
    trainer = run.trainer()
    if trainer.episode == 0:
        raise ValueError(f"{folder}: has no checkpoint yet; train it with `twinoffload train --resume --out {folder}`")
    with progress() as bars:
        bar = Bar(bars, "schemes", 1 + len(reference_names(scenario)))
        schemes = [trainer.agents, *references(scenario, seed)]
        table = compare(schemes, held_out(scenario, run.seeds, episodes, seed), run.seeds, bar.advance)
    summary = {
        "scenario": scenario.name,
        **({} if scenario.gains is None else {"gains": scenario.gains.file}),
        "seeds": run.seeds,
        "episodes_trained": trainer.episode,
        "held_out": {"episodes": episodes, "slots": scenario.slots, "seed": seed},
        "rows": summarise(table),
    }
    if json:
        typer.echo(json_text(summary))
    else:
        print_comparison(summary, Console())
