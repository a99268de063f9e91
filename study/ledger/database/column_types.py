"""Building blocks of the ledger's tables: names of constraints, column types, and the check that numbers are finite."""

import math
import zlib
from typing import Any

from sqlalchemy import JSON, BigInteger, Integer, LargeBinary, MetaData
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

from study.errors import LedgerDamagedError

VIEW_ONLY = {"view only": True}

metadata = MetaData(
    naming_convention={  # a migration can only change what has a name
        "ix": "%(column_0_label)s_index",
        "uq": "%(table_name)s_%(column_0_N_name)s_unique",
        "fk": "%(table_name)s_%(column_0_name)s_foreign",
        "pk": "%(table_name)s_primary",
    }
)

Id = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts rows only in a column that is exactly INTEGER
PlainData = JSON(none_as_null=True)  # JSON as text on both databases, so that doubles and the order of names stay


class Deflated(TypeDecorator[bytes]):
    """Bytes, stored deflated. Reading, and the digest, give back the bytes as they were written."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: bytes | None, dialect: Dialect) -> bytes | None:
        """Deflate."""
        return None if value is None else zlib.compress(value, 6)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> bytes | None:
        """Inflate."""
        return None if value is None else _inflated(value)


LARGEST = 2**28
"""Bytes that a value of a ledger may inflate to; a stack of slices has some millions."""


def _inflated(value: bytes) -> bytes:
    """Inflate, a bounded number of bytes.

    Raises:
        LedgerDamagedError: The bytes are damaged, or inflate to more than any value of ours.
    """
    inflate = zlib.decompressobj()
    try:
        whole = inflate.decompress(value, LARGEST)
    except (zlib.error, TypeError) as error:
        raise LedgerDamagedError(f"a row has bytes that cannot be inflated ({error})") from error
    if not inflate.eof:
        more = "inflates to more than 256 MiB" if len(whole) >= LARGEST else "is cut short"
        raise LedgerDamagedError(f"a row's picture or record {more}")
    return whole


def finite(value: float | None, what: str) -> float | None:
    """Return the value; databases store NaN and infinity differently, so they are refused.

    Raises:
        ValueError: It is not finite.
    """
    if value is not None and not math.isfinite(value):
        raise ValueError(f"{what} is {value}; the ledger keeps finite numbers, and None for what is missing")
    return value
