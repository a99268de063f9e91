"""Invalid ledgers and addresses: how they are made, and the expected error messages."""

import pathlib
import sqlite3
from collections.abc import Callable

import psycopg

from study.ledger import Ledger
from tests.study import small
from tests.study.databases import schema_of_its_own

Make = Callable[[pathlib.Path], str]
"""Makes a ledger in a folder, or none; returns the value of `--ledger`."""

SECRET = "hunter2"
PORT = 1  # no server listens on it


def _ledger(folder: pathlib.Path) -> pathlib.Path:
    """Makes a valid ledger in a single file."""
    path = folder / "ledger.db"
    with Ledger.open(path) as ledger:
        small.fill(ledger)
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.close()
    return path


def _of_version(version: str) -> Make:
    def make(folder: pathlib.Path) -> str:
        path = _ledger(folder)
        with sqlite3.connect(path) as connection:
            connection.execute("UPDATE segstudy_version SET version_num = ?", (version,))
        connection.close()
        return str(path)

    return make


def _spoiled(spoil: Callable[[bytes], bytes]) -> Make:
    def make(folder: pathlib.Path) -> str:
        path = _ledger(folder)
        path.write_bytes(spoil(path.read_bytes()))
        return str(path)

    return make


def _text(folder: pathlib.Path) -> str:
    (folder / "ledger.db").write_text("name: small\n" * 50)
    return str(folder / "ledger.db")


def _of_another_program(folder: pathlib.Path) -> str:
    with sqlite3.connect(folder / "mlflow.db") as connection:
        connection.execute("CREATE TABLE experiments (id INTEGER)")
    connection.close()
    return str(folder / "mlflow.db")


def _says(address: str) -> Make:
    return lambda folder: address


LEDGERS: dict[str, tuple[Make, str]] = {
    "a text file": (_text, r"ledger.db is not a ledger: expected an SQLite database"),
    "a picture": (_spoiled(lambda whole: b"\x89PNG\r\n" + whole), r"ledger.db is not a ledger"),
    "a folder": (lambda folder: str(folder), r"is a folder; name the file in it"),
    "in a file that is no folder": (
        lambda folder: f"{_text(folder)}/ledger.db",
        r"cannot be opened: Not a directory|does not exist",
    ),
    "newer tables": (_of_version("9999"), r"written by a newer segstudy \(tables 9999, .*upgrade segstudy"),
    "tables of no version": (_of_version("0000"), r"tables '0000' are of no version that segstudy ever had"),
    "truncated in the middle": (_spoiled(lambda whole: whole[: len(whole) // 2]), r"malformed; bring back a copy"),
    "its first page only": (_spoiled(lambda whole: whole[:4096]), r"malformed; bring back a copy"),
    "torn pages": (_spoiled(lambda whole: whole[:100] + bytes(4000) + whole[4100:]), r"bring back a copy|not a ledger"),
    "another program's": (_of_another_program, r"mlflow.db holds tables of another program \(experiments\)"),
    "unknown scheme": (_says(f"mysql://me:{SECRET}@host/x"), r"mysql://\*\*\*@host/x.*found mysql"),
    "an object store": (_says("s3://bucket/ledger.db"), r"expected a path or postgresql\+psycopg.*found s3"),
    "a web page": (_says(f"https://me:{SECRET}@host/x"), r"expected a path or postgresql\+psycopg.*found https"),
    "SQLite without a path": (_says("sqlite://"), r"ledger 'sqlite://': expected a path"),
    "a port that is no number": (_says(f"postgresql://me:{SECRET}@host:port/x"), r"'postgresql://\*\*\*@host:port/x'"),
    "no address at all": (_says(f"://me:{SECRET}@x"), r"expected a path or postgresql\+psycopg://user@host:port"),
    "nobody listens": (_says(f"postgresql://me:{SECRET}@127.0.0.1:{PORT}/x"), r"me:\*\*\*@127.*Connection refused"),
    "no such host": (_says(f"postgresql://me:{SECRET}@no-such-host.invalid/x"), r"no-such-host.invalid/x cannot be"),
    "an unknown option": (_says(f"postgresql://me:{SECRET}@127.0.0.1/x?nonsense=1"), r"nonsense.*cannot be opened"),
}
"""Ledgers that every command must refuse."""

TO_BE_READ: dict[str, tuple[Make, str]] = {
    "not there": (_says("nowhere/ledger.db"), r"ledger 'nowhere/ledger.db' does not exist; `segstudy run` makes it"),
    "an empty file": (lambda folder: str(_touched(folder / "ledger.db")), r"is empty, and holds no study yet"),
    "older tables": (_of_version("0001"), r"cannot be opened: table \w+ already exists"),
}
"""Ledgers that `run` would create or migrate."""


def _touched(path: pathlib.Path) -> pathlib.Path:
    path.touch()
    return path


def on_server(server: str) -> dict[str, tuple[str, str]]:
    """Returns invalid addresses on a running server, and the expected message for each."""
    foreign, newer = schema_of_its_own(server), schema_of_its_own(server)
    with psycopg.connect(foreign, autocommit=True) as connection:
        connection.execute("CREATE TABLE trials (id INTEGER)")
    Ledger.open(newer).close()
    with psycopg.connect(newer, autocommit=True) as connection:
        connection.execute("UPDATE segstudy_version SET version_num = '9999'")
    password = f"//postgres:{SECRET}@"
    return {
        "no such database": (server.replace("/postgres?", "/nothing?"), r'database "nothing" does not exist'),
        "no such user": (server.replace("//postgres:@", f"//nobody:{SECRET}@"), r'role "nobody" does not exist'),
        "tables of another program": (
            foreign.replace("//postgres:@", password),
            r"tables of another program \(trials\)",
        ),
        "tables of a newer version": (newer.replace("//postgres:@", password), r"newer segstudy \(tables 9999"),
    }


ADDRESSES: dict[str, tuple[list[str], str]] = {
    "a store of no name": (["--storage", "s3://"], r"--storage s3://: expected a folder that all machines see, or an"),
    "a key for storage": (
        ["--storage", f"s3://me:{SECRET}@bucket/x"],
        r"--storage s3://\*\*\*@bucket/x: a key or password",
    ),
    "a server for storage": (
        ["--storage", f"sftp://me:{SECRET}@h/x"],
        r"--storage sftp://\*\*\*@h/x: expected a folder",
    ),
    "data at a store of no name": (["--data", "s3://"], r"dataset.path \(--data\): s3://: expected the dataset"),
    "a key for data": (["--data", f"s3://me:{SECRET}@bucket/x"], r"s3://\*\*\*@bucket/x: a key or password in it"),
    "a server for data": (
        ["--data", f"sftp://me:{SECRET}@h/x"],
        r"sftp://\*\*\*@h/x: expected the dataset's folder, or an object store \(s3, gs",
    ),
    "MLflow of an unknown kind": (["--mlflow", f"ftp://me:{SECRET}@h/x"], r"--mlflow ftp://\*\*\*@h/x: expected http"),
    "MLflow's old folder": (["--mlflow", "mlruns"], r"--mlflow mlruns: expected http://HOST:PORT or a database"),
    "MLflow without a host": (["--mlflow", "http://"], r"--mlflow http://: expected http://HOST:PORT"),
}
