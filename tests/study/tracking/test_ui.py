"""`segstudy ui`: MLflow's real server over a home, on loopback, from its start to its end."""

import asyncio
import json
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from study.tracking.database import default_uri
from study.tracking.ui import command, open_ui
from study.tracking.ui_app import wrapped
from study.tracking.views import DEFAULT_VIEW
from tests.ports import free_port
from trainables.errors import InputError


def test_the_server_as_a_command(tmp_path: Path) -> None:
    line = command(tmp_path, None, "127.0.0.1", 5001)
    assert line[0] == sys.executable
    assert line[-4:] == [default_uri(tmp_path), f"file://{tmp_path}/artifacts", "127.0.0.1", "5001"]
    assert "hush" not in " ".join(command(tmp_path, "postgresql://me:hush@db/mlflow", "127.0.0.1", 5001))


def test_a_server_that_runs_elsewhere_is_only_named(tmp_path: Path) -> None:
    said: list[str] = []
    open_ui(tmp_path / "none", "http://me:secret@cluster:5000/", say=said.append)
    assert said == ["MLflow: http://cluster:5000/#/experiments?workflowType=machine_learning"]


def test_a_home_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"no folder .*none: nothing was run there yet. Name the right one with --home"
    ):
        open_ui(tmp_path / "none")
    assert list(tmp_path.iterdir()) == []


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").write_text("there already")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match=f"cannot listen on 127.0.0.1, port {port}: .*Choose another with --port"):
            open_ui(tmp_path, port=port)


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").write_text("this is no database, but it is longer than the header of one" * 9)
    with pytest.raises(InputError, match=r"server ended by itself: .*file is not a database"):
        open_ui(tmp_path, port=free_port(), say=lambda line: None)


def test_the_assistant_is_not_served_and_all_else_is() -> None:
    async def inner(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200})

    async def ask(path: str, kind: str = "http") -> list[Any]:
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        async def receive() -> Any:
            return {}

        await wrapped(inner)({"type": kind, "path": path}, receive, send)
        return sent

    def status(path: str) -> int:
        return int(asyncio.run(ask(path))[0]["status"])

    assert status("/api/2.0/mlflow/experiments/search") == 200
    assert status("/ajax-api/3.0/mlflow/assistant/config") == 403
    assert asyncio.run(ask("/ajax-api/3.0/mlflow/assistant/message", "websocket")) == []
    assert asyncio.run(ask("/", "lifespan"))
    door = asyncio.run(ask("/segstudy"))[1]["body"]
    assert b"machine_learning" in door
    assert f'key === "{DEFAULT_VIEW}"'.encode() in door


OPEN = """
import sys
from pathlib import Path
import study.tracking.ui as ui
if sys.argv[3:] == ["stand-in"]:  # a server that is there in no time
    ui.command = lambda home, uri, host, port: [
        sys.executable, "-m", "http.server", "--bind", host, "--directory", str(home), str(port)
    ]
ui.open_ui(Path(sys.argv[1]), port=int(sys.argv[2]), say=lambda line: print(line, flush=True))
"""


def test_it_serves_the_home_until_ctrl_c_and_leaves_nothing_behind(tmp_path: Path) -> None:
    port = free_port()
    line = [sys.executable, "-c", OPEN, str(tmp_path), str(port)]
    process = subprocess.Popen(
        line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8", preexec_fn=hear_ctrl_c
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == f"MLflow: http://127.0.0.1:{port}/segstudy (Ctrl-C ends it)\n"
        (child,) = children(process.pid)
        assert fetch(f"http://127.0.0.1:{port}/health") == b"OK"
        found = json.loads(fetch(f"http://127.0.0.1:{port}/api/2.0/mlflow/experiments/search", b'{"max_results": 9}'))
        assert [experiment["name"] for experiment in found["experiments"]] == ["Default"]
        assert found["experiments"][0]["artifact_location"].startswith(f"file://{tmp_path}/artifacts")
        with pytest.raises(urllib.error.HTTPError, match="403"):
            fetch(f"http://127.0.0.1:{port}/ajax-api/3.0/mlflow/assistant/config")
        assert b"MLflow" in fetch(f"http://127.0.0.1:{port}/")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    finally:
        process.kill()
    assert (process.returncode, out, err) == (0, "", "")
    assert not Path(f"/proc/{child}").exists()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port)).close()


@pytest.fixture
def pretended(tmp_path: Path) -> Path:
    """A home for the stand-in."""
    (tmp_path / "mlflow.db").write_text("there already")
    (tmp_path / "health").write_text("OK")
    return tmp_path


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_end_the_server_too(pretended: Path, number: signal.Signals) -> None:
    line = [sys.executable, "-c", OPEN, str(pretended), str(free_port()), "stand-in"]
    process = subprocess.Popen(line, stdout=subprocess.PIPE, preexec_fn=hear_ctrl_c)
    assert process.stdout is not None
    process.stdout.readline()
    (child,) = children(process.pid)
    process.send_signal(number)
    process.communicate(timeout=30)
    assert process.returncode == 0
    assert not Path(f"/proc/{child}").exists()


def test_it_ends_when_told(pretended: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From a thread, where no signal arrives."""
    line = [sys.executable, "-m", "http.server", "--directory", str(pretended)]
    monkeypatch.setattr("study.tracking.ui.command", lambda home, uri, host, port: [*line, "--bind", host, str(port)])
    until, said = threading.Event(), []
    thread = threading.Thread(target=lambda: open_ui(pretended, say=said.append, until=until))
    thread.start()
    end = time.monotonic() + 30
    while not said and time.monotonic() < end:
        time.sleep(0.05)
    until.set()
    thread.join(30)
    assert not thread.is_alive()
    assert len(said) == 1


def hear_ctrl_c() -> None:
    """A shell that puts the tests in the background has its children ignore SIGINT, and theirs."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split()]


def fetch(address: str, body: bytes | None = None) -> bytes:
    request = urllib.request.Request(address, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return bytes(answer.read())
