"""Earlier looks at test cases: other studies of the ledger that showed test tables of cases with the same content."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, select

from study.ledger.database import schema
from study.ledger.database.store import Store, patient
from study.ledger.rows import Case, EarlierLook
from study.ledger.writing.notices import times

CONTENT = "content"
"""The key of a case's facts with the digest of its voxels."""

SHOWN = 3
"""Studies that the notice names."""


@patient
def earlier_looks(store: Store, study_id: int) -> list[EarlierLook]:
    """Return the other studies that showed test tables of this study's test cases, oldest first."""
    row = schema.cases
    with store.reading() as connection:
        found = connection.execute(select(row.c.splits, row.c.facts).where(row.c.study_id == study_id))
        return looks_in(connection, _contents(found), but=study_id)


def looks_in(connection: Connection, contents: set[str], but: int | None = None) -> list[EarlierLook]:
    """Return the studies that showed test tables of these contents, inside another transaction.

    Args:
        connection: The transaction's.
        contents: Digests of test cases.
        but: A study that is left out.
    """
    study, row = schema.studies, schema.cases
    shown = select(study.c.id, study.c.name, study.c.report_reads).where(study.c.report_reads > 0)
    looks = []
    for study_id, name, reads in connection.execute(shown.order_by(study.c.id)).all():
        if study_id == but or not contents:
            continue
        cases = connection.execute(select(row.c.splits, row.c.facts).where(row.c.study_id == study_id))
        if shared := len(contents & _contents(cases)):
            looks.append(EarlierLook(name, shared, reads))
    return looks


def contents_of(cases: Iterable[Case]) -> set[str]:
    """Return the digests of the test cases among these."""
    return _contents((case.splits, case.facts) for case in cases)


def said(looks: Sequence[EarlierLook], cases: int) -> str:
    """Return the notice for a study with a number of test cases."""
    most = max(look.cases for look in looks)
    named = [f"{look.study} ({times(look.report_reads)})" for look in looks[:SHOWN]]
    more = f" and {len(looks) - SHOWN} more" if len(looks) > SHOWN else ""
    which = "its test cases" if most >= cases else f"{most} of its {cases} test cases"
    return (
        f"{which} were looked at before in other studies of this ledger, test tables shown: {', '.join(named)}{more}; "
        "what was learnt there is no longer independent of them"
    )


def _contents(rows: Iterable[Any]) -> set[str]:
    found: set[str] = set()
    for splits, facts in rows:
        if "test" in splits and isinstance(facts, Mapping) and facts.get(CONTENT):
            found.add(str(facts[CONTENT]))
    return found
