"""Fetch: copies a dataset in an object store to this machine before its cases are searched."""

import time
from collections.abc import Callable

from study.events import OnEvent, Step, ignore
from study.study_file import Study
from trainables.data.finding import remote
from trainables.storage.object_store import is_url

PAUSE = 5.0  # seconds between two progress messages


def fetch(study: Study, tell: OnEvent = ignore, clock: Callable[[], float] = time.monotonic) -> None:
    """Update this machine's copy of the data at the study's URL; do nothing for data in a folder.

    Args:
        study: The study.
        tell: Receives progress events.
        clock: Monotonic time in seconds.

    Raises:
        InputError: The store cannot be reached, or has no data there.
    """
    path = study.dataset.path
    if path is None or not is_url(path):
        return
    told = None

    def hear(done: int, total: int) -> None:
        nonlocal told
        if told is None or clock() >= told + PAUSE:
            far = f": {100 * done // total} %" if done else ""
            tell(Step(f"copying {total / 1e6:,.1f} MB of data from {path.partition('?')[0]}{far}"))
            told = clock()

    remote.copy(path, hear)
