"""Head watch: warns when the head of Ray stops answering. After a while Ray ends the driver without a message."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator

from study.errors import MachineTroubleError
from study.events import OnEvent, Step
from study.machines.nodes import refuse_dead_ray

EVERY = 3.0  # seconds between two connections
OWN_EVERY = 0.5  # seconds between two looks at processes
SILENT = 12.0  # seconds without an answer until the warning
CONNECT_SECONDS = 5.0


def answers(address: str) -> bool:
    """Whether a server listens at host:port."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECT_SECONDS).close()
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
    """Watch the head in a thread while the block runs, and report when it does not answer.

    Args:
        address: The head's host:port.
        tell: Receives events, in that thread.
        every: Seconds between two connections.
        silent: Seconds without an answer until the warning.
        knock: Returns whether the head answers.
    """
    over = threading.Event()
    thread = threading.Thread(target=_watch, args=(address, tell, every, silent, knock, over), daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@contextlib.contextmanager
def own_ray_watched(tell: OnEvent, *, every: float = OWN_EVERY) -> Iterator[None]:
    """Watch the processes of the embedded Ray in a thread while the block runs, and report when one has ended.

    The driver itself may be blocked by then in a question to Ray, until Ray ends it.

    Args:
        tell: Receives an event, in that thread, once.
        every: Seconds between two looks.
    """
    over = threading.Event()
    thread = threading.Thread(target=_watch_own, args=(tell, every, over), daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _watch_own(tell: OnEvent, every: float, over: threading.Event) -> None:
    while not over.wait(every):
        try:
            refuse_dead_ray()
        except MachineTroubleError as error:
            tell(Step(str(error)))
            return


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
