"""Ray's words about a lost worker, as Tune and the user read them."""

import pickle

from ray.exceptions import ActorDiedError, ObjectLostError, OutOfMemoryError, RayActorError, RayTaskError

from study.tune.lost_workers import _as_death, why


def test_whatever_ray_calls_it_a_worker_was_lost() -> None:
    killed = OutOfMemoryError("1 worker(s) were killed due to the node running low on memory. Memory on it\nMuch more")
    death = _as_death(killed)
    assert isinstance(death, RayActorError)  # Tune knows these, and ends the run on any other
    expected = "OutOfMemoryError: 1 worker(s) were killed due to the node running low on memory"
    assert why(death) == why(pickle.loads(pickle.dumps(death))) == expected
    assert isinstance(_as_death(ObjectLostError("0" * 56, None, "")), RayActorError)
    raised = RayTaskError("step", "Traceback", OSError(28, "No space left on device"))
    assert _as_death(raised) is raised
    assert why(raised) == "OSError: [Errno 28] No space left on device"
    assert why(ActorDiedError()) == "its process died"
