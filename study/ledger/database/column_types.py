"""Column types of the ledger: row ids, JSON, deflated bytes; and the numbers that every database keeps alike."""

import math
import zlib
from typing import Any

from sqlalchemy import JSON, BigInteger, Integer, LargeBinary
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

Id = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts rows only in a column that is exactly INTEGER
PlainData = JSON(none_as_null=True)  # JSON as text on both databases, so that doubles and the order of names stay


class Deflated(TypeDecorator[bytes]):
    """Bytes, kept deflated. What comes back, and what the digest reads, is what was put in."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: bytes | None, dialect: Dialect) -> bytes | None:
        """Deflate."""
        return None if value is None else zlib.compress(value, 6)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> bytes | None:
        """Inflate."""
        return None if value is None else zlib.decompress(value)


def finite(value: float | None, what: str) -> float | None:
    """The value, where a database would keep NaN or infinity differently from another.

    Raises:
        ValueError: It is not finite.
    """
    if value is not None and not math.isfinite(value):
        raise ValueError(f"{what} is {value}; the ledger keeps finite numbers, and None for what is missing")
    return value
