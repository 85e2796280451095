"""Look into the wheel and the sdist: whole, nothing beside, and the same wheel from either."""

import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

NEEDED = (  # beside the modules
    "twinoffload/py.typed",
    "twinoffload/presets/paper.yaml",
    "twinoffload/learning/presets/tuned.yaml",
    "twinoffload/report/page.html.j2",
    "twinoffload/report/page.css",
    "twinoffload/report/study/page.md.j2",
)
LARGEST = {".whl": 1_500_000, ".gz": 8_000_000}  # bytes


def contents(wheel: Path) -> dict[str, bytes]:
    """Every file of a wheel but the list of them."""
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist() if not name.endswith("RECORD")}


def main(folder: Path) -> None:
    """Raise SystemExit naming what is wrong."""
    (wheel,), (sdist,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    found = contents(wheel)
    source = {f"twinoffload/{path.relative_to('src/twinoffload').as_posix()}" for path in tracked("src/twinoffload")}
    packaged = {name for name in found if not name.partition("/")[0].endswith(".dist-info")}
    faults = [f"{wheel.name} lacks {name}" for name in sorted((source | set(NEEDED)) - packaged)]
    faults += [f"{wheel.name} has {name}, which is not in the checkout" for name in sorted(packaged - source)]
    with tempfile.TemporaryDirectory() as scratch:
        with tarfile.open(sdist) as archive:
            archive.extractall(scratch, filter="data")
            inside = {name.partition("/")[2] for name in archive.getnames()}
        faults += [f"{sdist.name} lacks {name}" for name in map(str, tracked("tests")) if name not in inside]
        (unpacked,) = Path(scratch).iterdir()
        command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", scratch]
        subprocess.run(command, cwd=unpacked, check=True, capture_output=True)
        (again,) = Path(scratch).glob("*.whl")
        if contents(again) != found:
            faults.append(f"the wheel made from {sdist.name} is another than {wheel.name}")
    for path in (wheel, sdist):
        size = path.stat().st_size
        print(f"{path.name}: {size / 1e6:.1f} MB")
        if size > LARGEST[path.suffix]:
            faults.append(f"{path.name}: {size:,} bytes, more than {LARGEST[path.suffix]:,}")
    if faults:
        raise SystemExit("\n".join(faults))


def tracked(folder: str) -> list[Path]:
    """Files that git knows."""
    listed = subprocess.run(["git", "ls-files", folder], check=True, capture_output=True, text=True).stdout
    return [Path(name) for name in listed.splitlines()]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
