"""What several commands share: how options become settings."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

if TYPE_CHECKING:
    from twinoffload.scenario import Scenario

GainOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Measured gains (CSV, Parquet, NPZ) as consecutive slots in place of the scenario's own channels; the "
        "first 80 % for training, the rest held out. They tell the numbers of mAPs and BSs.",
    ),
]


def with_gains(scenario: "Scenario", gain: Path | None) -> "Scenario":
    """The scenario on measured gains; their slots are divided as before where it had some already.

    Raises:
        ValueError: the file is bad, or too short for the scenario's episodes.
    """
    if gain is None:
        return scenario
    before = scenario.gains
    kept = {} if before is None else {"training_share": before.training_share, "floor": before.floor}
    changed = scenario.replace(gains={"file": gain} | kept, station_layout="listed")
    changed.check_episodes()
    return changed


class RunInterruptedError(Exception):
    """Somebody pressed Ctrl-C; the message says how to go on."""


SCHEME_HELP = "Your own scheme instead: my_module:MyScheme, or path/to/my_file.py:MyScheme."


def training_settings(settings: str | None = None, scheme: str | None = None, **given: Any) -> Any:
    """A preset's or a file's training settings ("tuned" if None) with the options that were given.

    Args:
        settings: the preset or file.
        scheme: one's own scheme in its place.
        given: the fields that options change; None: not given.

    Raises:
        ValueError: naming the option, or the file and its field.
    """
    from twinoffload.env.slots import Observation
    from twinoffload.learning.kinds import load_settings

    observations = get_args(Observation)
    if given.get("observation") not in (None, *observations):
        raise ValueError(f"--observation {given['observation']!r}: must be one of {', '.join(observations)}")
    if scheme is not None:
        if settings is not None or given.pop("observation", None) is not None:
            option = "--settings" if settings is not None else "--observation"
            raise ValueError(f"{option}: a scheme of your own brings what it needs; leave it out")
        from twinoffload.learning.own.settings import OwnSettings

        fields = {name: value for name, value in given.items() if value is not None}
        chosen = OwnSettings.from_values("--scheme", {"source": scheme} | fields)
        return chosen if chosen.found().learns else chosen.replace(episodes=1)
    chosen = load_settings("tuned" if settings is None else settings)
    if given.get("observation") is not None and "observation" not in type(chosen).model_fields:
        raise ValueError(
            f"--observation {given['observation']}: {chosen.label} mAPs see what the paper's do; leave it out"
        )
    return chosen.replace(**{name: value for name, value in given.items() if value is not None})


def check_out(out: Path, overwrite: bool, option: str = "--out", **inputs: str | Path) -> None:
    """See before any work that what `option` names can be written, and is none of the files that the command reads.

    Args:
        out: the file to be.
        overwrite: whether it may exist.
        option: by which it was named.
        inputs: what is read, by its option; in capitals what is no option.

    Raises:
        ValueError: naming the file and the remedy.
    """
    from twinoffload.tables import check_target

    for name, given in inputs.items():
        if os.path.exists(out) and os.path.exists(given) and os.path.samefile(out, given):
            read = name if name.isupper() else f"--{name}"
            raise ValueError(f"{option} {out}: is the file that {read} reads; name another")
    check_target(out, overwrite=overwrite)


def use_machine(device: str, threads: int) -> str:
    """Set the whole process up for many small tensor operations, and name the device: "auto" is CUDA if there is one.

    One CPU thread is the default: the products of small networks gain little from a second one, and lose much where
    another program keeps it waiting.

    Raises:
        ValueError: unknown device, or CUDA where there is none.
    """
    import torch

    from twinoffload import process

    if device not in ("auto", "cpu", "cuda"):
        raise ValueError(f"--device {device!r}: must be auto, cpu or cuda")
    if device == "cuda" and not torch.cuda.is_available():
        raise ValueError("--device cuda: this machine has no CUDA device; use --device cpu")
    process.prepare(threads)
    return "cuda" if device == "auto" and torch.cuda.is_available() else "cpu" if device == "auto" else device
