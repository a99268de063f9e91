"""`segstudy ui`: runs MLflow's own server for a home's database, on loopback, until Ctrl-C."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import IO

from study.addresses import hidden_in, mlflow_address
from study.tracking import moved_home
from study.tracking.database import artifact_root, default_uri, environment, is_server, prepare, public
from study.tracking.ui_app import BY_ENVIRONMENT, DATABASE, DOOR
from trainables.errors import InputError

_USUAL_PORT = 5000  # MLflow's default
_PAGE = (
    "/#/experiments?workflowType=machine_learning"  # otherwise its page opens in the layout for chatbots and hides runs
)


def command(home: Path, mlflow_uri: str | None, host: str, port: int) -> list[str]:
    """Return the command line of the server.

    Args:
        home: Folder of the embedded database and of its models.
        mlflow_uri: Another database, which the environment names, as everybody may read command lines; None for the
            home's.
        host: Address to listen on.
        port: Port to listen on.
    """
    return [
        *(sys.executable, "-P", "-m", "study.tracking.ui_app"),
        *(default_uri(home) if mlflow_uri is None else BY_ENVIRONMENT, artifact_root(home), host, str(port)),
    ]


def open_ui(
    home: Path,
    mlflow_uri: str | None = None,
    *,
    host: str = "127.0.0.1",
    port: int | None = None,
    say: Callable[[str], None] = print,
    start_seconds: float = 90.0,
    until: threading.Event | None = None,
) -> None:
    """Serve MLflow's page until Ctrl-C, SIGTERM or `until`; for a running server only print its address.

    Args:
        home: Folder that holds `mlflow.db` and `artifacts/`.
        mlflow_uri: Another database, or a server's `http://` address; None for the home's.
        host: Address to listen on; loopback by default.
        port: Port to listen on; None takes 5000 if it is free, otherwise any free one.
        say: Receives lines for the user.
        start_seconds: Time limit for the server's first answer.
        until: Ends the server when set.

    Raises:
        InputError: The home does not exist, the address is not MLflow's, the port is taken, or the server does not
            start.
    """
    if mlflow_uri is not None and is_server(mlflow_address(mlflow_uri)):
        say(f"MLflow: {public(mlflow_uri).rstrip('/')}{_PAGE}")
        return
    if mlflow_uri is None and not home.is_dir():
        raise InputError(f"no folder {home}: nothing was run there yet. Name the right one with --home.")
    try:
        prepare(mlflow_uri or default_uri(home))
        moved_home.follow(home)
    except OSError as error:
        raise InputError(
            f"MLflow's database cannot be made: {hidden_in(str(error), mlflow_uri)}. Make room, or mend the disk's "
            "rights, or name another by --mlflow."
        ) from error
    chosen = _port(host, port)
    with tempfile.TemporaryFile() as log, _server(command(home, mlflow_uri, host, chosen), log, mlflow_uri) as server:
        shown = f"http://[{host}]:{chosen}" if ":" in host else f"http://{host}:{chosen}"
        with _terminated_like_interrupted(), suppress(KeyboardInterrupt):
            _await(server, f"{shown}/health", start_seconds, log)
            say(f"MLflow: {shown}{DOOR} (Ctrl-C ends it)")
            while server.poll() is None and not (until and until.wait(0)):
                time.sleep(0.2)
        if server.poll() is not None:
            raise InputError(f"MLflow's server ended by itself: {hidden_in(_last_line(log), mlflow_uri)}")


def _port(host: str, port: int | None) -> int:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for candidate in (_USUAL_PORT, 0) if port is None else (port,):
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, candidate))
            except OSError as error:
                reason = error.strerror
                continue
            return int(probe.getsockname()[1])
    raise InputError(f"cannot listen on {host}, port {port}: {reason}. Choose another with --port, or leave it out.")


@contextmanager
def _server(line: list[str], log: IO[bytes], mlflow_uri: str | None) -> Iterator[subprocess.Popen[bytes]]:
    """Run the server in a session of its own, so that only this process receives Ctrl-C; end it with its children."""
    server = subprocess.Popen(
        line,
        env=environment() | ({} if mlflow_uri is None else {DATABASE: mlflow_uri}),
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        yield server
    finally:
        _end(server)


def _end(server: subprocess.Popen[bytes]) -> None:
    for number, seconds in ((signal.SIGTERM, 10.0), (signal.SIGKILL, 10.0)):
        with suppress(ProcessLookupError):
            os.killpg(server.pid, number)
        with suppress(subprocess.TimeoutExpired):
            server.wait(seconds)
        if not _group_lives(server.pid):
            return


def _group_lives(group: int) -> bool:
    for _ in range(50):  # terminated children end shortly after their parent
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return False
        time.sleep(0.1)
    return True


def _await(server: subprocess.Popen[bytes], health: str, seconds: float, log: IO[bytes]) -> None:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # never by a proxy of the environment
    end = time.monotonic() + seconds
    while time.monotonic() < end and server.poll() is None:
        with suppress(urllib.error.URLError, OSError, http.client.HTTPException), direct.open(health, timeout=2.0):
            return
        time.sleep(0.2)
    if server.poll() is None:
        raise InputError(f"MLflow's server did not answer within {seconds:.0f} s: {_last_line(log)}")


def _last_line(log: IO[bytes]) -> str:
    log.seek(0)
    lines = log.read().decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing"


@contextmanager
def _terminated_like_interrupted() -> Iterator[None]:
    """Handle SIGTERM like Ctrl-C while the server runs, so that no orphan stays; only in the main thread."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
