"""Every claim of the paper with a verdict, from a study's tables and nothing else.

    judge(read_tables("results/paper"))

`registry` lists the claims; `part` says how tests become verdicts, `holm` how many of them are corrected.
"""

from twinoffload.experiments.claims.registry import CLAIMS, READINGS, Claim, judge
from twinoffload.experiments.claims.study_folder import Tables, read_tables

__all__ = ["CLAIMS", "READINGS", "Claim", "Tables", "judge", "read_tables"]
