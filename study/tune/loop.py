"""Driving Ray Tune: one Tuner after the other until nothing is owed, a stop was asked for, or trouble came."""

import contextlib
import pathlib
from collections.abc import Callable
from functools import partial
from typing import Any

from ray import tune
from ray.tune.experiment import Trial
from sqlalchemy.exc import SQLAlchemyError

from study.dispatch.dispatcher import Desk
from study.errors import FencedOut, LedgerAwayError, Stopped, TuneCrashError
from study.machines.ray_session import settings
from study.tune.idle_actors import kept_actors
from study.tune.lost_workers import lost_workers_told
from study.tune.recorder import Recorder
from study.tune.searcher import PlanSearcher

SEGMENTS = 500  # for one Tuner, which keeps 40 KB of each
A_SLOT = 20  # or so many for each slot: the last of them leave the others idle
CRASHES = 3  # of Tune in a row, without a segment ended in between


def drive(
    desk: Desk,
    trainable: type,
    *,
    scratch: pathlib.Path,
    closed: Callable[[], bool],
    each_step: Callable[[], None],
    on_crash: Callable[[str], None],
    segments: int | None = None,
) -> None:
    """Runs segments until the desk has none left, or `closed`.

    Args:
        desk: What to run, and who hears of it.
        trainable: A `Segmenter` class.
        scratch: A folder for Tune's own files.
        closed: Whether to hand out no more; what is under way ends by itself.
        each_step: Called ten times a second or more; may raise.
        on_crash: Hears why Tune failed when it is started again.
        segments: After how many a fresh Tuner is opened; None: as memory asks.

    Raises:
        MachineTroubleError: Segments of different trials are lost one after the other.
        TuneCrashError: Tune failed several times without one segment ended in between.
        Exception: What `each_step`, the ledger or an event's listener raised.
    """
    crashes = tuners = 0
    limit = segments or max(SEGMENTS, A_SLOT * desk.slots)
    with kept_actors(), lost_workers_told(), settings(TUNE_MAX_PENDING_TRIALS_PG=str(desk.slots)):
        while not (desk.nothing_left or closed()):
            tuners += 1
            ended = desk.ended
            searcher = PlanSearcher(desk, limit=limit, closed=closed)
            recorder = Recorder(desk, each_step=partial(_each_step, searcher, each_step))
            try:
                _tuner(desk, trainable, recorder, searcher, scratch, tuners).fit()
            except Exception as error:
                if (trouble := recorder.trouble or searcher.trouble) is not None:
                    raise trouble from None
                crashes = 1 if desk.ended > ended else crashes + 1
                if crashes == CRASHES:
                    raise TuneCrashError(f"Ray Tune failed {crashes} times: {error}") from error
                on_crash(f"{type(error).__name__}: {error}")
            finally:
                with contextlib.suppress(FencedOut, SQLAlchemyError, LedgerAwayError, Stopped):
                    # what this leaves open the next driver closes
                    desk.abandon("Ray Tune ended")


def _each_step(searcher: PlanSearcher, each_step: Callable[[], None]) -> None:
    if searcher.trouble is not None:
        raise searcher.trouble
    each_step()


def _tuner(
    desk: Desk, trainable: type, recorder: Recorder, searcher: PlanSearcher, scratch: pathlib.Path, number: int
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
            callbacks=[recorder],
            failure_config=tune.FailureConfig(max_failures=0),
            checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),  # ours; and `num_to_keep` stays unset
        ),
    )


def _resources(config: dict[str, Any]) -> tune.PlacementGroupFactory:
    """A segment's shape for Ray; equal shapes share actors."""
    bundle = {"CPU": config["cpu"], "GPU": config["gpu"]}
    return tune.PlacementGroupFactory([{name: amount for name, amount in bundle.items() if amount}])


def _short(trial: Trial) -> str:
    return str(trial.trial_id)
