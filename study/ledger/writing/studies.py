"""Studies, their arms and cases: made once, only added to."""

import difflib
import time
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, Table, Update, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from search_spaces.grammar import to_plain
from study.design import Arm, Design
from study.errors import LedgerDamagedError
from study.ledger.database import schema
from study.ledger.database.find import case_of
from study.ledger.database.json import mapping, shown
from study.ledger.database.owner import Lease
from study.ledger.database.store import Store, patient
from study.ledger.rows import ArmRow, Case, StudyRow
from study.ledger.writing.declarations import declare_again
from study.ledger.writing.earlier_looks import contents_of, looks_in, said
from study.ledger.writing.notices import insert_notice, times
from trainables.errors import InputError

FINALS_BEGUN = "the final stage had begun, whose scores MLflow shows"


def create_study(
    store: Store,
    name: str,
    file: Mapping[str, Any],
    design: Design,
    cases: Sequence[Case],
    data_digest: str,
    versions: Mapping[str, str],
    now: float | None = None,
    notices: Sequence[str] = (),
) -> int:
    """Record a study with its arms and cases, in one transaction; its lease is free.

    Args:
        store: The ledger.
        name: Unique in the ledger.
        file: The study file as validated, all defaults written out, JSON-able.
        design: Its arms, marks and direction are kept.
        cases: All of them, of any split.
        data_digest: Digest of the cases' files.
        versions: Package → version.
        now: Seconds since 1970.
        notices: Facts about data and plan that a reader of the report must know.

    Returns:
        The study's id.

    Raises:
        InputError: There is a study of that name.
    """

    def work(connection: Connection) -> int:
        row = {
            "name": name,
            "file": dict(file),
            "marks": list(design.marks),
            "maximize": design.maximize,
            "data_digest": data_digest,
            "versions": dict(versions),
            "created": time.time() if now is None else now,
            "stop_requested": False,
            "report_reads": 0,
        }
        try:
            made = connection.execute(insert(schema.studies), row).inserted_primary_key
        except IntegrityError as error:
            raise InputError(f"{store.label} has a study named '{name}' already; choose another name") from error
        assert made is not None
        study_id = int(made[0])
        lease = {"study_id": study_id, "fence": 0, "revision": 0, "owner": None, "expires": 0.0}
        connection.execute(insert(schema.leases), lease)
        _insert_arms(connection, study_id, design.arms)
        _insert_cases(connection, study_id, cases)
        contents = contents_of(cases)
        looks = looks_in(connection, contents, but=study_id)
        for text in (*notices, *((said(looks, len(contents)),) if looks else ())):
            insert_notice(connection, study_id, text, now)
        return study_id

    return store.write(work)


@patient
def study(store: Store, name: str) -> StudyRow:
    """Return the study of that name.

    Raises:
        InputError: There is none; the message suggests the nearest name.
    """
    with store.reading() as connection:
        row = connection.execute(select(schema.studies).where(schema.studies.c.name == name)).one_or_none()
        if row is not None:
            return _study_row(row)
        names = list(connection.scalars(select(schema.studies.c.name)))
    near = difflib.get_close_matches(name, names, n=1)
    hint = f" Did you mean '{shown(near[0])}'?" if near else " `segstudy list` shows them." if names else ""
    count = "1 study" if len(names) == 1 else f"{len(names)} studies"
    raise InputError(f"no study named '{name}' in {store.label} ({count}).{hint}")


@patient
def has_study(store: Store, name: str) -> bool:
    """Return whether there is a study of that name."""
    with store.reading() as connection:
        return bool(connection.scalar(select(func.count()).where(schema.studies.c.name == name)))


@patient
def studies(store: Store) -> list[StudyRow]:
    """Return all studies, oldest first."""
    with store.reading() as connection:
        return [_study_row(row) for row in connection.execute(select(schema.studies).order_by(schema.studies.c.id))]


@patient
def arms(store: Store, study_id: int) -> list[ArmRow]:
    """Return a study's arms, in the study file's order."""
    row = schema.arms
    query = select(row.c.number, row.c.name, row.c.model, row.c.loss, row.c.weighting, row.c.space)
    with store.reading() as connection:
        found = connection.execute(query.where(row.c.study_id == study_id).order_by(row.c.number))
        return [
            ArmRow(
                number, shown(name), shown(model), shown(loss), shown(how), mapping(space, f"the space of arm {number}")
            )
            for number, name, model, loss, how, space in found
        ]


@patient
def cases(store: Store, study_id: int) -> list[Case]:
    """Return a study's cases, by name."""
    row = schema.cases
    query = select(row.c.name, row.c.group_name, row.c.splits, row.c.facts).where(row.c.study_id == study_id)
    with store.reading() as connection:
        found = [case_of(*row) for row in connection.execute(query)]
    return sorted(found, key=lambda case: case.name)  # databases disagree on how letters are ordered


def set_cases(store: Store, lease: Lease, cases: Sequence[Case]) -> None:
    """Add new cases and replace the facts of known ones.

    Raises:
        ValueError: A known case has another group or other splits: its scores would mean something else.
    """

    def work(connection: Connection, revision: int) -> None:
        row = schema.cases
        known = {found.name: found for found in connection.execute(select(row).where(row.c.study_id == lease.study_id))}
        for case in cases:
            found = known.get(case.name)
            if found is None:
                continue
            before, after = (found.group_name, tuple(found.splits)), (case.group, case.splits)
            if before != after:
                raise ValueError(f"case {case.name} was recorded as {before}, now it is {after}")
            if found.facts != dict(case.facts):
                connection.execute(update(row).where(row.c.id == found.id).values(facts=dict(case.facts)))
        _insert_cases(connection, lease.study_id, [case for case in cases if case.name not in known])

    store.fenced(lease, work)


def update_file(
    store: Store,
    lease: Lease,
    file: Mapping[str, Any],
    design: Design,
    additions: Sequence[str] = (),
    now: float | None = None,
) -> None:
    """Replace the study file by one that only adds; new arms come after the old ones.

    Args:
        store: The ledger.
        lease: The driver's.
        file: The new study file, all defaults written out.
        design: Its arms begin with those that are recorded.
        additions: Its additions in words (`Changes.additions`). Where test tables were shown before,
            or the final stage has begun (MLflow shows its scores), a notice says so: METHOD.md §2.
        now: Seconds since 1970.

    Raises:
        ValueError: Marks, direction or a recorded arm differ.
    """

    def work(connection: Connection, revision: int) -> None:
        row = schema.studies
        found = connection.execute(select(row).where(row.c.id == lease.study_id)).one()
        old = connection.execute(
            select(schema.arms).where(schema.arms.c.study_id == lease.study_id).order_by(schema.arms.c.number)
        ).all()
        if (found.marks, found.maximize) != (list(design.marks), design.maximize):
            raise ValueError(f"marks {found.marks} or the direction changed: the trials would not be comparable")
        for before, arm in zip(old, design.arms, strict=False):
            after = _arm_row(lease.study_id, arm)
            if any(before._mapping[name] != value for name, value in after.items()):
                raise ValueError(f"arm {before.number} '{before.name}' changed: its trials would not be comparable")
        if len(old) > len(design.arms):
            raise ValueError(f"arm {len(design.arms)} '{old[len(design.arms)].name}' is gone from the study file")
        _insert_arms(connection, lease.study_id, design.arms[len(old) :])
        begun = declare_again(connection, lease.study_id, file, now)
        connection.execute(update(row).where(row.c.id == lease.study_id).values(file=dict(file)))
        if additions and (begun or found.report_reads):
            when = f"test tables were shown {times(found.report_reads)}" if found.report_reads else FINALS_BEGUN
            insert_notice(connection, lease.study_id, f"after {when}: {'; '.join(additions)}", now)

    store.fenced(lease, work)


def request_stop(store: Store, study_id: int, stop: bool = True) -> None:
    """Ask the study's driver to stop; needs no lease. `stop=False` takes it back."""
    row = schema.studies
    store.write(lambda connection: connection.execute(_of(row, study_id).values(stop_requested=stop)))


def stop_requested(store: Store, study_id: int) -> bool:
    """Return whether the driver was asked to stop."""
    row = schema.studies
    with store.reading() as connection:
        return bool(connection.scalar(select(row.c.stop_requested).where(row.c.id == study_id)))


def count_report_read(store: Store, study_id: int) -> None:
    """Count that test tables were shown; needs no lease."""
    row = schema.studies
    store.write(lambda connection: connection.execute(_of(row, study_id).values(report_reads=row.c.report_reads + 1)))


def _of(table: Table, study_id: int) -> Update:
    return update(table).where(table.c.id == study_id)


def _study_row(row: Row[Any]) -> StudyRow:
    values = dict(row._mapping)
    of = f"study {shown(row.name)!r}"
    if not isinstance(row.marks, list) or not all(isinstance(mark, int) and mark > 0 for mark in row.marks):
        raise LedgerDamagedError(f"the marks of {of} are {str(row.marks)[:40]!r}, expected iterations")
    checked = {"name": shown(row.name), "file": mapping(row.file, f"the file of {of}"), "marks": tuple(row.marks)}
    return StudyRow(**{**values, **checked, "versions": mapping(row.versions, f"the versions of {of}")})


def _arm_row(study_id: int, arm: Arm) -> dict[str, Any]:
    return {
        "study_id": study_id,
        "number": arm.index,
        "name": arm.name,
        "model": arm.model,
        "loss": arm.loss,
        "weighting": arm.weighting,
        "space": {name: to_plain(parameter) for name, parameter in arm.space.items()},
    }


def _insert_arms(connection: Connection, study_id: int, arms: Sequence[Arm]) -> None:
    if arms:
        connection.execute(insert(schema.arms), [_arm_row(study_id, arm) for arm in arms])


def _insert_cases(connection: Connection, study_id: int, cases: Sequence[Case]) -> None:
    rows = [
        {
            "study_id": study_id,
            "name": case.name,
            "group_name": case.group,
            "splits": list(case.splits),
            "facts": dict(case.facts),
        }
        for case in cases
    ]
    if rows:
        connection.execute(insert(schema.cases), rows)
