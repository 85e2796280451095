"""Under which id a run is known elsewhere, kept in its folder so that a resumed one goes on there."""

import json
from pathlib import Path

from twinoffload.files import write_text

FILE = "trackers.json"


def stored_id(folder: Path, tracker: str) -> str | None:
    """The id, if the run has been there before."""
    try:
        found = json.loads((folder / FILE).read_text(encoding="utf-8")).get(tracker)
    except (OSError, ValueError, AttributeError):
        return None
    return found if isinstance(found, str) else None


def store_id(folder: Path, tracker: str, value: str) -> None:
    """Remember the id."""
    try:
        known = json.loads((folder / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        known = {}
    write_text(folder / FILE, json.dumps(known | {tracker: value}, indent=2) + "\n")
