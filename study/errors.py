"""How a command ends: every exception of `study`, which of them end a run, and the exit code of each.

```
exception                      what it ends                                                        exit code
InputError                     the command: something the user gave is wrong                               2
├── SpecError                  … the study file, with all that is wrong in it                              2
├── LeaseHeld                  … another driver runs the study; `run` waits for it, others say so          2
├── LedgerDamagedError         … a row of the ledger cannot be read                                        2
├── LedgerNotMadeError         … there is nothing to read yet                                              2
└── LedgerAwayError            … the ledger's database cannot be used, or was waited for in vain           2
RunEndedError                  the run: the input was right, and nothing that is recorded is lost          1
├── Stopped                    … Ctrl-C, SIGTERM or `segstudy stop`                                      130
├── FencedOut                  … another driver took the study over                                        1
├── LedgerGoneError            … the ledger's file was deleted or replaced; its content was saved         1
├── MachineTroubleError        … Ray or machines fail, and no trial is to blame                            1
└── TuneCrashError             … Ray Tune itself fails again and again                                     1
StoreAwayError, OSError        the run, where `machines.storage_trouble` knows the cause                   1
ExperimentGoneError            nothing: the MLflow view looks its experiment up again                      -
ReaderGoneError                the command, silently: nobody reads its output (a run goes on)               141
StoppedError                   nothing but the export of a model to MLflow                                 -
Diverged                       a trial: it is recorded as failed                                           -
UnreadableCheckpointError      an attempt: the trial goes on from the checkpoint before                    -
NoGpuError, DamagedEntryError  an attempt: the segment is owed again                                       -
```

`segstudy run` reports a LedgerAwayError, too, as a run that ended (exit code 1). A run that ends well has exit code 0,
or 1 where trials failed or were lost. Any other exception is a bug: it keeps its traceback (exit code 1).
"""

import errno
import os
from typing import ClassVar

from trainables.errors import InputError

DONE, FAILURES, BAD_INPUT, STOPPED = 0, 1, 2, 130
"""Exit codes: done; the run could not go on, or trials failed; bad input; stopped."""


class RunEndedError(Exception):
    """A run cannot go on, though the input is right. The message is one line and says what to do.

    Attributes:
        exit_code: Exit code of the command.
    """

    exit_code: ClassVar[int] = FAILURES


class Stopped(RunEndedError):  # noqa: N818 (it is no error)
    """The run was asked to stop before any segment was handed out."""

    exit_code = STOPPED


class FencedOut(RunEndedError):  # noqa: N818 (a state, too)
    """The lease is another driver's by now; nothing was written, and this driver has to stop."""


class LedgerGoneError(RunEndedError):
    """The ledger's file was deleted, moved or replaced under the run, or an older copy was put in its place."""


class MachineTroubleError(RunEndedError):
    """Machines fail: segments of different trials are lost one after the other, or Ray is gone. Nothing is decided."""


class TuneCrashError(RunEndedError):
    """Ray Tune itself failed, again and again."""


class LeaseHeld(InputError):  # noqa: N818 (it is a state, and no mistake)
    """Another driver runs the study.

    Attributes:
        owner: Process and host, for a person to read.
        until: When its lease ends unless renewed, seconds since 1970.
    """

    def __init__(self, message: str, *, owner: str, until: float) -> None:
        super().__init__(message)
        self.owner = owner
        self.until = until


class LedgerNotMadeError(InputError):
    """There is nothing to read yet, or the ledger is older: opening it for writing makes it, or upgrades it."""


class LedgerDamagedError(InputError):
    """A row of the ledger does not hold what its column holds: a damaged file, or one that somebody made up."""


class LedgerAwayError(InputError):
    """The ledger cannot be read or written, and waiting is over or of no use. What was written stays written."""


def exit_code(error: InputError | RunEndedError) -> int:
    """Return the exit code of a command that an exception ended."""
    return error.exit_code if isinstance(error, RunEndedError) else BAD_INPUT


def unwritable(place: str, error: OSError, remedy: str) -> InputError:
    """Return the error of a command whose output cannot be written: place, cause and remedy.

    Args:
        place: The option and its file, as the user gave them.
        error: As the system raised it; a file of its own that differs from `place` is named as well, unless the place
            is no folder.
        remedy: What helps against any cause, such as `Name another file.`
    """
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    inside = error.filename and str(error.filename) not in place and error.errno != errno.ENOTDIR
    file = f"{os.path.basename(str(error.filename))} " if inside else ""
    room = f"Make room there, or {remedy[:1].lower()}{remedy[1:]}" if full else remedy
    return InputError(f"{place}: {file}cannot be written ({error.strerror or error}). {room}")
