"""`twinoffload quick`: the paper's scheme from training to report, in minutes."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from twinoffload.cli.options import SCHEME_HELP, GainOption


def quick(
    scenario: Annotated[str, typer.Option(help="Preset (paper, open, private) or YAML file.")] = "paper",
    gain: GainOption = None,
    seeds: Annotated[int, typer.Option(min=1, max=1000, help="Seeds 0..K-1, trained at once.")] = 6,
    settings: Annotated[
        str | None,
        typer.Option(
            help="How to learn: preset (tuned, tuned-td3, tuned-ddpg, paper-literal, amortised) or YAML file.",
            show_default="tuned",
        ),
    ] = None,
    scheme: Annotated[str | None, typer.Option(metavar="MODULE:CLASS", help=SCHEME_HELP)] = None,
    episodes: Annotated[
        int | None, typer.Option(min=1, help="Training episodes.", show_default="the settings' own")
    ] = None,
    observation: Annotated[
        str | None,
        typer.Option(
            help="What an mAP sees: paper (own gains, prices), load (last interference too) or gains (all gains)."
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder of the results; an earlier study there is replaced.")] = Path(
        "results/quick"
    ),
    held_out: Annotated[int, typer.Option(min=1, help="Held-out episodes for each seed.")] = 20,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    threads: Annotated[int, typer.Option(min=1, max=1024, help="CPU threads; more than one seldom helps.")] = 1,
) -> None:
    """Train the paper's scheme, play it beside every reference on held-out episodes and write report.html.

    Example: twinoffload quick --scenario open --out results/open
    """
    from shlex import quote

    from rich.console import Console

    from twinoffload.cli.comparison_table import print_comparison
    from twinoffload.cli.options import training_settings, use_machine, with_gains
    from twinoffload.cli.progress import Bar, progress, training_note
    from twinoffload.experiments.comparison import reference_names
    from twinoffload.experiments.quick import quick_study
    from twinoffload.report.page import write_report
    from twinoffload.scenario import Scenario

    where = use_machine(device, threads)
    chosen = with_gains(Scenario.load(scenario), gain)
    learning = training_settings(settings, scheme, episodes=episodes, observation=observation)
    how = f"--settings {quote(settings or 'tuned')}" if scheme is None else f"--scheme {quote(scheme)}"
    given = [f"--scenario {quote(scenario)}"]
    given += [f"--gain {quote(str(gain))}"] if gain is not None else []
    given += [how, f"--seeds {seeds}"]
    given += [f"--episodes {learning.episodes}"]
    given += [f"--observation {observation}"] if observation is not None else []
    given += [f"--held-out {held_out}", f"--out {quote(str(out))}"]
    with _interrupted(out), progress() as bars:
        training = Bar(bars, "training episodes", learning.episodes)
        playing = Bar(bars, "held-out schemes", 1 + len(reference_names(chosen)))
        summary = quick_study(
            out,
            chosen,
            learning,
            range(seeds),
            command=f"twinoffload quick {' '.join(given)}",
            episodes=held_out,
            device=where,
            each_episode=lambda rows: training.advance(training_note(rows)),
            each_scheme=playing.advance,
        )
    report = write_report(out)
    print_comparison(summary, Console())
    typer.echo(f"\n{summary['wall_s']:.0f} s. Report: {report}")


@contextmanager
def _interrupted(out: Path) -> Iterator[None]:
    """Say what Ctrl-C leaves behind."""
    from shlex import quote

    from twinoffload.cli.options import RunInterruptedError

    try:
        yield
    except KeyboardInterrupt:
        run = out / "run"
        told = (
            f"; its training goes on with `twinoffload train --resume --out {quote(str(run))}`, and quick begins anew"
        )
        raise RunInterruptedError(f"interrupted{told if (run / 'settings.yaml').exists() else ''}") from None
