"""Ctrl-C and SIGTERM: the first asks the run to stop where nothing is lost, the second ends it at once."""

import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Self

from study.errors import Stopped

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopping:
    """Listens while the block runs, in the main thread; elsewhere only `ask` is heard.

    Ray puts its own handlers in place when it starts: `listen` again afterwards.

    Attributes:
        asked: Whether to stop.
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
        """Takes the signals over, or back."""
        for number in self._before:
            signal.signal(number, self._hear)

    def ask(self) -> None:
        """Asks for a stop."""
        self.asked = True

    def check(self) -> None:
        """Raises `Stopped` where a stop was asked for; for what can be left at any time."""
        if self.asked:
            raise Stopped

    def _hear(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
