"""Look-ups of rows by the names that the rest of the program uses."""

import itertools
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Connection, select

from study.design import TrialKey
from study.errors import LedgerDamagedError
from study.ledger.database import schema
from study.ledger.database.json import mapping, shown, words
from study.ledger.database.store import Store
from study.ledger.rows import Case

T = TypeVar("T")


class Found(NamedTuple):
    """A trial's row id and status, and the reason of its end if it ended."""

    id: int
    status: str
    reason: str | None


CHUNK = 500  # values bound in one statement: older SQLite takes 999


def chunks(values: Iterable[T], size: int = CHUNK) -> Iterator[list[T]]:
    """Yield the values in lists; by default as many as one statement takes."""
    rest = iter(values)
    while part := list(itertools.islice(rest, size)):
        yield part


def trial_named(connection: Connection, study_id: int, key: TrialKey) -> Found:
    """Return a trial by its key.

    Raises:
        ValueError: It does not exist.
    """
    row = schema.trials
    query = select(row.c.id, row.c.status, row.c.reason).where(row.c.study_id == study_id, row.c.key == str(key))
    row_found = connection.execute(query).one_or_none()
    if row_found is None:
        raise ValueError(f"there is no trial {key} in this study")
    return Found(*row_found)


def case_of(name: str, group: str, splits: Any, facts: Any) -> Case:
    """Return a case from its row.

    Raises:
        LedgerDamagedError: The row is no case's.
    """
    of = f"case {shown(name)!r}"
    return Case(shown(name), shown(group), words(splits, f"the split of {of}"), mapping(facts, f"the facts of {of}"))


def key_of(text: str) -> TrialKey:
    """Return a trial's key from its row.

    Raises:
        LedgerDamagedError: It is none.
    """
    try:
        return TrialKey.parse(text)
    except (ValueError, TypeError) as error:
        raise LedgerDamagedError(f"a row's trial: {error}") from error


def cases_named(
    store: Store, connection: Connection, study_id: int, names: Iterable[str]
) -> dict[str, tuple[int, tuple[str, ...]]]:
    """Return case name → (row id, its split in each fold), from memory where they are known.

    Raises:
        ValueError: One is not in the study.
    """
    wanted = set(names)
    known = store.case_ids.get(study_id, {})
    if not wanted <= known.keys():
        row = schema.cases
        query = select(row.c.name, row.c.id, row.c.splits).where(row.c.study_id == study_id)
        known = {name: (id_, tuple(splits)) for name, id_, splits in connection.execute(query)}
        store.case_ids[study_id] = known
    if missing := sorted(wanted - known.keys()):
        raise ValueError(f"case '{missing[0]}' is not among the {len(known)} cases of this study")
    return known
