"""Embedded Ray: what it listens on, who may talk to it, and what is said when it does not start."""

import os
import pathlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator

import pytest

from study.errors import MachineTroubleError
from study.machines import stand_in_agent
from study.machines.admission import Node
from study.machines.embedded_ray import embedded, said
from study.machines.ray_session import head_address, quiet, settings


@pytest.fixture
def short() -> Iterator[pathlib.Path]:
    """A folder whose path is short, as sockets want it."""
    with tempfile.TemporaryDirectory(prefix="s", dir="/tmp") as name:
        yield pathlib.Path(name)


LISTENING = "0A"  # in /proc/net/tcp


def listening_on(pid: int) -> set[str]:
    """Addresses on which a process and its children listen, as hexadecimal digits of the kernel's tables."""
    inodes = set()
    for each in [pid, *children(pid)]:
        for file in pathlib.Path(f"/proc/{each}/fd").iterdir():
            target = os.readlink(file) if file.is_symlink() else ""
            if target.startswith("socket:["):
                inodes.add(target[8:-1])
    found = set()
    for table in ("tcp", "tcp6"):
        for line in pathlib.Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == LISTENING and fields[9] in inodes:
                found.add(fields[1].partition(":")[0])
    return found


def children(pid: int) -> list[int]:
    direct = [
        int(child)
        for task in pathlib.Path(f"/proc/{pid}/task").iterdir()
        for child in (task / "children").read_text().split()
    ]
    return direct + [each for child in direct for each in children(child)]


def _import_all() -> int:
    import copy  # noqa: F401
    import statistics  # noqa: F401

    import mine  # type: ignore[import-not-found]

    import trainables.segmenter  # noqa: F401

    return int(mine.value)


KNOCK = """
import sys
from ray._raylet import GcsClient
try:
    GcsClient(address=sys.argv[1]).internal_kv_get(b"any", None, timeout=10)
except Exception as error:
    print(type(error).__name__, "auth" in str(error).lower())
else:
    print("answered")
"""


@pytest.mark.ray
@pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's tables of sockets")
def test_it_listens_on_loopback_only_and_asks_for_its_token(
    short: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And its workers find our modules, whatever lies in the working directory."""
    import ray

    for name in ("study.py", "copy.py", "trainables.py", "statistics.py"):
        (short / name).write_text("raise SystemError('the user has a module of this name')")
    (short / "mine.py").write_text("value = 4")
    monkeypatch.chdir(short)
    before = {name: os.environ.get(name) for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN")}
    with settings(), quiet(), embedded(Node("here", 1), short):
        assert ray.get(ray.remote(_import_all).remote()) == 4
        loopback = {"0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000"}
        found = listening_on(os.getpid())
        assert found
        assert found <= loopback
        names = [pathlib.Path(f"/proc/{pid}/cmdline").read_bytes() for pid in children(os.getpid())]
        assert not [name for name in names if b"dashboard/" in name or b"runtime_env/agent" in name]
        stranger = {name: value for name, value in os.environ.items() if not name.startswith("RAY_AUTH")}
        line = [sys.executable, "-P", "-c", KNOCK, head_address()]
        answer = subprocess.run(line, env={**stranger, "HOME": str(short)}, capture_output=True, text=True)
        assert answer.stdout.endswith(" True\n"), answer
    assert {name: os.environ.get(name) for name in before} == before


@pytest.mark.ray
def test_one_that_does_not_start_is_tried_again_and_then_said_in_a_line(
    short: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ray._private import services

    raylet = short / "raylet"
    raylet.write_text("#!/bin/sh\nexit 3\n")
    raylet.chmod(0o755)
    monkeypatch.setattr(services, "RAYLET_EXECUTABLE", str(raylet))
    told: list[str] = []
    with (
        settings(),
        quiet(),
        pytest.raises(MachineTroubleError) as raised,
        embedded(Node("here", 1), short, told.append),
    ):
        pass
    assert str(raised.value) == (
        "Ray does not start on this machine, in 3 attempts: one of its processes ended without a message. Nothing is "
        "lost: give the same command again when the machine is less busy, or that is mended"
    )
    assert told == ["Ray did not start (one of its processes ended without a message); it is started again"] * 2
    assert not children(os.getpid())


def test_the_reason_is_the_last_fatal_line_of_rays_logs(tmp_path: pathlib.Path) -> None:
    assert said(tmp_path) is None
    logs = tmp_path / "session_2026-01-01_0_1/logs"
    logs.mkdir(parents=True)
    logs.joinpath("gcs_server.out").write_text("[2026-01-01 00:00:41,283 E 25 25] gcs.cc:36:  a client went away\n")
    logs.joinpath("raylet.out").write_text(
        "[2026-01-01 00:00:41,200 I 26 26] (raylet) main.cc:3: starting\n"
        "[2026-01-01 00:00:41,283 C 26 26] (raylet) node_manager.cc:3576:  An unexpected system state has occurred. "
        f"Check failed: status.has_value() Timed out waiting for file {tmp_path}/agent_port\n"
        "[2026-01-01 00:00:41,284 E 26 26] (raylet) logging.cc:1:  *** StackTrace ***\n"
    )
    assert said(tmp_path) == "status.has_value() Timed out waiting for file …/agent_port"


def test_a_stand_in_ends_with_the_driver() -> None:
    line = [sys.executable, "-I", "-S", stand_in_agent.__file__]
    subprocess.run([*line, "4194305"], check=True, timeout=60)  # above any process number: the driver has ended
    with pytest.raises(subprocess.TimeoutExpired):
        subprocess.run([*line, str(os.getpid())], check=True, timeout=1)


def test_a_stand_in_ends_with_its_parent(monkeypatch: pytest.MonkeyPatch) -> None:
    parents = iter((7, 7, 7, 1))
    monkeypatch.setattr(os, "getppid", lambda: next(parents))
    monkeypatch.setattr(stand_in_agent, "POLL", 0.0)
    stand_in_agent.main(os.getpid())
    assert next(parents, None) is None
