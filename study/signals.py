"""Ctrl-C, SIGTERM and SIGHUP: the first requests a stop without loss of results, the second ends the run at once."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType, TracebackType
from typing import Any, Self

from study.errors import Stopped

AS_CTRL_C = (signal.SIGTERM, signal.SIGHUP)
SIGNALS = (signal.SIGINT, *AS_CTRL_C)


def as_ctrl_c() -> None:
    """Make SIGTERM and SIGHUP raise KeyboardInterrupt from here on, unless they are ignored (`nohup`)."""
    for number in AS_CTRL_C:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler)


class _InterruptedError(BaseException):
    """Ends what is not worth finishing. No `Exception`, so that code in between does not handle it."""


class Stopping:
    """Handles signals while the block runs in the main thread; in other threads only `ask` requests a stop.

    Ray installs its own handlers when it starts: call `listen` again afterwards.

    Attributes:
        asked: Whether a stop was requested.
    """

    def __init__(self) -> None:
        self.asked = False
        self._before: dict[signal.Signals, Any] = {}
        self._at_once = False

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            handlers = {number: signal.getsignal(number) for number in SIGNALS}
            self._before = {number: handler for number, handler in handlers.items() if handler != signal.SIG_IGN}
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
        """Request a stop, as a first signal does; from any thread."""
        if self.asked:
            return
        if self._at_once and self._before:
            main = threading.main_thread().ident
            assert main is not None
            signal.pthread_kill(main, signal.SIGINT)  # its handler interrupts what it does
        else:
            self.asked = True

    def check(self) -> None:
        """Raise `Stopped` if a stop was requested; for work that can be interrupted at any time."""
        if self.asked:
            raise Stopped

    @contextlib.contextmanager
    def interrupting(self) -> Iterator[None]:
        """Let a signal end the block at once, for work that is long and has nothing to save.

        Raises:
            Stopped: A stop was requested before or during the block.
        """
        self._at_once = True
        try:
            self.check()
            yield
        except _InterruptedError:
            raise Stopped from None
        finally:
            self._at_once = False
        self.check()

    def _hear(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
        if self._at_once:
            raise _InterruptedError
