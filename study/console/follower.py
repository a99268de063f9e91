"""From a ledger to where its studies stand: what the live table, `status` and `list` look at."""

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
    """A recorded study's design, its arms in the ledger's order."""
    return Study.from_plain(row.file, source=row.name).design([arm.name for arm in ledger.arms(row.id)])


def stands(
    ledger: Ledger,
    row: StudyRow,
    design: Design | None = None,
    *,
    slots: int | None = None,
    iterations: Mapping[TrialKey, int] | None = None,
) -> Progress:
    """Where a study stands now.

    Args:
        ledger: The ledger.
        row: The study, as the ledger has it.
        design: Its design, where it is known already.
        slots: Segments that run at once; None takes what runs now.
        iterations: How far segments under way are, where it is known.
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
    """Looks at one study again and again, from a thread of its own, before and after the ledger has it.

    Attributes:
        slots: Segments that run at once, as far as it is known.
    """

    def __init__(self, where: str, name: str, slots: int) -> None:
        self._where, self._name, self.slots = where, name, slots
        self._ledger: Ledger | None = None
        self._design: tuple[object, Design] | None = None

    def look(self, iterations: Mapping[TrialKey, int]) -> Progress | None:
        """Where it stands; None before the ledger has it."""
        try:
            if self._ledger is None:
                self._ledger = Ledger.open(self._where, read_only=True)
                self._ledger.patience = Patience(seconds=0.0)
            row = self._ledger.study(self._name)
            if self._design is None or self._design[0] != row.file:  # it may grow while we look
                self._design = row.file, design_of(self._ledger, row)
            return stands(self._ledger, row, self._design[1], slots=self.slots, iterations=iterations)
        except (InputError, SQLAlchemyError):  # not made yet, or away for a while: watching can wait
            return None

    def close(self) -> None:
        """Closes the ledger."""
        if self._ledger is not None:
            self._ledger.close()
