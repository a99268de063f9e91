"""The MLflow view in a thread of its own: it follows the ledger, waits when MLflow is away, never delays the study."""

import contextlib
import logging
import math
import pathlib
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

from study.design import Design
from study.ledger import Ledger, LedgerAwayError, Patience
from study.tracking.database import configure, prepare, public
from study.tracking.experiment import View
from study.tracking.models import Models, StoppedError
from study.tracking.sync import Follower

_log = logging.getLogger("segstudy.mlflow")
_LONGEST_PAUSE = 60.0
_LAST_TRIES = 2
_STEPS = 10
"""Of the time that a step may take, what the whole rest may take."""


class Tracker:
    """Keeps MLflow like the ledger. Whatever happens to MLflow, its study goes on; `say` hears of it once.

        tracker = Tracker("runs/ledger.db", "kits19-losses", uri=default_uri(home), …)
        tracker.start()
        …
        tracker.catch_up(seconds=60)

    Args:
        ledger: Path or URL of the ledger; a connection of its own is opened.
        name: The study's name; it is in the ledger already.
        uri: MLflow's tracking URI: `sqlite:///…` or `http://…`.
        artifact_root: Where models go, for a database; None for a server, which knows by itself.
        storage: Root of the checkpoints; None logs no models.
        design: The study's; None reads it from the recorded study file.
        say: Takes lines for the user; called from the thread.
        poll: Seconds between looks at the ledger.
        pause: Seconds before the first repetition after a failure; each further one waits twice as long, up to 60 s.
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
        self._with_models = True
        self._failures = 0  # in a row
        self._moved = -math.inf  # when the last step was done
        self._thread = threading.Thread(target=self._run, name="mlflow view", daemon=True)

    def start(self) -> Self:
        """Begins to follow."""
        self._thread.start()
        return self

    def notify(self) -> None:
        """There is something new: look now."""
        self._wake.set()

    def catch_up(self, seconds: float, *, models: bool = True) -> bool:
        """Sends what is left and ends; whether MLflow has all that the ledger has.

        It goes on as long as it gets on, within ten times `seconds`. With MLflow away it does not wait: what is missing
        is sent when the study is run again.

        Args:
            seconds: How long it may take to get on by one step: some trials, or one model.
            models: Whether the final models that are not there yet are asked for too (1 to 3 s each).
        """
        self._with_models = models
        self._finish.set()
        self._wake.set()
        begun = time.monotonic()
        while self._thread.is_alive():
            end = min(max(begun, self._moved) + seconds, begun + _STEPS * seconds)
            if end <= time.monotonic():
                break
            self._thread.join(end - time.monotonic())
        self._stop.set()
        self._thread.join(1.0)  # a request may be under way; it is a daemon, so nothing hangs on it
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
                finishing = self._finish.is_set()  # asked first: what was recorded before is seen by the step below
                try:
                    follower = follower or self._follower(stack, models)
                    busy = follower.step(finishing and self._with_models)
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

    def _follower(self, stack: contextlib.ExitStack, models: Models | None) -> Follower:
        prepare(self._uri)
        if self._connection is None:
            self._connection = stack.enter_context(Ledger.open(self._ledger))
        self._connection.patience = Patience()  # it may have given up in an outage that is over
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
        if isinstance(error, LedgerAwayError):
            pass  # it is not MLflow that is away, and the study says so itself
        elif self._failures >= 2 and not self._told:  # one alone passes: a locked file, an experiment deleted just now
            self._told = True
            self._say(
                f"MLflow at {public(self._uri)} takes no results ({_short(error)}). The study goes on; they are sent "
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


def sync(ledger: str | Path, name: str, *, uri: str, seconds: float = 600.0, **options: object) -> bool:
    """Sends what MLflow lacks of a study, now; whether it has all then. Options as `Tracker`'s."""
    return Tracker(ledger, name, uri=uri, **options).start().catch_up(seconds)  # type: ignore[arg-type]


def _short(error: Exception) -> str:
    return f"{type(error).__name__}: {(str(error).splitlines() or [''])[0][:200]}"


CATCH_UP = 60.0  # seconds that MLflow has for each step of the rest, at the end


@contextlib.contextmanager
def followed(
    ledger: str, name: str, uri: str | None, *, home: pathlib.Path, storage: str | None, say: Callable[[str], None]
) -> Iterator[None]:
    """Sends what enters the ledger, in a thread of its own.

    Args:
        ledger: The ledger's file or URL.
        name: The study's name.
        uri: What MLflow takes as tracking URI; None: nothing is sent.
        home: Folder for models, where MLflow has no server that keeps them.
        storage: Root of the checkpoints that models are made of; None: no models.
        say: Takes what the user should know.
    """
    if uri is None:
        yield
        return
    from study.tracking.database import artifact_root, is_server
    from study.tracking.thread import Tracker

    root = None if is_server(uri) else artifact_root(home)
    tracker = Tracker(ledger, name, uri=uri, artifact_root=root, storage=storage, say=say)
    tracker.start()
    try:
        yield
    finally:
        tracker.catch_up(CATCH_UP)
