import math
import zlib

import pytest
from sqlalchemy import text
from sqlalchemy.dialects import sqlite

from study.ledger import Ledger
from study.ledger.database.column_types import Deflated, finite
from tests.study import small


def test_bytes_are_stored_deflated_and_come_back_as_they_were(where: str) -> None:
    with Ledger.open(where) as ledger:
        lease = small.fill(ledger)
        ((_, preview),) = ledger.previews(lease.study_id)
        assert preview.image == b"ab"
        with ledger.reading() as connection:
            stored = connection.execute(text("SELECT image FROM previews")).scalar_one()
    assert zlib.decompress(stored) == b"ab"


def test_nothing_stays_nothing() -> None:
    kind = Deflated()
    assert kind.process_bind_param(None, sqlite.dialect()) is None
    assert kind.process_result_value(None, sqlite.dialect()) is None


def test_only_finite_numbers_and_missing_ones_are_kept() -> None:
    assert finite(0.25, "dice") == 0.25
    assert finite(None, "dice") is None
    for value in (math.nan, math.inf):
        with pytest.raises(ValueError, match=f"dice is {value}; the ledger keeps finite numbers"):
            finite(value, "dice")
