"""Ctrl-C and SIGTERM: the first requests a stop without loss of results, the second ends the run at once."""

import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Self

from study.errors import Stopped

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopping:
    """Handles signals while the block runs in the main thread; in other threads only `ask` requests a stop.

    Ray installs its own handlers when it starts: call `listen` again afterwards.

    Attributes:
        asked: Whether a stop was requested.
    """

    def __init__(self) -> None:
        self.asked = False
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.getsignal(number) for number in SIGNALS}
        self.listen()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)

    def listen(self) -> None:
        """Install the handlers, or install them again."""
        for number in self._before:
            signal.signal(number, self._hear)

    def ask(self) -> None:
        """Request a stop."""
        self.asked = True

    def check(self) -> None:
        """Raise `Stopped` if a stop was requested; for work that can be interrupted at any time."""
        if self.asked:
            raise Stopped

    def _hear(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
