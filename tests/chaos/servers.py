"""PostgreSQL, MLflow and an S3-compatible server that can be killed and started again at the same address."""

import abc
import contextlib
import logging
import os
import pathlib
import signal
import subprocess
import threading
import time
import urllib.request
import warnings
from types import TracebackType
from typing import Any, Self

import psutil
import psycopg
from moto.server import ThreadedMotoServer

from study.ledger.rows import StudyRow
from tests.ports import free_port
from tests.trainables.moto_servers import served, stop

PATIENCE = 60.0  # seconds for a server to answer


class Server(abc.ABC):
    """A server that can be killed and started again; it runs while a `with` block does."""

    @abc.abstractmethod
    def kill(self) -> None: ...

    @abc.abstractmethod
    def start(self) -> None: ...

    @abc.abstractmethod
    def close(self) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Postgres(Server):
    """pgserver's PostgreSQL in a folder; a kill ends the postmaster without a signal to its children."""

    def __init__(self, folder: pathlib.Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pgserver warns where a container has no runtime folder
            import pgserver

            self._server: Any = pgserver.get_server(folder, cleanup_mode="delete")

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._server.get_pid(), signal.SIGKILL)

    def start(self) -> None:
        """Starts it and waits until it answers; the killed one and its children may still run for a moment."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                self._await_the_end()
                self._server.ensure_postgres_running()
                psycopg.connect(self._server.get_uri(), connect_timeout=5).close()
                return
            except (subprocess.SubprocessError, AssertionError, psycopg.OperationalError):
                if time.monotonic() > deadline:
                    raise
            time.sleep(0.2)

    def _await_the_end(self) -> None:
        """Waits until the killed process is reaped: PostgreSQL and pgserver take a zombie for a running server."""
        deadline = time.monotonic() + PATIENCE / 2
        with contextlib.suppress(psutil.NoSuchProcess):
            while psutil.Process(self._server.get_pid()).status() == psutil.STATUS_ZOMBIE:
                if time.monotonic() > deadline:
                    raise RuntimeError("nobody collects PostgreSQL's dead process here, so it cannot be started again")
                time.sleep(0.1)

    def database(self, name: str) -> str:
        """Creates a database; returns its ledger URL."""
        self._execute(f"CREATE DATABASE {name}")
        return str(self._server.get_uri(database=name)).replace("postgresql://", "postgresql+psycopg://")

    def drop(self, name: str) -> None:
        self._execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def _execute(self, statement: str) -> None:
        with psycopg.connect(self._server.get_uri(), autocommit=True) as connection:
            connection.execute(statement.encode())

    def close(self) -> None:
        self._server.cleanup()


class MLflow(Server):
    """MLflow's server over a SQLite file in a folder, in one process."""

    def __init__(self, folder: pathlib.Path) -> None:
        from study.tracking.database import default_uri, prepare

        folder.mkdir()
        prepare(default_uri(folder))
        self._port = free_port()
        self._folder = folder
        self.uri = f"http://127.0.0.1:{self._port}"
        self.start()

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def start(self) -> None:
        from study.tracking.database import environment
        from study.tracking.ui import command

        with open(self._folder / "log", "a") as log:
            self._process = subprocess.Popen(
                command(self._folder, None, "127.0.0.1", self._port),
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + PATIENCE
        while True:
            with contextlib.suppress(OSError), urllib.request.urlopen(f"{self.uri}/health", timeout=2):
                return
            if time.monotonic() > deadline or self._process.poll() is not None:
                raise RuntimeError(f"MLflow does not answer; see {self._folder}/log")
            time.sleep(0.2)

    def lacks(self, study: StudyRow, trials: set[str]) -> str | None:
        """Returns what is missing of a completed study; None where each trial has one run that has ended."""
        from mlflow import MlflowClient

        from study.tracking.naming import KEY_TAG, STUDY_TAG
        from study.tracking.training_runs import identity

        client = MlflowClient(tracking_uri=self.uri)
        found = client.search_experiments(filter_string=f"tags.`{STUDY_TAG}` = '{identity(study)}'")
        if len(found) != 1:
            return f"MLflow has {len(found)} experiments of the study"
        runs = client.search_runs([found[0].experiment_id], filter_string="tags.kind = 'trial'")
        keys = sorted(run.data.tags[KEY_TAG] for run in runs if run.info.end_time is not None)
        return None if keys == sorted(trials) else f"MLflow shows {keys} as ended"

    def close(self) -> None:
        self.kill()


class ObjectStore(Server):
    """moto's S3 in this process; its contents survive a stop of the server."""

    def __init__(self) -> None:
        logging.getLogger("werkzeug").setLevel(logging.CRITICAL)  # a line for each request
        self._open = contextlib.ExitStack()
        self._url, self._server = self._open.enter_context(served())

    def url(self, name: str) -> str:
        """Returns the URL of a folder in it."""
        return self._url.format(name)

    def kill(self) -> None:
        stop(self._server)

    def start(self) -> None:
        host, port = self._server.get_host_and_port()
        self._server = ThreadedMotoServer(ip_address=host, port=port, verbose=False)
        self._server.start()

    def close(self) -> None:
        self.kill()
        self._open.close()


class Away:
    """Stops servers for a while; a thread for each starts it again."""

    def __init__(self) -> None:
        self._threads: list[threading.Thread] = []

    def take(self, server: Server, seconds: float) -> None:
        server.kill()
        thread = threading.Timer(seconds, server.start)
        thread.start()
        self._threads.append(thread)

    def all_back(self) -> None:
        """Waits until every server answers again."""
        while self._threads:
            self._threads.pop().join()
