"""Storage errors: full, read-only or missing disks and unavailable object stores. No trial is blamed for them."""

import errno
import os
import re

from trainables.storage.object_store import StoreAwayError

ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.ESTALE)
"""Error numbers of such disks. A missing file or missing permissions are other errors."""

_NAMED = re.compile(rf"\[Errno ({'|'.join(map(str, ERRORS))})\]|^DamagedEntryError")


def is_blamed(reason: str) -> bool:
    """Whether the reason of a lost segment (`lost_workers.why`) names such a disk or a damaged cache."""
    return _NAMED.search(reason) is not None


def trouble(error: BaseException) -> str | None:
    """Return one line for the user if such a disk ended the run; None for any other error.

    Args:
        error: The error as raised in this process, or by Ray for a task.
    """
    cause = getattr(error, "cause", None) or error
    if not isinstance(cause, OSError) or cause.errno not in ERRORS:
        return None
    where = f"{cause.filename}: " if cause.filename else ""
    if isinstance(cause, StoreAwayError):
        return f"{where}{cause.strerror}. Nothing is lost: give the same command again when it does"
    return f"{where}{os.strerror(cause.errno)}. Make room, or mend the disk, and give the same command again"
