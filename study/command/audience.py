"""Output whose reader may go away (`| head`, a `tee` that dies, a closed terminal), or whose disk may be full.

A run goes on without its reader. Every other command ends at once and silently, as programs do on SIGPIPE. A run whose
output goes to a full disk goes on too, and says the rest when there is room again; other commands end with one line.
"""

import contextlib
import errno
import os
import sys
from collections.abc import Iterator
from typing import Any

from study.errors import unwritable

READER_GONE = 141
"""Exit code of a command other than `run` whose reader went away, as a shell reports SIGPIPE."""
_GONE = (errno.EPIPE, errno.EIO, errno.ENXIO)


class ReaderGoneError(Exception):
    """The reader of the output has gone."""


class Output:
    """A text stream that discards everything once its reader has gone, and what a full disk does not take.

    Args:
        stream: The stream, with a file descriptor.
        goes_on: Whether to discard further output; otherwise writing raises `ReaderGoneError`, or `InputError` for a
            full disk.
    """

    def __init__(self, stream: Any, *, goes_on: bool) -> None:
        self._stream, self._goes_on = stream, goes_on

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write text; return its length."""
        if text != "":  # click writes an empty text to find out what the stream takes, and ignores its error
            with self._reader_may_go():
                self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush the stream."""
        with self._reader_may_go():
            self._stream.flush()

    def end(self) -> None:
        """Flush the stream for the last time; what a full disk does not take is discarded."""
        self.flush()
        try:
            self._stream.flush()
        except OSError:
            self._silence()

    def _silence(self) -> None:
        silent = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silent, self._stream.fileno())  # what is buffered goes there when the process ends
        os.close(silent)

    @contextlib.contextmanager
    def _reader_may_go(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            gone = error.errno in _GONE
            if not gone and self._goes_on:
                return
            self._silence()
            if not gone:
                raise unwritable("the output", error, "Send it to another file.") from None
            if not self._goes_on:
                raise ReaderGoneError from None


@contextlib.contextmanager
def audience(*, goes_on: bool) -> Iterator[None]:
    """Let the readers of stdout and stderr go away while the block runs.

    Args:
        goes_on: Whether the command goes on without them.

    Raises:
        ReaderGoneError: The reader of stdout has gone.
        InputError: The disk that stdout goes to is full.
    """
    before = sys.stdout, sys.stderr
    said, complained = Output(before[0], goes_on=goes_on), Output(before[1], goes_on=True)
    sys.stdout, sys.stderr = said, complained
    try:
        yield
        said.end()
    finally:
        complained.end()
        sys.stdout, sys.stderr = before
