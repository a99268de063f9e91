"""The place of a ledger: a file (SQLite) or a server (PostgreSQL), and the engine for it."""

import re
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Engine, create_engine, make_url
from sqlalchemy.exc import ArgumentError

from study.ledger.database.json import dumps, loads
from study.ledger.database.sqlite_file import file_engine
from trainables.errors import InputError


def engine_for(where: str | Path, *, read_only: bool) -> tuple[Engine, str]:
    """Return an engine for a path or URL, and its name in messages (without password). Nothing is opened yet.

    Raises:
        InputError: Neither a path nor `sqlite:///path` nor `postgresql+psycopg://…`; the driver is missing; it is to be
            read and not there.
    """
    text = str(where)
    if "://" not in text:
        return file_engine(Path(where), read_only=read_only)
    try:
        url = make_url(text)
    except (ArgumentError, ValueError) as error:  # the latter: a port that is no number
        shown = re.sub(r"://[^/]*@", "://***@", text)
        raise InputError(
            f"ledger '{shown}': expected a path or postgresql+psycopg://user@host:port/database"
        ) from error
    backend = url.drivername.partition("+")[0]
    if backend == "sqlite" and url.database:
        return file_engine(Path(url.database), read_only=read_only)
    if backend in ("postgresql", "postgres"):
        return _postgresql(url.set(drivername="postgresql+psycopg"), read_only=read_only)
    raise InputError(
        f"ledger '{url.render_as_string()}': expected a path or postgresql+psycopg://user@host/database, "
        f"found {url.drivername}"
    )


# A server that is off or cut off is noticed within a minute; without these a connection to it hangs for hours.
CONNECTION = {"connect_timeout": 10, "keepalives_idle": 20, "keepalives_interval": 10, "keepalives_count": 3,
              "tcp_user_timeout": 60_000}  # fmt: skip


def _postgresql(url: URL, *, read_only: bool) -> tuple[Engine, str]:
    ours = {name: value for name, value in CONNECTION.items() if name not in url.query}
    options: dict[str, Any] = {
        "json_serializer": dumps,
        "json_deserializer": loads,
        "connect_args": ours,
    }  # no pings: what fails is done again
    if read_only:
        options["execution_options"] = {"postgresql_readonly": True}
    try:
        engine = create_engine(url, **options)
    except ModuleNotFoundError as error:
        raise InputError("a ledger on PostgreSQL needs its driver: pip install 'segstudy[postgres]'") from error
    return engine, url.render_as_string()
