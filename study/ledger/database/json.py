"""JSON and text as the ledger stores and shows them.

Floats are written by the shortest text that reads back as the same double, and keys stay in order. A ledger may come
from somebody else, so what is read is checked, and names are shown without control characters.
"""

import json
from typing import Any

from study.errors import LedgerDamagedError


def dumps(value: Any) -> str:
    """Return JSON text.

    Raises:
        ValueError: A number in it is NaN or infinite, which JSON has no word for.
    """
    return json.dumps(value, allow_nan=False)


def loads(text: str | bytes) -> Any:
    """Return the value of JSON text.

    Raises:
        LedgerDamagedError: It is none.
        TypeError: It is a number already: SQLite keeps a JSON number as such, and SQLAlchemy knows.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise LedgerDamagedError(f"a row has {str(text)[:40]!r} where JSON is expected ({error})") from error


def readable(text: str) -> str:
    """Return text that every database takes: PostgreSQL refuses NUL, and both refuse half a surrogate pair."""
    return text.replace("\x00", "�").encode("utf-8", "replace").decode("utf-8")


def shown(text: str) -> str:
    """Return a text with control characters spelled out: a terminal obeys them, a person has to see them.

    Line breaks and tabs stay. Text without control characters is returned as it is.
    """
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() or each in "\n\t" else each.encode("unicode_escape").decode() for each in text
    )


def mapping(value: Any, what: str) -> dict[str, Any]:
    """Return a value that has to be a mapping.

    Raises:
        LedgerDamagedError: It is another.
    """
    if not isinstance(value, dict):
        raise LedgerDamagedError(f"{what} is {str(value)[:40]!r}, expected a mapping")
    return value


def words(value: Any, what: str) -> tuple[str, ...]:
    """Return a value that has to be a list of texts.

    Raises:
        LedgerDamagedError: It is another.
    """
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise LedgerDamagedError(f"{what} is {str(value)[:40]!r}, expected a list of words")
    return tuple(shown(each) for each in value)
