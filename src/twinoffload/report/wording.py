"""Numbers as text."""

import math
from collections.abc import Sequence
from typing import Any


def number(value: float | None, digits: int = 3) -> str:
    """Fixed digits with a true minus; a dash for what is not a number, ∞ for infinity."""
    if value is None or math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    text = f"{value:.{digits}f}"
    if float(text) == 0.0:
        text = text.lstrip("-")
    return text.replace("-", "−")


def decimals(size: float, digits: int = 3) -> int:
    """How many decimals show a number of this size with so many digits; two for 0, as for what is not finite."""
    return 2 if size == 0.0 or not math.isfinite(size) else max(0, digits - 1 - math.floor(math.log10(abs(size))))


def signed(value: float, digits: int = 3) -> str:
    """As `number`, with a plus."""
    text = number(value, digits)
    return f"+{text}" if value > 0 and text != number(0.0, digits) else text


def interval(value: dict[str, float], digits: int = 3) -> str:
    """`[low, high]` of a summary's cell."""
    return f"[{number(value['low'], digits)}, {number(value['high'], digits)}]"


def plain(value: Any) -> str:
    """A setting as one would write it."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.10g}"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, dict):
        return ", ".join(f"{key} {plain(item)}" for key, item in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        if value and all(isinstance(item, Sequence) and not isinstance(item, str) for item in value):
            return " ".join(f"({plain(item)})" for item in value)
        return ", ".join(plain(item) for item in value)
    return str(value)


def duration(seconds: float) -> str:
    """Seconds, or minutes and seconds."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"


def listed(words: Sequence[str]) -> str:
    """a, b and c."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
