"""Output whose reader may go away: `| head`, a `tee` that dies, a terminal that is closed.

A run goes on without its reader. Every other command ends at once and silently, as programs do on SIGPIPE.
"""

import contextlib
import errno
import os
import sys
from collections.abc import Iterator
from typing import Any

READER_GONE = 141
"""Exit code of a command other than `run` whose reader went away, as a shell reports SIGPIPE."""
_GONE = (errno.EPIPE, errno.EIO, errno.ENXIO)


class ReaderGoneError(Exception):
    """The reader of the output has gone."""


class Output:
    """A text stream that discards everything once its reader has gone.

    Args:
        stream: The stream, with a file descriptor.
        goes_on: Whether to discard further output; otherwise writing raises `ReaderGoneError`.
    """

    def __init__(self, stream: Any, *, goes_on: bool) -> None:
        self._stream, self._goes_on = stream, goes_on

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write text; return its length."""
        with self._reader_may_go():
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush the stream."""
        with self._reader_may_go():
            self._stream.flush()

    @contextlib.contextmanager
    def _reader_may_go(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno not in _GONE:
                raise
            silent = os.open(os.devnull, os.O_WRONLY)
            os.dup2(silent, self._stream.fileno())  # what is buffered goes there when the process ends
            os.close(silent)
            if not self._goes_on:
                raise ReaderGoneError from None


@contextlib.contextmanager
def audience(*, goes_on: bool) -> Iterator[None]:
    """Let the readers of stdout and stderr go away while the block runs.

    Args:
        goes_on: Whether the command goes on without them.
    """
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = Output(before[0], goes_on=goes_on), Output(before[1], goes_on=True)  # type: ignore[assignment]
    try:
        yield
        sys.stdout.flush()
    finally:
        sys.stdout, sys.stderr = before
