"""Whatever the user can mend ends in status 2 and one line on standard error that names the place and the remedy."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import typer
from pydantic import BaseModel

from twinoffload import __version__
from twinoffload.cli import app as application
from twinoffload.cli import main

EXAMPLE = Path(__file__).parents[2] / "examples" / "gains.csv"
HEAD = "map,station,gain\n"
MANY = HEAD + "".join(f"{n},{m},1e-9\n" for n in range(11) for m in range(4))

# name: (content of gains.csv, words that must stand in the line)
BAD_FILES = {
    "missing column": ("map,gain\n1,1e-9\n", ["gains.csv, line 1", "no column station"]),
    "both gain columns": ("map,station,gain,gain_db\n1,1,1,0\n", ["gains.csv, line 1", "keep one"]),
    "nan": (HEAD + "1,1,nan\n", ["gains.csv, line 2, column gain", "not finite", "write the gain"]),
    "infinite": (HEAD + "1,1,inf\n", ["gains.csv, line 2, column gain", "not finite"]),
    "negative": (HEAD + "1,1,-90\n", ["gains.csv, line 2, column gain", "-90", "gain_db"]),
    "text": (HEAD + "1,1,loud\n", ["gains.csv, line 2, column gain", "'loud'", "2.5e-9"]),
    "missing cell": (HEAD + "1,1,\n", ["gains.csv, line 2, column gain", "empty"]),
    "duplicate": (HEAD + "1,1,1\n1,1,1\n", ["gains.csv, line 3", "line 2", "remove one"]),
    "empty": ("", ["gains.csv", "empty", "map,station,gain"]),
    "binary": ("\0\1\2", ["gains.csv", "not text", "CSV"]),
    "reaches no BS": (HEAD + "a,1,1\nb,1,0\n", ["gains.csv, line 3", "'b'", "reaches no BS", "remove it"]),
    "beyond enumeration": (MANY, ["N = 11", "M = 4", "4^11", "beyond enumeration", "--concept pairwise"]),
}


def run(capfd, *arguments: object) -> tuple[int, str, str]:
    """(exit status, standard output, standard error) of the command line, in this process."""
    with pytest.raises(SystemExit) as caught:
        main([str(argument) for argument in arguments])
    out, err = capfd.readouterr()
    return caught.value.code, out, err


def refused(result: tuple[int, str, str], *words: str) -> None:
    """Status 2, nothing on standard output, one plain line on standard error with these words."""
    status, out, err = result
    assert (status, out) == (2, "")
    assert re.fullmatch(r"error: [^\n]+\n", err)
    assert "Traceback" not in err
    assert not re.search("[\u2500-\u257f\x1b]", err), "box drawing or colour"
    for word in words:
        assert word in err


@pytest.mark.parametrize("name", BAD_FILES)
@pytest.mark.parametrize("form", [[], ["--json"]])
def test_bad_files(capfd, tmp_path, name, form):
    content, words = BAD_FILES[name]
    path = tmp_path / "gains.csv"
    path.write_text(content)
    refused(run(capfd, "solve", "--gain", path, *form), *words)
    assert os.listdir(tmp_path) == ["gains.csv"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], ["missing command", "twinoffload --help"]),
        (["slove"], ["no such command 'slove'", "solve", "--help"]),
        (["--fast"], ["no such option: --fast", "--help"]),
        (["solve"], ["missing option '--gain'", "twinoffload solve --help"]),
        (["solve", "--gain"], ["--gain", "requires an argument"]),
        (["solve", "--gian", "x"], ["no such option: --gian", "--gain"]),
        (["solve", "--gain", EXAMPLE, "extra"], ["unexpected extra argument", "extra"]),
        (
            ["solve", "--gain", EXAMPLE, "--concept", "best"],
            ["--concept", "'best'", "'pairwise', 'posted', 'admission'"],
        ),
        (["solve", "--gain", EXAMPLE, "--snapshot", "9"], ["snapshot '9'", "0, 1, 2"]),
        (["solve", "--gain", "none.csv", "--gap", "nan"], ["gap = nan", "at least 0"]),
        (["solve", "--gain", "none.csv", "--time-limit", "0"], ["time_limit = 0.0", "above 0"]),
        (["solve", "--gain", "none.csv"], ["none.csv: no such file", "CSV"]),
        (["solve", "--gain", "."], [".: is a folder", "CSV"]),
        (["solve", "--gain", EXAMPLE, "--scenario", "papr"], ["scenario papr", "did you mean 'paper'?"]),
        (["solve", "--gain", EXAMPLE, "--scenario", "field.yaml"], ["field.yaml", "'bandwith'", "'bandwidth'"]),
        (["solve", "--gain", EXAMPLE, "--scenario", "bound.yaml"], ["bound.yaml", "bandwidth = -1", "(0, 10000]"]),
        (["solve", "--gain", EXAMPLE, "--scenario", "broken.yaml"], ["broken.yaml line", "YAML"]),
        (["solve", "--gain", EXAMPLE, "--scenario", "twice.yaml"], ["twice.yaml line 3", "'maps' stands twice"]),
        (["solve", "--gain", EXAMPLE, "--scenario", "inner.yaml"], ["'path_loss.exponentt'", "mean 'exponent'?"]),
        (["solve", "--gain", EXAMPLE, "--scenario", "empty.yaml"], ["empty.yaml", "field: value"]),
        (["solve", "--gain", EXAMPLE, "--scenario", "binary.yaml"], ["binary.yaml", "not a text file"]),
        (["gains"], ["missing option '--out'"]),
        (["gains", "--out", "new.csv", "--count", "many"], ["--count", "integer"]),
        (["gains", "--out", "new.csv", "--count", "0"], ["count = 0", "at least 1"]),
        (["gains", "--out", "new.csv", "--count", "10000000"], ["--count 10000000", "pairs", "fewer"]),
        (["gains", "--out", "new.csv", "--seed", "-1"], ["seed = -1", "at least 0"]),
        (["gains", "--out", "none/new.csv"], ["none/new.csv", "no folder none", "make it"]),
        (["gains", "--out", "field.yaml"], ["field.yaml: exists already", "--force"]),
        (["presets", "papr"], ["preset 'papr'", "paper, open, private"]),
        (["reproduce"], ["missing argument 'figures'", "twinoffload reproduce --help"]),
        (["reproduce", "fig9"], ["'fig9': must be of", "fig2, fig3, fig4, fig5, fig6, fig7", "or all"]),
        (["reproduce", "fig4,"], ["'': must be of", "or all"]),
        (["reproduce", "fig4", "--seeds", "0"], ["--seeds", "greater than or equal to 1"]),
        (["reproduce", "fig4", "--workers", "0"], ["--workers", "greater than or equal to 1"]),
        (["reproduce", "fig4", "--device", "gpu"], ["--device 'gpu'", "auto, cpu or cuda"]),
        (["reproduce", "fig4", "--out", "field.yaml"], ["field.yaml: is not a folder", "--out"]),
        (["reproduce", "fig4", "--out", "field.yaml/deeper"], ["field.yaml/deeper: cannot be made", "--out"]),
        (["reproduce", "fig4", "--out", "."], ["holds 'binary.yaml', which no study wrote", "--out"]),
    ],
)
def test_bad_words(capfd, tmp_path, monkeypatch, arguments, words):
    files = {
        "field.yaml": b"extends: paper\nbandwith: 3\n",
        "bound.yaml": b"bandwidth: -1\n",
        "broken.yaml": b"name: x\nbandwidth: [1\n",
        "twice.yaml": b"extends: paper\nmaps: 5\nmaps: 6\n",
        "inner.yaml": b"extends: paper\npath_loss: {exponentt: 3}\n",
        "empty.yaml": b"",
        "binary.yaml": b"\xff\xfe\0",
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    monkeypatch.chdir(tmp_path)
    refused(run(capfd, *arguments), *words)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == files


def fails_with(monkeypatch, error: BaseException) -> None:
    """Have a command `fail` that raises."""
    altered = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)

    @altered.command()
    def fail() -> None:
        raise error

    @altered.command()
    def other() -> None: ...

    monkeypatch.setattr(application, "app", altered)


def invalid() -> ValueError:
    class Settings(BaseModel):
        episodes: int

    with pytest.raises(ValueError, match="episodes") as caught:
        Settings.model_validate({"episodes": "few"})
    return caught.value


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("a.csv:\n  broken\x1b[31m"), "error: a.csv: broken [31m\n"),
        (PermissionError(13, "Permission denied", "a.csv"), "error: a.csv: Permission denied\n"),
        (OSError(28, "No space left on device"), "error: output: No space left on device\n"),
        (ValueError(), "error: ValueError\n"),
    ],
)
def test_what_a_command_may_raise(capfd, monkeypatch, error, line):
    fails_with(monkeypatch, error)
    assert run(capfd, "fail") == (2, "", line)


def test_a_failed_validation_tells_its_first_fault(capfd, monkeypatch):
    fails_with(monkeypatch, invalid())
    refused(run(capfd, "fail"), "episodes = 'few': Input should be a valid integer")


def test_an_interrupt(capfd, monkeypatch):
    fails_with(monkeypatch, KeyboardInterrupt())
    assert run(capfd, "fail") == (130, "", "error: interrupted\n")


def test_a_fault_of_ours_keeps_its_traceback(monkeypatch):
    fails_with(monkeypatch, ZeroDivisionError("ours"))
    with pytest.raises(ZeroDivisionError, match="ours"):
        main(["fail"])


def test_version_and_help(capfd):
    assert run(capfd, "--version") == (0, f"twinoffload {__version__}\n", "")
    for arguments in (["--help"], ["-h"], ["solve", "--help"], ["gains", "--help"], ["presets", "--help"]):
        status, out, err = run(capfd, *arguments)
        assert (status, err) == (0, "")
        assert all(len(line) <= 80 for line in out.splitlines())
        assert not re.search("[\u2500-\u257f\x1b\b]", out)
        if arguments[0] == "solve":
            for word in ("money/MB", "MB", "money", "Example", "--gain FILE", "pairwise", "gain_db"):
                assert word in out


# in a process of its own

COMMAND = [sys.executable, "-c", "from twinoffload.cli import main; main()"]
ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1"}


def start(*arguments: object, **settings) -> subprocess.Popen:
    return subprocess.Popen(
        [*COMMAND, *map(str, arguments)], env=ENVIRONMENT, stderr=subprocess.PIPE, text=True, **settings
    )


def test_a_process_ends_with_one_line():
    process = start("solve", stdout=subprocess.PIPE)
    out, err = process.communicate(timeout=60)
    refused((process.returncode, out, err), "missing option '--gain'")


def test_help_does_not_wait_for_torch():
    code = (
        "import sys\nfrom twinoffload.cli import main\ntry: main(['solve', '--help'])\nexcept SystemExit: pass\n"
        "assert not {'torch', 'polars'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL, timeout=60)


@pytest.mark.skipif(os.name == "nt", reason="pipes and signals of POSIX")
def test_a_reader_who_leaves_early_and_an_interrupt(tmp_path):
    reading, writing = os.pipe()
    os.close(reading)
    quitter = start("solve", "--help", stdout=writing)
    os.close(writing)
    fifo = tmp_path / "gains.csv"
    os.mkfifo(fifo)  # the command waits here for its input
    waiting = start("solve", "--gain", fifo, stdout=subprocess.PIPE)
    with open(fifo, "w"):  # opens when the command reads
        waiting.send_signal(signal.SIGINT)
        time.sleep(0.3)  # a signal just before a system call does not wake it; the end of the file will
    out, err = waiting.communicate(timeout=60)
    assert (waiting.returncode, out, err) == (130, "", "error: interrupted\n")
    assert quitter.communicate(timeout=60)[1] == ""
    assert quitter.returncode == 1
