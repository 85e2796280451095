"""Coverage-guided fuzzing of every reader: whatever a file holds, it is read or refused in one line.

    pip install atheris
    python tests/reliability/fuzz.py csv --seconds 60

It begins from `corpus/<reader>` beside this file; what finds new branches is kept there with `--keep`. An input that
makes anything but a ValueError of one line is written to the working folder as `crash-...`: moved into the corpus, it
is a test (`test_corpus.py` reads all of it).
"""

import argparse
import os
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

CORPUS = Path(__file__).with_name("corpus")


def scenario(path: Path) -> None:
    """A scenario file."""
    from twinoffload import Scenario

    Scenario.load(path)


def settings(path: Path) -> None:
    """A file of settings, as `train --settings` reads it."""
    from twinoffload.learning.kinds import load_settings

    load_settings(str(path))


def gains(path: Path) -> None:
    """A table of gains, CSV or NPZ by its suffix."""
    from twinoffload.network.gain_file import read_gains

    read_gains(path)


def curve(path: Path) -> None:
    """A learning curve."""
    from twinoffload.twin.curve_file import read_curves

    read_curves(path)


def checkpoint(path: Path) -> None:
    """A checkpoint."""
    from twinoffload.learning import checkpoint

    checkpoint.load(path)


READERS: dict[str, tuple[str, Callable[[Path], None]]] = {
    "scenario": (".yaml", scenario),
    "settings": (".yaml", settings),
    "csv": (".csv", gains),
    "npz": (".npz", gains),
    "parquet": (".parquet", gains),
    "curve": (".csv", curve),
    "checkpoint": (".safetensors", checkpoint),
}


def try_reader(reader: str, path: Path) -> str:
    """Read a file: empty, or the refusal; anything else is a fault and raised."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            READERS[reader][1](path)
    except ValueError as error:
        told = str(error)
        assert "\n" not in told, f"more than one line: {told!r:.300}"
        assert len(told) < 2000, f"{len(told)} characters: {told!r:.300}"
        return told
    return ""


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("reader", choices=READERS)
    parser.add_argument("--seconds", type=int, default=60, help="[60]")
    parser.add_argument("--keep", action="store_true", help="add what finds new branches to the corpus")
    asked = parser.parse_args()
    try:
        import atheris
    except ImportError:
        sys.exit("error: atheris is missing; pip install atheris")
    with atheris.instrument_imports(include=["twinoffload"]):
        try_reader(asked.reader, next((CORPUS / asked.reader).iterdir()))
    suffix = READERS[asked.reader][0]
    descriptor, name = tempfile.mkstemp(suffix=suffix, dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
    os.close(descriptor)
    file = Path(name)

    def one(content: bytes) -> None:
        file.write_bytes(content)
        try_reader(asked.reader, file)

    scratch = tempfile.mkdtemp()
    folders = [str(CORPUS / asked.reader)] if asked.keep else [scratch, str(CORPUS / asked.reader)]
    atheris.Setup([sys.argv[0], f"-max_total_time={asked.seconds}", "-max_len=4096", "-timeout=20", *folders], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
