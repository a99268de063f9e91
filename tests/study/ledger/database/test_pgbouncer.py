"""A ledger on PostgreSQL behind a real PgBouncer in transaction mode; skipped where PgBouncer is not installed.

In that mode a client's next transaction may be given to another process of the server, which knows none of its prepared
statements and session settings.
"""

import contextlib
import os
import pathlib
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator

import psycopg
import pytest

from study.ledger import Ledger
from tests.study.databases import Server
from tests.study.small import fill

pytestmark = pytest.mark.skipif(shutil.which("pgbouncer") is None, reason="PgBouncer is not installed")

SETTINGS = """
[databases]
pooled = host={host} user={user} dbname=pooled
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 3
server_round_robin = 1
"""


@pytest.fixture(scope="module")
def addresses() -> Iterator[tuple[str, str]]:
    """Addresses of one database: by PgBouncer, and of the server itself."""
    with Server() as server, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        with psycopg.connect(server.address, autocommit=True) as connection:
            connection.execute("CREATE DATABASE pooled")
            host, user = str(connection.info.host), connection.info.user
        folder = pathlib.Path(host)  # where the server's own user may enter, which PgBouncer runs as when we are root
        settings = folder / "pgbouncer.ini"
        settings.write_text(SETTINGS.format(host=host, user=user, port=port))
        settings.chmod(0o644)
        command = ["pgbouncer", "-q", *(["-u", folder.owner()] if os.getuid() == 0 else []), str(settings)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8") as pool:
            pooled = f"postgresql://{user}@127.0.0.1:{port}/pooled"
            try:
                _await(pool, pooled)
                yield pooled, server.address.replace("/postgres?", "/pooled?")
            finally:
                pool.terminate()


def _await(pool: "subprocess.Popen[str]", address: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert pool.poll() is None, pool.stdout and pool.stdout.read()
        with contextlib.suppress(psycopg.OperationalError), psycopg.connect(address, connect_timeout=2):
            return
        time.sleep(0.1)
    raise TimeoutError(address)


def test_statements_of_a_client_meet_several_processes_of_the_server(addresses: tuple[str, str]) -> None:
    pooled, _ = addresses
    with psycopg.connect(pooled) as one, psycopg.connect(pooled) as other:
        seen = set()
        for _ in range(4):
            with one.transaction(), other.transaction():
                seen |= {one.execute("SELECT pg_backend_pid()").fetchone(), other.execute("SELECT 1").fetchone()}
    assert len(seen - {(1,)}) > 1


def test_a_ledger_is_written_and_read_by_several_at_once(addresses: tuple[str, str], tmp_path: pathlib.Path) -> None:
    pooled, direct = addresses
    with Ledger.open(tmp_path / "ledger.db") as file:
        fill(file)
        expected = file.digest(file.study("small").id)
    problems: list[BaseException] = []
    end = threading.Event()

    def read() -> None:
        try:
            with Ledger.open(pooled, read_only=True) as reading:
                while not end.is_set():
                    for name in ("small", "other"):
                        if reading.has_study(name):
                            reading.status(reading.study(name).id)
        except BaseException as error:
            problems.append(error)

    with Ledger.open(pooled) as ledger:
        readers = [threading.Thread(target=read) for _ in range(3)]
        for reader in readers:
            reader.start()
        fill(ledger)
        fill(ledger, "other")
        end.set()
        for reader in readers:
            reader.join()
        assert problems == []
        assert ledger.digest(ledger.study("small").id) == expected
    with Ledger.open(direct, read_only=True) as ledger:
        assert ledger.digest(ledger.study("small").id) == expected
