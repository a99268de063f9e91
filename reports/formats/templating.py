"""The template engine. Jinja escapes HTML; for LaTeX `finalize` escapes every value."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import jinja2

_LATEX: dict[str, Any] = {
    "block_start_string": "<%",
    "block_end_string": "%>",
    "variable_start_string": "<<",
    "variable_end_string": ">>",
    "comment_start_string": "<#",
    "comment_end_string": "#>",
}


def environment(
    language: Literal["html", "latex"], finalize: Callable[[Any], Any] | None = None
) -> "jinja2.Environment":
    """Returns Jinja's environment for one language; an undefined name is an error."""
    import jinja2

    return jinja2.Environment(
        loader=jinja2.PackageLoader("reports.formats", "templates"),
        autoescape=language == "html",
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=finalize,
        **_LATEX if language == "latex" else {},
    )
