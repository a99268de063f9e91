"""Many rows at once in one statement: what is done for every row by itself takes longer than the database.

Only for tables whose columns are kept as they are given: numbers and text, no JSON, nothing deflated.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table, insert

FEW = 8
"""Rows up to which SQLAlchemy's own way is as quick."""


def insert_rows(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows in the connection's transaction, all with the same columns in the same order."""
    if len(rows) <= FEW or not _is_plain(table):
        if rows:
            connection.execute(insert(table), [dict(row) for row in rows])
        return
    columns = list(rows[0])  # our own names, lower case, no words of SQL: nothing to quote
    into = f"INSERT INTO {table.name} ({', '.join(columns)})"
    values = [tuple(row.values()) for row in rows]
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(f"{into} VALUES ({', '.join('?' * len(columns))})", values)
        return
    arrays = ", ".join(f"%s::{table.c[name].type.compile(connection.dialect)}[]" for name in columns)
    by_column = tuple(list(column) for column in zip(*values, strict=True))
    connection.exec_driver_sql(f"{into} SELECT * FROM unnest({arrays})", by_column)


def _is_plain(table: Table) -> bool:
    return all(column.type.python_type in (int, float, str) for column in table.columns)
