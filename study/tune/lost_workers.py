"""Lost workers: every way in which Ray loses a worker reaches Tune as an actor that died.

When a node runs out of memory, Ray kills a worker and raises an error that Tune does not know, which would end the
whole run. Lost nodes and lost results can do the same.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

from ray.air.execution._internal import RayActorManager
from ray.exceptions import ActorDiedError, RayActorError, RayTaskError
from ray.tune.execution import tune_controller

from study.dispatch.bookkeeping import NOT_STARTED


class PatientManager(RayActorManager):
    """Tune's actor manager, which treats every error of Ray as the death of an actor."""

    def _actor_task_failed(self, tracked_actor_task: Any, exception: Exception) -> None:
        super()._actor_task_failed(tracked_actor_task, _as_death(exception))

    def _actor_start_failed(self, tracked_actor: Any, exception: Exception) -> None:
        super()._actor_start_failed(tracked_actor, _as_death(exception))


def why(error: Exception) -> str:
    """Return in one line what happened to a worker."""
    cause = getattr(error, "cause", None) or error  # the exception that a task raised
    lines = [line.strip() for line in str(cause).splitlines() if line.strip()]
    if isinstance(cause, ActorDiedError):
        if cause.actor_init_failed:
            return f"{NOT_STARTED}: {lines[-1]}"  # the end of a traceback
        where = ", ".join(line.replace(":", "") for line in lines if line.startswith(("pid:", "ip:")))
        return f"its process died ({where})" if where else "its process died"
    text = lines[0].partition(". ")[0] if lines else "without a text"
    return text if type(cause) is RayActorError else f"{type(cause).__name__}: {text}"


def _as_death(error: Exception) -> Exception:
    known: bool = isinstance(error, (RayActorError, RayTaskError))
    if known:
        return error
    death: Exception = RayActorError(error_msg=why(error))
    return death


@contextlib.contextmanager
def lost_workers_told() -> Iterator[None]:
    """Make Tuners that run inside the block survive the loss of any worker."""
    before = tune_controller.RayActorManager
    tune_controller.RayActorManager = PatientManager
    try:
        yield
    finally:
        tune_controller.RayActorManager = before
