"""Ray for a while: an embedded one that leaves nothing behind, or the cluster at an address."""

import contextlib
import fcntl
import logging
import os
import pathlib
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator

from study.machines.admission import Node
from trainables.errors import InputError

OBJECT_STORE_BYTES = 256 * 2**20  # no volumes go through it
KNOCK = 10.0  # seconds
REPEATS = 10  # fifths of a second that Ray's processes have to end
LONGEST = 40  # letters of the folder: sockets lie deep in it, and their paths may have 107

CONNECTIONS = {"RAY_grpc_keepalive_timeout_ms": "60000"}
"""So long as a host that is cut off is waited for may a connection be silent: with Ray's 20 s, a worker was lost that
was cut off for 20 s. Every process of a cluster has to know it, so cluster.yaml says it too."""

SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",  # nothing is sent anywhere
    "RAY_worker_niceness": "0",  # Ray's 15 stands still on a machine where anything else works
    **CONNECTIONS,
    "RAY_CHDIR_TO_TRIAL_DIR": "0",  # relative paths mean the same in workers
    "RAY_AIR_NEW_OUTPUT": "0",  # Tune's own tables
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # what Ray will do by default; unset, it warns
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",  # no result.json, no CSV, no TensorBoard
    "TUNE_DISABLE_SIGINT_HANDLER": "1",  # Ctrl-C is the launcher's
    "TUNE_DISABLE_AUTO_INIT": "1",
    "TUNE_GLOBAL_CHECKPOINT_S": "1000000000",  # the ledger knows; Tune's snapshots grow with every segment
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",  # the ledger has them
    "TUNE_WARN_THRESHOLD_S": "10",
}


@contextlib.contextmanager
def settings(**more: str) -> Iterator[None]:
    """Environment variables that Ray and Tune read, for the time of the block; the user's own come first."""
    wanted = {name: value for name, value in {**SETTINGS, **more}.items() if name not in os.environ}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name in wanted:
            os.environ.pop(name, None)


@contextlib.contextmanager
def session(address: str | None, machine: Node) -> Iterator[pathlib.Path]:
    """Connects to Ray, or starts one in this process's care; a Ray that runs in this process already is used as it is.

    Args:
        address: A cluster's (`auto`, `host:port`); None starts an embedded one.
        machine: What the embedded one may use.

    Yields:
        A folder for files of no worth afterwards.

    Raises:
        InputError: There is no cluster at the address.
    """
    import ray

    if address is not None:
        _knock(address)

    asked = address is not None and asks_for_token(address)
    with _own_folder() as folder, token_shown() if asked else contextlib.nullcontext():
        if ray.is_initialized():
            yield folder
            return
        common = {"log_to_driver": False, "logging_level": logging.CRITICAL, "include_dashboard": False}
        if address is not None:
            common.pop("include_dashboard")
            try:
                ray.init(address=address, **common)
            except (ConnectionError, ValueError, RuntimeError, ray.exceptions.RayError) as error:
                if "AuthToken" in str(error):
                    raise InputError(
                        f"--ray {address}: the cluster asks for its token. Copy its file ~/.ray/auth_token here."
                    ) from error
                line = str(error).strip().splitlines()[0]
                raise InputError(f"--ray {address}: no Ray cluster answers there ({line}).") from error
        else:
            ray.init(
                address="local",
                num_cpus=int(machine.cpu),
                num_gpus=machine.gpu,
                object_store_memory=OBJECT_STORE_BYTES,
                _temp_dir=str(folder / "r"),
                **common,
            )
        try:
            yield folder
        finally:
            ray.shutdown()


def token() -> dict[str, str]:
    """The setting by which Ray shows its token to a cluster; empty where it has none, or the user has said how.

    A cluster that `ray start` or `ray up` started asks for it: the same file on every machine, and here.
    """
    if "RAY_AUTH_MODE" in os.environ:
        return {}
    file = pathlib.Path(os.environ.get("RAY_AUTH_TOKEN_PATH", "~/.ray/auth_token")).expanduser()
    return {"RAY_AUTH_MODE": "token"} if "RAY_AUTH_TOKEN" in os.environ or file.is_file() else {}


def asks_for_token(address: str) -> bool:
    """Whether the cluster at an address refuses who shows no token.

    One that asks for none must be shown none: a driver that shows one expects it of the cluster too, which then takes
    the driver for dead, and kills all of its workers.
    """
    from ray._raylet import GcsClient  # type: ignore[attr-defined]  # of Cython, and its stub lacks it
    from ray.exceptions import RayError

    if not token():
        return False
    try:
        with _without_stderr():  # where Ray warns of what is asked here
            GcsClient(address=_head(address)).internal_kv_get(b"segstudy", None, timeout=KNOCK)
    except (RayError, OSError, RuntimeError):
        return True  # or something else is wrong, which whoever connects next says
    return False


def _head(address: str) -> str:
    """`auto` as host:port; where there is none, as it is."""
    if address != "auto":
        return address
    from ray._private.services import canonicalize_bootstrap_address

    return canonicalize_bootstrap_address("auto") or address


@contextlib.contextmanager
def _without_stderr() -> Iterator[None]:
    """Nothing that this process says to stderr is heard, C++ included."""
    kept = os.dup(2)
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(silent)


@contextlib.contextmanager
def token_shown() -> Iterator[None]:
    """While the block runs, Ray shows the token that it has to whom it speaks to."""
    from ray._raylet import Config  # type: ignore[attr-defined]  # of Cython, and its stub lacks it

    if not (wanted := token()):
        yield
        return
    os.environ.update(wanted)
    Config.initialize("")  # Ray reads its environment when it is imported, and then only when told to
    try:
        yield
    finally:
        for name in wanted:
            os.environ.pop(name, None)
        Config.initialize("")


def is_running() -> bool:
    """Whether this process has a Ray already."""
    import ray

    return bool(ray.is_initialized())


def head_address() -> str:
    """Where the head of the cluster that was joined listens, host:port."""
    import ray

    return str(ray.get_runtime_context().gcs_address)


def _knock(address: str) -> None:
    """Whether somebody is there; Ray itself takes minutes to find out."""
    if address == "auto":
        return
    host, _, port = address.rpartition(":")
    if "/" in host or not host or not port.isdigit():
        raise InputError(
            f"--ray {address}: expected `auto` or host:port. Run the command on a machine of the cluster (or in a job)."
        )
    try:
        socket.create_connection((host, int(port)), timeout=KNOCK).close()
    except OSError as error:
        raise InputError(f"--ray {address}: no Ray cluster answers there ({error}).") from error


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Ray's and Tune's loggers say nothing below critical."""
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
    """A folder that no other process or user has, gone afterwards; what killed processes left goes too."""
    parent = pathlib.Path(tempfile.gettempdir())
    prefix = f"segstudy-{os.getuid()}-"
    if len(str(parent / prefix)) + 8 > LONGEST:
        parent = pathlib.Path("/tmp")
    for left in parent.glob(f"{prefix}*"):
        _remove_if_nobodys(left)
    made = pathlib.Path(tempfile.mkdtemp(prefix=".segstudy-", dir=parent))
    with open(made / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # held until this process ends, however it ends
        folder = parent / f"{prefix}{made.name[-8:]}"
        made.rename(folder)  # nobody saw it without its lock
        try:
            yield folder
        finally:
            _remove(folder)


def _remove_if_nobodys(folder: pathlib.Path) -> None:
    """Removes what nobody holds the lock of; a folder without a lock was half removed before."""
    with contextlib.suppress(OSError):
        if not (folder / "lock").exists():
            _remove(folder)
            return
        with open(folder / "lock") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _remove(folder)


def _remove(folder: pathlib.Path) -> None:
    """Removes it; Ray's processes write to it until their last moment."""
    for _ in range(REPEATS):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.2)
