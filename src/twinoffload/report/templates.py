"""The report's templates, HTML or Markdown."""

from jinja2 import Environment, PackageLoader, StrictUndefined

from twinoffload.report.wording import interval, number


def templates(*, html: bool = True) -> Environment:
    """Templates beside this file; a name that is not given is an error, and in HTML all text is escaped."""
    environment = Environment(
        loader=PackageLoader("twinoffload", "report"),
        autoescape=html,  # noqa: S701 (Markdown has no tags to escape)
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=not html,
    )
    environment.filters |= {"number": number, "interval": interval}
    return environment
