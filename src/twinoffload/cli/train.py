"""`twinoffload train`: the paper's scheme, trained for several seeds at once."""

from pathlib import Path
from typing import Annotated

import typer

from twinoffload.cli.options import SCHEME_HELP, GainOption


def train(
    scenario: Annotated[
        str | None, typer.Option(help="Preset (paper, open, private) or YAML file.", show_default="paper")
    ] = None,
    gain: GainOption = None,
    seeds: Annotated[
        int | None, typer.Option(min=1, max=1000, help="Seeds 0..K-1, trained at once.", show_default="6")
    ] = None,
    settings: Annotated[
        str | None,
        typer.Option(
            help="How to learn: preset (tuned, tuned-td3, tuned-ddpg, demonstrated, paper-literal, amortised, "
            "amortised-sizes) or YAML file.",
            show_default="tuned",
        ),
    ] = None,
    episodes: Annotated[int | None, typer.Option(min=1, help="Episodes; a resumed run may ask for more.")] = None,
    observation: Annotated[
        str | None,
        typer.Option(
            help="What an mAP sees: paper (own gains, prices), load (last interference too) or gains (all gains)."
        ),
    ] = None,
    scheme: Annotated[str | None, typer.Option(metavar="MODULE:CLASS", help=SCHEME_HELP)] = None,
    out: Annotated[Path, typer.Option(help="Folder of the run.")] = Path("results/run"),
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in --out from its checkpoint.")] = False,
    track: Annotated[
        list[str] | None,
        typer.Option(metavar="TOOL", help="Tell mlflow or wandb of it, besides TensorBoard; may be repeated."),
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    threads: Annotated[int, typer.Option(min=1, max=1024, help="CPU threads; more than one seldom helps.")] = 1,
) -> None:
    """Train an operator and N mAPs (the paper's Algorithms 2 and 3) with soft actor-critic, TD3 or DDPG.

    Writes a run folder: scenario, settings, metrics, TensorBoard events and a checkpoint every few episodes.

    \b
    Example
      twinoffload train --scenario open --seeds 5 --out results/open
      twinoffload train --scheme my_schemes:MyScheme --out results/mine
    """  # noqa: D301
    from shlex import quote

    from twinoffload.cli.options import RunInterruptedError, training_settings, use_machine, with_gains
    from twinoffload.cli.progress import Bar, progress, training_note
    from twinoffload.learning.run_folder import RunFolder
    from twinoffload.learning.tracking.named import trackers_named
    from twinoffload.scenario import Scenario

    where = use_machine(device, threads)
    trackers = trackers_named(track or [])
    if resume:
        given = {
            "--scenario": scenario,
            "--gain": gain,
            "--seeds": seeds,
            "--settings": settings,
            "--observation": observation,
            "--scheme": scheme,
        }
        told = [name for name, value in given.items() if value is not None]
        if told:
            raise ValueError(f"{told[0]}: a resumed run keeps its own; leave it out, or begin another run")
        run = RunFolder.open(out)
        if episodes is not None:
            run.extend(episodes)
    else:
        chosen = with_gains(Scenario.load("paper" if scenario is None else scenario), gain)
        learning = training_settings(settings, scheme, episodes=episodes, observation=observation)
        if scheme is not None and not learning.found().learns:
            raise ValueError(
                f"--scheme {scheme}: has no method `learn`, so there is nothing to train; "
                f"`twinoffload evaluate --scheme {scheme}` plays it"
            )
        run = RunFolder.create(out, chosen, learning, range(6 if seeds is None else seeds))
    try:
        with progress() as bars:
            bar = Bar(bars, "training episodes", run.settings.episodes, run.episodes_done())
            run.train(lambda rows: bar.advance(training_note(rows)), where, trackers)
    except KeyboardInterrupt:
        again = " ".join(
            ["twinoffload train --resume --out", quote(str(out)), *(f"--track {name}" for name in track or [])]
        )
        raise RunInterruptedError(f"interrupted; go on with `{again}`") from None
    seeds_told, episodes_told = (
        f"{count} {word}{'' if count == 1 else 's'}"
        for count, word in ((len(run.seeds), "seed"), (run.settings.episodes, "episode"))
    )
    typer.echo(f"trained {seeds_told} for {episodes_told}: {out}")
