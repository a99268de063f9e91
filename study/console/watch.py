"""Display of a run: the live table on a terminal, lines of text elsewhere. A run does not depend on it."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import Protocol

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from study.console.live import headline, picture
from study.console.notebook import NotebookLive
from study.console.progress import Progress
from study.console.run_lines import line, printer
from study.design import TrialKey
from study.events import Event, OnEvent, SegmentDone, SegmentLost, SegmentProgress, SegmentStarted, TrialEnded
from study.in_words import clock

EVERY = 0.5
"""Minimum seconds between two drawings of the table."""
PATIENT = 20.0
"""After a query of t seconds the next one waits PATIENT × t: the display takes at most 1/20 of the time."""

HEADLINE_EVERY = 60.0
"""Minimum seconds between two lines about the study's progress."""


class Drawn(Protocol):
    """A place where a picture is drawn again and again."""

    def update(self, renderable: RenderableType, *, refresh: bool) -> None:
        """Replace the picture."""


Look = Callable[[dict[TrialKey, int]], Progress | None]
"""Returns the study's progress, given the iterations of running segments; None before the ledger has the study."""


@contextlib.contextmanager
def watching(console: Console, look: Look) -> Iterator[OnEvent]:
    """Yield a listener whose events are displayed while the block runs. It may be called from any thread.

    Args:
        console: Receives the live table if it is a terminal or a notebook, otherwise a line for each event.
        look: Returns the study's progress. Called in a separate thread.
    """

    def say(text: str) -> None:
        console.print(Text(text), soft_wrap=not console.is_terminal)  # lines of a log are not wrapped

    live: contextlib.AbstractContextManager[Drawn]
    if console.is_jupyter and not console.quiet:
        live = contextlib.nullcontext(NotebookLive())
    elif console.is_terminal and not console.is_dumb_terminal:
        live = Live(console=console, auto_refresh=False, transient=False)
    else:
        yield _with_headlines(printer(say), look, say)
        return
    watcher = _Watcher(console, look, say)
    with live as drawn:
        thread = threading.Thread(target=watcher.run, args=(drawn,), name="live table", daemon=True)
        thread.start()
        try:
            yield watcher.hear
        finally:
            watcher.over.set()
            thread.join()
            watcher.show(drawn)


def _with_headlines(hear: OnEvent, look: Look, say: Callable[[str], None]) -> OnEvent:
    """Add a line about the study's progress after a mark was reached, at most every few minutes."""
    last = time.monotonic()

    def hear_and_tell(event: Event) -> None:
        nonlocal last
        hear(event)
        if isinstance(event, SegmentDone) and time.monotonic() - last >= HEADLINE_EVERY:
            last = time.monotonic()
            progress = look({})
            if progress is not None:
                say(f"{clock(time.time())} {headline(progress)}")

    return hear_and_tell


class _Watcher:
    """Holds the last events and progress, and the thread that draws them."""

    def __init__(self, console: Console, look: Look, say: Callable[[str], None]) -> None:
        self.over = threading.Event()
        self._console, self._look, self._say = console, look, say
        self._iterations: dict[TrialKey, int] = {}
        self._step = "starting"
        self._progress: Progress | None = None

    def hear(self, event: Event) -> None:
        """Record an event; failures stay on the screen above the table."""
        match event:
            case SegmentStarted(_, segment, resumed):
                self._iterations[segment.trial] = resumed
            case SegmentProgress(_, segment, iteration, _):
                self._iterations[segment.trial] = iteration
            case SegmentDone(_, segment) | SegmentLost(_, segment):
                self._iterations.pop(segment.trial, None)
        text = line(event)
        if isinstance(event, SegmentLost) or (isinstance(event, TrialEnded) and event.reason):
            self._say(text or "")
        elif text is not None:
            self._step = text

    def run(self, live: Drawn) -> None:
        """Draw until the run ends."""
        wait = 0.0
        while not self.over.wait(wait):
            began = time.monotonic()
            self.show(live)
            wait = max(EVERY, PATIENT * (time.monotonic() - began))

    def show(self, live: Drawn) -> None:
        """Query the progress and draw once."""
        self._progress = self._look(dict(self._iterations)) or self._progress
        step = Text(self._step, style="dim", overflow="ellipsis", no_wrap=True)
        parts: list[RenderableType] = [step]
        if self._progress is not None:
            parts.insert(0, picture(self._progress, width=self._console.width, height=self._console.height - 1))
        live.update(Group(*parts), refresh=True)
