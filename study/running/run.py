"""Runs a study: ledger, data, Ray and desk put together, from wherever the study stands to its end.

Given the same command again it goes on. Ctrl-C stops where nothing is lost.
"""

import contextlib
import dataclasses
import os
import pathlib
import time
from collections import Counter

from study.cases.fetch import fetch
from study.cases.prepare import Source, find
from study.cases.roles import resolved
from study.errors import MachineTroubleError, Stopped
from study.events import OnEvent, Step, ignore
from study.ledger import Ledger, LedgerAwayError, Patience
from study.machines import storage_trouble
from study.running.assembly import Pace, _Parts, _run
from study.running.held_lease import drivers_patience
from study.signals import Stopping
from study.study_file import Study
from study.tracking.thread import followed
from trainables.storage.object_store import is_url, storage_at


@dataclasses.dataclass(frozen=True, kw_only=True)
class Result:
    """How a run ended. Counts are of all runs of the study, and 0 where the ledger was away at the end.

    Attributes:
        study: The study's name.
        finished: Trials that reached the last mark.
        halved: Trials that others of their cohort beat.
        failed: Trials that failed.
        lost: Trials that machines lost again and again.
        open: Trials of the ledger that have not ended.
        complete: Whether nothing is left to do.
        stopped: Whether it was asked to stop, and did so before the end.
        trouble: Why it could not go on, in one line; None where it could.
        seconds: Wall time of this run.
    """

    study: str
    finished: int
    halved: int
    failed: int
    lost: int
    open: int
    complete: bool
    stopped: bool
    trouble: str | None
    seconds: float


def run(
    study: Study,
    *,
    home: str | os.PathLike[str],
    ledger_url: str | None = None,
    storage: str | os.PathLike[str] | None = None,
    mlflow_uri: str | None = None,
    ray_address: str | None = None,
    trainable: type | None = None,
    source: Source | None = None,
    on_event: OnEvent = ignore,
    pace: Pace | None = None,
) -> Result:
    """Runs a study to its end, or goes on with it.

    Args:
        study: What to run.
        home: Folder of all that has no address of its own: `ledger.db`, `cache/`, `trials/`.
        ledger_url: The ledger's file or URL; `ledger.db` in the home by default.
        storage: Folder of cache and checkpoints, which all nodes see, or an object store's URL; the home by default.
        mlflow_uri: An MLflow that follows the ledger, in a thread of its own; None: none.
        ray_address: A running Ray cluster; by default one is started here and ends with the run.
        trainable: A `Segmenter` class; by default the one that trains networks.
        source: The study's data; by default found where its file says.
        on_event: Hears what happens, in this thread; what MLflow has to say, in another.
        pace: How often things are done.

    Returns:
        How it ended. A stop (Ctrl-C, SIGTERM, `request_stop`) and trouble with machines are results too.

    Raises:
        InputError: Something the user gave is wrong; nothing was trained.
        FencedOut: Another driver took the study over; nothing was written after that.
        KeyboardInterrupt: A second Ctrl-C.
    """
    began = time.monotonic()
    fetch(study, on_event)
    study = resolved(study)
    source = find(study) if source is None else source
    home = _absolute(home)
    address = ledger_url or str(home / "ledger.db")
    complete, trouble = False, None
    with Stopping() as stopping, Ledger.open(address) as ledger:
        parts = _Parts(study, ledger, storage_at(_root(storage or home)), stopping, on_event, pace or Pace())
        ledger.patience = drivers_patience(parts.pace.outage_seconds, on_event, stopping.check)
        with_models = trainable is None  # only the networks that segstudy trains can be loaded by MLflow
        follow = followed(
            address,
            study.name,
            mlflow_uri,
            home=home,
            storage=parts.storage.root if with_models else None,
            say=lambda text: on_event(Step(text)),
        )
        try:
            with contextlib.ExitStack() as stack:
                complete = _run(parts, stack, source, ray_address, trainable, follow)
        except Stopped:
            pass
        except (MachineTroubleError, LedgerAwayError) as error:
            trouble = str(error)
        except OSError as error:
            if (trouble := storage_trouble.trouble(error)) is None:
                raise
        counts = _counts(ledger, study.name)
    return Result(
        study=study.name,
        finished=counts["finished"],
        halved=counts["halved"],
        failed=counts["failed"],
        lost=counts["lost"],
        open=counts["open"],
        complete=complete,
        stopped=stopping.asked and not complete and trouble is None,
        trouble=trouble,
        seconds=time.monotonic() - began,
    )


def _counts(ledger: Ledger, name: str) -> Counter[str]:
    ledger.patience = Patience()
    with contextlib.suppress(LedgerAwayError):
        if ledger.has_study(name):
            return Counter(trial.status for trial in ledger.known(ledger.study(name).id))
    return Counter()


def _root(place: str | os.PathLike[str]) -> str | os.PathLike[str]:
    return place if is_url(place) else _absolute(place)


def _absolute(path: str | os.PathLike[str]) -> pathlib.Path:
    """A path that means the same in every process."""
    return pathlib.Path(os.path.abspath(os.path.expanduser(path)))
