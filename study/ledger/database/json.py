"""JSON as the ledger stores it: floats by the shortest text that reads back as the same double, keys in order."""

import json
from typing import Any


def dumps(value: Any) -> str:
    """Return JSON text.

    Raises:
        ValueError: A number in it is NaN or infinite, which JSON has no word for.
    """
    return json.dumps(value, allow_nan=False)


def readable(text: str) -> str:
    """Return text that every database takes: PostgreSQL refuses NUL, and both refuse half a surrogate pair."""
    return text.replace("\x00", "�").encode("utf-8", "replace").decode("utf-8")
