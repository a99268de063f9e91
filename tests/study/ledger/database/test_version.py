import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, event, text

from study.ledger import Ledger
from study.ledger.database import schema, sqlite_file
from study.ledger.database import version as ledger_version
from study.ledger.database.location import engine_for
from tests.study import small
from tests.study.databases import refused


def test_opening_twice_keeps_what_is_there(nowhere: str) -> None:
    with Ledger.open(nowhere) as ledger:
        small.fill(ledger)
        before = ledger.digest(1)
    with Ledger.open(nowhere) as ledger:
        assert ledger.digest(1) == before


def test_an_existing_ledger_is_opened_with_one_query(nowhere: str) -> None:
    Ledger.open(nowhere).close()
    engine, label = engine_for(nowhere, read_only=False)
    asked: list[str] = []
    with engine.connect():  # the driver's own questions to a server come with the first connection
        pass
    event.listen(engine, "before_cursor_execute", lambda *args: asked.append(args[2]))
    ledger_version.prepare(engine, label, read_only=False)
    engine.dispose()
    assert [question for question in asked if not question.startswith("BEGIN")] == [
        f"SELECT {schema.VERSION_TABLE}.version_num \nFROM {schema.VERSION_TABLE}"
    ]


class TestRefused:
    """A ledger that cannot be opened, and the one line that says why."""

    def test_an_empty_file_to_be_read(self, tmp_path: Path) -> None:
        (tmp_path / "ledger.db").touch()
        assert "is empty" in refused(tmp_path / "ledger.db", read_only=True)
        assert (tmp_path / "ledger.db").stat().st_size == 0

    @pytest.mark.parametrize("read_only", [False, True])
    def test_not_a_database(self, tmp_path: Path, read_only: bool) -> None:
        path = tmp_path / "ledger.db"
        path.write_text("name: kits19\n" * 100)
        assert "is not a ledger" in refused(path, read_only=read_only)
        assert path.read_text(encoding="utf-8") == "name: kits19\n" * 100

    @pytest.mark.parametrize("read_only", [False, True])
    def test_another_programs_file(self, tmp_path: Path, read_only: bool) -> None:
        path = tmp_path / "mlflow.db"
        with sqlite3.connect(path) as connection:
            connection.execute("CREATE TABLE experiments (id INTEGER)")
        before = path.read_bytes()
        assert "tables of another program (experiments)" in refused(path, read_only=read_only)
        assert path.read_bytes() == before

    def test_another_programs_tables_on_a_server(self, database: str) -> None:
        with psycopg.connect(database, autocommit=True) as connection:
            connection.execute("CREATE TABLE trials (id INTEGER)")
            connection.execute("CREATE TABLE something (id INTEGER)")
        assert "tables of another program (trials)" in refused(database)

    @pytest.mark.parametrize("read_only", [False, True])
    def test_a_newer_one(self, nowhere: str, read_only: bool) -> None:
        with Ledger.open(nowhere) as ledger:
            ledger.write(
                lambda connection: connection.execute(text("UPDATE segstudy_version SET version_num = '9999'"))
            )
        assert f"newer segstudy (tables 9999, this one knows {schema.VERSION})" in refused(nowhere, read_only=read_only)

    def test_an_older_one_on_a_server_to_be_read(self, database: str) -> None:
        with Ledger.open(database) as ledger:
            ledger.write(
                lambda connection: connection.execute(text("UPDATE segstudy_version SET version_num = '0001'"))
            )
        assert "older segstudy" in refused(database, read_only=True)


def test_a_server_shared_with_another_program(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:  # as MLflow has it
        connection.execute("CREATE TABLE alembic_version (version_num VARCHAR(32))")
        connection.execute("INSERT INTO alembic_version VALUES ('abc')")
    with Ledger.open(database) as ledger:
        assert ledger.studies() == []


OPEN = "import sys; from study.ledger import Ledger; sys.stdin.read(); Ledger.open(sys.argv[1]).close()"


def test_many_processes_make_one_ledger_at_once(nowhere: str) -> None:
    started = [
        subprocess.Popen(
            [sys.executable, "-c", OPEN, nowhere], stdin=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"
        )
        for _ in range(4)
    ]
    errors = []
    for process in started:  # they have imported everything, or nearly, and start together
        assert process.stdin is not None
        process.stdin.close()
        process.stdin = None
    for process in started:
        errors.append(process.communicate()[1])
    assert [process.returncode for process in started] == [0] * 4, errors
    with Ledger.open(nowhere) as ledger:
        small.fill(ledger)


@pytest.mark.parametrize("read_only", [False, True])
def test_another_process_makes_it_between_two_looks(
    nowhere: str, read_only: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    Ledger.open(nowhere).close()
    true, looks = ledger_version._version, []

    def version(engine: Engine) -> str | None:
        looks.append(engine)
        return true(engine) if len(looks) > 1 else None

    monkeypatch.setattr(ledger_version, "_version", version)
    with Ledger.open(nowhere, read_only=read_only) as ledger:
        assert ledger.studies() == []
    assert len(looks) == 2


def test_killed_while_it_is_made(nowhere: str, monkeypatch: pytest.MonkeyPatch) -> None:
    true = schema.metadata.create_all

    def killed(*args: Any, **options: Any) -> None:
        true(*args, **options)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(schema.metadata, "create_all", killed)
        with pytest.raises(KeyboardInterrupt):
            Ledger.open(nowhere)
    with Ledger.open(nowhere) as ledger:
        small.fill(ledger)


def test_a_new_file_that_another_process_looks_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_file, "PATIENCE", 0.01)
    path = tmp_path / "ledger.db"
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN")
    other.execute("SELECT count(*) FROM sqlite_master")  # the write-ahead log cannot be turned on now
    timer = threading.Timer(0.3, lambda: other.execute("COMMIT"))
    timer.start()
    with Ledger.open(path) as ledger:
        small.fill(ledger)
    timer.join()
    other.close()


def test_opening_does_not_wait_for_a_writer(nowhere: str) -> None:
    with Ledger.open(nowhere) as ledger:
        small.begin(ledger)

        def work(connection: Connection) -> str:
            connection.execute(text("UPDATE studies SET report_reads = 7"))
            with Ledger.open(nowhere) as other:
                return other.study("small").name

        begun = time.monotonic()
        assert ledger.write(work) == "small"
        assert time.monotonic() - begun < 10.0  # a lock would be waited for 30 s


class TestMigrations:
    def test_the_newest_revision_is_the_schemas_version(self) -> None:
        config = Config()
        config.set_main_option("script_location", "study.ledger:migrations")
        assert ScriptDirectory.from_config(config).get_heads() == [schema.VERSION]

    def test_revisions_and_schema_make_the_same_tables(self, nowhere: str) -> None:
        engine, _ = engine_for(nowhere, read_only=False)
        with engine.begin() as connection:
            ledger_version.upgrade(connection)
            context = MigrationContext.configure(
                connection, opts={"version_table": schema.VERSION_TABLE, "compare_type": True}
            )
            assert compare_metadata(context, schema.metadata) == []
        engine.dispose()
        with Ledger.open(nowhere) as ledger:  # and it is taken for what it is
            small.fill(ledger)
            if ledger.label.endswith(".db"):
                assert _statements(nowhere) == _statements_made(Path(nowhere).parent / "made.db")

    def test_an_older_ledger_is_upgraded(self, nowhere: str, monkeypatch: pytest.MonkeyPatch) -> None:
        upgraded: list[bool] = []
        with Ledger.open(nowhere) as ledger:
            ledger.write(
                lambda connection: connection.execute(text("UPDATE segstudy_version SET version_num = '0001'"))
            )
        monkeypatch.setattr(ledger_version, "upgrade", lambda connection: upgraded.append(connection.in_transaction()))
        Ledger.open(nowhere).close()
        assert upgraded == [True]


def _statements(path: str | Path) -> set[tuple[str, str]]:
    with sqlite3.connect(path) as connection:
        rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")
        return {(name, "|".join(sorted(line.strip(" \t,") for line in sql.splitlines()))) for name, sql in rows}


def _statements_made(path: Path) -> set[tuple[str, str]]:
    Ledger.open(path).close()
    return _statements(path)
