"""The class as its users meet it: every question is retried while the database is away, and only the owner writes."""

import inspect
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from study.ledger import Ledger, Patience
from tests.study import small

UNRETRIED = {"stop_requested"}
"""Asked every second by the heartbeat, which has no time to wait."""


def _questions() -> list[str]:
    """Public methods that take only the ledger and a study, and read."""
    found = []
    for name, method in inspect.getmembers(Ledger, inspect.isfunction):
        parameters = list(inspect.signature(method).parameters.values())
        needed = [each.name for each in parameters if each.default is inspect.Parameter.empty]
        if not name.startswith("_") and needed == ["store", "study_id"]:
            found.append(name)
    return sorted(set(found) - UNRETRIED - {"request_stop", "count_report_read", "acquire"})


def test_the_questions() -> None:
    assert {"known", "trials", "segments", "scores", "status", "digest", "notices", "cases"} <= set(_questions())


@pytest.mark.parametrize("name", _questions())
def test_a_question_is_asked_again_after_an_outage(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Ledger.open(tmp_path / "ledger.db") as ledger:
        lease = small.begin(ledger)
        whole, tries = Ledger.reading, []

        def reading(store: Ledger) -> object:
            tries.append(store)
            if len(tries) == 1:
                locked = sqlite3.OperationalError("database is locked")
                locked.sqlite_errorcode = sqlite3.SQLITE_BUSY
                raise OperationalError("SELECT", {}, locked)
            return whole(store)

        monkeypatch.setattr(Ledger, "reading", reading)
        ledger.patience = Patience(seconds=5.0)
        getattr(ledger, name)(lease.study_id)
        assert len(tries) >= 2
