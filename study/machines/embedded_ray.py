"""Embedded Ray: started on loopback, with a token of its own and without the processes that a study does not use.

`ray.init` starts a dashboard, its agent, an agent for runtime environments, a log monitor and an autoscaler's monitor.
The raylet aborts if an agent takes longer than 15 s to start, which happens on busy machines. A study needs none of
them, and Ray has no switches for them, so functions of Ray (which is pinned) are replaced while it starts.
"""

import contextlib
import functools
import logging
import os
import pathlib
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from study.errors import MachineTroubleError
from study.machines import stand_in_agent
from study.machines.admission import Node
from study.machines.ray_token import token_of_its_own

OBJECT_STORE_BYTES = 256 * 2**20  # volumes are memory-mapped from the cache and do not go through it
HEAD_GONE_SECONDS = 10  # after which Ray ends every process of a session whose GCS server was killed
TRIES = 3
START_SECONDS = 120.0  # for each of Ray's processes to start; Ray's own limit is 30
POLL = 0.2  # seconds between two looks
T = TypeVar("T")
NOT_IN_USE = -1  # port of an agent that does not run, as the agents write it themselves


class _NotStartedError(Exception):
    """A process of Ray died or did not answer in time."""


@contextlib.contextmanager
def embedded(machine: Node, folder: pathlib.Path, tell: Callable[[str], None] = lambda text: None) -> Iterator[None]:
    """Start Ray on this machine, and end it with the block.

    Args:
        machine: Resources that Ray may use.
        folder: Folder for Ray's files.
        tell: Receives a line when Ray did not start and is started again.

    Raises:
        MachineTroubleError: Ray did not start. The message has Ray's own reason.
    """
    import ray

    with token_of_its_own(RAY_gcs_rpc_server_reconnect_timeout_s=str(HEAD_GONE_SECONDS)):
        for attempt in range(TRIES):
            try:
                _start(machine, folder / f"r{attempt or ''}")
                break
            except _NotStartedError as error:
                if attempt == TRIES - 1:
                    raise MachineTroubleError(
                        f"Ray does not start on this machine, in {TRIES} attempts: {error}. Nothing is lost: give the "
                        "same command again when the machine is less busy, or that is mended"
                    ) from None
                tell(f"Ray did not start ({error}); it is started again")
        try:
            with _workers_as_the_driver():
                yield
        finally:
            ray.shutdown()


def _start(machine: Node, folder: pathlib.Path) -> None:
    import ray

    started: list[Any] = []
    try:
        with _replaced(started):
            ray.init(
                address="local",
                num_cpus=int(machine.cpu),
                num_gpus=machine.gpu,
                object_store_memory=OBJECT_STORE_BYTES,
                job_config=_job(),
                _temp_dir=str(folder),
                log_to_driver=False,
                logging_level=logging.CRITICAL,
                include_dashboard=False,
            )
    except BaseException as error:
        with contextlib.suppress(Exception):
            ray.shutdown()
        for process in started:
            process.kill()
            process.wait()
        if not isinstance(error, Exception):
            raise
        reason = said(folder) or " ".join(str(error).split())[:300] or "one of its processes ended without a message"
        raise _NotStartedError(reason) from error


class _DriversPath(list[str]):
    """Folders that workers insert at the head of their `sys.path`, one after the other.

    Ray adds the working directory, where a `study.py`, `reports/` or `copy.py` of the user's own would hide ours. Here
    it comes after all folders of the driver's path.
    """

    def extend(self, folders: Iterable[str]) -> None:
        super().extend([*folders, *reversed([folder for folder in sys.path if folder])])


def _job() -> Any:
    from ray.job_config import JobConfig

    job = JobConfig()
    job._py_driver_sys_path = _DriversPath()
    return job


@contextlib.contextmanager
def _replaced(started: list[Any]) -> Iterator[None]:
    """Replace functions of Ray while it starts; `started` receives its processes."""
    from ray._private import node, ray_constants, services

    nothing = lambda self, **options: None  # noqa: E731
    replacements: list[tuple[Any, str, Any]] = [
        (ray_constants, "ENABLE_RAY_CLUSTER", False),  # the node's address is that of loopback
        (services, "start_ray_process", functools.partial(_process, services.start_ray_process, started)),
        (services, "get_node", functools.partial(_node, services.get_node, started)),
        (node, "wait_for_persisted_port", functools.partial(_port, node.wait_for_persisted_port, started)),
        (node.Node, "start_monitor", nothing),
        (node.Node, "start_log_monitor", nothing),
        (node.Node, "start_api_server", nothing),
    ]
    before = [(where, name, getattr(where, name)) for where, name, _ in replacements]
    for where, name, value in replacements:
        setattr(where, name, value)
    try:
        yield
    finally:
        for where, name, value in before:
            setattr(where, name, value)


@contextlib.contextmanager
def _workers_as_the_driver() -> Iterator[None]:
    """Let Tune's actors inherit the environment; Tune passes variables by a runtime environment that needs an agent."""
    from ray.tune.execution.class_cache import _ActorClassCache

    def plain(cache: Any, trainable: type) -> Any:
        import ray

        return cache._cache.setdefault(trainable, ray.remote(trainable))

    before = _ActorClassCache.get
    _ActorClassCache.get = plain
    try:
        yield
    finally:
        _ActorClassCache.get = before


def _process(start: Callable[..., Any], started: list[Any], command: list[str], *given: Any, **options: Any) -> Any:
    """Start a process of Ray; the raylet gets stand-ins for its agents, whose ports are written here."""
    if any(part.startswith("--dashboard_agent_command=") for part in command):
        _write_ports(command)
        stand_in = subprocess.list2cmdline([sys.executable, "-I", "-S", stand_in_agent.__file__, str(os.getpid())])
        agent = re.compile(r"(--(?:dashboard|runtime_env)_agent_command=).*", re.DOTALL)
        command = [agent.sub(lambda match: match[1] + stand_in, part) for part in command]
    info = start(command, *given, **options)
    started.append(info.process)
    return info


def _write_ports(command: list[str]) -> None:
    from ray import _raylet

    session, node = (next(part.partition("=")[2] for part in command if part.startswith(name)) for name in _WRITTEN_FOR)
    for agent in ("METRICS_AGENT", "METRICS_EXPORT", "DASHBOARD_AGENT_LISTEN", "RUNTIME_ENV_AGENT"):
        name = getattr(_raylet, f"{agent}_PORT_NAME")
        port = 1 if agent == "RUNTIME_ENV_AGENT" else NOT_IN_USE  # where nobody listens: the raylet insists on a port
        _raylet.persist_port(session, node, name, port)  # type: ignore[attr-defined]  # of Cython, and its stub lacks it


_WRITTEN_FOR = ("--session_dir=", "--node_id=")


def _port(wait: Callable[..., int], started: list[Any], *given: Any, timeout_ms: int = 0, **options: Any) -> int:
    """Wait for a port; in short steps, between which Python handles signals."""
    return _patient(lambda: wait(*given, timeout_ms=int(1000 * POLL), **options), started)


def _node(get: Callable[[str, str], Any], started: list[Any], address: str, node: str) -> Any:
    """Wait until the raylet has registered; Ray's own function waits 30 s, also for a dead one, and ignores signals."""
    from ray._raylet import GcsClient  # type: ignore[attr-defined]  # of Cython, and its stub lacks it

    def registered() -> None:
        if node not in {each.hex() for each in client.get_all_node_info(timeout=5.0)}:
            raise LookupError(node)

    client = GcsClient(address=address)
    _patient(registered, started)
    return get(address, node)


def _patient(function: Callable[[], T], started: list[Any]) -> T:
    """Call a function until it succeeds; fail at once if a process of Ray has died."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            return function()
        except Exception:
            if any(process.poll() is not None for process in started) or time.monotonic() > deadline:
                raise _NotStartedError from None
            time.sleep(POLL)


def said(folder: pathlib.Path) -> str | None:
    """Return the last error that Ray wrote to its logs, in one line; None if there is none.

    Args:
        folder: Ray's temporary folder.
    """
    found = []
    for log in sorted(folder.glob("session_2*/logs/*.out")):  # `session_latest` is a link
        for line in log.read_text(errors="replace").splitlines():
            if match := re.match(r"\[[^]]* ([EC]) \d+ \d+\] (?:\([^)]*\) )?\S+: +(.*)", line):
                found.append((match[1] == "C", match[2]))
    if not found:
        return None
    text = max(enumerate(found), key=lambda each: (each[1][0], each[0]))[1][1]
    text = text.partition("Check failed: ")[2] or text
    return " ".join(text.replace(str(folder), "…").split())[:300]
