"""A dataset in an object store, copied to this machine before its cases are looked for; one in a folder lies there."""

import time
from collections.abc import Callable

from study.events import OnEvent, Step, ignore
from study.study_file import Study
from trainables.data.finding import remote
from trainables.storage.object_store import is_url

PAUSE = 5.0  # seconds between two lines about how far it is


def fetch(study: Study, tell: OnEvent = ignore, clock: Callable[[], float] = time.monotonic) -> None:
    """Makes this machine's copy of the study's data what its URL has now.

    Args:
        study: Whose data.
        tell: Hears how far it is.
        clock: Seconds.

    Raises:
        InputError: The store is out of reach, or has nothing there.
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
