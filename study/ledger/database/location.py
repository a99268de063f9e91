"""The place of a ledger: a file (SQLite) or a server (PostgreSQL), and the engine for it."""

import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from sqlalchemy import URL, Engine, create_engine, make_url
from sqlalchemy.exc import ArgumentError

from study.addresses import shown, without_secret_parameters
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
        url = _parsed(text)
    except (ArgumentError, ValueError) as error:  # the latter: a port that is no number
        raise InputError(
            f"ledger '{shown(text)}': expected a path or postgresql+psycopg://user@host:port/database"
        ) from error
    backend = url.drivername.partition("+")[0]
    if backend == "sqlite" and url.database:
        return file_engine(Path(url.database), read_only=read_only)
    if backend in ("postgresql", "postgres"):
        return _postgresql(url.set(drivername="postgresql+psycopg"), read_only=read_only)
    raise InputError(
        f"ledger '{shown(text)}': expected a path or postgresql+psycopg://user@host/database, found {url.drivername}"
    )


_AFTER = re.compile(r"[^/?#@]*(/[^/?#@]*)?(\?[\w.-]+=.*)?")
"""Host, port, database and query: what can follow the @ after a password."""


def _parsed(text: str) -> URL:
    """Parse a URL whose password may hold any character, escaped as %40 or as it is.

    The password ends at the first @ after which only a host, a database and a query follow.
    """
    kind, _, rest = text.partition("://")
    if _AFTER.fullmatch(rest):
        return make_url(text)
    for at in re.finditer("@", rest):
        user, after = rest[: at.start()], rest[at.end() :]
        if _AFTER.fullmatch(after):
            name, separator, password = user.partition(":")
            url = make_url(f"{kind}://{after}")
            return url.set(username=unquote(name), password=unquote(password) if separator else None)
    return make_url(text)


# A server that is off or cut off is noticed within a minute; without these a connection to it hangs for hours.
CONNECTION = {
    "connect_timeout": 10,
    "keepalives_idle": 20,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
    "prepare_threshold": None,  # PgBouncer in transaction mode gives the next statement to another server process
}


def _postgresql(url: URL, *, read_only: bool) -> tuple[Engine, str]:
    ours = {name: value for name, value in CONNECTION.items() if name not in url.query}
    options: dict[str, Any] = {"json_serializer": dumps, "json_deserializer": loads}
    options["connect_args"] = ours  # no pings: what fails is done again
    if read_only:
        options["execution_options"] = {"postgresql_readonly": True}
    try:
        engine = create_engine(url, **options)
    except ModuleNotFoundError as error:
        raise InputError("a ledger on PostgreSQL needs its driver: pip install 'segstudy[postgres]'") from error
    return engine, without_secret_parameters(url.render_as_string())
