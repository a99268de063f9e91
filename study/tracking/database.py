"""MLflow's database: `HOME/mlflow.db`, created completely before anyone opens it, or any address that MLflow accepts.

Several processes that open a new SQLite file together leave it broken, and so does a kill during the 3 s of
migrations. So one process creates it beside under a lock, and moves it into place.
"""

import fcntl
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote

from study.addresses import HIDDEN, shown

_SCRATCH = ".mlflow-new-"
_STALE_SECONDS = 600.0

_QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",  # no telemetry
    "DO_NOT_TRACK": "true",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # otherwise MLflow prints a line for every run that ends
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}
_SHORT_WAITS = {
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",  # seconds; MLflow's own is 120, seven times over
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",  # `Tracker` retries by itself, and repeated creations would duplicate
}


def default_uri(home: Path) -> str:
    """Return the address of a home's embedded database."""
    return _address(home.resolve() / "mlflow.db")


def _address(path: Path) -> str:
    """Return the address of a database's file; SQLAlchemy reads `%` as an escape, and `?` as the end of the path."""
    return f"sqlite:///{str(path).replace('%', '%25').replace('?', '%3F')}"


def artifact_root(home: Path) -> str:
    """Return the folder of models for the embedded database."""
    return (home.resolve() / "artifacts").as_uri()


def is_server(uri: str) -> bool:
    """Whether the address is that of a running MLflow server."""
    return uri.startswith(("http://", "https://"))


def public(uri: str) -> str:
    """Return the address without a password, to be shown and stored."""
    return shown(uri).replace(f"://{HIDDEN}@", "://", 1)


def environment() -> dict[str, str]:
    """Return this process's environment with the settings that keep MLflow quiet."""
    return {**os.environ, **_QUIET}


def configure() -> None:
    """Set for this process and its children what keeps MLflow quiet and its timeouts short, unless the user set it."""
    for name, value in {**_QUIET, **_SHORT_WAITS}.items():
        os.environ.setdefault(name, value)


def prepare(uri: str) -> None:
    """Create the SQLite database of `uri` with all its tables, if it is one and does not exist (3 s).

    Raises:
        OSError: The folder cannot be written, or MLflow could not create its tables; the message has its last line.
    """
    if not uri.startswith("sqlite:///"):
        return
    path = Path(unquote(uri.removeprefix("sqlite:///")))
    if _there(path):
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with _locked(path.with_name(path.name + ".lock")):
        if not _there(path):
            _make(path)


def _there(path: Path) -> bool:
    return path.exists() and path.stat().st_size > 0


def _make(path: Path) -> None:
    for old in path.parent.glob(_SCRATCH + "*"):  # left by a killed process
        if time.time() - old.stat().st_mtime > _STALE_SECONDS:
            shutil.rmtree(old, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=_SCRATCH, dir=path.parent) as scratch:
        new = Path(scratch, path.name)
        # in a process of its own: seconds of pure Python would slow other threads of this one
        done = subprocess.run(
            [sys.executable, "-P", "-m", "mlflow", "db", "upgrade", _address(new)],
            env=environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0 or not new.exists():
            raise OSError(f"{path}: MLflow could not make its tables: {_reason(done.stderr or done.stdout)}")
        os.replace(new, path)


def _reason(output: str) -> str:
    """Return the last line of a command's output; SQLAlchemy's own reason stands before its link and statement."""
    lines = output.strip().splitlines() or ["no message"]
    return next((line for line in reversed(lines) if re.match(r"[\w.]+(Error|Exception): ", line)), lines[-1])


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
