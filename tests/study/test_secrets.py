"""A real study whose every address holds a secret: none of them stands in anything that the study writes or says.

Looked through are the terminal, Ray's files while it runs, the home with the exported models, MLflow's database, the
ledger's tables, the reports in every format, the exported archive, and the command lines of all processes below.
"""

import base64
import contextlib
import os
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import zipfile
from collections.abc import Iterator
from urllib.parse import quote

import psutil
import psycopg
import pytest
import yaml

from tests.chaos.servers import MLflow
from tests.study.command.test_cli_run import STUDY
from tests.study.databases import schema_of_its_own
from trainables.data.phantom.phantom import generate

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(1800)]

LEDGER, PARAMETER, MLFLOW, CLUSTER, STORE = "lake/dro@p", "lakeparam", "mill/flo@w", "clus/ter@x", "store/key+"
SECRETS = (LEDGER, PARAMETER, MLFLOW, CLUSTER, STORE, "dro@p", "flo@w", "ter@x", "lake/", "mill/", "clus/", "store/k")
"""Each secret, and the parts into which a careless parser cuts it."""


def _forms() -> dict[bytes, str]:
    """Return what to look for: each secret as it is, percent-encoded, and in a header of basic authentication."""
    forms = {each.encode(): each for each in SECRETS} | {quote(each, safe="").encode(): each for each in SECRETS}
    return forms | {base64.b64encode(f"miller:{MLFLOW}".encode()): MLFLOW}


def _found(name: str, content: bytes) -> Iterator[str]:
    yield from (f"{name}: {secret!r}" for form, secret in _forms().items() if form in content)


def _in_files(folder: pathlib.Path) -> Iterator[str]:
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        yield from _found(str(path.relative_to(folder.parent)), path.read_bytes())
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                for name in archive.namelist():
                    yield from _found(f"{path.name}/{name}", archive.read(name))


def _in_tables(address: str) -> Iterator[str]:
    with psycopg.connect(address) as connection:
        named = "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()"
        tables = [row[0] for row in connection.execute(named)]
        assert "studies" in tables
        for table in tables:
            for row in connection.execute(f"SELECT * FROM {table}".encode()):
                yield from _found(f"ledger, {table}", repr(row).encode())


class Watch:
    """Copies what a run keeps in its temporary folder, and reads the command lines of its processes, until it ends."""

    def __init__(self, process: subprocess.Popen[str], temporary: pathlib.Path, kept: pathlib.Path) -> None:
        self.lines: set[bytes] = set()
        self._process, self._temporary, self._kept = process, temporary, kept
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def end(self) -> None:
        self._thread.join()

    def _files(self) -> Iterator[pathlib.Path]:
        with contextlib.suppress(OSError):  # a folder is removed while it is looked through
            yield from self._temporary.rglob("*")

    def _look(self) -> None:
        while self._process.poll() is None:
            for path in self._files():
                with contextlib.suppress(OSError):
                    if path.is_file() and path.stat().st_size < 1 << 22:
                        target = self._kept / path.relative_to(self._temporary)
                        target.parent.mkdir(parents=True, exist_ok=True)
                        shutil.copyfile(path, target)
            with contextlib.suppress(psutil.NoSuchProcess):
                for child in psutil.Process(self._process.pid).children(recursive=True):
                    with contextlib.suppress(psutil.Error):
                        if child.cmdline() != self._process.args:  # else: between fork and exec
                            self.lines.add(" ".join(child.cmdline()).encode())
            threading.Event().wait(0.3)


@pytest.fixture
def temporary() -> Iterator[pathlib.Path]:
    """A folder with a short name: Ray's sockets in it may have 107 characters."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        yield pathlib.Path(folder)


def test_no_output_shows_a_secret(postgres: str, tmp_path: pathlib.Path, temporary: pathlib.Path) -> None:
    plain = schema_of_its_own(postgres)
    query = plain.partition("?")[2]
    ledger = f"postgresql+psycopg://postgres:{LEDGER}@/postgres?{query}&sslpassword={PARAMETER}"
    generate(tmp_path / "data", 6, dim=2, seed=1)
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(STUDY, sort_keys=False))
    said: list[str] = []
    complaints: list[str] = []

    def segstudy(*arguments: str, code: int = 0) -> None:
        line = [sys.executable, "-m", "study.command.cli", *arguments]
        environment = {**os.environ, "TMPDIR": str(temporary)}
        process = subprocess.Popen(
            line, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8"
        )
        watch = Watch(process, temporary, tmp_path / "kept" / arguments[0])
        told = process.communicate(timeout=800)[0]
        watch.end()
        said.append(told)
        assert process.returncode == code, told
        complaints.extend(_found(f"terminal of {' '.join(arguments[:2])}", told.encode()))
        for each in watch.lines:
            complaints.extend(_found(f"process of {arguments[0]}", each))

    with MLflow(tmp_path / "mlflow") as server:
        mlflow = server.uri.replace("://", f"://miller:{quote(MLFLOW, safe='')}@")
        segstudy("run", "tiny.yaml", "--ledger", ledger, "--mlflow", mlflow, "--home", "home")
        segstudy("ui", "--mlflow", mlflow)
    segstudy("run", "tiny.yaml", "--ledger", ledger, "--mlflow", mlflow, "--home", "home")  # and here it is away
    segstudy("status", "tiny", "--ledger", ledger)
    segstudy("list", "--ledger", ledger)
    segstudy("report", "tiny", "--ledger", ledger, "--out", "report", *_formats())
    segstudy("export", "tiny", "tiny.sqlite", "--ledger", ledger)
    segstudy("stop", "tiny", "--ledger", ledger)
    away = ledger.replace(query, "host=/nowhere")
    cluster = f"http://someone:{CLUSTER}@127.0.0.1:1/?token={PARAMETER}"
    store = f"s3://AKIA:{STORE}@bucket/x?secret_key={PARAMETER}"
    for command in (
        ["list", "--ledger", away],
        ["run", "tiny.yaml", "--ledger", away],
        ["run", "tiny.yaml", "--storage", store],
        ["run", "tiny.yaml", "--data", store],
        ["run", "tiny.yaml", "--mlflow", f"ftp://u:{MLFLOW}@host"],
        ["run", "tiny.yaml", "--ray", f"ray://u:{CLUSTER}@127.0.0.1:1"],
        ["status", "tiny", "--cluster", cluster],
        ["logs", "tiny", "--cluster", cluster],
        ["submit", "tiny.yaml", "--cluster", cluster, "--home", "/x"],
        ["submit", "tiny.yaml", "--cluster", "http://127.0.0.1:1", "--home", "/x", "--ledger", ledger],
        ["submit", "tiny.yaml", "--cluster", "http://127.0.0.1:1", "--home", "/x", "--mlflow", mlflow],
        ["ui", "--mlflow", f"postgresql://u:{LEDGER}@127.0.0.1:1/db?password={PARAMETER}"],
    ):
        segstudy(*command, code=2)
    complaints += _in_tables(plain)
    for folder in ("home", "mlflow", "report", "kept"):
        complaints += _in_files(tmp_path / folder)
    complaints += _found("archive", (tmp_path / "tiny.sqlite").read_bytes())
    with contextlib.closing(sqlite3.connect(tmp_path / "mlflow" / "mlflow.db")) as database:
        complaints += _found("mlflow.db", "\n".join(database.iterdump()).encode())
    assert any(path.name.startswith("gcs_server") for path in (tmp_path / "kept").rglob("*")), (
        "Ray's logs were not seen"
    )
    assert "\n".join(sorted(set(complaints))) == ""


def _formats() -> list[str]:
    return [part for name in ("md", "csv", "tex", "html", "bib", "xlsx", "figures") for part in ("--format", name)]


def test_the_search_finds_what_is_there(tmp_path: pathlib.Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.xlsx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("cells.xml", f"x{LEDGER}" * 9)
    (tmp_path / "b").write_bytes(b"..." + quote(MLFLOW, safe="").encode())
    found = set(_in_files(tmp_path))
    assert f"a.xlsx/cells.xml: {LEDGER!r}" in found
    assert any(line.endswith(f"b: {MLFLOW!r}") for line in found)
