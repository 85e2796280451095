"""A line of prose for a page and for Markdown: `code`, and [words](docs/page.md#place) or [words](#place)."""

import re
from collections.abc import Callable
from html import escape

_LINK = re.compile(r"\[([^\]]+)\]\((docs/)?([^)\s]+)\)")
_CODE = re.compile(r"(`[^`]+`)")


def to_html(text: str, docs: str | None) -> str:
    """As HTML, everything else escaped.

    Args:
        text: prose.
        docs: where the documentation's pages are, seen from the page; None: nowhere, so they are named, not linked.
    """
    plain = _CODE.sub(lambda match: f"<code>{match[0][1:-1]}</code>", escape(text, quote=False))
    return _linked(plain, docs, lambda words, target: f'<a href="{target}">{words}</a>')


def to_markdown(text: str, docs: str | None) -> str:
    """As Markdown that may stand in a table's cell; `docs` as in `to_html`."""
    parts = _CODE.split(" ".join(text.split()))
    parts[::2] = [re.sub(r"([*<])", r"\\\1", part) for part in parts[::2]]
    plain = "".join(parts).replace("|", r"\|")
    return _linked(plain, docs, lambda words, target: f"[{words}]({target})")


def _linked(text: str, docs: str | None, link: Callable[[str, str], str]) -> str:
    def linked(match: re.Match[str]) -> str:
        words, page, target = match.groups()
        if not page:
            return link(words, target)
        if docs is None:
            return f"{words} (docs/{target.partition('#')[0]})"
        return link(words, target if docs == "." else f"{docs}/{target}")

    return _LINK.sub(linked, text)


def slug(heading: str) -> str:
    """A heading's anchor, by GitHub's rule."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
