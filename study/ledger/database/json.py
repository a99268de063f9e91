"""JSON as the ledger keeps it: floats by the shortest text that reads back as the same double, names in their order."""

import json
from typing import Any


def dumps(value: Any) -> str:
    """As text.

    Raises:
        ValueError: A number in it is NaN or infinite, which JSON has no word for.
    """
    return json.dumps(value, allow_nan=False)


def readable(text: str) -> str:
    """Text that every database takes: PostgreSQL refuses NUL, and neither takes half a surrogate pair."""
    return text.replace("\x00", "�").encode("utf-8", "replace").decode("utf-8")
