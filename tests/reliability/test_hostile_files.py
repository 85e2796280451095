"""Files made to harm: refused in one line, with exit status 2, in little memory and time."""

import json
import resource
import struct
import subprocess
import sys
import zipfile

import numpy as np
import pytest

MEMORY = 1_500_000_000  # bytes beyond which a reader of a page of text is ill; torch alone takes a fifth
SECONDS = 60


def nest(first: str, each: str, count: int) -> str:
    """`count` lines, each of ten references to the one before."""
    lines = [f"  - &b0 {first}"] + [f"  - &b{i} {each.format(','.join([f'*b{i - 1}'] * 10))}" for i in range(1, count)]
    return "\n".join(lines) + "\n"


SCENARIOS = {
    "billions of values in ten lines": (
        "quality:\n" + nest("[1]", "[{}]", 11),
        "its aliases stand for more than 1,000,000 values",
    ),
    "billions of merges": (
        "quality:\n" + nest("{a: 1}", "{{<<: [{}]}}", 9),
        "its aliases stand for more than 1,000,000 values",
    ),
    "a list that holds itself": ("quality: &r [*r]\n", "line 2: an alias stands for what it is in"),
    "nested a hundred thousand times": ("quality: " + "[" * 100_000 + "]" * 100_000, "is not valid YAML"),
    "a number of a hundred thousand digits": ("maps: " + "9" * 100_000, "is not valid YAML"),
    "a sexagesimal number without end": ("maps: 1" + ":59" * 60_000, "maps = a number of thousands of digits"),
    "a billion mAPs": ("maps: 1000000000", "maps = 1000000000: input should be less than or equal to 1000000"),
    "not a number": ("bandwidth: .nan", "bandwidth = nan: input should be a finite number"),
    "infinite": ("bandwidth: .inf", "bandwidth = inf: input should be a finite number"),
    "denormal": ("bandwidth: 5.0e-324", "noise[0] = 0: must be finite and above 0"),
    "a path for a name": ("name: ../../../etc/passwd", "name = '../../../etc/passwd': string should match pattern"),
    "code": ("name: !!python/object/apply:os.system ['id']", "line 2: is not valid YAML"),
}
GAINS = {
    "not a number": ("m0,b0,nan\n", "line 2, column gain: 'nan' is not finite"),
    "above 1": ("m0,b0,1e308\n", "line 2, column gain: '1e308' is above 1"),
    "an id of a megabyte": (
        "m" * 2**20 + ",b0,1e-8\n",
        "line 2, column map: an id of 1,048,576 characters; give it at most",
    ),
    "terminal codes": ("\x1b[31mred,b0,1e-8\n", "holds a line break or a control character"),
    "an open quotation mark": ('"m0,b0,1e-8\n' * 1000, "line 2: cannot be split into columns"),
    "zeros": ("\0" * 1000, "is not text"),
}


def call(*words: object) -> subprocess.CompletedProcess:
    """A command with bounded memory and time."""

    def bound() -> None:
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))

    command = [sys.executable, "-m", "twinoffload", *map(str, words)]
    return subprocess.run(command, preexec_fn=bound, timeout=SECONDS, capture_output=True, text=True)


def refused(found: subprocess.CompletedProcess, told: str) -> None:
    assert found.returncode == 2, found.stderr[-2000:]
    assert found.stderr.count("\n") == 1
    assert told in found.stderr
    assert len(found.stderr) < 1000


@pytest.mark.parametrize("name", SCENARIOS)
def test_scenarios(tmp_path, name):
    text, told = SCENARIOS[name]
    (tmp_path / "it.yaml").write_text(f"extends: paper\n{text}\n")
    refused(call("scenario", "check", tmp_path / "it.yaml"), told)


@pytest.mark.parametrize("name", GAINS)
def test_gains(tmp_path, name):
    text, told = GAINS[name]
    (tmp_path / "it.csv").write_text(f"map,station,gain\n{text}")
    refused(call("solve", "--gain", tmp_path / "it.csv"), told)


def test_a_gigabyte_of_nothing(tmp_path):
    """A sparse file: it takes no room on the disk."""
    for name, told in (("it.yaml", "is larger than 1,000,000 bytes"), ("it.csv", "is not text")):
        with open(tmp_path / name, "wb") as file:
            file.truncate(1 << 30)
        words = ("scenario", "check", tmp_path / name) if name == "it.yaml" else ("solve", "--gain", tmp_path / name)
        refused(call(*words), told)


def test_arrays_that_lie_about_their_size_or_hold_objects(tmp_path):
    head = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000, 4, 2), }".ljust(117) + b"\n"
    with zipfile.ZipFile(tmp_path / "liar.npz", "w") as file:
        file.writestr("gain.npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + b"0" * 64)
    refused(call("solve", "--gain", tmp_path / "liar.npz"), "has 8,000,000,000,000 rows, more than 50,000,000")
    np.savez(tmp_path / "objects.npz", map=np.array([object()], dtype=object))
    refused(call("solve", "--gain", tmp_path / "objects.npz"), "column map: holds Python objects, which are not read")


def test_a_checkpoint_that_lies_about_its_size(tmp_path):
    run, settings = tmp_path / "run", tmp_path / "settings.yaml"
    settings.write_text("{episodes: 1, environments: 1, warmup: 1, replay: 200}")
    assert call("train", "--settings", settings, "--seeds", 1, "--out", run).returncode == 0
    head = json.dumps({"episode": {"dtype": "I64", "shape": [10**12], "data_offsets": [0, 8 * 10**12]}}).encode()
    for content in (struct.pack("<Q", len(head)) + head + b"0" * 64, struct.pack("<Q", 2**63 - 1) + b"{}"):
        (run / "checkpoint.safetensors").write_bytes(content)
        refused(call("evaluate", run), "checkpoint.safetensors: cannot be read")
