"""Ledgers of older versions are read from a copy, and stay as they were."""

import sqlite3
from pathlib import Path

import pytest

from study.ledger import Ledger
from study.ledger.database import older_copy
from tests.study.databases import refused

STORED = Path(__file__).parents[1]
DIGESTS = {
    "0001": "e0fb23a68d74178c9343228bc6bef31481ea003f494ef1de7ae79dfb89684a0a",
    "0002": "4bc5bd6f0fa6234e3aa52801e36a9e1ea40fdf5633f4fb5e64865a86a9f20cd2",
    "0003": "0f228891628dc8373f47b311cb61e6abbba27aedeef1fd338cf0106baf667f68",
    "0004": "0f228891628dc8373f47b311cb61e6abbba27aedeef1fd338cf0106baf667f68",
}
"""By the code that wrote them."""


@pytest.mark.parametrize("version", DIGESTS)
@pytest.mark.parametrize("log", [False, True])
def test_a_ledger_of_every_version_is_read_and_not_changed(tmp_path: Path, version: str, log: bool) -> None:
    path = tmp_path / "study.sqlite"
    with sqlite3.connect(path) as connection:
        if log:
            connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(STORED.joinpath(f"ledger_{version}.sql").read_text())
    connection.close()
    before = path.read_bytes()
    with Ledger.open(path, read_only=True) as ledger:
        assert ledger.label == str(path)
        assert ledger.digest(ledger.study("small").id) == DIGESTS[version]
        assert ledger.is_archive != log
        folder = ledger._folder
        assert folder is not None
        with pytest.raises(ValueError, match="read only"):
            ledger.add_notice(1, "a notice")
    assert not Path(folder.name).exists()
    assert path.read_bytes() == before
    assert log or list(tmp_path.iterdir()) == [path]  # SQLite leaves an empty log beside a file that has one


def test_a_file_that_only_says_its_version_is_refused_in_a_line(tmp_path: Path) -> None:
    path = tmp_path / "study.sqlite"
    with sqlite3.connect(path) as connection:
        connection.executescript(
            "CREATE TABLE segstudy_version (version_num VARCHAR(32)); INSERT INTO segstudy_version VALUES ('0004');"
            "CREATE TABLE retries (id INTEGER)"
        )
    connection.close()
    assert "retries already exists" in refused(path, read_only=True)


def test_a_copy_that_cannot_be_made_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "study.sqlite"
    with sqlite3.connect(path) as connection:
        connection.executescript(STORED.joinpath("ledger_0002.sql").read_text())
    connection.close()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(older_copy, "_copy", full)
    with pytest.raises(sqlite3.OperationalError):
        Ledger.open(path, read_only=True)
    assert list(tmp_path.iterdir()) == [path]
