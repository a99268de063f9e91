"""Where MLflow keeps its data: `HOME/mlflow.db`, made whole before anyone opens it, or any address MLflow knows.

Several processes that open a fresh SQLite file at once leave it broken, and so does a kill in the middle of its 3 s
of migrations. So it is made beside, by one process under a lock, and moved into place.
"""

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

_SCRATCH = ".mlflow-new-"
_STALE_SECONDS = 600.0

_QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",  # a study talks to nobody that its user did not name
    "DO_NOT_TRACK": "true",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # else a line for every run that ends
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}
_SHORT_WAITS = {
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",  # seconds; MLflow's own is 120, seven times over
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",  # the view waits by itself, and a create that is repeated blindly doubles
}


def default_uri(home: Path) -> str:
    """The embedded database of a home."""
    return f"sqlite:///{home.resolve() / 'mlflow.db'}"


def artifact_root(home: Path) -> str:
    """Where models go when the database is the embedded one."""
    return (home.resolve() / "artifacts").as_uri()


def is_server(uri: str) -> bool:
    """Whether the address is a running MLflow server's."""
    return uri.startswith(("http://", "https://"))


def public(uri: str) -> str:
    """The address without a password, fit to be shown and stored."""
    parts = urlsplit(uri)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])) if "@" in parts.netloc else uri


def environment() -> dict[str, str]:
    """This process's environment with what keeps an MLflow of ours quiet."""
    return {**os.environ, **_QUIET}


def configure() -> None:
    """Sets, for this process and what it starts, what keeps MLflow quiet and its waits short; the user's own stay."""
    for name, value in {**_QUIET, **_SHORT_WAITS}.items():
        os.environ.setdefault(name, value)


def prepare(uri: str) -> None:
    """Makes the SQLite database of `uri` with all its tables, if it is one and not there yet (3 s).

    Raises:
        OSError: The folder cannot be written, or MLflow could not make its tables; the message has its last line.
    """
    if not uri.startswith("sqlite:///"):
        return
    path = Path(uri.removeprefix("sqlite:///"))
    if _there(path):
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with _locked(path.with_name(path.name + ".lock")):
        if not _there(path):
            _make(path)


def _there(path: Path) -> bool:
    return path.exists() and path.stat().st_size > 0


def _make(path: Path) -> None:
    for old in path.parent.glob(_SCRATCH + "*"):  # of a process that was killed here
        if time.time() - old.stat().st_mtime > _STALE_SECONDS:
            shutil.rmtree(old, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=_SCRATCH, dir=path.parent) as scratch:
        new = Path(scratch, path.name)
        # In a process of its own: seconds of pure Python, which would slow whoever shares this interpreter.
        done = subprocess.run(
            [sys.executable, "-m", "mlflow", "db", "upgrade", f"sqlite:///{new}"],
            env=environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0 or not new.exists():
            last = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()[-1]
            raise OSError(f"{path}: MLflow could not make its tables: {last}")
        os.replace(new, path)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
