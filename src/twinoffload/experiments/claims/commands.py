"""The commands that compute what verdicts read; `--resume` adds to a study, or begins one."""

from twinoffload.experiments.paper_figures import FIGURES

_AGAIN = "twinoffload reproduce {} --resume"
FIGURE = {name: _AGAIN.format(name) for name in FIGURES}
ALL, READINGS, TIMING, PROPOSITIONS, TWIN = (
    _AGAIN.format(name) for name in ("all", "readings", "timing", "propositions", "twin")
)
CLAIMS = "twinoffload claims"
