"""The commands that compute what verdicts read; `--resume` adds to a study, or begins one."""

import re
from pathlib import Path

from twinoffload.experiments.paper_figures import FIGURES
from twinoffload.experiments.study import PARTS

_AGAIN = "twinoffload reproduce {} --resume"
FIGURE = {name: _AGAIN.format(name) for name in FIGURES}
ALL, READINGS, TIMING, PROPOSITIONS, TWIN = (
    _AGAIN.format(name) for name in ("all", "readings", "timing", "propositions", "twin")
)
CLAIMS = "twinoffload claims"
DEFAULT = Path("results/paper")  # of both commands
_REPRODUCE = re.compile(_AGAIN.format("[a-z0-9,]+") + "(?! --out)")
_CLAIMS, _CLAIMS_ALONE = re.compile(rf"{CLAIMS}(?=[`<\s])"), re.compile(rf"(?<=[`>]){CLAIMS}(?=[`<])")


def of_study(text: str, folder: Path) -> str:
    """A page whose commands name its study's folder where it is not the default one.

    A study without its parts is a copy: `reproduce` cannot go on in it, and makes the same anew in its default folder.
    A page is read elsewhere, too, so a place outside the working folder is not named.
    """
    living = (folder / PARTS).is_dir()
    if folder.is_absolute() and folder.is_relative_to(Path.cwd()):
        folder = folder.relative_to(Path.cwd())
    if folder == DEFAULT or folder.is_absolute():
        return text
    if not living:
        return _CLAIMS_ALONE.sub(f"{CLAIMS} {folder}", text)
    text = _REPRODUCE.sub(lambda found: f"{found[0]} --out {folder}", text)
    return _CLAIMS.sub(f"{CLAIMS} {folder}", text)
