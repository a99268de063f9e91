"""Waiting for what another process or thread does."""

import time
from collections.abc import Callable


def until(there: Callable[[], object], seconds: float = 150.0) -> None:
    """Returns when it is true, looked at ten times a second; fails when it is not by then, or still raises."""
    deadline, raised = time.monotonic() + seconds, None
    while time.monotonic() < deadline:
        try:
            if there():
                return
        except Exception as error:
            raised = error
        time.sleep(0.1)
    raise AssertionError(f"not within {seconds:g} s") from raised
