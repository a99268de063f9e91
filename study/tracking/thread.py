"""The MLflow view in a separate thread: follows the ledger, retries after failures, never delays the study."""

import contextlib
import logging
import math
import pathlib
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

from study.addresses import hidden_in
from study.design import Design
from study.errors import LedgerGoneError
from study.ledger import Ledger, LedgerAwayError, Patience
from study.tracking import moved_home
from study.tracking.database import artifact_root, configure, default_uri, is_server, prepare, public
from study.tracking.experiment import View
from study.tracking.models import Models, StoppedError
from study.tracking.sync import Follower

_log = logging.getLogger("segstudy.mlflow")
CATCH_UP = 60.0  # seconds for each remaining step at the end of a run
_LONGEST_PAUSE = 60.0
_LAST_TRIES = 2
_STEPS = 10
"""Time limit of everything left at the end, as a multiple of the limit of one step."""


class Tracker:
    """Keeps MLflow consistent with the ledger. The study continues whatever happens to MLflow; `say` reports it once.

        tracker = Tracker("runs/ledger.db", "kits19-losses", uri=default_uri(home), …)
        tracker.start()
        …
        tracker.catch_up(seconds=60)

    Args:
        ledger: Path or URL of the ledger, to which a separate connection is opened.
        name: The name of a study in the ledger.
        uri: MLflow's tracking URI: `sqlite:///…` or `http://…`.
        artifact_root: Folder of models for a database; None for a server, which has its own.
        storage: Root of the checkpoints; None logs no models.
        design: The study's; None reads it from the recorded study file.
        say: Receives lines for the user; called from the thread.
        poll: Seconds between two queries of the ledger.
        pause: Seconds before the first retry after a failure; the wait doubles up to 60 s.
    """

    def __init__(
        self,
        ledger: str | Path,
        name: str,
        *,
        uri: str,
        artifact_root: str | None = None,
        storage: str | Path | None = None,
        design: Design | None = None,
        say: Callable[[str], None] = print,
        poll: float = 2.0,
        pause: float = 1.0,
    ) -> None:
        self._ledger, self._name, self._uri, self._artifact_root = ledger, name, uri, artifact_root
        self._storage, self._design, self._say = storage, design, say
        self._poll, self._pause = poll, pause
        self._wake, self._finish, self._stop = threading.Event(), threading.Event(), threading.Event()
        self._connection: Ledger | None = None
        self._caught_up = self._told = False
        self._with_models, self._halted = True, False
        self._failures = 0  # in a row
        self._moved = -math.inf  # time of the last completed step
        self._thread = threading.Thread(target=self._run, name="mlflow view", daemon=True)

    def start(self) -> Self:
        """Start the thread."""
        self._thread.start()
        return self

    def notify(self) -> None:
        """Query the ledger now."""
        self._wake.set()

    def catch_up(self, seconds: float, *, models: bool = True, halted: bool = False) -> bool:
        """Send the rest and end; return whether MLflow has everything that the ledger has.

        It continues while it makes progress, within ten times `seconds`. It does not wait for an unavailable
        MLflow: the rest is sent when the study is run again.

        Args:
            seconds: Time limit of one step: some trials, or one model.
            models: Whether to log missing final models too (1 to 3 s each).
            halted: Whether the study was stopped: what is open is shown as killed until it goes on.
        """
        self._with_models, self._halted = models, halted
        self._finish.set()
        self._wake.set()
        begun = time.monotonic()
        while self._thread.is_alive():
            end = min(max(begun, self._moved) + seconds, begun + _STEPS * seconds)
            if end <= time.monotonic():
                break
            self._thread.join(end - time.monotonic())
        self._stop.set()
        self._thread.join(1.0)  # a request may be pending; the thread is a daemon, so the process can end
        if not self._caught_up:
            self._say(
                f"MLflow at {public(self._uri)} lacks the last of the study; the ledger has all. "
                "`segstudy run` with the same file sends the rest."
            )
        return self._caught_up

    def _run(self) -> None:
        configure()
        with contextlib.ExitStack() as stack:
            models = None
            if self._storage is not None:
                models = Models(str(self._storage), self._stop.is_set)
                stack.callback(models.rest)
            follower: Follower | None = None
            while not self._stop.is_set():
                finishing = self._finish.is_set()  # read first: the step below sees what was recorded before
                try:
                    follower = follower or self._follower(stack, models)
                    busy = self._step(follower, finishing)
                except StoppedError:
                    return
                except Exception as error:
                    follower = None
                    self._failed(error)
                    if finishing and self._failures >= _LAST_TRIES:
                        return
                    continue
                self._worked()
                self._moved = time.monotonic()
                if busy:
                    continue
                if finishing:
                    self._caught_up = not self._stop.is_set()
                    return
                self._wake.wait(self._poll)
                self._wake.clear()

    def _step(self, follower: Follower, finishing: bool) -> bool:
        """Send the next part; return whether there may be more."""
        busy = follower.step(finishing and self._with_models)
        if finishing and self._halted and not busy and not self._stop.is_set():
            follower.halt()
        return busy

    def _follower(self, stack: contextlib.ExitStack, models: Models | None) -> Follower:
        prepare(self._uri)
        if self._connection is None:
            self._connection = stack.enter_context(Ledger.open(self._ledger))
        self._connection.patience = Patience()  # it may have given up in an outage that has ended
        return Follower(
            self._connection,
            self._name,
            View(self._uri, self._artifact_root, self._say),
            address=public(self._uri),
            design=self._design,
            models=models,
            say=self._say,
            stopped=self._stop.is_set,
        )

    def _failed(self, error: Exception) -> None:
        _log.debug("MLflow view", exc_info=error)
        self._failures += 1
        if isinstance(error, LedgerAwayError | LedgerGoneError):
            pass  # not MLflow is unavailable but the ledger, which the study reports itself
        elif (
            self._failures >= 2 and not self._told
        ):  # a single failure may pass: a locked file, an experiment deleted just now
            self._told = True
            why = hidden_in(_short(error), self._uri)
            self._say(
                f"MLflow at {public(self._uri)} takes no results ({why}). The study goes on; they are sent "
                "when it does."
            )
        if self._finish.is_set():
            self._stop.wait(self._pause)
        else:
            self._finish.wait(min(self._pause * 2.0 ** (self._failures - 1), _LONGEST_PAUSE))

    def _worked(self) -> None:
        self._failures = 0
        if self._told:
            self._told = False
            self._say(f"MLflow at {public(self._uri)} takes results again.")


def _short(error: Exception) -> str:
    return f"{type(error).__name__}: {(str(error).splitlines() or [''])[0][:200]}"


@contextlib.contextmanager
def followed(
    ledger: str,
    name: str,
    uri: str | None,
    *,
    home: pathlib.Path,
    storage: str | None,
    say: Callable[[str], None],
    halted: Callable[[], bool] = lambda: False,
) -> Iterator[None]:
    """Send what enters the ledger to MLflow, in a separate thread, while the block runs.

    Args:
        ledger: The ledger's file or URL.
        name: The study's name.
        uri: MLflow's tracking URI; None sends nothing.
        home: Folder for models, if no MLflow server keeps them.
        storage: Root of the checkpoints from which models are exported; None for no models.
        say: Receives messages for the user.
        halted: Returns, at the end, whether the study was stopped.
    """
    if uri is None:
        yield
        return
    root = None if is_server(uri) else artifact_root(home)
    if uri == default_uri(home):
        for old in moved_home.follow(home):
            say(f"MLflow looked for models in {old}; from now on in {root}")
    tracker = Tracker(ledger, name, uri=uri, artifact_root=root, storage=storage, say=say)
    tracker.start()
    try:
        yield
    finally:
        tracker.catch_up(CATCH_UP, halted=halted())
