"""Ray sessions: an embedded Ray that leaves no files behind, or a connection to a cluster."""

import contextlib
import fcntl
import logging
import os
import pathlib
import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping

from study.addresses import shown
from study.machines.admission import Node
from study.machines.embedded_ray import embedded
from study.machines.ray_token import token, token_shown
from trainables.errors import InputError

CONNECT_SECONDS = 10.0
REPEATS = 10  # attempts, 0.2 s apart, to remove a folder to which Ray's processes still write
LONGEST = 40  # characters of the session's folder: paths of sockets in it may have 107

CONNECTIONS = {"RAY_grpc_keepalive_timeout_ms": "60000"}
"""A connection may be silent for as long as a disconnected host is waited for: with Ray's 20 s, a worker was lost whose
host was disconnected for 20 s. Every process of a cluster needs this setting, so cluster.yaml has it too."""

NICENESS = {"RAY_worker_niceness": "0"}
"""With Ray's 15, workers stand still beside other work. A worker reads it from its own environment, so the workers of a
cluster that was started without it get it from the driver."""

SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",  # no usage statistics are sent
    **NICENESS,
    **CONNECTIONS,
    "RAY_CHDIR_TO_TRIAL_DIR": "0",  # relative paths mean the same in workers
    "RAY_AIR_NEW_OUTPUT": "0",  # no tables of Tune's own
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # Ray's future default; unset, Ray warns
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",  # no result.json, no CSV, no TensorBoard
    "TUNE_DISABLE_SIGINT_HANDLER": "1",  # `study.signals` handles Ctrl-C
    "TUNE_DISABLE_AUTO_INIT": "1",
    "TUNE_GLOBAL_CHECKPOINT_S": "1000000000",  # no snapshots, which grow with every segment
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",  # the ledger has them
    "TUNE_WARN_THRESHOLD_S": "10",
}


@contextlib.contextmanager
def settings(**more: str) -> Iterator[None]:
    """Set environment variables of Ray and Tune while the block runs; variables that the user set are kept."""
    wanted = {name: value for name, value in {**SETTINGS, **more}.items() if name not in os.environ}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name in wanted:
            os.environ.pop(name, None)


@contextlib.contextmanager
def session(
    address: str | None,
    machine: Node,
    tell: Callable[[str], None] = lambda text: None,
    environment: Mapping[str, str] | None = None,
) -> Iterator[pathlib.Path]:
    """Connect to a cluster or start an embedded Ray; a Ray that runs in this process already is used as it is.

    Args:
        address: Address of a cluster (`auto`, `host:port`); None starts an embedded Ray.
        machine: Resources of the embedded Ray.
        tell: Receives a line when the embedded Ray did not start and is started again.
        environment: Environment variables of a cluster's workers; an embedded Ray's inherit this process's.

    Yields:
        A folder for temporary files.

    Raises:
        InputError: There is no cluster at the address.
        MachineTroubleError: The embedded Ray does not start.
    """
    if is_running():
        with _own_folder() as folder:
            yield folder
        return
    with _own_folder() as folder, embedded(machine, folder, tell) if address is None else _joined(address, environment):
        yield folder


@contextlib.contextmanager
def _joined(address: str, environment: Mapping[str, str] | None) -> Iterator[None]:
    import ray

    variables = {name: os.environ.get(name, usual) for name, usual in NICENESS.items()} | dict(environment or {})
    _knock(address)
    with token_shown() if asks_for_token(address) else contextlib.nullcontext():
        try:
            ray.init(
                address=address,
                log_to_driver=False,
                logging_level=logging.CRITICAL,
                runtime_env={"env_vars": variables},
            )
        except (ConnectionError, ValueError, RuntimeError, ray.exceptions.RayError) as error:
            if "AuthToken" in str(error):
                raise InputError(
                    f"--ray {shown(address)}: the cluster asks for its token. Copy its file ~/.ray/auth_token here."
                ) from error
            line = str(error).strip().splitlines()[0]
            raise InputError(f"--ray {shown(address)}: no Ray cluster answers there ({line}).") from error
        try:
            yield
        finally:
            ray.shutdown()


def asks_for_token(address: str) -> bool:
    """Whether the cluster at an address refuses connections without a token.

    A cluster without tokens must not be sent one: a driver that sends one expects it from the cluster too, which then
    takes the driver for dead and kills its workers.
    """
    from ray._raylet import GcsClient  # type: ignore[attr-defined]  # of Cython, and its stub lacks it
    from ray.exceptions import RayError

    if not token():
        return False
    try:
        with _without_stderr():  # Ray warns about the missing token
            GcsClient(address=_head(address)).internal_kv_get(b"segstudy", None, timeout=CONNECT_SECONDS)
    except (RayError, OSError, RuntimeError):
        return True  # any other error is reported by the connection itself
    return False


def _head(address: str) -> str:
    """Return `auto` as host:port if a cluster is found; any other address unchanged."""
    if address != "auto":
        return address
    from ray._private.services import canonicalize_bootstrap_address

    return canonicalize_bootstrap_address("auto") or address


@contextlib.contextmanager
def _without_stderr() -> Iterator[None]:
    """Discard what this process writes to stderr, including its C++ code."""
    kept = os.dup(2)
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(silent)


def is_running() -> bool:
    """Whether this process is connected to Ray already."""
    import ray

    return bool(ray.is_initialized())


def head_address() -> str:
    """Return the address (host:port) of the head of the connected cluster."""
    import ray

    return str(ray.get_runtime_context().gcs_address)


def _knock(address: str) -> None:
    """Refuse an address at which no server answers; Ray itself takes minutes to find out."""
    if address == "auto":
        return
    host, _, port = address.rpartition(":")
    if "/" in host or not host or not port.isdigit():
        raise InputError(
            f"--ray {shown(address)}: expected `auto` or host:port. Run the command on a machine of the cluster (or in "
            "a job)."
        )
    try:
        socket.create_connection((host, int(port)), timeout=CONNECT_SECONDS).close()
    except OSError as error:
        raise InputError(f"--ray {shown(address)}: no Ray cluster answers there ({error}).") from error


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Silence Ray's and Tune's loggers below level CRITICAL."""
    loggers = [logging.getLogger(name) for name in ("ray", "ray.tune", "ray.train", "ray.data")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)


@contextlib.contextmanager
def _own_folder() -> Iterator[pathlib.Path]:
    """Yield a folder of this process alone, removed afterwards, as are the folders of killed processes."""
    parent = pathlib.Path(tempfile.gettempdir())
    prefix = f"segstudy-{os.getuid()}-"
    if len(str(parent / prefix)) + 8 > LONGEST:
        parent = pathlib.Path("/tmp")
    for left in parent.glob(f"{prefix}*"):
        _remove_if_unlocked(left)
    made = pathlib.Path(tempfile.mkdtemp(prefix=".segstudy-", dir=parent))
    with open(made / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # held until this process ends, in whatever way
        folder = parent / f"{prefix}{made.name[-8:]}"
        made.rename(folder)  # no other process sees it without its lock
        try:
            yield folder
        finally:
            _remove(folder)


def _remove_if_unlocked(folder: pathlib.Path) -> None:
    """Remove a folder whose lock is free; a folder without a lock was partly removed before."""
    with contextlib.suppress(OSError):
        if not (folder / "lock").exists():
            _remove(folder)
            return
        with open(folder / "lock") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _remove(folder)


def _remove(folder: pathlib.Path) -> None:
    """Remove a folder to which Ray's ending processes may still write."""
    for _ in range(REPEATS):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.2)
