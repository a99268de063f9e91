"""A live picture in a notebook cell, drawn anew in place. Rich's own needs ipywidgets, which few notebooks have."""

import io

from rich.console import Console, RenderableType

WIDTH = 110
STYLE = "font-family:monospace;white-space:pre;line-height:1.2;overflow-x:auto"


class NotebookLive:
    """The output of one cell that is replaced with each update. It may be updated from any thread."""

    def __init__(self) -> None:
        from IPython.display import HTML, display  # a notebook has it

        self._html = HTML
        self._handle = display(HTML(""), display_id=True)

    def update(self, renderable: RenderableType, *, refresh: bool = True) -> None:
        """Replace the cell's output.

        Args:
            renderable: The new picture.
            refresh: Whether to draw it now; without, nothing happens, as a notebook has no refresh rate.
        """
        if refresh:
            self._handle.update(self._html(as_html(renderable)))


def as_html(renderable: RenderableType) -> str:
    """Return a picture as HTML in which every text is escaped."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), highlight=False, force_jupyter=False)
    console.print(renderable)
    return console.export_html(inline_styles=True, code_format=f'<div style="{STYLE}">{{code}}</div>')
