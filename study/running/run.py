"""`run`: executes a study from its state in the ledger to its end, with ledger, data, Ray and dispatcher.

The same call continues a study that was stopped. Ctrl-C stops it without loss of results.
"""

import contextlib
import dataclasses
import os
import pathlib
import time
from collections import Counter
from collections.abc import Sequence

from study.cases.prepare import Source, find
from study.design import Status
from study.errors import MachineTroubleError, Stopped, TuneCrashError
from study.events import OnEvent, Step, ignore
from study.ledger import Ledger, LedgerAwayError, Patience
from study.machines import storage_trouble
from study.planning.retries import retryable
from study.running.assembly import Pace, RunContext, carry_out
from study.running.held_lease import drivers_patience
from study.signals import Stopping
from study.study_file import Study
from study.tracking.thread import followed
from trainables.storage.object_store import is_url, storage_at


@dataclasses.dataclass(frozen=True, kw_only=True)
class Result:
    """How a run ended. Counts cover all runs of the study; they are 0 if the ledger was unavailable at the end.

    Attributes:
        study: The study's name.
        finished: Number of trials that reached the last mark.
        halved: Number of trials ended by successive halving.
        failed: Number of trials that failed.
        lost: Number of trials given up after repeated losses of their workers.
        open: Number of trials that have not ended.
        complete: Whether the study is complete.
        stopped: Whether the run stopped on request before the end.
        trouble: Why the run could not continue, in one line; None if it could.
        seconds: Wall time of this run in seconds.
        repeatable: Number of lost trials that a run with `retry` may run again.
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
    repeatable: int = 0


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
    notices: Sequence[str] = (),
    retry: Sequence[Status] = (),
    accept_changes: bool = False,
    on_event: OnEvent = ignore,
    pace: Pace | None = None,
) -> Result:
    """Run a study to its end, or continue it.

    Args:
        study: The study.
        home: Folder of everything without an address of its own: `ledger.db`, `cache/`, `trials/`.
        ledger_url: File or URL of the ledger; `ledger.db` in the home by default.
        storage: Folder of cache and checkpoints that all nodes can access, or an object store's URL; default: the home.
        mlflow_uri: MLflow's address, which a separate thread keeps up to date; None for no MLflow.
        ray_address: A running Ray cluster; by default Ray is started here and ends with the run.
        trainable: A `Segmenter` class; by default the one that trains networks.
        source: The study's data, such as the cases of a `Check`; by default they are found as its file describes.
        notices: Facts that a reader of a new study's report must know, written when the study is entered.
        retry: Statuses (`lost`, `failed`) whose trials run again, as far as no decision rests on their end.
        accept_changes: Whether a study goes on, with a notice, though code or versions changed since its first trials.
        on_event: Receives events in this thread, and messages about MLflow in another.
        pace: Intervals of reports, checkpoints and lease.

    Returns:
        How the run ended. A stop (Ctrl-C, SIGTERM, `request_stop`) and failing machines are results, not exceptions.

    Raises:
        InputError: The user's input is wrong; nothing was trained.
        FencedOut: Another driver took over the study; nothing was written after that.
        KeyboardInterrupt: Ctrl-C was pressed a second time.
    """
    began = time.monotonic()
    if source is None:
        source = find(study, on_event)
        study = source.study
    home = _absolute(home)
    address = ledger_url or str(home / "ledger.db")
    complete, trouble = False, None
    with Stopping() as stopping, Ledger.open(address) as ledger:
        context = RunContext(
            study,
            ledger,
            storage_at(_root(storage or home)),
            stopping,
            on_event,
            pace or Pace(),
            tuple(notices),
            tuple(retry),
            accept_changes,
        )
        ledger.patience = drivers_patience(context.pace.outage_seconds, on_event, stopping.check)
        with_models = trainable is None  # only the networks that segstudy trains can be loaded by MLflow
        follow = followed(
            address,
            study.name,
            mlflow_uri,
            home=home,
            storage=context.storage.root if with_models else None,
            say=lambda text: on_event(Step(text)),
            halted=lambda: stopping.asked,
        )
        try:
            with contextlib.ExitStack() as stack:
                try:
                    complete = carry_out(context, stack, source, ray_address, trainable, follow)
                except Stopped:
                    on_event(Step("stopping"))  # what the stack closes may take seconds
                    raise
        except Stopped:
            pass
        except (MachineTroubleError, LedgerAwayError, TuneCrashError) as error:
            trouble = str(error)
        except OSError as error:
            if (trouble := storage_trouble.trouble(error)) is None:
                raise
        counts = _counts(ledger, study)
    return Result(
        study=study.name,
        finished=counts["finished"],
        halved=counts["halved"],
        failed=counts["failed"],
        lost=counts["lost"],
        repeatable=counts["repeatable"],
        open=counts["open"],
        complete=complete,
        stopped=stopping.asked and not complete and trouble is None,
        trouble=trouble,
        seconds=time.monotonic() - began,
    )


def _counts(ledger: Ledger, study: Study) -> Counter[str]:
    """Return the number of trials by status, and that of lost ones that may run again as `repeatable`."""
    ledger.patience = Patience()
    counts: Counter[str] = Counter()
    with contextlib.suppress(LedgerAwayError):
        if ledger.has_study(study.name):
            known = ledger.known(ledger.study(study.name).id)
            counts.update(trial.status for trial in known)
            if counts["lost"]:
                counts["repeatable"] = len(retryable(study.design(), known, ["lost"]))
    return counts


def _root(place: str | os.PathLike[str]) -> str | os.PathLike[str]:
    return place if is_url(place) else _absolute(place)


def _absolute(path: str | os.PathLike[str]) -> pathlib.Path:
    """Return an absolute path, which means the same in every process."""
    return pathlib.Path(os.path.abspath(os.path.expanduser(path)))
