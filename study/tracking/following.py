"""MLflow follows a study while its block runs, and afterwards as long as it gets on."""

import contextlib
import pathlib
from collections.abc import Callable, Iterator

CATCH_UP = 60.0  # seconds that MLflow has for each step of the rest, at the end


@contextlib.contextmanager
def followed(
    ledger: str, name: str, uri: str | None, *, home: pathlib.Path, storage: str | None, say: Callable[[str], None]
) -> Iterator[None]:
    """Sends what enters the ledger, in a thread of its own.

    Args:
        ledger: The ledger's file or URL.
        name: The study's name.
        uri: What MLflow takes as tracking URI; None: nothing is sent.
        home: Folder for models, where MLflow has no server that keeps them.
        storage: Root of the checkpoints that models are made of; None: no models.
        say: Takes what the user should know.
    """
    if uri is None:
        yield
        return
    from study.tracking.store import artifact_root, is_server
    from study.tracking.thread import Tracker

    root = None if is_server(uri) else artifact_root(home)
    tracker = Tracker(ledger, name, uri=uri, artifact_root=root, storage=storage, say=say)
    tracker.start()
    try:
        yield
    finally:
        tracker.catch_up(CATCH_UP)
