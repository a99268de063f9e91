"""Disks that are full, read-only or gone, and object stores that are away: no trial's fault, and said in one line."""

import errno
import os
import re

from trainables.storage.object_store import StoreAwayError

ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.ESTALE)
"""What the system says of such a disk; a missing file or a lack of rights is something else."""

_NAMED = re.compile(rf"\[Errno ({'|'.join(map(str, ERRORS))})\]|^DamagedEntryError")


def is_blamed(reason: str) -> bool:
    """Whether a lost segment's reason, as `lost_workers.why` gives it, names such a disk or a damaged cache."""
    return _NAMED.search(reason) is not None


def trouble(error: BaseException) -> str | None:
    """One line for the user where such a disk ended the run; None where the error is another.

    Args:
        error: As raised here, or by Ray for a task of ours.
    """
    cause = getattr(error, "cause", None) or error
    if not isinstance(cause, OSError) or cause.errno not in ERRORS:
        return None
    where = f"{cause.filename}: " if cause.filename else ""
    if isinstance(cause, StoreAwayError):
        return f"{where}{cause.strerror}. Nothing is lost: give the same command again when it does"
    return f"{where}{os.strerror(cause.errno)}. Make room, or mend the disk, and give the same command again"
