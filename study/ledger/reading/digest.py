"""The digest of a study: equal for equal results, whatever the order, the machine or the database.

It reads the tables' own description: every column counts but row ids and what `schema` marks VIEW_ONLY. Rows are named
by words (a trial's key, a case's name, an arm's number), never by row ids, and sorted by their own text.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from json.encoder import encode_basestring_ascii
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Float, FromClause, Integer, Select, String, Table, select

from study.ledger.database import schema
from study.ledger.database.column_types import Deflated
from study.ledger.database.find import chunks
from study.ledger.database.store import Store, patient

FORM = "segstudy ledger digest 1"

FILE_LEFT_OUT = (("dataset", "path"), ("resources",), ("report",))
"""Parts of the study file that say where data lies, what it runs on and what is shown, and so change no number."""

TRIALS_AT_ONCE = 50

_NAMES: dict[Table, ColumnElement[Any]] = {
    schema.arms: schema.arms.c.number,
    schema.trials: schema.trials.c.key,
    schema.cases: schema.cases.c.name,
}
"""Name by which rows of other tables refer to a row."""

_ADDED = (schema.case_counts, schema.pooled_scores, schema.lesion_scores, schema.predicted_slices)
"""Tables that came after the first version: without rows they say nothing, so that older studies keep their digest."""


@patient
def digest(store: Store, study_id: int) -> str:
    """Return the SHA-256, in hex, of a study's canonical text."""
    with store.reading() as connection:
        return digest_in(connection, study_id)


def covered(table: Table) -> list[Column[Any]]:
    """Return the columns of a table that the digest covers, by name; none where the whole table is VIEW_ONLY."""
    if table.info == schema.VIEW_ONLY:
        return []
    return sorted(
        (column for column in table.c if column.info != schema.VIEW_ONLY and column.name not in ("id", "study_id")),
        key=lambda column: column.name,
    )


def digest_in(connection: Connection, study_id: int) -> str:
    """`digest`, inside another transaction."""
    whole = hashlib.sha256(FORM.encode())
    for table in sorted(schema.metadata.tables.values(), key=lambda table: table.name):
        if columns := covered(table):
            parts = list(_parts(connection, study_id, table))
            if not parts and table in _ADDED:
                continue
            whole.update(f"\n{table.name} {' '.join(column.name for column in columns)}\n".encode())
            for part in parts:
                whole.update(part)
    return whole.hexdigest()


def _parts(connection: Connection, study_id: int, table: Table) -> Iterator[bytes]:
    """Yield a digest of each trial's rows in the order of keys, to keep few in memory; or one of all rows."""
    query, texts = _query(table)
    if "trial_id" not in table.c:
        owner = table.c.id if table is schema.studies else table.c.study_id
        yield _hashed(texts(row) for row in connection.execute(query.where(owner == study_id)))
        return
    trial = schema.trials
    keys = sorted(connection.scalars(select(trial.c.key).where(trial.c.study_id == study_id)))
    for some in chunks(keys, TRIALS_AT_ONCE):
        found: dict[str, list[str]] = {}
        of = (trial.c.study_id == study_id) & trial.c.key.in_(some)
        for key, *row in connection.execute(query.where(of)):
            found.setdefault(key, []).append(texts(row))
        yield from (_hashed(found[key]) for key in some if key in found)


def _query(table: Table) -> tuple[Select[Any], Callable[[Sequence[Any]], str]]:
    """Return the query of a table's covered columns (after the trial's key, where there is one), and a row's text."""
    source: FromClause = table
    selected: list[ColumnElement[Any]] = []
    for column in covered(table):
        named = next((key.column.table for key in column.foreign_keys), None)
        if named is not None:
            source = source.join(named, column == named.c.id)
            selected.append(_NAMES[named])
        else:
            selected.append(column)
    canonical = [_canonical(column) for column in selected]

    def text(row: Sequence[Any]) -> str:
        return "\x1f".join(make(value) for make, value in zip(canonical, row, strict=True))

    if "trial_id" in table.c:
        selected.insert(0, schema.trials.c.key)
    return select(*selected).select_from(source), text


def _canonical(column: ColumnElement[Any]) -> Callable[[Any], str]:
    """Return the function that writes a column's values, alike for all databases."""
    if isinstance(column.type, Float):
        return lambda value: "null" if value is None else (float(value) + 0.0).hex()  # -0.0: SQLite drops its sign
    if isinstance(column.type, String | Integer):  # millions of them: `json.dumps` takes three times as long
        return _word
    if isinstance(column.type, Deflated):
        return lambda value: hashlib.sha256(value).hexdigest()
    if column is schema.studies.c.file:
        return lambda value: _plain(_without(value, FILE_LEFT_OUT))
    return _plain


def _word(value: str | int | None) -> str:
    return encode_basestring_ascii(value) if isinstance(value, str) else "null" if value is None else str(int(value))


def _plain(value: Any) -> str:
    return json.dumps(value, sort_keys=True, allow_nan=False)


def _without(value: Mapping[str, Any], paths: Sequence[tuple[str, ...]]) -> dict[str, Any]:
    left = {name: item for name, item in value.items() if (name,) not in paths}
    for path in paths:
        if len(path) > 1 and isinstance(left.get(path[0]), Mapping):
            left[path[0]] = _without(left[path[0]], [path[1:]])
    return left


def _hashed(texts: Iterable[str]) -> bytes:
    return hashlib.sha256("\x1e".join(sorted(texts)).encode()).digest()
