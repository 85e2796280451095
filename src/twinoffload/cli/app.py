"""The commands gathered, and what every one of them shares: one line on standard error for whatever the user can mend.

A command is a function in a module of its own, registered in the list below. It imports torch and
everything that does inside the function, so that `--help` answers at once; it raises ValueError (or lets OSError pass)
for what the user can mend, and anything else is a fault of ours and shows its traceback.
"""

import contextlib
import io
import os
import sys
import traceback
from collections.abc import Sequence
from typing import Annotated, NoReturn

import typer
from typer.exceptions import TyperException

from twinoffload import __version__
from twinoffload.cli.bench import bench
from twinoffload.cli.calibrate import calibrate
from twinoffload.cli.claims import claims
from twinoffload.cli.console import is_verbose, talk
from twinoffload.cli.doctor import doctor
from twinoffload.cli.evaluate import evaluate
from twinoffload.cli.explain import explain
from twinoffload.cli.export import export
from twinoffload.cli.figures import figures
from twinoffload.cli.gains import gains
from twinoffload.cli.options import RunInterruptedError
from twinoffload.cli.presets import presets
from twinoffload.cli.quick import quick
from twinoffload.cli.reproduce import reproduce
from twinoffload.cli.scenario import scenario
from twinoffload.cli.solve import solve
from twinoffload.cli.train import train
from twinoffload.cli.twin import twin

BAD_INPUT = 2
INTERRUPTED = 130

app = typer.Typer(
    name="twinoffload",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=True,
    no_args_is_help=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"twinoffload {__version__}")
        raise typer.Exit


@app.callback()
def _twinoffload(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress on standard error.")] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="What computes, how long it took, and where a fault arose.")
    ] = False,
) -> None:
    """Priced offloading of digital-twin training in 6G networks: prices, equilibria and agents that learn them.

    Words before the command are for all of them: twinoffload --quiet train ...
    """
    if quiet and verbose:
        raise ValueError("--quiet and --verbose: give one of them")
    talk(quiet, verbose)
    if verbose:
        _introduce()


def _introduce() -> None:
    """What computes, on standard error, and at the end how long it took."""
    import atexit
    import platform
    import time
    from importlib.metadata import version

    began = time.perf_counter()
    known = ("torch", "numpy", "polars")
    told = [f"twinoffload {__version__}", f"Python {platform.python_version()}"]
    print(", ".join([*told, *(f"{name} {version(name)}" for name in known)]), file=sys.stderr)
    atexit.register(lambda: print(f"{time.perf_counter() - began:.1f} s", file=sys.stderr))


for command in (
    quick, train, evaluate, reproduce, claims, calibrate, twin, export, bench, solve, explain, figures, gains, presets,
    doctor,
):  # fmt: skip
    app.command()(command)
app.add_typer(scenario)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0; 2 after one line on standard error; or 130 when interrupted.

    Args:
        arguments: what follows the program's name; the process's own where it is None.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # letters that the terminal's coding lacks
    try:
        status = typer.main.get_command(app).main(
            args=None if arguments is None else list(arguments), prog_name="twinoffload", standalone_mode=False
        )
        sys.stdout.flush()
    except TyperException as error:
        _fail(_usage(error))
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        _silence_output()
        sys.exit(1)
    except OSError as error:
        if error.filename is None:  # it may be standard output itself, on a full disk
            _silence_output()
        _fail(f"{error.filename or 'output'}: {error.strerror or error}")
    except ValueError as error:
        _fail("; ".join([_plain(error), *getattr(error, "__notes__", ())]))
    except RunInterruptedError as error:
        _fail(str(error), INTERRUPTED)
    except (KeyboardInterrupt, typer.Abort):
        _fail("interrupted", INTERRUPTED)
    if status == INTERRUPTED:  # typer's own answer to an interrupt
        _fail("interrupted", INTERRUPTED)
    sys.exit(status if isinstance(status, int) else 0)


def _fail(message: str, status: int = BAD_INPUT) -> NoReturn:
    """Print one line on standard error and exit."""
    if is_verbose() and sys.exc_info()[0] is not None:
        traceback.print_exc()
    line = "".join(c if c.isprintable() else " " for c in message)
    print(f"error: {' '.join(line.split())}", file=sys.stderr)
    sys.exit(status)


def _usage(error: TyperException) -> str:
    """What is wrong with the words after the program's name, and where to read on."""
    message = error.format_message().strip().rstrip(".").replace("Value error, ", "")
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "twinoffload"
    return f"{message[:1].lower()}{message[1:]} (see `{path} --help`)"


def _plain(error: ValueError) -> str:
    """The message; of a failed validation, its first fault."""
    from pydantic import ValidationError

    if isinstance(error, ValidationError):
        fault = error.errors()[0]
        field = ".".join(map(str, fault["loc"]))
        return f"{field} = {fault['input']!r:.60}: {fault['msg'].removeprefix('Value error, ')}"
    return str(error) or type(error).__name__


def _silence_output() -> None:
    """Have nothing more written to standard output, not even at exit."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
