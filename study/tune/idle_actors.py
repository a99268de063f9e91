"""Keeps idle actors of Ray Tune: starting a process for a segment takes about 2 s, reusing one about 0.1 s.

Ray Tune keeps one idle actor while its searcher returns None and stops the others. Here they are kept until a trial of
another shape waits for the resources that they occupy. Tune has no setting for this, so its cache class is replaced
while a study runs (Ray is pinned; tests/study/running/test_run.py counts processes).
"""

import contextlib
from collections.abc import Iterator
from typing import Any

from ray.tune.execution import tune_controller
from ray.tune.utils.object_cache import _ObjectCache


class KeepingCache(_ObjectCache):
    """Idle actors by shape. `_max_num_objects` counts, by shape, the trials that wait for an actor."""

    def cache_object(self, key: Any, obj: Any) -> bool:
        """Keep the actor of an ended trial, unless a trial of another shape waits and none of the same shape does."""
        if self._in_the_way(key):
            return False
        self._cached_objects[key].append(obj)
        self._num_cached_objects += 1
        return True

    def flush_cached_objects(self, force_all: bool = False) -> Iterator[Any]:
        """Yield the actors to stop: all at the end, otherwise those whose resources another shape waits for."""
        for key, idle in self._cached_objects.items():
            while idle and (force_all or self._in_the_way(key)):
                self._num_cached_objects -= 1
                yield idle.pop(0)

    def _in_the_way(self, key: Any) -> bool:
        others_wait = any(count > 0 for shape, count in self._max_num_objects.items() if shape != key)
        return others_wait and len(self._cached_objects[key]) >= self._max_num_objects[key]


@contextlib.contextmanager
def kept_actors() -> Iterator[None]:
    """Make Tuners that run inside the block keep their idle actors."""
    before = tune_controller._ObjectCache
    tune_controller._ObjectCache = KeepingCache
    try:
        yield
    finally:
        tune_controller._ObjectCache = before
