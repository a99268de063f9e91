"""Waiting for the effects of another process or thread."""

import time
from collections.abc import Callable


def until(there: Callable[[], object], seconds: float = 150.0) -> None:
    """Polls a condition ten times a second; fails if it is false, or still raises, after `seconds`."""
    deadline, raised = time.monotonic() + seconds, None
    while time.monotonic() < deadline:
        try:
            if there():
                return
        except Exception as error:
            raised = error
        time.sleep(0.1)
    raise AssertionError(f"not within {seconds:g} s") from raised
