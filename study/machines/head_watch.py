"""A cluster's head, watched: Ray ends a driver whose head was gone for a minute, at once and in words of its own.

What the user has to know is said before.
"""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator

from study.events import OnEvent, Step

EVERY = 3.0  # seconds between looks
SILENT = 12.0  # seconds after which it is said that nobody answers
KNOCK = 5.0  # seconds


def answers(address: str) -> bool:
    """Whether somebody listens at host:port."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=KNOCK).close()
    except OSError:
        return False
    return True


@contextlib.contextmanager
def head_watched(
    address: str,
    tell: OnEvent,
    *,
    every: float = EVERY,
    silent: float = SILENT,
    knock: Callable[[str], bool] = answers,
) -> Iterator[None]:
    """While the block runs, a thread looks whether the head answers, and says so when it does not.

    Args:
        address: Its host:port.
        tell: Hears it, in that thread.
        every: Seconds between looks.
        silent: Seconds without an answer until it is said.
        knock: Whether it answers.
    """
    over = threading.Event()
    thread = threading.Thread(target=_watch, args=(address, tell, every, silent, knock, over), daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _watch(
    address: str, tell: OnEvent, every: float, silent: float, knock: Callable[[str], bool], over: threading.Event
) -> None:
    heard, told = time.monotonic(), False
    while not over.wait(every):
        if knock(address):
            if told:
                tell(Step(f"the cluster's head at {address} answers again"))
            heard, told = time.monotonic(), False
        elif not told and time.monotonic() - heard >= silent:
            text = (
                f"the cluster's head at {address} does not answer; if it stays away, Ray ends this run in a minute. "
                "Nothing is lost: give the same command again when there is a cluster"
            )
            tell(Step(text))
            told = True
