"""Progress from a ledger: what the live table, `status` and `list` show."""

import time
from collections.abc import Mapping

from sqlalchemy.exc import SQLAlchemyError

from study.console.progress import Progress, progress
from study.design import Design, TrialKey
from study.ledger import Ledger, Patience
from study.ledger.rows import StudyRow
from study.study_file import Study
from trainables.errors import InputError


def design_of(ledger: Ledger, row: StudyRow) -> Design:
    """Return a recorded study's design, with its arms in the ledger's order."""
    return Study.from_plain(row.file, source=row.name).design([arm.name for arm in ledger.arms(row.id)])


def stands(
    ledger: Ledger,
    row: StudyRow,
    design: Design | None = None,
    *,
    slots: int | None = None,
    iterations: Mapping[TrialKey, int] | None = None,
) -> Progress:
    """Return a study's progress.

    Args:
        ledger: The ledger.
        row: The study's row in the ledger.
        design: Its design, if known already.
        slots: Number of segments that run at the same time; None takes the number running now.
        iterations: Current iteration of running segments, if known.
    """
    return progress(
        design or design_of(ledger, row),
        ledger.status(row.id),
        ledger.known(row.id),
        slots=slots,
        iterations=iterations,
        now=time.time(),
    )


class Follower:
    """Reads one study's progress repeatedly, in a thread of its own, also before the ledger has the study.

    Attributes:
        slots: Number of segments that run at the same time, as far as known.
    """

    def __init__(self, where: str, name: str, slots: int) -> None:
        self._where, self._name, self.slots = where, name, slots
        self._ledger: Ledger | None = None
        self._design: tuple[object, Design] | None = None

    def look(self, iterations: Mapping[TrialKey, int]) -> Progress | None:
        """Return the progress; None before the ledger has the study."""
        try:
            if self._ledger is None:
                self._ledger = Ledger.open(self._where, read_only=True)
                self._ledger.patience = Patience(seconds=0.0)
            row = self._ledger.study(self._name)
            if self._design is None or self._design[0] != row.file:  # the caller may add to it meanwhile
                self._design = row.file, design_of(self._ledger, row)
            return stands(self._ledger, row, self._design[1], slots=self.slots, iterations=iterations)
        except (InputError, SQLAlchemyError):  # not created yet, or unavailable: the display can wait
            return None

    def close(self) -> None:
        """Close the ledger."""
        if self._ledger is not None:
            self._ledger.close()
