"""A dataset in an object store, copied to this machine before its cases are looked for; one in a folder lies there."""

from collections.abc import Callable

from study.events import OnEvent, Step, ignore
from study.spec import Study
from trainables.data import remote
from trainables.object_storage import is_url

SHARE = 10  # per cent of all bytes between two lines about them


def fetch(study: Study, tell: OnEvent = ignore, stopping: Callable[[], None] = lambda: None) -> None:
    """Makes this machine's copy of the study's data what its URL has now.

    Args:
        study: Whose data.
        tell: Hears how far it is.
        stopping: Called now and then; raises to stop.

    Raises:
        InputError: The store is out of reach, or has nothing there.
    """
    path = study.dataset.path
    if path is None or not is_url(path):
        return
    told = -1

    def hear(done: int, total: int) -> None:
        nonlocal told
        stopping()
        share = 100 * done // max(1, total) // SHARE * SHARE
        if share > told:
            tell(Step(f"copying {total / 1e6:,.1f} MB of data from {path.partition('?')[0]}: {share} %"))
            told = share

    remote.copy(path, hear)
