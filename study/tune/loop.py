"""The loop over Ray Tune: starts Tuners until nothing is owed, a stop is requested or an error ends it."""

import contextlib
import pathlib
import re
from collections.abc import Callable
from functools import partial
from typing import Any

from ray import tune
from ray.tune.experiment import Trial
from sqlalchemy.exc import SQLAlchemyError

from study.dispatch.dispatcher import Dispatcher
from study.errors import LedgerAwayError, RunEndedError, TuneCrashError
from study.machines.ray_session import settings
from study.tune.idle_actors import kept_actors
from study.tune.lost_workers import lost_workers_told
from study.tune.recorder import Recorder
from study.tune.searcher import PlanSearcher

SEGMENTS = 500  # per Tuner, which keeps 40 KB for each
SEGMENTS_PER_SLOT = 20  # at least: the last segments of a Tuner leave other slots idle
NODE = "ray.io/node-id"
"""Label that Ray gives each node: its id."""
CRASHES = 3  # of Tune in a row, without any segment that ended in between


def drive(
    dispatcher: Dispatcher,
    trainable: type,
    *,
    scratch: pathlib.Path,
    closed: Callable[[], bool],
    each_step: Callable[[], None],
    on_crash: Callable[[str], None],
    segments: int | None = None,
) -> None:
    """Run segments until the dispatcher has none left or `closed` returns True.

    Args:
        dispatcher: Hands out segments and records results.
        trainable: A `Segmenter` class.
        scratch: Folder for Tune's own files.
        closed: Returns whether to hand out no more segments; running ones end by themselves.
        each_step: Called at least ten times a second; may raise.
        on_crash: Receives the reason each time Tune failed and is restarted.
        segments: Segments per Tuner; None chooses a number that bounds memory.

    Raises:
        MachineTroubleError: Segments of different trials were lost in a row.
        TuneCrashError: Tune failed several times without a segment that ended in between.
        Exception: Whatever `each_step`, the ledger or an event listener raised.
    """
    crashes = tuners = 0
    limit = segments or max(SEGMENTS, SEGMENTS_PER_SLOT * dispatcher.slots)
    with kept_actors(), lost_workers_told(), settings(TUNE_MAX_PENDING_TRIALS_PG=str(dispatcher.slots)):
        while not (dispatcher.nothing_left or closed()):
            tuners += 1
            ended = dispatcher.ended
            searcher = PlanSearcher(dispatcher, limit=limit, closed=closed)
            recorder = Recorder(dispatcher, each_step=partial(_each_step, searcher, each_step))
            try:
                _tuner(dispatcher, trainable, recorder, searcher, scratch, tuners).fit()
            except Exception as error:
                if (trouble := recorder.trouble or searcher.trouble) is not None:
                    raise trouble from None
                crashes = 1 if dispatcher.ended > ended else crashes + 1
                if crashes == CRASHES:
                    raise TuneCrashError(f"Ray Tune failed {crashes} times in a row: {_reason(error)}") from error
                on_crash(_reason(error))
            finally:
                with contextlib.suppress(RunEndedError, SQLAlchemyError, LedgerAwayError):
                    # attempts that stay open are closed by the next driver
                    dispatcher.abandon("Ray Tune ended")


def _reason(error: BaseException) -> str:
    """Return the first cause of an error of Tune in one line: of a traceback the last, else the first."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = [line.strip() for line in str(error).splitlines() if re.search(r"\w", line)] or ["without a text"]
    return f"{type(error).__name__}: {lines[-1 if 'Traceback' in str(error) else 0][:300]}"


def _each_step(searcher: PlanSearcher, each_step: Callable[[], None]) -> None:
    if searcher.trouble is not None:
        raise searcher.trouble
    each_step()


def _tuner(
    dispatcher: Dispatcher,
    trainable: type,
    recorder: Recorder,
    searcher: PlanSearcher,
    scratch: pathlib.Path,
    number: int,
) -> tune.Tuner:
    return tune.Tuner(
        tune.with_resources(trainable, _resources),
        tune_config=tune.TuneConfig(
            search_alg=searcher,
            num_samples=-1,
            reuse_actors=True,
            trial_name_creator=_short,
            trial_dirname_creator=_short,
        ),
        run_config=tune.RunConfig(
            name=f"t{number}",
            storage_path=str(scratch / "tune"),
            verbose=0,
            progress_reporter=tune.CLIReporter(),  # silent; Tune's own choice in a notebook clears the cell's output
            callbacks=[recorder],
            failure_config=tune.FailureConfig(max_failures=0),
            checkpoint_config=tune.CheckpointConfig(
                checkpoint_at_end=False
            ),  # segments write their own; `num_to_keep` stays unset
        ),
    )


def _resources(config: dict[str, Any]) -> tune.PlacementGroupFactory:
    """Return a segment's resources as a placement group; equal shapes share actors."""
    bundle = {"CPU": config["cpu"], "GPU": config["gpu"]}
    where = {"bundle_label_selector": [{NODE: f"in({','.join(config['nodes'])})"}]} if config["nodes"] else {}
    return tune.PlacementGroupFactory([{name: amount for name, amount in bundle.items() if amount}], **where)


def _short(trial: Trial) -> str:
    return str(trial.trial_id)
